//! What a store, a custodian, or both can make of an envelope, and what each gets for it.

mod collision;

use pollster::block_on;
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        frame::Frame,
        header::protected_bytes,
        kdf::{ContentKey, kek},
        seal::{make_content_key, wrap, write_recipient},
        tag::TagPoint,
        *,
    },
    fixture::{Fixture, Stranger},
};
use crate::{
    curve::AnySigningKey,
    id::CurveId,
    method::{
        AgreementKey, Argon2Cost, BackupMethod, MethodError, Password, PasswordPolicy,
        RecoveryCode, SlotKind, SoftwareIdentity, Work,
    },
    secret::SecretBytes,
};

/// An envelope with a password and a code, and what an adversary needs to take it apart.
pub(super) struct Target {
    pub(super) fixture: Fixture,
    pub(super) password: Password,
    pub(super) code: RecoveryCode,
    pub(super) slots: SlotTable,
    pub(super) sealed: Sealed,
}

impl Target {
    pub(super) fn new(seed: u64) -> Self {
        let mut fixture = Fixture::new(seed);
        let (password, code) = (fixture.password(), fixture.code());
        let slots = fixture.slots(&[&password, &code]);
        let sealed = fixture.seal(&slots);
        Self { fixture, password, code, slots, sealed }
    }

    fn open(&self, bytes: &[u8], method: &dyn BackupMethod) -> Result<Opened, OpenError> {
        block_on(Envelope::from_bytes(bytes).unwrap().open(method, &self.fixture.expected()))
    }

    fn refusal(&self, bytes: &[u8], method: &dyn BackupMethod) -> &'static str {
        self.open(bytes, method).unwrap_err().code()
    }

    /// A recipient that somebody without the content key makes for a slot.
    pub(super) fn foreign_recipient(&mut self, slot: &Slot) -> Vec<u8> {
        let key = make_content_key(&mut self.fixture.rng);
        let hash = Envelope::from_bytes(&self.sealed.bytes).unwrap().body_hash;
        wrap(slot, &key, &hash, &mut self.fixture.rng).0
    }

    /// Someone else's slot, at the beginning of the recipients.
    pub(super) fn slot_injected(&mut self) -> Vec<u8> {
        let thief = Stranger::new(SlotKind::RecoveryCode, &mut self.fixture.rng);
        let slot = self.fixture.slot(&thief);
        let recipient = self.foreign_recipient(&slot);
        change_recipients(&self.sealed.bytes, |recipients| recipients.insert(0, recipient))
    }

    pub(super) fn slot_removed(&self) -> Vec<u8> {
        change_recipients(&self.sealed.bytes, |recipients| drop(recipients.remove(0)))
    }

    /// Slot `index` with another header, everything else of the recipient as it was.
    pub(super) fn slot_changed(
        &self,
        index: usize,
        change: impl FnOnce(&mut SlotHeader),
    ) -> Vec<u8> {
        let outer = Envelope::from_bytes(&self.sealed.bytes).unwrap();
        let read = outer.slots[index].read.as_ref().unwrap();
        let mut header = read.header.clone();
        change(&mut header);
        let recipient =
            write_recipient(Slot::new(header).protected(), &read.ephemeral, &read.wrapped);
        change_recipients(&self.sealed.bytes, |recipients| recipients[index] = recipient)
    }

    /// A wallet that the adversary knows, under the user's wallet id, sealed to the user's slots.
    pub(super) fn substituted(&mut self, change: impl Fn(&mut SlotHeader)) -> Vec<u8> {
        let mut slots = SlotTable::new();
        for slot in self.slots.iter() {
            let mut header = slot.header().clone();
            change(&mut header);
            slots.add(Slot::new(header)).unwrap();
        }
        let mut theirs = Fixture::new(666);
        theirs.header = self.fixture.header.clone();
        theirs.payload.secrets.clear();
        theirs.signing_keys.truncate(2);
        theirs.share();
        theirs.seal(&slots).bytes
    }

    /// The code's slot with an ephemeral key that is the point of the key tags, or its negative.
    pub(super) fn forbidden_ephemeral(&self, negative: bool) -> Vec<u8> {
        let point = p256::ProjectivePoint::from(
            p256::PublicKey::from_sec1_bytes(&tag_point(self.fixture.header.wallet).to_bytes())
                .unwrap(),
        );
        let point = AgreementKey::from_point(&if negative { -point } else { point }).unwrap();
        let outer = Envelope::from_bytes(&self.sealed.bytes).unwrap();
        let wrapped = outer.slots[1].read.as_ref().unwrap().wrapped;
        let recipient =
            write_recipient(self.slots.iter().nth(1).unwrap().protected(), &point, &wrapped);
        change_recipients(&self.sealed.bytes, |recipients| recipients[1] = recipient)
    }

    /// One ciphertext that is authentic under two keys: the password's slot has the one that is
    /// committed to, the code's slot another.
    pub(super) fn two_keys(&mut self) -> Vec<u8> {
        let keys =
            [make_content_key(&mut self.fixture.rng), make_content_key(&mut self.fixture.rng)];
        let junk = [0x55; 64];
        let bytes = self
            .fixture
            .seal_fields_under(&keys[0], &self.slots, |fields| fields.attachment = junk.to_vec());
        let envelope = Envelope::from_bytes(&bytes).unwrap();
        // A whole block of the plaintext inside the junk, which nothing depends on.
        let plaintext = envelope.decrypt(&keys[0]).unwrap();
        let block = self.fixture.find(plaintext.expose_secret(), &junk).div_ceil(16) + 1;
        let mut ciphertext = envelope.ciphertext_for_tests();
        collision::make(
            &keys,
            &envelope.iv_for_tests(),
            &envelope.aad_for_tests(),
            &mut ciphertext,
            block,
        );

        let recipients: Vec<Vec<u8>> = self
            .slots
            .iter()
            .zip(&keys)
            .map(|(slot, key)| wrap(slot, key, &envelope.body_hash, &mut self.fixture.rng).0)
            .collect();
        let recipients = recipients.iter().map(Vec::as_slice).collect();
        let frame = Frame { iv: envelope.iv_for_tests(), ciphertext: &ciphertext, recipients };
        let bytes = frame.write(&envelope.protected_for_tests());
        // GCM itself is content with either key.
        let both = Envelope::from_bytes(&bytes).unwrap();
        assert!(keys.iter().all(|key| both.decrypt(key).is_some()));
        bytes
    }
}

