#![allow(clippy::indexing_slicing)]

mod adversary;
mod fixture;
mod flips;
mod stores;
mod vectors;

use pollster::block_on;

use self::fixture::{Fixture, Stranger};
use super::*;
use crate::{
    check_code::CheckCode,
    curve::AnySigningKey,
    id::{CurveId, Epoch, Purpose, WalletId, WalletKind},
    method::{MethodError, Password, RecoveryCode, SlotKind},
    share::{KeyId, ShareError},
};

#[test]
fn what_is_sealed_is_opened_with_every_method() {
    let mut fixture = Fixture::new(1);
    let (password, code) = (fixture.password(), fixture.code());
    let slots = fixture.slots(&[&password, &code]);
    let sealed = fixture.seal(&slots);
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    assert_eq!(envelope.digest(), sealed.digest);
    assert_eq!(envelope.name(), sealed.name());
    assert_eq!(envelope.header(), &fixture.header);
    for (method, id) in [(&password as &dyn crate::method::BackupMethod, 0), (&code, 1)] {
        let opened = block_on(envelope.open(method, &fixture.expected())).unwrap();
        assert_eq!(opened.opened_with, slots.iter().nth(id).unwrap().id());
        assert_eq!(opened.altered, None);
        fixture.assert_same(&opened.payload);
        let names =
            |table: &SlotTable| table.iter().map(|slot| slot.header().clone()).collect::<Vec<_>>();
        assert_eq!(names(&opened.slots), names(&slots));
    }
    assert_eq!(sealed.keys.test_open(&sealed.bytes), Ok(()));
}

#[test]
fn coset_reads_what_is_sealed() {
    let mut fixture = Fixture::new(2);
    let sealed = fixture.seal_for_code();
    let cose =
        <coset::CoseEncrypt as coset::TaggedCborSerializable>::from_tagged_slice(&sealed.bytes)
            .unwrap();
    assert_eq!(cose.recipients.len(), 1);
    assert_eq!(coset::TaggedCborSerializable::to_tagged_vec(cose).unwrap(), sealed.bytes);
}

#[test]
fn the_next_epoch_is_sealed_without_asking_the_other_methods() {
    let mut fixture = Fixture::new(3);
    let (password, code) = (fixture.password(), fixture.code());
    let slots = fixture.slots(&[&password, &code]);
    let sealed = fixture.seal(&slots);
    let opened =
        block_on(Envelope::from_bytes(&sealed.bytes).unwrap().open(&code, &fixture.expected()))
            .unwrap();

    fixture.next_epoch();
    let next = fixture.seal(&opened.slots);
    let next = Envelope::from_bytes(&next.bytes).unwrap();
    let reopened = block_on(next.open(&password, &fixture.expected())).unwrap();
    fixture.assert_same(&reopened.payload);

    let mut fewer = reopened.slots;
    let removed = fewer.iter().find(|slot| slot.header().kind == SlotKind::Password).unwrap().id();
    fewer.remove(removed).unwrap();
    fixture.next_epoch();
    let without = Envelope::from_bytes(&fixture.seal(&fewer).bytes).unwrap();
    assert!(block_on(without.open(&code, &fixture.expected())).is_ok());
    let refusal = block_on(without.open(&password, &fixture.expected())).unwrap_err();
    assert!(matches!(refusal, OpenError::NoSlot { kind: SlotKind::Password }), "{refusal:?}");
}

#[test]
fn a_wrong_secret_is_told_from_damage() {
    let mut fixture = Fixture::new(4);
    let (password, code) = (fixture.password(), fixture.code());
    let slots = fixture.slots(&[&password, &code]);
    let sealed = fixture.seal(&slots);
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let wrong = Password::new("gravel mitten ocean 42").unwrap();
    let refusal = block_on(envelope.open(&wrong, &Expected::default())).unwrap_err();
    assert!(matches!(refusal, OpenError::WrongSecret { kind: SlotKind::Password }), "{refusal:?}");
    let refusal = block_on(envelope.open(&fixture.code(), &Expected::default())).unwrap_err();
    assert!(
        matches!(refusal, OpenError::WrongSecret { kind: SlotKind::RecoveryCode }),
        "{refusal:?}"
    );

    let end = fixture.find(&sealed.bytes, &envelope.ciphertext_for_tests()) + 5;
    let mut damaged = sealed.bytes.clone();
    damaged[end] ^= 1;
    let damaged = Envelope::from_bytes(&damaged).unwrap();
    let refusal = block_on(damaged.open(&code, &Expected::default())).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged(Damage::Ciphertext)), "{refusal:?}");
}

