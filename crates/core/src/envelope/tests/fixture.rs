use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use pollster::block_on;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use sha2::{Digest as _, Sha256};

use super::super::{
    frame::Frame,
    header::{BodyHeader, protected_bytes},
    kdf::ContentKey,
    seal::{make_content_key, wrap},
    *,
};
use crate::{
    attachment::Attachment,
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{CurveId, Epoch, Purpose, Sharing, WalletId, WalletKind},
    identity::CustodianKeys,
    method::{
        AgreedSecret, AgreementKey, Argon2Cost, BackupMethod, Identity, MakeContext, MethodError,
        NewSlot, OpenContext, Password, PasswordPolicy, RecoveryCode, SlotKind, SoftwareIdentity,
        Vouching,
    },
    sealed::{SealedSecret, SecretKind, WalletSecret},
    secret::SecretBytes,
    share::KeyId,
};

/// A wallet with a key on each curve, a sealed mnemonic and both kinds of attachments.
pub(super) struct Fixture {
    pub(super) rng: ChaCha20Rng,
    pub(super) header: Header,
    pub(super) signing_keys: Vec<AnySigningKey>,
    pub(super) payload: Payload,
}

pub(super) const PASSWORD: &str = "gravel mitten ocean 41";
pub(super) const MNEMONIC: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// The payload's fields as bytes, to be changed by an adversary who seals.
pub(super) struct Fields {
    pub(super) kind: u64,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) slots: Vec<Vec<u8>>,
    pub(super) attachment: Vec<u8>,
}

