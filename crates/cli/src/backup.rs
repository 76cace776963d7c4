//! Backups that come from outside: files, standard input, pasted text.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::{Value, json};
use twoshare_core::{
    container::{self, ContainerError, Content},
    envelope::{Envelope, ParseError, SlotHeader, SlotId},
    text,
};

use crate::{answer::Failure, codes::method_name};

/// The longest input that is looked at: text is the longest form.
const MAX_INPUT: u64 = text::MAX_TEXT as u64;

/// An envelope, and how it came.
#[derive(Debug)]
pub(crate) struct Backup {
    pub(crate) envelope: Envelope,
    pub(crate) form: Form,
}

/// How an envelope is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Container,
    Cose,
    Text,
}

impl Form {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Cose => "cose",
            Self::Text => "text",
        }
    }
}

impl Backup {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes)
        } else {
            File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
        };
        read.map_err(|error| {
            Failure::new("file_unreadable", format!("{}: {error}", path.display()))
                .with("path", path.display().to_string())
        })?;
        Self::from_bytes(&bytes)
    }

    /// What a file holds, in any form.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        match container::unwrap(Content::Envelope, bytes) {
            Ok(cose) => return Self::from_cose(cose, Form::Container),
            Err(ContainerError::NotAContainer | ContainerError::TooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match (Envelope::from_bytes(bytes), str::from_utf8(bytes)) {
            (Ok(envelope), _) => Ok(Self { envelope, form: Form::Cose }),
            (Err(_), Ok(pasted)) if mentions_ur(pasted) => Self::from_text(pasted),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// What a person pasted.
    pub(crate) fn from_text(pasted: &str) -> Result<Self, Failure> {
        Self::from_cose(&text::read(pasted)?, Form::Text)
    }

    fn from_cose(cose: &[u8], form: Form) -> Result<Self, Failure> {
        let envelope =
            Envelope::from_bytes(cose).map_err(|error: ParseError| Failure::from(error))?;
        Ok(Self { envelope, form })
    }
}

/// Whether a text has an `ur:` in any case.
pub(crate) fn mentions_ur(text: &str) -> bool {
    text.as_bytes().windows(3).any(|window| window.eq_ignore_ascii_case(b"ur:"))
}

/// What everybody who has an envelope can read of it.
pub(crate) fn describe(envelope: &Envelope) -> Value {
    let header = envelope.header();
    json!({
        "wallet": header.wallet.to_string(),
        "name": header.name,
        "kind": header.kind.map(|kind| kind.to_string()),
        "network": header.network,
        "epoch": header.epoch.get(),
        "created": rfc3339(header.created),
        "digest": envelope.digest().to_string(),
        "methods": envelope.slots().into_iter().map(describe_slot).collect::<Vec<_>>(),
    })
}

fn describe_slot(slot: &SlotHeader) -> Value {
    json!({
        "slot": SlotId::of(slot).to_string(),
        "method": method_name(slot.kind),
        "label": slot.label,
        "key_tag": slot.tag.is_some(),
    })
}

/// The same for a person.
pub(crate) fn describe_in_words(envelope: &Envelope) -> String {
    let header = envelope.header();
    let mut lines = vec![format!("wallet   {}", header.wallet)];
    lines.extend(header.name.as_ref().map(|name| format!("name     {}", plain(name))));
    lines.extend(header.kind.map(|kind| format!("kind     {kind}")));
    lines.extend(header.network.as_ref().map(|network| format!("network  {}", plain(network))));
    lines.push(format!("epoch    {}", header.epoch));
    lines.push(format!("created  {}", rfc3339(header.created)));
    lines.push(format!("digest   {}", envelope.digest()));
    for slot in envelope.slots() {
        let label = plain(&slot.label);
        let line = format!("method   {} {label} ({})", method_name(slot.kind), SlotId::of(slot));
        lines.push(line.replace("  (", " ("));
    }
    lines.join("\n")
}

/// A text that somebody else may have written, without what would act on a terminal, break a line or
/// change the order in which it is shown (Unicode Standard Annex 9).
pub(crate) fn plain(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect()
}

/// RFC 3339; the largest time that it can write for any later one.
pub(crate) fn rfc3339(seconds: u64) -> String {
    /// 9999-12-31T23:59:59Z.
    const LAST: u64 = 253_402_300_799;
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.min(LAST));
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_can_be_written() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_763_596_800), "2025-11-20T00:00:00Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn labels_do_not_act_on_a_terminal() {
        assert_eq!(plain("home\x1b[2J\r\n"), "home\u{fffd}[2J\u{fffd}\u{fffd}");
        assert_eq!(plain("on \u{202e}paper\u{2028}"), "on \u{fffd}paper\u{fffd}");
    }
}