fn tag_point(wallet: crate::id::WalletId) -> AgreementKey {
    TagPoint::of(wallet).key_for_tests()
}

pub(super) fn change_recipients(bytes: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let (body, frame) = Frame::read(bytes).unwrap();
    let mut recipients: Vec<Vec<u8>> =
        frame.recipients.iter().map(|recipient| recipient.to_vec()).collect();
    change(&mut recipients);
    let recipients = recipients.iter().map(Vec::as_slice).collect();
    Frame { recipients, ..frame }.write(protected_bytes(&body.protected))
}

#[test]
fn a_slot_that_a_store_injects_is_reported_and_the_others_open() {
    let mut target = Target::new(20);
    let bytes = target.slot_injected();
    for method in [&target.password as &dyn BackupMethod, &target.code] {
        let opened = target.open(&bytes, method).unwrap();
        let altered = opened.altered.unwrap();
        assert_eq!((altered.added.len(), altered.missing.len()), (1, 0));
        target.fixture.assert_same(&opened.payload);
        // The next epoch is sealed for the table, which the injected slot is not in.
        let kinds: Vec<_> = opened.slots.iter().map(|slot| slot.header().kind).collect();
        assert_eq!(kinds, [SlotKind::Password, SlotKind::RecoveryCode]);
    }
}

#[test]
fn a_slot_that_a_store_removes_is_reported_and_not_forgotten() {
    let target = Target::new(21);
    let bytes = target.slot_removed();
    let opened = target.open(&bytes, &target.code).unwrap();
    let altered = opened.altered.unwrap();
    assert_eq!((altered.added.len(), altered.missing[0].kind), (0, SlotKind::Password));
    assert_eq!(opened.slots.len(), 2);
    assert_eq!(target.refusal(&bytes, &target.password), "no_slot");
}

