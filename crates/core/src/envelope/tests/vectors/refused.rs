//! What stores, writers and accidents make of envelopes, containers and texts.

use serde_json::json;

use super::{
    super::{
        super::*,
        adversary::{Target, change_recipients},
        fixture::{Fixture, Stranger},
    },
    Vector,
};
use crate::{
    container::{self, Content},
    curve::AnySigningKey,
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    method::{Argon2Cost, Password, RecoveryCode, SlotKind},
    share::KeyId,
    text,
};

pub(super) fn by_stores() -> Vec<Vector> {
    let mut target = Target::new(120);
    let payload = |target: &Target, vector: Vector| vector.payload(&target.fixture, &target.slots);
    let bytes = target.slot_injected();
    let injected = Vector::new(
        "slot-injected",
        "A store has added a slot of its own: the others open.",
        &bytes,
    )
    .password("ok")
    .altered(1, 0)
    .code(&target.code, "ok")
    .altered(1, 0);
    let injected = payload(&target, injected);
    let removed = Vector::new(
        "slot-removed",
        "A store has removed the password's slot.",
        &target.slot_removed(),
    )
    .password("no_slot")
    .code(&target.code, "ok")
    .altered(0, 1);
    let removed = payload(&target, removed);
    let unreadable =
        change_recipients(&target.sealed.bytes, |recipients| recipients[0] = vec![0xF6]);
    let unreadable = Vector::new(
        "slot-unreadable",
        "Null stands in the place of the password's slot.",
        &unreadable,
    )
    .password("damaged_slot")
    .code(&target.code, "ok")
    .altered(1, 1);
    let unreadable = payload(&target, unreadable);
    let bytes = target.slot_changed(1, |header| header.tag = None);
    let stripped =
        Vector::new("tag-stripped", "A store has removed the key tag of the code's slot.", &bytes)
            .code(&target.code, "substituted");
    let bytes = target.slot_changed(1, |header| header.tag = Some(KeyTag::from_bytes([7; 32])));
    let changed =
        Vector::new("tag-changed", "A store has changed the key tag of the code's slot.", &bytes)
            .code(&target.code, "damaged_wrapped_key");
    let cost = Argon2Cost::for_tests(0x0100_0000, 3, 4);
    let bytes = target.slot_changed(0, |header| {
        header.parameters = Password::parameters_for_tests([1; 16], cost)
    });
    let memory = Vector::new("absurd-memory", "The password's slot asks for 16 GiB.", &bytes)
        .password("excessive_work")
        .code(&target.code, "ok")
        .altered(1, 1);
    let memory = payload(&target, memory);
    let cost = Argon2Cost::for_tests(64, 17, 4);
    let bytes = target.slot_changed(0, |header| {
        header.parameters = Password::parameters_for_tests([1; 16], cost)
    });
    let passes = Vector::new("absurd-passes", "The password's slot asks for 17 passes.", &bytes)
        .password("excessive_work");
    let bytes = target.slot_changed(0, |header| header.parameters = vec![0x80]);
    let parameters =
        Vector::new("unreadable-parameters", "The password's slot has other parameters.", &bytes)
            .password("slot_parameters");
    let forbidden = Vector::new(
        "forbidden-ephemeral",
        "The ephemeral key of the code's slot is the point of the wallet's key tags.",
        &target.forbidden_ephemeral(false),
    )
    .code(&target.code, "forbidden_ephemeral");
    let negative = Vector::new(
        "forbidden-ephemeral-negative",
        "The ephemeral key of the code's slot is the negative of the point of the wallet's key tags.",
        &target.forbidden_ephemeral(true),
    )
    .code(&target.code, "forbidden_ephemeral");

    let most = Argon2Cost::for_tests(Argon2Cost::MAX_MEMORY_KIB, Argon2Cost::MAX_PASSES, 4);
    let costly: Vec<Vec<u8>> = (1..=3)
        .map(|salt| {
            let thief = Stranger::new(SlotKind::Password, &mut target.fixture.rng);
            let slot = target.fixture.slot(&thief);
            let parameters = Password::parameters_for_tests([salt; 16], most);
            target.foreign_recipient(&Slot::new(SlotHeader { parameters, ..slot.header().clone() }))
        })
        .collect();
    let bytes =
        change_recipients(&target.sealed.bytes, |recipients| drop(recipients.splice(..0, costly)));
    let costly = Vector::new(
        "costly-slots",
        "A store has put three slots of the highest cost before the user's, which is tried first.",
        &bytes,
    )
    .password("ok")
    .altered(3, 0);
    let costly = payload(&target, costly);

    let mut bytes = target.sealed.bytes.clone();
    let ciphertext = Envelope::from_bytes(&bytes).unwrap().ciphertext_for_tests();
    let at = target.fixture.find(&bytes, &ciphertext);
    bytes[at + 40] ^= 0x10;
    let ciphertext =
        Vector::new("damaged-ciphertext", "One bit of the ciphertext is flipped.", &bytes)
            .password("damaged_ciphertext")
            .code(&target.code, "damaged_ciphertext");
    let mut bytes = target.sealed.bytes.clone();
    *bytes.last_mut().unwrap() ^= 1;
    let wrapped = Vector::new(
        "damaged-wrapped-key",
        "The last bit, of the code's wrapped key, is flipped.",
        &bytes,
    )
    .password("ok")
    .code(&target.code, "damaged_wrapped_key");
    let wrapped = payload(&target, wrapped);
    let mut bytes = target.sealed.bytes.clone();
    let at = target.fixture.find(&bytes, b"Savings");
    bytes[at] = b'R';
    let renamed =
        Vector::new("header-changed", "The public name is another: no slot fits any more.", &bytes)
            .password("damaged_wrapped_key")
            .code(&target.code, "damaged_wrapped_key");
    vec![
        injected, removed, unreadable, stripped, changed, memory, passes, costly, parameters,
        forbidden, negative, ciphertext, wrapped, renamed,
    ]
}