impl Fixture {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let wallet = WalletId::make(&mut rng);
        let mut header = Header::new(wallet, Epoch::new(3).unwrap(), 1_763_600_000);
        header.name = Some("Savings".into());
        header.kind = Some(WalletKind::SingleKey);
        header.network = Some("bitcoin".into());
        let mnemonic = WalletSecret::new(
            SecretKind::Mnemonic,
            "old phone",
            SecretBytes::from(MNEMONIC.as_bytes()),
        )
        .unwrap();
        let (k, sealed) = SealedSecret::seal(wallet, 2, &mnemonic, &mut rng);
        let signing_keys = vec![
            AnySigningKey::make(CurveId::Secp256k1, &mut rng),
            AnySigningKey::make(CurveId::Ed25519, &mut rng),
            k.into(),
        ];
        let payload = Payload {
            kind: WalletKind::SingleKey,
            keys: Vec::new(),
            secrets: vec![sealed],
            attachments: vec![
                Attachment::durable("chain code", SecretBytes::from([0xCC; 32].as_slice()))
                    .unwrap(),
                Attachment::per_device("Paillier key").unwrap(),
            ],
            custodian: *CustodianKeys::make(&mut rng).identity(),
        };
        let mut fixture = Self { rng, header, signing_keys, payload };
        fixture.share();
        fixture
    }

    /// Only a key on secp256k1, for tests whose time goes with the length.
    pub(super) fn small(seed: u64) -> Self {
        let mut fixture = Self::new(seed);
        fixture.signing_keys.truncate(1);
        fixture.payload.secrets.clear();
        fixture.payload.attachments.clear();
        fixture.header = Header::new(fixture.header.wallet, fixture.header.epoch, 1_763_600_000);
        fixture.share();
        fixture
    }

    pub(super) fn share(&mut self) {
        let sharing = Sharing {
            wallet: self.header.wallet,
            purpose: Purpose::Backup,
            epoch: self.header.epoch,
        };
        let keys = self.signing_keys.iter().zip(0..);
        let shares = keys.map(|(key, index)| key.split(KeyId { sharing, index }, &mut self.rng).0);
        self.payload.keys = shares.collect();
    }

    pub(super) fn next_epoch(&mut self) {
        self.header.epoch = self.header.epoch.next().unwrap();
        self.header.created += 86_400;
        self.share();
    }

    /// With little work, so that tests spend their time on other things.
    pub(super) fn password(&self) -> Password {
        let policy = PasswordPolicy::with_cost_for_tests(Argon2Cost::for_tests(64, 1, 4));
        Password::new(PASSWORD).unwrap().with_policy(policy).with_label("my password")
    }

    pub(super) fn code(&mut self) -> RecoveryCode {
        RecoveryCode::make(&mut self.rng).with_label("on paper")
    }

    pub(super) fn keys(&self) -> Vec<AnyVerifyingKey> {
        self.payload.verifying_keys()
    }

    pub(super) fn slot(&mut self, method: &dyn BackupMethod) -> Slot {
        let keys = self.keys();
        block_on(Slot::make(method, self.header.wallet, &keys, &mut self.rng)).unwrap()
    }

    pub(super) fn slots(&mut self, methods: &[&dyn BackupMethod]) -> SlotTable {
        let mut table = SlotTable::new();
        for method in methods {
            let slot = self.slot(*method);
            table.add(slot).unwrap();
        }
        table
    }

    pub(super) fn seal(&mut self, slots: &SlotTable) -> Sealed {
        seal(&self.header, &self.payload, slots, &mut self.rng).unwrap()
    }

    pub(super) fn code_and_sealed(&mut self) -> (RecoveryCode, Sealed) {
        let code = self.code();
        let slots = self.slots(&[&code]);
        (code, self.seal(&slots))
    }

    pub(super) fn seal_for_code(&mut self) -> Sealed {
        self.code_and_sealed().1
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            wallet: Some(self.header.wallet),
            epoch: Some(self.header.epoch),
            ..Expected::default()
        }
    }

    pub(super) fn assert_same(&self, payload: &Payload) {
        assert_eq!(payload.kind, self.payload.kind);
        for (ours, theirs) in self.payload.keys.iter().zip(&payload.keys) {
            assert_eq!(ours.to_bytes().expose_secret(), theirs.to_bytes().expose_secret());
        }
        assert_eq!(payload.keys.len(), self.payload.keys.len());
        assert_eq!(payload.secrets, self.payload.secrets);
        let bytes = |payload: &Payload| -> Vec<Vec<u8>> {
            payload.attachments.iter().map(|one| one.to_bytes().expose_secret().to_vec()).collect()
        };
        assert_eq!(bytes(payload), bytes(&self.payload));
        assert_eq!(payload.custodian, self.payload.custodian);
    }

    #[expect(clippy::unused_self, reason = "reads as what the fixture does")]
    pub(super) fn find(&self, bytes: &[u8], part: &[u8]) -> usize {
        bytes.windows(part.len()).position(|window| window == part).unwrap()
    }

    /// Seals for a code slot like a writer who does not check, or who lies.
    pub(super) fn seal_payload(
        &mut self,
        change: impl FnOnce(&mut Fields),
    ) -> (RecoveryCode, Vec<u8>) {
        let code = self.code();
        let slots = self.slots(&[&code]);
        let bytes = self.seal_fields(&slots, &slots, change);
        (code, bytes)
    }

    /// Seals a payload for `recipients`, with `table` inside it.
    pub(super) fn seal_fields(
        &mut self,
        recipients: &SlotTable,
        table: &SlotTable,
        change: impl FnOnce(&mut Fields),
    ) -> Vec<u8> {
        let plaintext = self.plaintext(table, change);
        let key = make_content_key(&mut self.rng);
        let commitment = key.commitment(&self.header);
        self.seal_plaintext(&key, commitment, recipients, SecretBytes::from(plaintext))
    }

    /// The encoding of a payload, written a second time, without any check.
    pub(super) fn plaintext(&self, table: &SlotTable, change: impl FnOnce(&mut Fields)) -> Vec<u8> {
        let mut fields = Fields {
            kind: self.payload.kind.number().into(),
            keys: self
                .payload
                .keys
                .iter()
                .map(|key| key.to_bytes().expose_secret().to_vec())
                .collect(),
            slots: table.protected().map(<[u8]>::to_vec).collect(),
            attachment: vec![0xCC; 32],
        };
        change(&mut fields);
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encoder.array(6).unwrap().u64(fields.kind).unwrap();
        encoder.array(fields.keys.len() as u64).unwrap();
        for key in &fields.keys {
            encoder.bytes(key).unwrap();
        }
        encoder.array(self.payload.secrets.len() as u64).unwrap();
        for secret in &self.payload.secrets {
            encoder.bytes(&secret.to_bytes()).unwrap();
        }
        let attachment = SecretBytes::from(fields.attachment);
        let attachment = Attachment::durable("chain code", attachment).unwrap().to_bytes();
        encoder.array(1).unwrap().bytes(attachment.expose_secret()).unwrap();
        encoder.bytes(&self.payload.custodian.to_bytes()).unwrap();
        encoder.array(fields.slots.len() as u64).unwrap();
        for slot in &fields.slots {
            encoder.bytes(slot).unwrap();
        }
        encoder.into_writer()
    }

    pub(super) fn seal_plaintext(
        &mut self,
        content_key: &ContentKey,
        commitment: [u8; 32],
        recipients: &SlotTable,
        plaintext: SecretBytes,
    ) -> Vec<u8> {
        let body = BodyHeader::new(&self.header, commitment);
        let iv = [9; 12];
        let ciphertext = content_key.encrypt(&iv, &body.protected, plaintext);
        let hash: [u8; 32] = Sha256::digest(protected_bytes(&body.protected)).into();
        let recipients: Vec<Vec<u8>> =
            recipients.iter().map(|slot| wrap(slot, content_key, &hash, &mut self.rng).0).collect();
        let recipients = recipients.iter().map(Vec::as_slice).collect();
        Frame { iv, ciphertext: ciphertext.expose_secret(), recipients }
            .write(protected_bytes(&body.protected))
    }
}