#[test]
fn a_slot_that_cannot_be_read_leaves_the_others_intact() {
    let target = Target::new(22);
    for damage in
        [vec![0xF6], vec![0x80], vec![0x83, 0x40, 0xA0, 0xF6], vec![0x9F, 0xFF], vec![0x58; 5]]
    {
        let bytes =
            change_recipients(&target.sealed.bytes, |recipients| recipients[0].clone_from(&damage));
        let Ok(envelope) = Envelope::from_bytes(&bytes) else { continue };
        let opened = block_on(envelope.open(&target.code, &target.fixture.expected())).unwrap();
        let altered = opened.altered.unwrap();
        assert_eq!((altered.added, altered.missing.len()), (vec![None], 1));
        assert_eq!(target.refusal(&bytes, &target.password), "damaged_slot");
        assert!(envelope.custodian_can_open());
    }
}

#[test]
fn a_slot_of_another_algorithm_is_refused() {
    let target = Target::new(23);
    let slot = target.slots.iter().next().unwrap();
    // ECDH-ES + A256KW (−31) becomes ECDH-ES + A128KW (−29).
    let mut recipient = change_to(&target, 0);
    let at = target.fixture.find(&recipient, slot.protected_bytes()) + 1;
    assert_eq!(recipient[at..at + 3], [0x01, 0x38, 0x1E]);
    recipient[at + 2] = 0x1C;
    let bytes = change_recipients(&target.sealed.bytes, |recipients| recipients[0] = recipient);
    assert_eq!(target.refusal(&bytes, &target.password), "unsupported_slot_algorithm");
    assert!(target.open(&bytes, &target.code).unwrap().altered.is_some());
}

fn change_to(target: &Target, index: usize) -> Vec<u8> {
    Frame::read(&target.sealed.bytes).unwrap().1.recipients[index].to_vec()
}

#[test]
fn a_stripped_tag_is_a_substitution() {
    let mut target = Target::new(24);
    // By a store that has the envelope only.
    let bytes = target.slot_changed(0, |header| header.tag = None);
    assert_eq!(target.refusal(&bytes, &target.password), "substituted");
    // By whoever seals a wallet of their own.
    let bytes = target.substituted(|header| header.tag = None);
    assert_eq!(target.refusal(&bytes, &target.password), "substituted");
    assert_eq!(target.refusal(&bytes, &target.code), "substituted");
}

#[test]
fn a_copied_tag_is_a_substitution() {
    let mut target = Target::new(25);
    let bytes = target.substituted(|_| {});
    assert_eq!(target.refusal(&bytes, &target.password), "substituted");
    assert_eq!(target.refusal(&bytes, &target.code), "substituted");
    // What the caller says does not change what the method can do.
    let accepting = Expected { vouched_by: VouchedBy::AcceptUnvouched, ..Expected::default() };
    let refusal =
        block_on(Envelope::from_bytes(&bytes).unwrap().open(&target.code, &accepting)).unwrap_err();
    assert!(matches!(refusal, OpenError::Substituted));
}

#[test]
fn a_tag_that_was_changed_is_damage() {
    let target = Target::new(26);
    let bytes = target.slot_changed(1, |header| header.tag = Some(KeyTag::from_bytes([7; 32])));
    assert_eq!(target.refusal(&bytes, &target.code), "damaged_wrapped_key");
}

#[test]
fn a_check_code_finds_a_substitution_where_nothing_vouches() {
    let mut fixture = Fixture::new(27);
    let pin = Stranger::new(SlotKind::Pin, &mut fixture.rng);
    let slots = fixture.slots(&[&pin]);
    let right = crate::check_code::CheckCode::of(fixture.header.wallet, &fixture.keys());
    fixture.signing_keys = vec![AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng)];
    fixture.payload.secrets.clear();
    fixture.share();
    let theirs = Envelope::from_bytes(&fixture.seal(&slots).bytes).unwrap();
    let expected = Expected { vouched_by: VouchedBy::CheckCode(right), ..Expected::default() };
    assert!(matches!(block_on(theirs.open(&pin, &expected)).unwrap_err(), OpenError::Substituted));
}

#[test]
fn the_point_of_the_tags_is_no_ephemeral_key() {
    let target = Target::new(28);
    for negative in [false, true] {
        let bytes = target.forbidden_ephemeral(negative);
        assert_eq!(target.refusal(&bytes, &target.code), "forbidden_ephemeral");
        assert!(target.open(&bytes, &target.password).is_ok());
    }
}