pub(super) fn by_writers() -> Vec<Vector> {
    let mut target = Target::new(130);
    let copied = Vector::new(
        "tag-copied",
        "A wallet that somebody else knows, sealed to the user's slots, tags included.",
        &target.substituted(|_| {}),
    )
    .password("substituted")
    .code(&target.code, "substituted")
    .code(&target.code, "substituted")
    .with("accept_unvouched", json!(true));
    let untagged = Vector::new(
        "tag-omitted",
        "A wallet that somebody else knows, sealed to the user's slots without tags.",
        &target.substituted(|header| header.tag = None),
    )
    .password("substituted")
    .code(&target.code, "substituted");
    let bytes = target.two_keys();
    let two_keys = Vector::new(
        "two-keys",
        "One ciphertext that is authentic under two keys; the code's slot wraps the one that is not committed to.",
        &bytes,
    )
    .password("ok")
    .code(&target.code, "damaged_key_commitment")
    .payload_of(&target.password);
    let mut table = SlotTable::new();
    table.add(target.slots.iter().nth(1).unwrap().clone()).unwrap();
    let (slots, code) = (target.slots.clone(), target.code.to_text());
    let code = RecoveryCode::from_text(&code).unwrap();
    let bytes = target.fixture.seal_fields(&slots, &table, |_| {});
    let unlisted =
        Vector::new("slot-unlisted", "The password's slot is not in the slot table.", &bytes)
            .password("payload_unlisted_slot")
            .code(&code, "ok")
            .altered(1, 0)
            .payload_of(&code);

    let fixture = &mut target.fixture;
    let id = fixture.payload.keys[0].id();
    let share = |fixture: &mut Fixture, id: KeyId| {
        let (client, _) =
            AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng).split(id, &mut fixture.rng);
        client.to_bytes().expose_secret().to_vec()
    };
    let refused = |fixture: &mut Fixture, name, about, share: Vec<u8>, result| {
        let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.keys[0] = share);
        Vector::new(name, about, &bytes).code(&code, result)
    };
    let custodian =
        AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng).split(id, &mut fixture.rng).1;
    let custodian = custodian.to_bytes().expose_secret().to_vec();
    let role =
        refused(fixture, "payload-role", "The custodian's share.", custodian, "payload_wrong_role");
    let wallet =
        KeyId { sharing: Sharing { wallet: WalletId::from_bytes([1; 16]), ..id.sharing }, ..id };
    let wallet = share(fixture, wallet);
    let wallet = refused(
        fixture,
        "payload-wallet",
        "A share of another wallet.",
        wallet,
        "payload_wrong_wallet",
    );
    let epoch = KeyId { sharing: Sharing { epoch: Epoch::new(2).unwrap(), ..id.sharing }, ..id };
    let epoch = share(fixture, epoch);
    let epoch = refused(
        fixture,
        "payload-epoch",
        "A share of another epoch.",
        epoch,
        "payload_wrong_epoch",
    );
    let purpose = KeyId { sharing: Sharing { purpose: Purpose::Signing, ..id.sharing }, ..id };
    let purpose = share(fixture, purpose);
    let purpose =
        refused(fixture, "payload-purpose", "A signing share.", purpose, "payload_wrong_purpose");
    let index = share(fixture, KeyId { index: 1, ..id });
    let index = refused(
        fixture,
        "payload-index",
        "A share of key 1 in the place of key 0.",
        index,
        "payload_wrong_index",
    );
    let mut uncommitted = fixture.payload.keys[0].to_bytes().expose_secret().to_vec();
    *uncommitted.last_mut().unwrap() ^= 1;
    let uncommitted = refused(
        fixture,
        "payload-share",
        "A share that does not fit its commitment.",
        uncommitted,
        "payload_share",
    );
    let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.keys.clear());
    let empty = Vector::new("payload-empty", "A payload without keys.", &bytes)
        .code(&code, "payload_no_keys");
    let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.kind = 1);
    let kind =
        Vector::new("payload-kind", "A payload of another kind than the header says.", &bytes)
            .code(&code, "payload_wrong_kind");
    vec![
        copied,
        untagged,
        two_keys,
        unlisted,
        role,
        wallet,
        epoch,
        purpose,
        index,
        uncommitted,
        empty,
        kind,
    ]
}