#[test]
fn what_the_caller_expects_is_compared_before_any_work() {
    let mut fixture = Fixture::new(5);
    let sealed = fixture.seal_for_code();
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let never = Stranger::panicking(SlotKind::RecoveryCode);
    let open = |expected| block_on(envelope.open(&never, &expected)).unwrap_err();
    let wallet = WalletId::from_bytes([0xEE; 16]);
    let refusal = open(Expected { wallet: Some(wallet), ..Expected::default() });
    assert!(
        matches!(refusal, OpenError::WrongWallet { expected, found } if expected == wallet && found == fixture.header.wallet)
    );
    let refusal = open(Expected { epoch: Epoch::new(99), ..Expected::default() });
    assert!(
        matches!(refusal, OpenError::WrongEpoch { found, .. } if found == fixture.header.epoch)
    );
    let refusal =
        open(Expected { digest: Some(crate::digest::Digest::of(b"")), ..Expected::default() });
    assert!(matches!(refusal, OpenError::WrongDigest { found, .. } if found == sealed.digest));
}

#[test]
fn a_caller_who_knows_the_keys_has_them_compared() {
    let mut fixture = Fixture::new(6);
    let (code, sealed) = fixture.code_and_sealed();
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let open = |keys| {
        block_on(envelope.open(&code, &Expected { keys: Some(keys), ..Expected::default() }))
    };
    let mut keys = fixture.keys();
    assert!(open(keys.clone()).is_ok());
    keys.swap(0, 1);
    let refusal = open(keys.clone()).unwrap_err();
    assert!(matches!(
        refusal,
        OpenError::WrongCurve { index: 0, expected: CurveId::Ed25519, found: CurveId::Secp256k1 }
    ));
    keys.swap(0, 1);
    keys[0] = AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng).verifying_key();
    assert!(matches!(open(keys).unwrap_err(), OpenError::Substituted));
    assert!(matches!(open(Vec::new()).unwrap_err(), OpenError::Substituted));
}

#[test]
fn check_codes_are_equal_for_the_same_wallet_only() {
    let mut fixture = Fixture::new(7);
    let (code, sealed) = fixture.code_and_sealed();
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let right = CheckCode::of(fixture.header.wallet, &fixture.keys());
    let text = right.to_string();
    assert_eq!(text.len(), 23);
    assert_eq!(text.to_lowercase().replace('0', "O").replace('-', " ").parse(), Ok(right.clone()));
    let open = |code_: CheckCode| {
        block_on(envelope.open(
            &code,
            &Expected { vouched_by: VouchedBy::CheckCode(code_), ..Expected::default() },
        ))
    };
    assert!(open(right).is_ok());
    let mut keys = fixture.keys();
    keys.pop();
    for wrong in [
        CheckCode::of(WalletId::from_bytes([1; 16]), &fixture.keys()),
        CheckCode::of(fixture.header.wallet, &keys),
    ] {
        assert!(matches!(open(wrong).unwrap_err(), OpenError::Substituted));
    }
}

