//! Every bit and every length of an envelope.

use std::{collections::BTreeMap, thread};

use pollster::block_on;
use proptest::prelude::*;

use super::{
    super::{frame::Frame, *},
    adversary::change_recipients,
    fixture::Fixture,
};
use crate::{id::Epoch, method::BackupMethod, secret::SecretBytes};

/// What becomes of `bytes` when they are opened with `method`: a refusal's code, or `None`.
fn verdict(fixture: &Fixture, bytes: &[u8], method: &dyn BackupMethod) -> Option<&'static str> {
    let envelope = match Envelope::from_bytes(bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Some(error.code()),
    };
    match block_on(envelope.open(method, &Expected::default())) {
        Ok(opened) => {
            fixture.assert_same(&opened.payload);
            None
        }
        Err(error) => Some(error.code()),
    }
}

/// The verdicts over every bit in `range`, with how often each was given.
fn flip_all(
    fixture: &Fixture,
    bytes: &[u8],
    range: core::ops::Range<usize>,
    method: &dyn BackupMethod,
) -> BTreeMap<Option<&'static str>, usize> {
    let bits: Vec<usize> = (range.start * 8..range.end * 8).collect();
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let counts = thread::scope(|scope| {
        let running: Vec<_> = bits
            .chunks(bits.len().div_ceil(threads))
            .map(|bits| {
                scope.spawn(move || {
                    let mut counts = BTreeMap::new();
                    for bit in bits {
                        let mut flipped = bytes.to_vec();
                        flipped[bit / 8] ^= 1 << (bit % 8);
                        *counts.entry(verdict(fixture, &flipped, method)).or_insert(0) += 1;
                    }
                    counts
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let mut all = BTreeMap::new();
    for (verdict, count) in counts.into_iter().flatten() {
        *all.entry(verdict).or_insert(0) += count;
    }
    all
}

#[test]
fn no_flipped_bit_opens_anything_else() {
    let mut fixture = Fixture::small(40);
    let (code, sealed) = fixture.code_and_sealed();
    let verdicts = flip_all(&fixture, &sealed.bytes, 0..sealed.bytes.len(), &code);
    assert_eq!(verdicts.get(&None), None, "a flipped bit was not noticed: {verdicts:?}");
    for expected in [
        "not_an_envelope",
        "newer_version",
        "malformed",
        "unsupported_algorithm",
        "unsupported_slot_algorithm",
        "damaged_slot",
        "damaged_wrapped_key",
        "damaged_ciphertext",
        "wrong_secret",
        "no_slot",
        "slot_parameters",
    ] {
        assert!(verdicts.contains_key(&Some(expected)), "{expected} is missing in {verdicts:?}");
    }
}

#[test]
fn a_flipped_bit_in_another_slot_changes_nothing() {
    let mut fixture = Fixture::small(41);
    let (ours, theirs) = (fixture.code(), fixture.code());
    let slots = fixture.slots(&[&ours, &theirs]);
    let sealed = fixture.seal(&slots);
    let (_, frame) = Frame::read(&sealed.bytes).unwrap();
    let last = sealed.bytes.len() - frame.recipients[1].len();
    // Not the first bytes, which say how long the recipient is.
    let verdicts = flip_all(&fixture, &sealed.bytes, last + 4..sealed.bytes.len(), &ours);
    let (opened, all) = (verdicts[&None], verdicts.values().sum::<usize>());
    assert!(opened * 10 > all * 9, "{verdicts:?}");
    for refused in verdicts.keys().flatten() {
        // Heads inside the recipient that claim another length.
        assert!(["truncated", "malformed", "trailing_bytes"].contains(refused), "{verdicts:?}");
    }
}

#[test]
fn every_truncation_and_every_addition_is_refused() {
    let mut fixture = Fixture::small(42);
    let (code, sealed) = fixture.code_and_sealed();
    for length in 0..sealed.bytes.len() {
        let refusal = Envelope::from_bytes(&sealed.bytes[..length]).unwrap_err();
        assert_eq!(refusal, ParseError::Truncated, "{length} bytes");
    }
    for extra in [&[0][..], &[0xFF], &[0x80, 0x80], &sealed.bytes] {
        let refusal = Envelope::from_bytes(&[&sealed.bytes, extra].concat()).unwrap_err();
        assert_eq!(refusal, ParseError::TrailingBytes { count: extra.len() });
    }
    assert_eq!(verdict(&fixture, &sealed.bytes, &code), None);
}

#[test]
fn other_files_are_not_envelopes() {
    for other in [
        &b"{\"version\": 1}"[..],
        b"PK\x03\x04 an archive",
        b"\x89PNG\r\n\x1a\n",
        b"ur:twoshare-backup/abc",
        &[0xD8, 0x60, 0x83, 0x40, 0xA0, 0xF6],
        &[0xD8, 0x61, 0x84],
        // COSE_Encrypt of somebody else: {1: 3}, and with a text that no label is.
        &[0xD8, 0x60, 0x84, 0x43, 0xA1, 0x01, 0x03, 0xA0, 0x40, 0x80],
        &[0xD8, 0x60, 0x84, 0x41, 0x60, 0xA0, 0x40, 0x80],
    ] {
        assert_eq!(
            Envelope::from_bytes(other).unwrap_err(),
            ParseError::NotAnEnvelope,
            "{other:?}"
        );
    }
    assert_eq!(Envelope::from_bytes(&[]).unwrap_err(), ParseError::Truncated);
}

#[test]
fn sizes_are_bounded_before_anything_is_done() {
    let huge = vec![0; MAX_LEN + 1];
    assert_eq!(
        Envelope::from_bytes(&huge).unwrap_err(),
        ParseError::TooLarge { len: MAX_LEN + 1, cap: MAX_LEN }
    );
    let mut fixture = Fixture::small(43);
    let sealed = fixture.seal_for_code();
    let more = change_recipients(&sealed.bytes, |recipients| {
        *recipients = vec![recipients[0].clone(); 17]
    });
    assert_eq!(
        Envelope::from_bytes(&more).unwrap_err(),
        ParseError::TooManySlots { count: 17, cap: 16 }
    );
    let none = change_recipients(&sealed.bytes, Vec::clear);
    assert_eq!(Envelope::from_bytes(&none).unwrap_err(), ParseError::Malformed);
    // Heads that claim what is not there, also over a thousand levels.
    let (body, _) = Frame::read(&sealed.bytes).unwrap();
    let start = Frame { iv: [0; 12], ciphertext: &[0; 16], recipients: Vec::new() };
    let start = start.write(header::protected_bytes(&body.protected));
    let start = &start[..start.len() - 1];
    for tail in [
        vec![0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [vec![0x81], vec![0x81; 100_000]].concat(),
        [vec![0x81], vec![0xC1; 100_000]].concat(),
    ] {
        assert!(Envelope::from_bytes(&[start, &tail].concat()).is_err());
    }
    let deep = |depth| [vec![0x81], vec![0x81; depth], vec![0x00]].concat();
    assert_eq!(
        Envelope::from_bytes(&[start, &deep(65)].concat()).unwrap_err(),
        ParseError::Malformed
    );
    let deep = deep(64);
    let envelope = Envelope::from_bytes(&[start, &deep].concat()).unwrap();
    assert!(envelope.slots().is_empty());
}

#[test]
fn a_newer_version_is_named_whatever_else_is_in_it() {
    let mut fixture = Fixture::small(44);
    let sealed = fixture.seal_for_code();
    let (body, frame) = Frame::read(&sealed.bytes).unwrap();
    let protected = header::protected_bytes(&body.protected);
    let version = fixture.find(protected, &[0x3A, 0x00, 0x01, 0x11, 0x70]) + 5;
    let mut newer = protected.to_vec();
    newer[version] = 2;
    let mut bytes = frame.write(&newer);
    assert_eq!(Envelope::from_bytes(&bytes).unwrap_err(), ParseError::NewerVersion { version: 2 });
    bytes.extend_from_slice(b"something new");
    assert_eq!(Envelope::from_bytes(&bytes).unwrap_err(), ParseError::NewerVersion { version: 2 });
    // Also what COSE does not allow, and what this version does not look into.
    for odd in ["04f4", "078340a040", "1863a1fb000000000000000061ff", "02c1e0"] {
        let mut newer = [&newer[..], &hex::decode(odd).unwrap()].concat();
        newer[0] += 1;
        assert_eq!(
            Envelope::from_bytes(&frame.write(&newer)).unwrap_err(),
            ParseError::NewerVersion { version: 2 }
        );
        newer[version] = 1;
        assert_eq!(Envelope::from_bytes(&frame.write(&newer)).unwrap_err(), ParseError::Malformed);
    }
    // But not what is no map of distinct labels.
    for odd in
        ["3a0001117002", "f400", "414100", "1b800000000000000000", "61ff00", "c2416300", "00"]
    {
        let mut newer = [&newer[..], &hex::decode(odd).unwrap()].concat();
        newer[0] += u8::from(odd != "00");
        assert_eq!(
            Envelope::from_bytes(&frame.write(&newer)).unwrap_err(),
            ParseError::NotAnEnvelope,
            "{odd}"
        );
    }
    newer[version] = 0;
    assert_eq!(Envelope::from_bytes(&frame.write(&newer)).unwrap_err(), ParseError::Malformed);
    // Another algorithm of the same version: A128GCM.
    let mut other = protected.to_vec();
    assert_eq!(other[1..3], [1, 3]);
    other[2] = 1;
    assert_eq!(
        Envelope::from_bytes(&frame.write(&other)).unwrap_err(),
        ParseError::UnsupportedAlgorithm
    );
}

#[test]
fn only_one_encoding_of_an_envelope_is_read() {
    let mut fixture = Fixture::small(45);
    let sealed = fixture.seal_for_code();
    let bytes = &sealed.bytes;
    // The tag, the array and the map in longer heads; an array without a length.
    for (from, to) in [
        (&[0xD8, 0x60, 0x84][..], &[0xD9, 0x00, 0x60, 0x84][..]),
        (&[0xD8, 0x60, 0x84], &[0xD8, 0x60, 0x98, 0x04]),
        (&[0xA1, 0x05, 0x4C], &[0xA1, 0x18, 0x05, 0x4C]),
        (&[0xA1, 0x05, 0x4C], &[0xB8, 0x01, 0x05, 0x4C]),
        (&[0xA1, 0x05, 0x4C], &[0xA1, 0x05, 0x58, 0x0C]),
    ] {
        let at = fixture.find(bytes, from);
        let longer = [&bytes[..at], to, &bytes[at + from.len()..]].concat();
        assert_eq!(Envelope::from_bytes(&longer).unwrap_err(), ParseError::Malformed, "{to:x?}");
    }
    // Header maps in another order, with a parameter more, and with one twice.
    let (body, frame) = Frame::read(bytes).unwrap();
    let protected = header::protected_bytes(&body.protected);
    let (map, fields) = (protected[0], &protected[1..]);
    let alg_last = [&[map], &fields[2..], &fields[..2]].concat();
    let one_more = [&[map + 1], &fields[..2], &[0x04, 0x41, 0x00], &fields[2..]].concat();
    let private = [&[map + 1], fields, &[0x3A, 0x00, 0x01, 0x11, 0x80, 0x00]].concat();
    for other in [alg_last, one_more, private] {
        assert_eq!(Envelope::from_bytes(&frame.write(&other)).unwrap_err(), ParseError::Malformed);
    }
    let twice = [&[map + 1], fields, &fields[..2]].concat();
    assert_eq!(Envelope::from_bytes(&frame.write(&twice)).unwrap_err(), ParseError::NotAnEnvelope);
}

#[test]
fn every_truncation_of_a_payload_is_refused() {
    let mut fixture = Fixture::new(46);
    let (code, _) = fixture.code_and_sealed();
    let slots = fixture.slots(&[&code]);
    let plaintext = fixture.plaintext(&slots, |_| {});
    for length in (0..plaintext.len()).chain([plaintext.len() + 1]) {
        let mut cut = plaintext.clone();
        cut.resize(length, 0);
        assert!(
            Payload::read(&cut, &fixture.header).is_err(),
            "{length} of {} bytes",
            plaintext.len()
        );
    }
    assert!(Payload::read(&plaintext, &fixture.header).is_ok());
}

#[test]
fn a_payload_fills_its_buffer_without_moving() {
    let mut fixture = Fixture::new(47);
    let (code, _) = fixture.code_and_sealed();
    let slots = fixture.slots(&[&code]);
    fixture.payload.attachments =
        vec![
            crate::attachment::Attachment::durable("x", SecretBytes::from(vec![7; 70_000]))
                .unwrap();
            3
        ];
    let sealed = fixture.seal(&slots);
    let opened =
        block_on(Envelope::from_bytes(&sealed.bytes).unwrap().open(&code, &Expected::default()));
    fixture.assert_same(&opened.unwrap().payload);
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(Envelope::from_bytes(&bytes).is_err());
        prop_assert!(Payload::read(&bytes, &Header::new(crate::id::WalletId::from_bytes([0; 16]), Epoch::FIRST, 0)).is_err());
        let _ = SlotTable::from_sealed_journal(&SecretBytes::from(bytes));
    }

    #[test]
    fn any_recipient_is_read_or_refused(recipient: Vec<u8>) {
        let mut fixture = Fixture::small(48);
        let sealed = fixture.seal_for_code();
        let bytes = change_recipients(&sealed.bytes, |recipients| recipients[0] = recipient);
        if let Ok(envelope) = Envelope::from_bytes(&bytes) {
            prop_assert!(envelope.slots().is_empty());
        }
    }

    #[test]
    fn any_body_header_is_refused(protected: Vec<u8>) {
        prop_assert!(header::BodyHeader::read(&protected).is_err());
    }
}