pub(super) fn malformed() -> Vec<Vector> {
    let mut fixture = Fixture::small(140);
    let (code, sealed) = fixture.code_and_sealed();
    let bytes = sealed.bytes;
    let protected = Envelope::from_bytes(&bytes).unwrap().protected_for_tests();
    let change = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let version = [0x3A, 0x00, 0x01, 0x11, 0x70];
    let newer = change(&[&version[..], &[1]].concat(), &[&version[..], &[2]].concat());
    let slot_alg = change(&[0x01, 0x38, 0x1E], &[0x01, 0x38, 0x1C]);
    let seventeen =
        change_recipients(&bytes, |recipients| *recipients = vec![recipients[0].clone(); 17]);
    let twice = change_recipients(&bytes, |recipients| recipients.push(recipients[0].clone()));
    let twice = Vector::new("slot-twice", "A store has written the code's slot twice.", &twice)
        .code(&code, "ok")
        .altered(1, 0);
    let head = [0x58, u8::try_from(protected.len()).unwrap()];
    let longer_head = change(&head, &[0x59, 0, head[1]]);
    vec![
        twice.payload_of(&code),
        Vector::new("newer-version", "Version 2.", &newer),
        Vector::new("body-algorithm", "A128GCM.", &change(&protected[..3], &[protected[0], 1, 1])),
        Vector::new("slot-algorithm", "ECDH-ES + A128KW.", &slot_alg)
            .code(&code, "unsupported_slot_algorithm"),
        Vector::new("too-many-slots", "Seventeen slots.", &seventeen),
        Vector::new("no-slots", "No slots.", &change_recipients(&bytes, Vec::clear)),
        Vector::new("truncated", "The last byte is missing.", &bytes[..bytes.len() - 1]),
        Vector::new("truncated-early", "Only 30 bytes are there.", &bytes[..30]),
        Vector::new("trailing-bytes", "A byte follows.", &[&bytes[..], &[0]].concat()),
        Vector::new("not-an-envelope", "A text.", b"ur:twoshare-backup/ is a text"),
        Vector::new(
            "another-cose",
            "A COSE_Encrypt of something else.",
            &[0xD8, 0x60, 0x84, 0x43, 0xA1, 1, 3, 0xA0, 0x40, 0x80],
        ),
        Vector::new("longer-head", "A length of one byte is written in two.", &longer_head),
        Vector::new(
            "indefinite-array",
            "The message is an array of indefinite length.",
            &change(&[0xD8, 0x60, 0x84], &[0xD8, 0x60, 0x9F]),
        ),
        Vector::new(
            "wrong-tag",
            "COSE_Mac instead of COSE_Encrypt.",
            &change(&[0xD8, 0x60, 0x84], &[0xD8, 0x61, 0x84]),
        ),
    ]
}

