//! What two readers of the specification could have read differently, and what its names are.

use serde_json::json;

use super::{
    super::{
        super::*,
        adversary::{Target, change_recipients},
        fixture::Fixture,
    },
    Vector,
};
use crate::{
    container::{self, Content},
    text,
};

/// A label of the protected headers, −70,000 − `number`.
fn label(number: u8) -> [u8; 5] {
    [0x3A, 0x00, 0x01, 0x11, 0x6F + number]
}

pub(super) fn structures() -> Vec<Vector> {
    let mut fixture = Fixture::small(170);
    fixture.header.kind = Some(fixture.payload.kind);
    let (code, sealed) = fixture.code_and_sealed();
    let bytes = sealed.bytes;
    let protected = Envelope::from_bytes(&bytes).unwrap().protected_for_tests();
    let with_header = |protected: &[u8]| {
        let (_, frame) = frame::Frame::read(&bytes).unwrap();
        frame.write(protected)
    };
    let changed = |from: [u8; 6], to: u8| {
        let mut header = protected.clone();
        let at = header.windows(6).position(|window| window == from).unwrap();
        header[at + 5] = to;
        header
    };
    let [v0, v1, v2, v3, v4] = label(1);
    let mut later = changed([v0, v1, v2, v3, v4, 1], 2);
    later[0] += 2;
    // A `kid` of another type, and a counter signature, before the other labels.
    let later = [&later[..1], &[0x04, 0xF4, 0x07, 0x83, 0x40, 0xA0, 0x40], &later[1..]].concat();
    let [k0, k1, k2, k3, k4] = label(6);
    let kind = changed([k0, k1, k2, k3, k4, fixture.payload.kind.number()], 3);
    let nested = |depth| {
        let item = [vec![0x81; depth], vec![0x00]].concat();
        change_recipients(&bytes, |recipients| recipients.insert(0, item))
    };
    let no_algorithm = change_recipients(&bytes, |recipients| {
        recipients.insert(0, vec![0x83, 0x41, 0xA0, 0xA0, 0x40]);
    });
    let target = Target::new(173);
    let oversized = change_recipients(&target.sealed.bytes, |recipients| {
        let head = minicbor::Decoder::new(&recipients[0][1..]).bytes().unwrap().len() + 3;
        assert_eq!(recipients[0][1], 0x58);
        recipients[0].truncate(head);
        recipients[0].extend_from_slice(&[0xA0, 0x59, 0x11, 0x00]);
        recipients[0].resize(head + 4 + 0x1100, 0);
    });
    let only = |recipient: Vec<u8>| change_recipients(&bytes, |all| *all = vec![recipient]);
    vec![
        Vector::new(
            "newer-version-otherwise",
            "Version 2, whose header has what COSE and this version do not.",
            &with_header(&later),
        ),
        Vector::new("body-kind", "The header says a third kind of wallet.", &with_header(&kind)),
        Vector::new("nothing", "No bytes.", &[]),
        Vector::new("one-byte", "The first byte of the head of a text.", &[0x78]),
        Vector::new("slot-nested", "A recipient of arrays in each other, 64 deep.", &nested(64))
            .code(&code, "ok")
            .altered(1, 0)
            .payload_of(&code),
        Vector::new(
            "slot-nested-deeper",
            "A recipient of arrays in each other, 65 deep.",
            &nested(65),
        ),
        Vector::new(
            "slot-oversized",
            "The password's recipient has more than 4,352 bytes.",
            &oversized,
        )
        .password("damaged_slot")
        .code(&target.code, "ok")
        .altered(1, 1)
        .payload_of(&target.code),
        Vector::new("slot-break", "A break in the place of a recipient.", &only(vec![0xFF])),
        Vector::new(
            "slot-not-utf8",
            "A text that is not UTF-8 as a recipient.",
            &only(vec![0x61, 0xFF]),
        )
        .code(&code, "damaged_slot"),
        Vector::new(
            "slot-no-algorithm",
            "A slot without an algorithm before the code's.",
            &no_algorithm,
        )
        .password("unsupported_slot_algorithm")
        .code(&code, "ok")
        .altered(1, 0)
        .payload_of(&code),
    ]
}