#[test]
fn two_keys_never_open_to_two_contents() {
    let mut target = Target::new(29);
    let bytes = target.two_keys();
    assert!(target.open(&bytes, &target.password).is_ok());
    assert_eq!(target.refusal(&bytes, &target.code), "damaged_key_commitment");
}

#[test]
fn a_slot_that_the_table_does_not_list_is_refused() {
    let mut target = Target::new(30);
    let mut table = SlotTable::new();
    table.add(target.slots.iter().nth(1).unwrap().clone()).unwrap();
    let bytes = target.fixture.seal_fields(&target.slots, &table, |_| {});
    assert_eq!(target.refusal(&bytes, &target.password), "payload_unlisted_slot");
    assert_eq!(target.open(&bytes, &target.code).unwrap().altered.unwrap().added.len(), 1);
}

#[test]
fn absurd_costs_are_refused_before_any_work() {
    let target = Target::new(31);
    for (memory, passes, work) in [(u32::MAX, 1, Work::MemoryKib), (64, u32::MAX, Work::Passes)] {
        let cost = Argon2Cost::for_tests(memory, passes, 4);
        let bytes = target.slot_changed(0, |header| {
            header.parameters = Password::parameters_for_tests([1; 16], cost)
        });
        let OpenError::Method(MethodError::ExcessiveWork(excess)) =
            target.open(&bytes, &target.password).unwrap_err()
        else {
            panic!()
        };
        assert_eq!((excess.work, excess.required), (work, u32::MAX.into()));
        assert!(target.open(&bytes, &target.code).is_ok());
    }
    // A slot that is injected beside the user's does not keep it from opening.
    let mut target = Target::new(32);
    let policy = PasswordPolicy::with_cost_for_tests(Argon2Cost::for_tests(64, 1, 1));
    let slot =
        target.fixture.slot(&Password::new("some other password").unwrap().with_policy(policy));
    let cost = Argon2Cost::for_tests(u32::MAX, u32::MAX, 4);
    let parameters = Password::parameters_for_tests([1; 16], cost);
    let slot = Slot::new(SlotHeader { parameters, ..slot.header().clone() });
    let recipient = target.foreign_recipient(&slot);
    let bytes =
        change_recipients(&target.sealed.bytes, |recipients| recipients.insert(0, recipient));
    assert!(target.open(&bytes, &target.password).is_ok());
    let wrong = Password::new("not the password").unwrap();
    assert_eq!(target.refusal(&bytes, &wrong), "wrong_secret");
}

#[test]
fn the_work_of_all_slots_together_is_capped() {
    let mut target = Target::new(34);
    let half = (Argon2Cost::MAX_TOTAL / 2).to_string();
    let recipients: Vec<_> = (0..14)
        .map(|_| {
            let stranger = Stranger::new(SlotKind::Drive, &mut target.fixture.rng);
            let slot = target.fixture.slot(&stranger);
            let costly = Slot::new(SlotHeader { label: half.clone(), ..slot.header().clone() });
            target.foreign_recipient(&costly)
        })
        .collect();
    let bytes = change_recipients(&target.sealed.bytes, |all| all.extend(recipients));
    let method = Stranger::new(SlotKind::Drive, &mut target.fixture.rng);
    assert_eq!(target.refusal(&bytes, &method), "wrong_secret");
    assert_eq!(method.asked(), 2);

    // One that costs less is tried before them, wherever it stands.
    let slots = target.fixture.slots(&[&method]);
    let sealed = target.fixture.seal(&slots).bytes;
    let (_, frame) = Frame::read(&bytes).unwrap();
    let costly: Vec<_> = frame.recipients.iter().skip(2).map(|one| one.to_vec()).collect();
    let bytes = change_recipients(&sealed, |all| drop(all.splice(..0, costly)));
    assert!(target.open(&bytes, &method).is_ok());
    assert_eq!(method.asked(), 3);
}