pub(super) fn containers() -> Vec<Vector> {
    let mut fixture = Fixture::small(150);
    let (code, sealed) = fixture.code_and_sealed();
    let intact = container::wrap(Content::Envelope, &sealed.bytes).unwrap();
    let input = |bytes: &[u8]| json!({ "container": hex::encode(bytes) });
    let refused = |name, about, bytes: &[u8]| {
        let code = container::unwrap(Content::Envelope, bytes).unwrap_err().code();
        Vector::unread(name, about, input(bytes), code)
    };
    let changed = |at: usize, to: u8| {
        let mut bytes = intact.clone();
        bytes[at] = to;
        bytes
    };
    let mut newer = changed(8, 2);
    newer[20] ^= 1;
    let receipt = container::wrap(Content::Receipt, b"a receipt").unwrap();
    let mut huge = changed(10, 0xFF);
    huge[20] ^= 1;
    let mut good = Vector::new("container", "An envelope in its container.", &sealed.bytes)
        .code(&code, "ok")
        .payload_of(&code);
    good.input = input(&intact);
    vec![
        good,
        refused("container-damaged", "One bit of the content is flipped.", &changed(60, intact[60] ^ 4)),
        refused("container-damaged-magic", "One bit of the magic is flipped.", &changed(1, intact[1] ^ 4)),
        refused("container-damaged-version", "The version is flipped, everything else is intact.", &changed(8, 3)),
        refused("container-newer", "Version 2, with a checksum of its own.", &newer),
        refused("container-truncated", "The last byte is missing.", &intact[..intact.len() - 1]),
        refused("container-trailing", "A byte follows.", &[&intact[..], &[0]].concat()),
        refused("container-receipt", "A receipt.", &receipt),
        refused("container-huge", "Almost 4 GiB are claimed.", &huge),
        refused("container-other-file", "A PNG.", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0"),
    ]
}

pub(super) fn texts() -> Vec<Vector> {
    let mut fixture = Fixture::small(160);
    let (code, sealed) = fixture.code_and_sealed();
    let whole = text::write(&sealed.bytes);
    let good = |name, about, text: String| {
        let mut vector =
            Vector::new(name, about, &sealed.bytes).code(&code, "ok").payload_of(&code);
        vector.input = json!({ "text": text });
        vector
    };
    let refused = |name, about, text: String| {
        let code = text::read(&text).unwrap_err().code();
        Vector::unread(name, about, json!({ "text": text }), code)
    };
    let lines: Vec<&str> =
        whole.as_bytes().chunks(64).map(|line| core::str::from_utf8(line).unwrap()).collect();
    let pasted = format!(
        "Anna, 9:41: here it is!\n> {}\nTalk to you later.",
        lines.join("\n> ").to_uppercase()
    );
    let parts = text::write_parts(&sealed.bytes, 120, 12).unwrap();
    let plain = parts.len() - 12;
    let lossy: Vec<&str> = parts.iter().skip(3).map(String::as_str).collect();
    let other = text::write_parts(&sealed.bytes[..sealed.bytes.len() - 1], 120, 0).unwrap();
    let mut typo = whole.clone().into_bytes();
    typo[60] = if typo[60] == b'q' { b'z' } else { b'q' };
    typo[61] = b'q';
    let mut swapped = whole.clone();
    let (first, second) = (&whole[201..203], &whole[203..205]);
    swapped.replace_range(201..205, &format!("{second}{first}"));
    vec![
        good("text", "As one Uniform Resource.", whole.clone()),
        good(
            "text-pasted",
            "From a chat: in upper case, quoted line by line, with words around it.",
            pasted,
        ),
        good("text-parts", "In parts.", parts[..plain].join("\n")),
        good(
            "text-parts-lost",
            "In parts, the first three lost, with mixed ones in their place.",
            lossy.join(" "),
        ),
        refused(
            "text-truncated",
            "The last ten letters are missing.",
            whole[..whole.len() - 10].to_owned(),
        ),
        refused(
            "text-mistyped",
            "A pair of letters that is no byteword.",
            String::from_utf8(typo).unwrap(),
        ),
        refused("text-changed", "Two pairs of letters have changed places.", swapped),
        refused(
            "text-missing-part",
            "The second part is missing.",
            [&parts[..1], &parts[2..plain]].concat().join("\n"),
        ),
        refused(
            "text-mixed-parts",
            "Parts of two texts.",
            [&parts[..1], &other[1..]].concat().join("\n"),
        ),
        refused(
            "text-absurd-parts",
            "Four billion parts are claimed.",
            parts[0].replace(&format!("1-{plain}/"), "1-4000000000/"),
        ),
        refused("text-other-type", "Another Uniform Resource.", "ur:bytes/iehsjyhspmwfwfia".into()),
        refused("text-none", "No Uniform Resource.", "my backup is in the drawer".into()),
    ]
}
