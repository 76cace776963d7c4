//! What an envelope keeps, and its encoding:
//!
//! ```text
//! payload = [
//!   kind: 1 / 2,                                   ; WalletKind
//!   keys: [+ bstr],                                ; client backup shares, in the order of the keys
//!   secrets: [* bstr],                             ; sealed secrets
//!   attachments: [* bstr],
//!   custodian: bstr .size 66,
//!   slots: [* bstr],                               ; the slots' protected headers
//! ]
//! ```

use super::{MAX_KEYS, MAX_SLOTS, PayloadError, header::Header, slot::SlotTable};
use crate::{
    attachment::Attachment,
    curve::AnyVerifyingKey,
    id::{Purpose, WalletKind},
    identity::CustodianIdentity,
    sealed::SealedSecret,
    secret::SecretBytes,
    share::AnyClientShare,
    wire::{Reader, Writer},
};

/// The most sealed secrets, and the most attachments.
const MAX_ITEMS: usize = 64;

/// What an envelope keeps for the user.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Where the wallet's whole key is.
    pub kind: WalletKind,
    /// The client's backup share of each key of the wallet, in the order of their index.
    pub keys: Vec<AnyClientShare>,
    /// Secrets that are not scalars, each sealed under one of the keys.
    pub secrets: Vec<SealedSecret>,
    /// What signing libraries want kept with the keys.
    pub attachments: Vec<Attachment>,
    /// Who holds the other shares.
    pub custodian: CustodianIdentity,
}

impl Payload {
    /// The wallet's public keys, in their order.
    #[must_use]
    pub fn verifying_keys(&self) -> Vec<AnyVerifyingKey> {
        self.keys.iter().map(AnyClientShare::verifying_key).collect()
    }

    /// Checks that everything is of the header's wallet and epoch.
    pub(super) fn check(&self, header: &Header) -> Result<(), PayloadError> {
        if header.kind.is_some_and(|kind| kind != self.kind) {
            return Err(PayloadError::WrongKind { payload: self.kind });
        }
        if self.keys.is_empty() {
            return Err(PayloadError::NoKeys);
        }
        for (cap, count) in [
            (MAX_KEYS, self.keys.len()),
            (MAX_ITEMS, self.secrets.len()),
            (MAX_ITEMS, self.attachments.len()),
        ] {
            if count > cap {
                return Err(PayloadError::TooMany { count, cap });
            }
        }
        for (position, share) in self.keys.iter().enumerate() {
            let id = share.id();
            let (wallet, epoch) = (id.sharing.wallet, id.sharing.epoch);
            if wallet != header.wallet {
                return Err(PayloadError::WrongWallet { expected: header.wallet, found: wallet });
            }
            if id.sharing.purpose != Purpose::Backup {
                return Err(PayloadError::WrongPurpose { found: id.sharing.purpose });
            }
            if epoch != header.epoch {
                return Err(PayloadError::WrongEpoch { expected: header.epoch, found: epoch });
            }
            if usize::from(id.index) != position {
                return Err(PayloadError::WrongIndex { expected: position, found: id.index });
            }
        }
        for (position, secret) in self.secrets.iter().enumerate() {
            if secret.wallet() != header.wallet {
                return Err(PayloadError::WrongWallet {
                    expected: header.wallet,
                    found: secret.wallet(),
                });
            }
            let key = self.keys.get(usize::from(secret.index())).map(AnyClientShare::verifying_key);
            let mut before = self.secrets.iter().take(position);
            if key != Some(AnyVerifyingKey::Secp256k1(*secret.verifying_key()))
                || before.any(|before| before.index() == secret.index())
            {
                return Err(PayloadError::SecretWithoutKey { index: secret.index() });
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, slots: &SlotTable) -> SecretBytes {
        let shares: Vec<SecretBytes> = self.keys.iter().map(AnyClientShare::to_bytes).collect();
        let secrets: Vec<Vec<u8>> = self.secrets.iter().map(SealedSecret::to_bytes).collect();
        let attachments: Vec<SecretBytes> =
            self.attachments.iter().map(Attachment::to_bytes).collect();
        let lengths = shares.iter().chain(&attachments).map(SecretBytes::len);
        let lengths =
            lengths.chain(secrets.iter().map(Vec::len)).chain(slots.protected().map(<[u8]>::len));
        // Each item's head has at most 5 bytes; 16 more for the GCM tag.
        let capacity =
            lengths.map(|length| length + 5).sum::<usize>() + CustodianIdentity::LEN + 64;

        let mut writer =
            Writer::new(capacity).array(6).uint(self.kind.number().into()).array(shares.len());
        for share in &shares {
            // Written into the plaintext, which is wiped.
            writer = writer.bytes(share.expose_secret());
        }
        writer = writer.array(secrets.len());
        for secret in &secrets {
            writer = writer.bytes(secret);
        }
        writer = writer.array(attachments.len());
        for attachment in &attachments {
            // Likewise.
            writer = writer.bytes(attachment.expose_secret());
        }
        writer = writer.bytes(&self.custodian.to_bytes()).array(slots.len());
        for protected in slots.protected() {
            writer = writer.bytes(protected);
        }
        writer.finish()
    }

    pub(crate) fn read(bytes: &[u8], header: &Header) -> Result<(Self, SlotTable), PayloadError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(6)?;
        let kind = WalletKind::from_number(reader.uint()?).ok_or(PayloadError::Malformed)?;
        let mut keys = Vec::new();
        for index in 0..reader.array(MAX_KEYS)? {
            let share = AnyClientShare::from_bytes(reader.bytes()?);
            keys.push(share.map_err(|source| PayloadError::Share { index, source })?);
        }
        let mut secrets = Vec::new();
        for index in 0..reader.array(MAX_ITEMS)? {
            let secret = SealedSecret::from_bytes(reader.bytes()?);
            secrets.push(secret.map_err(|source| PayloadError::Secret { index, source })?);
        }
        let mut attachments = Vec::new();
        for index in 0..reader.array(MAX_ITEMS)? {
            let attachment = Attachment::from_bytes(reader.bytes()?);
            attachments
                .push(attachment.map_err(|source| PayloadError::Attachment { index, source })?);
        }
        let custodian =
            CustodianIdentity::from_bytes(reader.bytes()?).map_err(PayloadError::Custodian)?;
        let mut slots = Vec::new();
        for _ in 0..reader.array(MAX_SLOTS)? {
            slots.push(reader.bytes()?);
        }
        reader.end()?;
        let payload = Self { kind, keys, secrets, attachments, custodian };
        payload.check(header)?;
        let slots = SlotTable::read(slots).ok_or(PayloadError::SlotTable)?;
        Ok((payload, slots))
    }
}