pub(super) fn names_and_copies() -> Vec<Vector> {
    let mut fixture = Fixture::small(171);
    let (code, sealed) = fixture.code_and_sealed();
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let good =
        |name, about| Vector::new(name, about, &sealed.bytes).code(&code, "ok").payload_of(&code);
    let mut named = good("object-names", "What the objects of an envelope are called in a store.");
    named.names = Some(json!({
        "envelope": envelope.name().object().to_string(),
        "receipt": envelope.name().receipt().to_string(),
    }));

    let intact = container::wrap(Content::Envelope, &sealed.bytes).unwrap();
    let input = |copies: &[&[u8]; 3]| json!({ "copies": copies.map(hex::encode) });
    let spoilt = |first: usize| {
        let mut copy = intact.clone();
        copy.iter_mut().skip(first).step_by(3).for_each(|byte| *byte ^= 0x5A);
        copy
    };
    let (one, two, three) = (spoilt(0), spoilt(1), spoilt(2));
    let longer = [&intact[..], &[1, 2, 3]].concat();
    let mut majority =
        good("copies", "Three damaged copies of a container, of which two are right in every bit.");
    majority.input = input(&[&one, &two, &three]);
    let mut lengths =
        good("copies-lengths", "One copy is cut, one has a flipped bit, and one is too long.");
    let mut short = intact.clone();
    short.truncate(intact.len() - 20);
    let mut spoilt_begin = intact.clone();
    spoilt_begin[50] ^= 1;
    lengths.input = input(&[&short, &spoilt_begin, &longer]);
    let mut second = good("copies-second", "The first copy is damaged, the second is intact.");
    second.input = input(&[&one, &intact, &three]);
    let lost = [&intact[..intact.len() - 1], &one, &one];
    let verdict = container::recover(Content::Envelope, lost).unwrap_err().code();
    let lost = Vector::unread(
        "copies-lost",
        "A copy that is cut, and two with the same damage: the first says why.",
        input(&lost),
        verdict,
    );
    for vector in [&majority, &lengths, &second] {
        let copies: Vec<Vec<u8>> = vector.input["copies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|copy| hex::decode(copy.as_str().unwrap()).unwrap())
            .collect();
        let copies = [&copies[0][..], &copies[1], &copies[2]];
        assert_eq!(container::recover(Content::Envelope, copies).as_ref(), Ok(&sealed.bytes));
    }
    vec![named, majority, lengths, second, lost]
}

pub(super) fn texts() -> Vec<Vector> {
    let mut fixture = Fixture::small(172);
    let (code, sealed) = fixture.code_and_sealed();
    let whole = text::write(&sealed.bytes);
    let refused = |name, about, text: String| {
        let code = text::read(&text).unwrap_err().code();
        Vector::unread(name, about, json!({ "text": text }), code)
    };
    let parts = text::write_parts(&sealed.bytes, 97, 60).unwrap();
    let plain = parts.len() - 60;
    let mut encoder = ur::fountain::Encoder::new(&sealed.bytes, 97).unwrap();
    // None gives a fragment away by itself.
    let mixed: Vec<&str> = parts
        .iter()
        .filter(|_| encoder.next_part().indexes().len() > 1)
        .map(String::as_str)
        .collect();
    let enough = (1..).find(|count| text::read(&mixed[..*count].join("\n")).is_ok()).unwrap();
    let mut solved = Vector::new(
        "text-parts-solved",
        "In mixed parts, of two fragments or more each, which only together determine the message.",
        &sealed.bytes,
    )
    .code(&code, "ok")
    .payload_of(&code);
    solved.input = json!({ "text": mixed[..enough].join("\n") });

    let other = text::write_parts(&sealed.bytes[..sealed.bytes.len() - 1], 97, 0).unwrap();
    let size = sealed.bytes.len().div_ceil(plain);
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&sealed.bytes);
    let by_hand = |checksum: u32, padding: u8| {
        let mut padded = sealed.bytes.clone();
        padded.resize(size * plain, padding);
        let part = |(index, fragment): (usize, &[u8])| {
            let number = u32::try_from(index + 1).unwrap();
            let count = u32::try_from(plain).unwrap();
            let length = u32::try_from(sealed.bytes.len()).unwrap();
            let mut encoder = minicbor::Encoder::new(Vec::new());
            encoder.array(5).unwrap().u32(number).unwrap().u32(count).unwrap();
            encoder.u32(length).unwrap().u32(checksum).unwrap().bytes(fragment).unwrap();
            let words =
                ur::bytewords::encode(&encoder.into_writer(), ur::bytewords::Style::Minimal);
            format!("ur:twoshare-backup/{number}-{count}/{words}")
        };
        padded.chunks(size).enumerate().map(part).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(by_hand(checksum, 0), parts[..plain].join("\n"));
    assert!(size * plain > sealed.bytes.len(), "there is padding");
    let numbers = format!("/1-{plain}/");
    vec![
        solved,
        refused(
            "text-parts-padding",
            "The last fragment is padded with ones.",
            by_hand(checksum, 1),
        ),
        refused("text-parts-checksum", "All parts state another CRC-32.", by_hand(checksum ^ 1, 0)),
        refused(
            "text-parts-foreign",
            "All parts of one text, and then one of another.",
            [&parts[..plain], &other[1..2]].concat().join("\n"),
        ),
        refused(
            "text-parts-zero",
            "The number of a part is written with a zero before it.",
            parts[..plain].join("\n").replace(&numbers, &numbers.replace("/1", "/01")),
        ),
        refused(
            "text-then-other",
            "The text is cut, and another Uniform Resource follows.",
            format!("{} ur:bytes/iehsjyhspmwfwfia", &whole[..whole.len() - 12]),
        ),
        refused("text-word", "A word that ends like the beginning.", "See you in an hour:".into()),
    ]
}