/// A method of a kind that core does not have: its identity is in memory.
#[derive(Debug)]
pub(super) struct Stranger {
    kind: SlotKind,
    identity: Option<Shared>,
    cancels: bool,
    recipient_only: bool,
    label: String,
    asked: AtomicU32,
}

#[derive(Debug, Clone)]
struct Shared(std::sync::Arc<SoftwareIdentity>);

#[async_trait]
impl Identity for Shared {
    fn public_key(&self) -> AgreementKey {
        self.0.public_key()
    }

    async fn agree(&self, point: &AgreementKey) -> Result<AgreedSecret, MethodError> {
        self.0.agree(point).await
    }
}

impl Stranger {
    pub(super) fn new(kind: SlotKind, rng: &mut ChaCha20Rng) -> Self {
        let identity = Some(Shared(std::sync::Arc::new(SoftwareIdentity::make(rng))));
        Self { identity, ..Self::panicking(kind) }
    }

    /// Must never be asked.
    pub(super) fn panicking(kind: SlotKind) -> Self {
        let (identity, label, asked) = (None, String::new(), AtomicU32::new(0));
        Self { kind, identity, cancels: false, recipient_only: false, label, asked }
    }

    pub(super) fn cancelling(kind: SlotKind) -> Self {
        Self { cancels: true, ..Self::panicking(kind) }
    }

    /// Has only scanned a public key.
    pub(super) fn recipient_only(kind: SlotKind) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        Self { recipient_only: true, ..Self::new(kind, &mut rng) }
    }

    pub(super) fn labelled(kind: SlotKind, label: &str) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        Self { label: label.into(), ..Self::new(kind, &mut rng) }
    }

    pub(super) fn scalar_for_tests(&self) -> String {
        hex::encode(self.identity.as_ref().unwrap().0.scalar_for_tests())
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl BackupMethod for Stranger {
    fn kind(&self) -> SlotKind {
        self.kind
    }

    fn vouching(&self) -> Vouching {
        match self.kind {
            SlotKind::Pin | SlotKind::CustodialPasskey | SlotKind::Device => Vouching::CheckCode,
            _ => Vouching::KeyTag,
        }
    }

    /// What the slot's label says.
    fn work(&self, slot: &SlotHeader) -> u64 {
        slot.label.parse().unwrap_or(0)
    }

    async fn make(&self, _: MakeContext<'_>) -> Result<NewSlot, MethodError> {
        let identity = self.identity.clone().unwrap();
        Ok(match self.recipient_only {
            true => NewSlot::recipient(&*self.label, Vec::new(), identity.public_key()),
            false => NewSlot::new(&*self.label, Vec::new(), Box::new(identity)),
        })
    }

    async fn open(
        &self,
        _: &SlotHeader,
        _: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.cancels {
            return Err(MethodError::Cancelled);
        }
        Ok(Some(Box::new(self.identity.clone().expect("never asked"))))
    }
}
