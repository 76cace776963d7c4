#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a case that fails panics")]
#![allow(missing_docs, reason = "the names say what each case is")]

use core::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};

use super::block_on;
use crate::{
    curve::{AnySigningKey, AnyVerifyingKey},
    envelope::{
        Envelope, Expected, Header, OpenError, Payload, Sealed, Slot, SlotHeader, SlotTable,
        VouchedBy, seal,
    },
    id::{CurveId, Epoch, Purpose, Sharing, WalletId, WalletKind},
    identity::CustodianKeys,
    method::{
        AgreementKey, BackupMethod, Identity, OpenContext, RecoveryCode, SlotKind,
        SoftwareIdentity, Vouching,
    },
    share::KeyId,
    store::{Operator, Writable},
};

/// The cases of [`backup_method_conformance`](crate::backup_method_conformance). Each is given the
/// method and another of its kind with another secret.
#[derive(Debug)]
pub struct MethodCases;

impl MethodCases {
    pub async fn what_it_makes_it_opens(method: &impl BackupMethod, _: &impl BackupMethod) {
        let slot = Wallet::new().slot(method).await;
        let identity = open(method, slot.header()).await.expect("its own slot");
        assert_eq!(identity.public_key(), slot.header().public_key);
    }

    pub async fn every_slot_is_new(method: &impl BackupMethod, _: &impl BackupMethod) {
        let mut wallet = Wallet::new();
        let (one, two) = (wallet.slot(method).await, wallet.slot(method).await);
        assert_ne!(one.header().public_key, two.header().public_key);
    }

    /// It may say so, or not know the slot, or give an identity that is not the slot's.
    pub async fn another_secret_does_not_open(
        method: &impl BackupMethod,
        other: &impl BackupMethod,
    ) {
        let slot = Wallet::new().slot(method).await;
        let context = OpenContext { wallet: WALLET };
        if let Ok(Some(identity)) = other.open(slot.header(), context).await {
            assert_ne!(identity.public_key(), slot.header().public_key);
        }
    }

    pub async fn other_kinds_are_not_its_own(method: &impl BackupMethod, _: &impl BackupMethod) {
        let slot = Wallet::new().slot(method).await;
        for kind in SlotKind::KNOWN.into_iter().chain([SlotKind::from_number(1000)]) {
            if kind != method.kind() {
                let other = SlotHeader { kind, ..slot.header().clone() };
                let opened = method.open(&other, OpenContext { wallet: WALLET }).await;
                assert!(matches!(opened, Ok(None)), "{kind}: {opened:?}");
            }
        }
    }

    /// Refused, or not taken for its own; never a panic, and never the slot's identity.
    pub async fn unreadable_parameters_are_refused(
        method: &impl BackupMethod,
        _: &impl BackupMethod,
    ) {
        let slot = Wallet::new().slot(method).await;
        let parameters = &slot.header().parameters;
        let cut = parameters.split_last().map(|(_, rest)| rest.to_vec()).unwrap_or_default();
        let longer = [parameters.as_slice(), &[0]].concat();
        for parameters in [Vec::new(), vec![0xFF], vec![0x9B, 0xFF, 0xFF], cut, longer] {
            if parameters != slot.header().parameters {
                let other = SlotHeader { parameters, ..slot.header().clone() };
                let opened = method.open(&other, OpenContext { wallet: WALLET }).await;
                assert!(matches!(opened, Err(_) | Ok(None)), "{opened:?}");
            }
        }
    }

    pub async fn it_opens_an_envelope(method: &impl BackupMethod, other: &impl BackupMethod) {
        let mut wallet = Wallet::new();
        let slots = wallet.slots(method).await;
        let envelope = wallet.seal(1, &slots);
        let opened = envelope.open(method, &accepting()).await.unwrap();
        assert_eq!(opened.payload.verifying_keys(), wallet.keys());
        assert!(envelope.open(other, &accepting()).await.is_err());
    }

    pub async fn its_slot_survives_the_next_epoch(
        method: &impl BackupMethod,
        _: &impl BackupMethod,
    ) {
        let mut wallet = Wallet::new();
        let slots = wallet.slots(method).await;
        let first = wallet.seal(1, &slots).open(method, &accepting()).await.unwrap();
        let second = wallet.seal(2, &first.slots).open(method, &accepting()).await.unwrap();
        assert_eq!(second.opened_with, first.opened_with);
    }

