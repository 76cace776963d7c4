//! Bytes that were made to exhaust their reader: its stack, its memory or its time.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{fs, thread};

use minicbor::{Decoder, Encoder, data::Tag};
use twoshare_core::{
    envelope::{Envelope, ParseError},
    method::AgreementKey,
    text::{PartReader, TextError},
};

/// As little as a platform gives a thread that is not the main one.
const SMALL_STACK: usize = 256 * 1024;

/// The protected headers of the body and of a slot, of an envelope that is one.
fn headers() -> (Vec<u8>, Vec<u8>) {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/envelope/recovery-code.json");
    let vector: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cose = hex::decode(vector["input"]["cose"].as_str().unwrap()).unwrap();
    let mut decoder = Decoder::new(&cose);
    decoder.tag().unwrap();
    decoder.array().unwrap();
    let body = decoder.bytes().unwrap().to_vec();
    (0..2).for_each(|_| decoder.skip().unwrap());
    assert!((0..2).all(|_| decoder.array().unwrap().is_some()));
    (body, decoder.bytes().unwrap().to_vec())
}

/// An envelope with these parts, whatever they are.
fn envelope(protected: &[u8], recipients: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.tag(Tag::new(96)).unwrap().array(4).unwrap().bytes(protected).unwrap();
    encoder.map(1).unwrap().u8(5).unwrap().bytes(&[0; 12]).unwrap().bytes(&[0; 16]).unwrap();
    encoder.array(recipients.len() as u64).unwrap();
    let mut bytes = encoder.into_writer();
    recipients.iter().for_each(|recipient| bytes.extend_from_slice(recipient));
    bytes
}

/// Headers whose counter signature has a protected header with a counter signature, and so on, up to
/// this many bytes.
fn nested_headers(longest: usize) -> Vec<u8> {
    let mut header = vec![0xa0];
    loop {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(1).unwrap().u8(7).unwrap().array(3).unwrap().bytes(&header).unwrap();
        encoder.map(0).unwrap().bytes(&[]).unwrap();
        let outer = encoder.into_writer();
        if outer.len() > longest {
            return header;
        }
        header = outer;
    }
}

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap();
}

#[test]
fn headers_in_headers_do_not_exhaust_the_stack() {
    on_a_small_stack(|| {
        let bytes = envelope(&nested_headers(4096), &[vec![0x83, 0x40, 0xa0, 0x40]]);
        assert_eq!(Envelope::from_bytes(&bytes).unwrap_err(), ParseError::NotAnEnvelope);
    });
}

#[test]
fn headers_in_headers_of_a_slot_do_not_exhaust_the_stack() {
    let nested = nested_headers(4000);
    let (body, slot) = headers();
    let bytes = |recipient: &dyn Fn(&mut Encoder<Vec<u8>>)| {
        let mut encoder = Encoder::new(Vec::new());
        recipient(&mut encoder);
        envelope(&body, &[encoder.into_writer()])
    };
    let protected = bytes(&|e| {
        e.array(3).unwrap().bytes(&nested).unwrap().map(0).unwrap().bytes(&[]).unwrap();
    });
    let unprotected = bytes(&|e| {
        e.array(3).unwrap().bytes(&slot).unwrap().map(1).unwrap().u8(7).unwrap();
        e.array(3).unwrap().bytes(&nested).unwrap().map(0).unwrap().bytes(&[]).unwrap();
        e.bytes(&[]).unwrap();
    });
    let recipients = bytes(&|e| {
        e.array(4).unwrap().bytes(&slot).unwrap().map(0).unwrap().bytes(&[]).unwrap();
        e.array(1).unwrap().array(3).unwrap().bytes(&nested).unwrap();
        e.map(0).unwrap().bytes(&[]).unwrap();
    });
    for bytes in [protected, unprotected, recipients] {
        on_a_small_stack(move || {
            let envelope = Envelope::from_bytes(&bytes).unwrap();
            assert!(envelope.slots().is_empty());
        });
    }
}

#[test]
fn nested_arrays_do_not_exhaust_the_stack() {
    let (body, _) = headers();
    on_a_small_stack(move || {
        for depth in [64, 65, 4_000, 100_000] {
            let nested = [vec![0x81; depth], vec![0x80]].concat();
            assert!(Envelope::from_bytes(&nested).is_err());
            assert!(
                Envelope::from_bytes(&envelope(&nested, std::slice::from_ref(&nested))).is_err()
            );
            let slots = Envelope::from_bytes(&envelope(&body, &[nested]))
                .map(|envelope| envelope.slots().len());
            assert_eq!(slots, if depth <= 64 { Ok(0) } else { Err(ParseError::Malformed) });
        }
    });
}

/// Mixed parts of the largest number, each of which costs the decoder as much as a part can.
#[test]
fn hostile_parts_take_little_work() {
    let total = 4096;
    let part = |sequence: u32| {
        let mut encoder = Encoder::new(Vec::new());
        encoder.array(5).unwrap().u32(sequence).unwrap().u32(total).unwrap();
        encoder.u32(total).unwrap().u32(7).unwrap().bytes(&[0]).unwrap();
        let letters = ur::bytewords::encode(&encoder.into_writer(), ur::bytewords::Style::Minimal);
        format!("ur:twoshare-backup/{sequence}-{total}/{letters}")
    };
    let mut reader = PartReader::new();
    let taken =
        (total + 1..3 * total).filter(|sequence| reader.receive(&part(*sequence)).is_ok()).count();
    assert_eq!(taken, 127);
    // The plain parts are taken all the same.
    assert!((1..=total).all(|sequence| reader.receive(&part(sequence)).is_ok()));
    assert_eq!(reader.finish().unwrap_err(), TextError::Checksum);
}

/// P-256 has a point with x = 0 and one with y = 5, whose coordinates also fit 32 bytes with p added.
#[test]
fn coordinates_have_one_encoding() {
    let p = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
    let p_and_5 = "ffffffff00000001000000000000000000000001000000000000000000000004";
    let zero = format!("{:064x}", 0);
    let y_of_zero = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
    let x_of_five = "d7325d7646cd60d80a92738ceb345f844cffaf35841022cab176f692de8de1d7";
    let five = format!("{:064x}", 5);
    let key =
        |x: &str, y: &str| AgreementKey::from_bytes(&hex::decode(format!("04{x}{y}")).unwrap());
    assert!(key(&zero, y_of_zero).is_ok() && key(x_of_five, &five).is_ok());
    assert!(key(p, y_of_zero).is_err() && key(x_of_five, p_and_5).is_err());
}

/// What follows the headers is skipped without a call or much memory for each item.
#[test]
fn eight_mebibytes_of_open_arrays_are_refused_in_little_memory() {
    let (body, _) = headers();
    let mut bytes = envelope(&body, &[vec![0x82, 0x9f]]);
    bytes.resize(8 * 1024 * 1024, 0x9f);
    assert_eq!(Envelope::from_bytes(&bytes).unwrap_err(), ParseError::Malformed);
}