#[test]
fn of_several_slots_the_verdict_that_says_most_is_given() {
    let target = Target::new(37);
    let wrong = Password::new("not the password").unwrap();
    // What cannot be read may have been any slot; the password is wrong for the one that can be.
    let bytes = change_recipients(&target.sealed.bytes, |recipients| recipients.push(vec![0xF6]));
    assert_eq!(target.refusal(&bytes, &wrong), "wrong_secret");
    // Damage of a slot that the password fits says more than a slot without a tag.
    let stripped = target.slot_changed(0, |header| header.tag = None);
    let stripped = Frame::read(&stripped).unwrap().1.recipients[0].to_vec();
    let bytes = change_recipients(&target.sealed.bytes, |recipients| {
        *recipients[0].last_mut().unwrap() ^= 1;
        recipients.push(stripped.clone());
    });
    assert_eq!(target.refusal(&bytes, &target.password), "damaged_wrapped_key");
    // Neither is in the way of the intact slot.
    let bytes = change_recipients(&target.sealed.bytes, |recipients| {
        let mut damaged = recipients[0].clone();
        *damaged.last_mut().unwrap() ^= 1;
        recipients.splice(..0, [damaged, stripped]);
    });
    let opened = target.open(&bytes, &target.password).unwrap();
    assert_eq!(opened.altered.unwrap().added.len(), 2);
}

#[test]
fn the_header_is_bound_to_the_slots_and_to_the_content() {
    let target = Target::new(33);
    // Another epoch, or another wallet name, over the same ciphertext.
    let at = target.fixture.find(&target.sealed.bytes, b"Savings");
    let mut renamed = target.sealed.bytes.clone();
    renamed[at] = b'R';
    assert_eq!(target.refusal(&renamed, &target.code), "damaged_wrapped_key");
    // Also for whoever knows the content key.
    let outer = Envelope::from_bytes(&target.sealed.bytes).unwrap();
    let read = outer.slots[1].read.as_ref().unwrap();
    let identity = identity_of(&target.code, &read.header);
    let agreed = identity.agree_with(&read.ephemeral);
    let key = kek(&agreed, &read.protected, &outer.body_hash).unwrap(&read.wrapped).unwrap();
    let hash: [u8; 32] =
        Sha256::digest(Envelope::from_bytes(&renamed).unwrap().protected_for_tests()).into();
    let mut rng = <rand::rngs::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(1);
    let recipient = wrap(target.slots.iter().nth(1).unwrap(), &key, &hash, &mut rng).0;
    let bytes = change_recipients(&renamed, |recipients| recipients[1] = recipient);
    assert_eq!(target.refusal(&bytes, &target.code), "damaged_ciphertext");
}

fn identity_of(code: &RecoveryCode, slot: &SlotHeader) -> SoftwareIdentity {
    code.identity_for_tests(&slot.parameters)
}

#[test]
fn a_slot_does_not_fit_another_envelope() {
    let mut target = Target::new(34);
    let again = target.fixture.seal(&target.slots);
    let recipient = change_to(&target, 1);
    let bytes = change_recipients(&again.bytes, |recipients| recipients[1] = recipient);
    assert_eq!(target.refusal(&bytes, &target.code), "damaged_wrapped_key");
}

/// Sealed secrets are part of what the fixture's `share` makes again.
impl Fixture {
    pub(super) fn seal_fields_under(
        &mut self,
        key: &ContentKey,
        slots: &SlotTable,
        change: impl FnOnce(&mut super::fixture::Fields),
    ) -> Vec<u8> {
        let plaintext = self.plaintext(slots, change);
        self.seal_plaintext(key, key.commitment(&self.header), slots, SecretBytes::from(plaintext))
    }
}

