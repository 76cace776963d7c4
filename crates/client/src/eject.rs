//! Eject: the whole key is given to the user, and objections to those who ask for it.

use core::fmt;

use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{CurveId, OperationId, WalletId},
    proof::Operation,
    sealed::WalletSecret,
    secret::SecretBytes,
    share::AnyClientShare,
};
use twoshare_protocol::{
    custodian::EjectError as EjectRefused,
    rules::{ReleaseRefusal, WaitRefusal},
    session::{AskedRequest, Proving},
};

use crate::{
    client::{Client, make_operation_id, rng},
    error::{CancelError, DeviceError, EjectError},
    kept::Kept,
    method::Method,
    progress::{Call, Step},
    record::{Holding, Keys, Shares},
    recover::Waiting,
    wallet::{Exported, open_all},
};

/// What became of an eject.
#[derive(Debug)]
pub enum Ejected {
    /// The keys, in the order of the wallet's. Whoever has them has the wallet: what was two shares is
    /// one key from here on, and the wallet's hazards say so ever after.
    Done(Vec<EjectedKey>),
    /// The operator lets everybody wait: call again when it is ready, with the same method, inside the
    /// window.
    Waiting(Waiting),
}

/// A whole private key, wiped when it is dropped.
pub struct EjectedKey {
    key: AnySigningKey,
    secret: Option<WalletSecret>,
}

/// What the 32 bytes of an ejected Ed25519 key are, for whoever wants to put them into another wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ed25519Scalar;

impl Ed25519Scalar {
    /// The explanation, for people.
    pub const EXPLANATION: &'static str = "This is the private scalar of an Ed25519 key, 32 bytes in \
        little-endian order, already reduced modulo the group's order. It is not the 32-byte seed of \
        RFC 8032 that most wallets ask for: the seed is hashed to get a scalar, nothing leads from a \
        scalar back to a seed, and a key that was generated in two shares never had one. Importing it \
        as a seed gives another address. Software that takes a raw or expanded private key (the scalar, \
        and a nonce prefix which may be any 32 secret random bytes) signs with it under the same public \
        key; otherwise move the funds to a new address with this wallet.";
}

impl fmt::Display for Ed25519Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::EXPLANATION)
    }
}

impl EjectedKey {
    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> CurveId {
        self.key.curve()
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> AnyVerifyingKey {
        self.key.verifying_key()
    }

    /// Of a single-key wallet, the secret that was sealed under this key: then that is what the user
    /// wants, and the key itself is nothing outside of twoshare.
    #[must_use]
    pub const fn secret(&self) -> Option<&WalletSecret> {
        self.secret.as_ref()
    }

    /// The private key as 32 bytes: of secp256k1 big-endian, as Bitcoin and Ethereum software takes it;
    /// of Ed25519 the little-endian scalar, see [`EjectedKey::note`]. Say beside each call why they must be
    /// seen there.
    #[must_use]
    pub fn expose_secret(&self) -> SecretBytes {
        self.key.expose_secret()
    }

    /// The same as 64 hexadecimal digits, which is what most software imports.
    #[must_use]
    pub fn expose_hex(&self) -> SecretBytes {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).map_or(b'0', |c| c as u8);
        let mut hex = SecretBytes::with_capacity(64);
        // Exposed: to be shown as hex.
        for byte in self.expose_secret().expose_secret() {
            hex.extend(&[digit(byte >> 4), digit(byte & 15)]);
        }
        hex
    }

    /// What a wallet that expects a seed makes of an Ed25519 key.
    #[must_use]
    pub const fn note(&self) -> Option<Ed25519Scalar> {
        match (self.key.curve(), &self.secret) {
            (CurveId::Ed25519, None) => Some(Ed25519Scalar),
            _ => None,
        }
    }
}

