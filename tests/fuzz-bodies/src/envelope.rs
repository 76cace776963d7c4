//! The envelope, what is around it and what is typed for it.

use std::sync::LazyLock;

use pollster::block_on;
use twoshare_core::{
    check_code::CheckCode,
    conformance::decoders::{Sample, reencode_payload, reencode_slot_table, sample_slot_table},
    container::{self, Content},
    envelope::{Envelope, Expected},
    method::{AgreementKey, RecoveryCode},
    store::ObjectName,
    text::{self, PartReader},
};

use crate::{Target, assert_canonical};

static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::new);

pub(crate) const ENVELOPE: Target = Target {
    name: "envelope",
    body: |bytes| {
        let Ok(envelope) = Envelope::from_bytes(bytes) else { return };
        if let Ok(opened) = block_on(envelope.open(&SAMPLE.code, &Expected::default())) {
            // Whoever has not the content key changes nothing of what is found.
            assert_eq!(opened.header, SAMPLE.header);
            assert_eq!(opened.slots.to_journal().len(), sample_slot_table().len());
        }
    },
    seeds: || vec![SAMPLE.cose.clone()],
};

pub(crate) const PAYLOAD: Target = Target {
    name: "payload",
    body: |bytes| {
        if let Ok(written) = reencode_payload(bytes, &SAMPLE.header) {
            assert_canonical(bytes, written.expose_secret());
        }
    },
    seeds: || vec![SAMPLE.plaintext.expose_secret().to_vec()],
};

pub(crate) const SLOT_TABLE: Target = Target {
    name: "slot_table",
    body: |bytes| {
        if let Some(written) = reencode_slot_table(bytes) {
            assert_canonical(bytes, written.expose_secret());
        }
    },
    seeds: || vec![sample_slot_table().expose_secret().to_vec()],
};

pub(crate) const CONTAINER: Target = Target {
    name: "container",
    body: |bytes| {
        for content in [Content::Envelope, Content::Receipt] {
            if let Ok(inside) = container::unwrap(content, bytes) {
                let written =
                    container::wrap(content, inside).expect("what was in a container fits one");
                assert_canonical(bytes, &written);
            }
        }
        let third = bytes.len() / 3;
        let (one, rest) = bytes.split_at(third);
        let (two, three) = rest.split_at(third);
        let _ = container::recover(Content::Envelope, [one, two, three]);
    },
    seeds: || {
        let wrap = |content| container::wrap(content, &SAMPLE.cose).expect("a sample fits");
        let three =
            [wrap(Content::Envelope), wrap(Content::Envelope), wrap(Content::Envelope)].concat();
        vec![wrap(Content::Envelope), wrap(Content::Receipt), three]
    },
};

pub(crate) const UR_TEXT: Target = Target {
    name: "ur_text",
    body: |bytes| {
        if let Ok(read) = text::read(&String::from_utf8_lossy(bytes)) {
            assert_eq!(text::read(&text::write(&read)), Ok(read));
        }
    },
    seeds: || {
        let whole = text::write(&SAMPLE.cose);
        let parts = text::write_parts(&SAMPLE.cose, 150, 3).expect("a sample fits");
        let pasted = format!("here: {}, bye", whole.to_uppercase());
        [whole, pasted, parts.join("\n"), "ur:twoshare-backup/1-2/".into()]
            .map(String::into_bytes)
            .to_vec()
    },
};

pub(crate) const UR_PARTS: Target = Target {
    name: "ur_parts",
    body: |bytes| {
        let mut reader = PartReader::new();
        for part in String::from_utf8_lossy(bytes).lines() {
            let _ = reader.receive(part);
            let progress = reader.progress();
            assert!(progress.have <= progress.total);
            assert_eq!(
                progress.is_complete(),
                progress.total > 0 && progress.have == progress.total
            );
        }
        let _ = reader.finish();
    },
    seeds: || {
        let parts = text::write_parts(&SAMPLE.cose, 150, 6).expect("a sample fits");
        let lossy: Vec<_> = parts.iter().skip(2).cloned().collect();
        vec![parts.join("\n").into_bytes(), lossy.join("\n").into_bytes()]
    },
};

pub(crate) const RECOVERY_CODE: Target = Target {
    name: "recovery_code",
    body: |bytes| {
        if let Ok(code) = RecoveryCode::from_text(&String::from_utf8_lossy(bytes)) {
            let shown = code.to_text();
            let again = RecoveryCode::from_text(&shown).expect("what is shown can be typed");
            assert_eq!(again.to_text(), shown);
        }
    },
    seeds: || vec![SAMPLE.code.to_text().as_bytes().to_vec()],
};

pub(crate) const CHECK_CODE: Target = Target {
    name: "check_code",
    body: |bytes| {
        if let Ok(code) = String::from_utf8_lossy(bytes).parse::<CheckCode>() {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
    },
    seeds: || vec![CheckCode::of(SAMPLE.header.wallet, &[]).to_string().into_bytes()],
};

pub(crate) const OBJECT_NAME: Target = Target {
    name: "object_name",
    body: |bytes| {
        if let Ok(text) = core::str::from_utf8(bytes)
            && let Ok(name) = text.parse::<ObjectName>()
        {
            assert_eq!(name.to_string(), text);
        }
    },
    seeds: || {
        let envelope = Envelope::from_bytes(&SAMPLE.cose).expect("a sample");
        [envelope.name().object(), envelope.name().receipt()]
            .map(|name| name.to_string().into_bytes())
            .to_vec()
    },
};

pub(crate) const AGREEMENT_KEY: Target = Target {
    name: "agreement_key",
    body: |bytes| {
        if let Ok(key) = AgreementKey::from_bytes(bytes) {
            assert_canonical(bytes, &key.to_bytes());
        }
    },
    seeds: || {
        let envelope = Envelope::from_bytes(&SAMPLE.cose).expect("a sample");
        envelope.slots().iter().map(|slot| slot.public_key.to_bytes().to_vec()).collect()
    },
};