    pub async fn it_vouches_as_it_says(method: &impl BackupMethod, _: &impl BackupMethod) {
        let mut wallet = Wallet::new();
        let slots = wallet.slots(method).await;
        let tagged = slots.iter().all(|slot| slot.header().tag.is_some());
        let outcome = wallet.seal(1, &slots).open(method, &Expected::default()).await;
        match method.vouching() {
            Vouching::KeyTag => assert!(tagged && outcome.is_ok(), "{outcome:?}"),
            Vouching::CheckCode => {
                assert!(!tagged && matches!(outcome, Err(OpenError::Unvouched)), "{outcome:?}")
            }
        }
    }

    pub async fn both_sides_agree(method: &impl BackupMethod, _: &impl BackupMethod) {
        let mut wallet = Wallet::new();
        let slot = wallet.slot(method).await;
        let identity = open(method, slot.header()).await.expect("its own slot");
        let there = SoftwareIdentity::make(&mut wallet.rng);
        let ours = identity.agree(&there.public_key()).await.unwrap();
        let theirs = there.agree(&identity.public_key()).await.unwrap();
        assert_eq!(ours.derive(None, b"").0, theirs.derive(None, b"").0);
        let read = AgreementKey::from_bytes(&identity.public_key().to_bytes());
        assert_eq!(read, Ok(identity.public_key()));
    }

    /// A redacted secret leaves little to show.
    pub async fn debug_is_short(method: &impl BackupMethod, _: &impl BackupMethod) {
        assert!(format!("{method:?}").len() < 1024);
    }
}

const WALLET: WalletId = WalletId::from_bytes(*b"a wallet of ours");

fn accepting() -> Expected {
    Expected { vouched_by: VouchedBy::AcceptUnvouched, ..Expected::default() }
}

async fn open(method: &impl BackupMethod, slot: &SlotHeader) -> Option<Box<dyn Identity>> {
    method.open(slot, OpenContext { wallet: WALLET }).await.unwrap()
}

pub(super) struct Wallet {
    pub(super) rng: NotRandom,
    key: AnySigningKey,
    custodian: CustodianKeys,
}

impl Wallet {
    pub(super) fn new() -> Self {
        let mut rng = NotRandom::default();
        let key = AnySigningKey::make(CurveId::Secp256k1, &mut rng);
        let custodian = CustodianKeys::make(&mut rng);
        Self { rng, key, custodian }
    }

    fn keys(&self) -> Vec<AnyVerifyingKey> {
        vec![self.key.verifying_key()]
    }

    async fn slot(&mut self, method: &impl BackupMethod) -> Slot {
        let keys = self.keys();
        Slot::make(method, WALLET, &keys, &mut self.rng).await.unwrap()
    }

    pub(super) async fn slots(&mut self, method: &impl BackupMethod) -> SlotTable {
        let mut slots = SlotTable::new();
        slots.add(self.slot(method).await).unwrap();
        slots
    }

    pub(super) fn contents(&mut self, epoch: u64) -> (Header, Payload) {
        let epoch = Epoch::new(epoch).unwrap();
        let sharing = Sharing { wallet: WALLET, purpose: Purpose::Backup, epoch };
        let payload = Payload {
            kind: WalletKind::Mpc,
            keys: vec![self.key.split(KeyId { sharing, index: 0 }, &mut self.rng).0],
            secrets: Vec::new(),
            attachments: Vec::new(),
            custodian: *self.custodian.identity(),
        };
        (Header::new(WALLET, epoch, 0), payload)
    }

    fn seal_writable(&mut self, epoch: u64, slots: &SlotTable) -> Sealed {
        let (header, payload) = self.contents(epoch);
        seal(&header, &payload, slots, &mut self.rng).unwrap()
    }

    pub(super) fn seal(&mut self, epoch: u64, slots: &SlotTable) -> Envelope {
        Envelope::from_bytes(&self.seal_writable(epoch, slots).bytes).unwrap()
    }
}

/// Two envelopes of one wallet.
pub(super) fn sample_envelope() -> (Writable, Writable) {
    let mut wallet = Wallet::new();
    let code = RecoveryCode::make(&mut wallet.rng);
    let slots = block_on(wallet.slots(&code));
    let (one, two) = (wallet.seal_writable(1, &slots), wallet.seal_writable(2, &slots));
    let writable = |sealed| Writable::sealed(sealed, Operator::User, None).unwrap();
    (writable(&one), writable(&two))
}

/// SHA-256 of a counter, so that a case that fails fails again.
#[derive(Default)]
pub(super) struct NotRandom(u64);

impl TryRng for NotRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            let block = Sha256::digest(self.0.to_be_bytes());
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl TryCryptoRng for NotRandom {}