#[test]
fn what_does_not_belong_together_is_not_sealed() {
    let mut fixture = Fixture::new(8);
    let code = fixture.code();
    let slots = fixture.slots(&[&code]);
    let refusal = |fixture: &mut Fixture, payload: &Payload| match seal(
        &fixture.header,
        payload,
        &slots,
        &mut fixture.rng,
    ) {
        Err(SealError::Payload(error)) => error,
        other => panic!("{other:?}"),
    };
    let sharing = fixture.payload.keys[0].id().sharing;
    let reshared = |fixture: &mut Fixture, id: KeyId| {
        let mut payload = fixture.payload.clone();
        let key = AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng);
        payload.keys[0] = key.split(id, &mut fixture.rng).0;
        refusal(fixture, &payload)
    };
    let wallet = WalletId::from_bytes([1; 16]);
    let id = KeyId { sharing: crate::id::Sharing { wallet, ..sharing }, index: 0 };
    assert!(
        matches!(reshared(&mut fixture, id), PayloadError::WrongWallet { found, .. } if found == wallet)
    );
    let id = KeyId {
        sharing: crate::id::Sharing { epoch: Epoch::new(77).unwrap(), ..sharing },
        index: 0,
    };
    assert!(
        matches!(reshared(&mut fixture, id), PayloadError::WrongEpoch { found, .. } if found.get() == 77)
    );
    let id =
        KeyId { sharing: crate::id::Sharing { purpose: Purpose::Signing, ..sharing }, index: 0 };
    assert!(matches!(
        reshared(&mut fixture, id),
        PayloadError::WrongPurpose { found: Purpose::Signing }
    ));
    let id = KeyId { sharing, index: 1 };
    assert!(matches!(
        reshared(&mut fixture, id),
        PayloadError::WrongIndex { expected: 0, found: 1 }
    ));

    let mut payload = fixture.payload.clone();
    payload.keys.clear();
    assert_eq!(refusal(&mut fixture, &payload), PayloadError::NoKeys);
    let mut payload = fixture.payload.clone();
    payload.kind = WalletKind::Mpc;
    fixture.header.kind = Some(WalletKind::SingleKey);
    assert_eq!(
        refusal(&mut fixture, &payload),
        PayloadError::WrongKind { payload: WalletKind::Mpc }
    );
    fixture.header.kind = None;
    let mut payload = fixture.payload.clone();
    payload.keys.pop();
    assert_eq!(refusal(&mut fixture, &payload), PayloadError::SecretWithoutKey { index: 2 });
    let mut payload = fixture.payload.clone();
    payload.secrets.push(payload.secrets[0].clone());
    let index = payload.secrets[0].index();
    assert_eq!(refusal(&mut fixture, &payload), PayloadError::SecretWithoutKey { index });
    let mut payload = fixture.payload.clone();
    let theirs = Fixture::new(88);
    payload.secrets = theirs.payload.secrets;
    let expected = fixture.header.wallet;
    let found = theirs.header.wallet;
    assert_eq!(refusal(&mut fixture, &payload), PayloadError::WrongWallet { expected, found });
    let mut payload = fixture.payload.clone();
    payload.attachments = vec![payload.attachments[0].clone(); 65];
    assert_eq!(refusal(&mut fixture, &payload), PayloadError::TooMany { count: 65, cap: 64 });

    let payload = fixture.payload.clone();
    assert_eq!(
        seal(&fixture.header, &payload, &SlotTable::new(), &mut fixture.rng).unwrap_err(),
        SealError::NoSlots
    );
    fixture.header.name = Some("n".repeat(257));
    assert_eq!(
        seal(&fixture.header, &payload, &slots, &mut fixture.rng).unwrap_err(),
        SealError::HeaderTooLarge
    );
}

#[test]
fn more_than_an_envelope_holds_is_not_sealed() {
    let mut fixture = Fixture::small(15);
    let code = fixture.code();
    let slots = fixture.slots(&[&code]);
    let mebibyte = crate::secret::SecretBytes::from(vec![0; 1024 * 1024]);
    let attachment = crate::attachment::Attachment::durable("x", mebibyte).unwrap();
    fixture.payload.attachments = vec![attachment; 8];
    let refusal = seal(&fixture.header, &fixture.payload, &slots, &mut fixture.rng).unwrap_err();
    assert!(matches!(refusal, SealError::TooLarge { len, cap: MAX_LEN } if len > MAX_LEN));
    fixture.payload.attachments.pop();
    let sealed = fixture.seal(&slots);
    assert_eq!(sealed.keys.test_open(&sealed.bytes), Ok(()));
}

#[test]
fn a_method_that_does_not_do_what_it_says_makes_no_slot() {
    let mut fixture = Fixture::small(16);
    let keys = fixture.keys();
    let mut make = |method: &Stranger| {
        block_on(Slot::make(method, fixture.header.wallet, &keys, &mut fixture.rng)).unwrap_err()
    };
    // It vouches, as hardware does, but has no identity.
    let scanned = Stranger::recipient_only(SlotKind::Hardware);
    assert!(matches!(make(&scanned), SlotError::NoIdentity));
    let wordy = Stranger::labelled(SlotKind::Pin, &"l".repeat(257));
    assert!(matches!(make(&wordy), SlotError::TooLarge));
    let device = Stranger::recipient_only(SlotKind::Device);
    let slot = fixture.slot(&device);
    assert_eq!((slot.header().kind, slot.header().tag), (SlotKind::Device, None));
}

#[test]
fn a_payload_with_the_custodians_share_is_refused() {
    let mut fixture = Fixture::new(9);
    let key = AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng);
    let (_, custodian) = key.split(fixture.payload.keys[0].id(), &mut fixture.rng);
    let (code, bytes) = fixture
        .seal_payload(|fields| fields.keys[0] = custodian.to_bytes().expose_secret().to_vec());
    let envelope = Envelope::from_bytes(&bytes).unwrap();
    let refusal = block_on(envelope.open(&code, &fixture.expected())).unwrap_err();
    let OpenError::Payload(PayloadError::Share {
        index: 0,
        source: ShareError::RoleMismatch { .. },
    }) = refusal
    else {
        panic!("{refusal:?}")
    };
}