/// What a recipient must be, one deviation at a time.
#[test]
fn a_recipient_with_anything_else_in_it_is_unreadable() {
    use coset::{AsCborValue, CborSerializable, CoseRecipient, HeaderBuilder, Label, cbor::Value};
    type Change = fn(&mut CoseRecipient);
    fn key_of(recipient: &CoseRecipient) -> coset::CoseKey {
        coset::CoseKey::from_cbor_value(recipient.unprotected.rest[0].1.clone()).unwrap()
    }
    fn set_key(recipient: &mut CoseRecipient, key: coset::CoseKey) {
        recipient.unprotected.rest[0].1 = key.to_cbor_value().unwrap();
    }
    let changes: [(&str, Change); 12] = [
        ("another curve", |recipient| {
            let mut key = key_of(recipient);
            key.params[0].1 = Value::from(2);
            set_key(recipient, key);
        }),
        ("another key type", |recipient| {
            let mut key = key_of(recipient);
            key.kty = coset::KeyType::Assigned(coset::iana::KeyType::OKP);
            set_key(recipient, key);
        }),
        ("a key id in the key", |recipient| {
            let mut key = key_of(recipient);
            key.key_id = vec![1];
            set_key(recipient, key);
        }),
        ("the sign of y for y", |recipient| {
            let mut key = key_of(recipient);
            key.params[2].1 = Value::Bool(true);
            set_key(recipient, key);
        }),
        ("x and y in another order", |recipient| {
            let mut key = key_of(recipient);
            key.params.swap(1, 2);
            set_key(recipient, key);
        }),
        ("a private part", |recipient| {
            let mut key = key_of(recipient);
            key.params.push((Label::Int(-4), Value::Bytes(vec![1; 32])));
            set_key(recipient, key);
        }),
        ("a point that is not on the curve", |recipient| {
            let mut key = key_of(recipient);
            key.params[1].1 = Value::Bytes(vec![1; 32]);
            set_key(recipient, key);
        }),
        ("a zero before x", |recipient| {
            let mut key = key_of(recipient);
            let x = key.params[1].1.as_bytes().unwrap();
            key.params[1].1 = Value::Bytes([&[0], x.as_slice()].concat());
            set_key(recipient, key);
        }),
        ("a key id", |recipient| recipient.unprotected.key_id = vec![1]),
        ("another private parameter", |recipient| {
            recipient.unprotected.rest.push((Label::Int(-70_000), Value::from(1)));
        }),
        ("a wrapped key of another length", |recipient| {
            recipient.ciphertext = Some(vec![0; 24]);
        }),
        ("a recipient of its own", |recipient| {
            let inner = CoseRecipient {
                unprotected: HeaderBuilder::new().build(),
                ..CoseRecipient::default()
            };
            recipient.recipients.push(inner);
        }),
    ];
    let target = Target::new(35);
    for (name, change) in changes {
        let mut recipient = CoseRecipient::from_slice(&change_to(&target, 0)).unwrap();
        change(&mut recipient);
        let recipient = recipient.to_vec().unwrap();
        let bytes = change_recipients(&target.sealed.bytes, |recipients| recipients[0] = recipient);
        assert_eq!(target.refusal(&bytes, &target.password), "damaged_slot", "{name}");
        // Its protected header is what it was.
        assert_eq!(target.open(&bytes, &target.code).unwrap().altered, None, "{name}");
    }
    // Encoded otherwise: the array of three in a longer head.
    let recipient = [&[0x98, 3], &change_to(&target, 0)[1..]].concat();
    let bytes = change_recipients(&target.sealed.bytes, |recipients| recipients[0] = recipient);
    assert_eq!(target.refusal(&bytes, &target.password), "damaged_slot");
}

#[test]
fn a_slot_header_has_its_fields_and_nothing_else() {
    let target = Target::new(36);
    let protected = target.slots.iter().next().unwrap().protected_bytes().to_vec();
    assert!(SlotHeader::read(&protected).is_ok());
    let (map, fields) = (protected[0], &protected[1..]);
    let label = target.fixture.find(&protected, b"my password");
    let mut other_text = protected.clone();
    other_text[label] = 0xFF;
    for (name, other) in [
        ("a field more", [&[map + 1], fields, &[0x3A, 0, 1, 0x11, 0x80, 0]].concat()),
        ("a key id", [&[map + 1], &fields[..3], &[0x04, 0x41, 0], &fields[3..]].concat()),
        ("another order", [&[map], &fields[3..], &fields[..3]].concat()),
        ("not UTF-8", other_text),
        ("trailing", [protected.as_slice(), &[0]].concat()),
        ("empty", Vec::new()),
    ] {
        assert!(SlotHeader::read(&other).is_err(), "{name}");
    }
    let header = target.slots.iter().next().unwrap().header().clone();
    let read = |header: SlotHeader| SlotHeader::read(protected_bytes(&header.encode())).is_ok();
    assert!(read(SlotHeader { label: "l".repeat(256), ..header.clone() }));
    assert!(!read(SlotHeader { label: "l".repeat(257), ..header.clone() }));
    assert!(read(SlotHeader { parameters: vec![0; 2048], ..header.clone() }));
    assert!(!read(SlotHeader { parameters: vec![0; 2049], ..header }));
}