impl fmt::Debug for EjectedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EjectedKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Client {
    /// Gives the user the whole key, inside the window that the custodian's operator has opened. One
    /// method is opened. It may be repeated inside the window. Of a single-key wallet,
    /// [`Wallet::export`](crate::Wallet::export) gives the same without anybody's help.
    ///
    /// # Errors
    ///
    /// See [`EjectError`].
    pub async fn eject(&self, wallet: WalletId, method: &Method) -> Result<Ejected, EjectError> {
        let track = self.track(wallet, Call::Eject);
        let mut kept = self.load_known(wallet).await?;
        self.settle(&mut kept, &track).await?;
        if !kept.record.is_here() {
            return Err(DeviceError::NotHere { wallet }.into());
        }
        let backup = self.open_known(&kept.record, method, &track).await?;
        track.at(Step::Ask);
        let payload = &backup.opened.payload;
        let (party, proving) =
            (self.party(backup.identity, wallet, payload.kind), Proving::Backup(&payload.keys));
        let asked = AskedRequest::new(party, Operation::Eject, make_operation_id(), proving)?;
        let begun = self.custodian().begin(asked.message().clone()).await?;
        let requested = asked.request(&begun, proving, &mut rng())?;
        // Before the custodian can have released anything.
        let before = kept.record.marks;
        kept.record.marks.eject_asked = Some(backup.state.at);
        self.save(&mut kept).await?;
        let ejected = match self.custodian().eject(requested.message().clone()).await {
            Ok(ejected) => ejected,
            // It may have been released.
            Err(error @ EjectRefused::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                kept.record.marks = before;
                self.save(&mut kept).await?;
                return match error {
                    EjectRefused::Refused(ReleaseRefusal::Wait(WaitRefusal::Waiting {
                        request,
                        until,
                    })) => Ok(Ejected::Waiting(Waiting { request, ready_at: until })),
                    error => Err(error.into()),
                };
            }
        };
        kept.record.marks.eject_asked = None;
        kept.record.marks.ejected = kept.record.marks.ejected.or(Some(backup.state.at));
        self.save(&mut kept).await?;
        let theirs = requested.open(&ejected, &payload.keys)?;
        let pairs = payload.keys.iter().zip(&theirs);
        let keys = pairs.map(|(mine, theirs)| {
            AnySigningKey::reconstruct(mine, theirs, &AnyClientShare::verifying_key(mine))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let secrets = match payload.secrets.as_slice() {
            [] => Vec::new(),
            sealed => open_all(wallet, &keys, sealed)?,
        };
        let mut secrets = secrets.into_iter().map(|exported| match exported {
            Exported::Key(_) => None,
            Exported::Secret(secret) => Some(secret),
        });
        let keys = keys.into_iter();
        let keys = keys.map(|key| EjectedKey { key, secret: secrets.next().flatten() }).collect();
        track.at(Step::Done);
        Ok(Ejected::Done(keys))
    }

    /// Objects to a recovery or an eject that waits, with this device's proof. That ends nothing: the
    /// wallet stands still, for everybody, until the custodian's operator has decided between the device
    /// and the request. [`Status::waiting`](crate::Status::waiting) has its id.
    ///
    /// # Errors
    ///
    /// See [`CancelError`].
    pub async fn cancel(&self, wallet: WalletId, request: OperationId) -> Result<(), CancelError> {
        let kept = self.load_known(wallet).await?;
        let custodian = self.identity_of(&kept.record)?;
        let proving = device_proof(&kept)?;
        let party = self.party(custodian, wallet, kept.record.kind);
        let asked = AskedRequest::new(party, Operation::Cancel, request, proving)?;
        let begun = self.custodian().begin(asked.message().clone()).await?;
        let requested = asked.request(&begun, proving, &mut rng())?;
        Ok(self.custodian().cancel(requested.message().clone()).await?)
    }
}

/// What this device proves with.
fn device_proof(kept: &Kept) -> Result<Proving<'_>, DeviceError> {
    match &kept.record.holding {
        Holding::Mpc(Shares(signing), _) => Ok(Proving::Signing(signing)),
        Holding::SingleKey(Keys(keys), _) => Ok(Proving::Keys(keys)),
        Holding::Nothing => Err(DeviceError::NotHere { wallet: kept.record.wallet }),
    }
}