#[test]
fn tables_hold_sixteen_slots_with_different_keys() {
    let mut fixture = Fixture::new(10);
    let code = fixture.code();
    let slot = fixture.slot(&code);
    let mut table = SlotTable::new();
    table.add(slot.clone()).unwrap();
    assert_eq!(table.add(slot.clone()), Err(SlotTableError::Duplicate { slot: slot.id() }));
    for _ in 1..MAX_SLOTS {
        let slot = fixture.slot(&code);
        table.add(slot).unwrap();
    }
    let one_more = fixture.slot(&code);
    assert_eq!(table.add(one_more), Err(SlotTableError::Full { cap: 16 }));
    let sealed = fixture.seal(&table);
    assert_eq!(sealed.keys.test_open(&sealed.bytes), Ok(()));

    let journal = table.to_journal();
    let restored = SlotTable::from_sealed_journal(&journal).unwrap();
    assert!(restored.protected().eq(table.protected()));
    let mut longer = journal.clone();
    longer.extend(&[0]);
    assert_eq!(SlotTable::from_sealed_journal(&longer).unwrap_err(), SlotTableError::Malformed);
}

#[test]
fn test_openings_notice_what_a_store_did() {
    let mut fixture = Fixture::new(11);
    let sealed = fixture.seal_for_code();
    let other = fixture.seal_for_code();
    assert!(matches!(sealed.keys.test_open(&other.bytes), Err(TestOpenError::OtherBytes { .. })));
    assert!(matches!(sealed.keys.test_open(&sealed.bytes[1..]), Err(TestOpenError::Parse(_))));
    assert_eq!(sealed.keys.test_open(&sealed.bytes), Ok(()));
}

#[test]
fn a_method_that_cannot_vouch_needs_a_check_code_or_the_callers_word() {
    let mut fixture = Fixture::new(12);
    let pin = Stranger::new(SlotKind::Pin, &mut fixture.rng);
    let slots = fixture.slots(&[&pin]);
    assert_eq!(slots.iter().next().unwrap().header().tag, None);
    let sealed = fixture.seal(&slots);
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let never = Stranger::panicking(SlotKind::Pin);
    let refusal = block_on(envelope.open(&never, &fixture.expected())).unwrap_err();
    assert!(matches!(refusal, OpenError::Unvouched), "{refusal:?}");
    for expected in [
        Expected { vouched_by: VouchedBy::AcceptUnvouched, ..Expected::default() },
        Expected {
            vouched_by: VouchedBy::CheckCode(CheckCode::of(fixture.header.wallet, &fixture.keys())),
            ..Expected::default()
        },
        Expected { keys: Some(fixture.keys()), ..Expected::default() },
    ] {
        assert!(block_on(envelope.open(&pin, &expected)).is_ok());
    }
}

#[test]
fn a_cancelled_prompt_ends_the_opening() {
    let mut fixture = Fixture::new(13);
    let pins = [
        Stranger::new(SlotKind::Pin, &mut fixture.rng),
        Stranger::new(SlotKind::Pin, &mut fixture.rng),
    ];
    let drive = Stranger::new(SlotKind::Drive, &mut fixture.rng);
    let slots = fixture.slots(&[&drive, &pins[0], &pins[1]]);
    let sealed = fixture.seal(&slots);
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let accept = Expected { vouched_by: VouchedBy::AcceptUnvouched, ..Expected::default() };
    let cancelling = Stranger::cancelling(SlotKind::Pin);
    let refusal = block_on(envelope.open(&cancelling, &accept)).unwrap_err();
    assert!(matches!(refusal, OpenError::Method(MethodError::Cancelled)));
    assert_eq!(cancelling.asked(), 1);
    // Slots of other kinds are not shown to it; the second PIN's is tried after the first one's.
    assert!(block_on(envelope.open(&pins[1], &accept)).is_ok());
    assert_eq!(pins[1].asked(), 2);
}

#[test]
fn nothing_secret_is_shown() {
    let mut fixture = Fixture::new(14);
    let (code, sealed) = fixture.code_and_sealed();
    let opened =
        block_on(Envelope::from_bytes(&sealed.bytes).unwrap().open(&code, &fixture.expected()))
            .unwrap();
    let shown = format!("{opened:?} {sealed:?} {:?}", sealed.keys);
    for share in &fixture.payload.keys {
        let value = hex::encode(share.expose_secret().expose_secret());
        assert!(!shown.contains(&value));
        assert!(!shown.contains(&format!("{:?}", share.expose_secret().expose_secret())));
    }
    assert!(format!("{:?}", sealed.keys).starts_with("SlotKeys { digest: "));
    let _: &RecoveryCode = &code;
}
