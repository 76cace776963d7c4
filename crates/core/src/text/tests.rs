use proptest::prelude::*;

use super::*;

/// CBOR, as every envelope is: an array of a byte string of this length.
fn message(length: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.array(1).unwrap().bytes(&bytes).unwrap();
    encoder.into_writer()
}

#[test]
fn a_text_survives_a_chat() {
    let message = message(300);
    let text = write(&message);
    let lines: Vec<String> =
        text.as_bytes().chunks(31).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    for pasted in [
        text.clone(),
        text.to_uppercase(),
        lines.join("\n"),
        lines.join("\r\n> "),
        text.chars().map(|c| format!("{c} ")).collect(),
        format!(
            "Here is my backup, keep it safe!\n\n{}\n\nThanks & see you on the 12th.",
            lines.join("\n")
        ),
        format!("“{text}”"),
        format!("see {text}."),
        format!("```{text}```"),
        format!("ur:bytes/ignored first: {text}"),
        text.replace("ur:", "UR:\u{200B}").replace("backup", "back\nup"),
        format!("{text} ur:"),
        format!("This is your: file/name, and {text}"),
    ] {
        assert_eq!(read(&pasted), Ok(message.clone()), "{pasted}");
    }
    // A word without any break after the text, too, as the message says where it ends.
    assert_eq!(read(&format!("{text}thanks")), Ok(message));
}

#[test]
fn every_truncation_is_called_one() {
    let text = write(&message(40));
    let body = text.rfind('/').unwrap() + 1;
    for length in body..text.len() {
        assert_eq!(read(&text[..length]), Err(TextError::Truncated { letters: length - body }));
    }
    for length in 4..body {
        assert_eq!(
            read(&text[..length]),
            Err(TextError::Truncated { letters: 0 }),
            "{}",
            &text[..length]
        );
    }
    assert_eq!(read(&text[..3]), Err(TextError::NoBackup));
    assert_eq!(read(&text[4..]), Err(TextError::NoBackup));
}

#[test]
fn every_changed_letter_is_noticed() {
    let text = write(&message(40));
    let body = text.rfind('/').unwrap() + 1;
    for position in body..text.len() {
        for letter in 'a'..='z' {
            let mut changed = text.clone();
            changed.replace_range(position..=position, &letter.to_string());
            if changed != text {
                let error = read(&changed).unwrap_err();
                let letter = position - body;
                let nearby = matches!(error, TextError::Mistyped { letter: found } if found == letter / 2 * 2 + 1);
                let cut = matches!(error, TextError::Truncated { .. }) && letter < 6;
                assert!(nearby || cut || error == TextError::Checksum, "{position}: {error:?}");
            }
        }
        let mut digit = text.clone();
        digit.replace_range(position..=position, "0");
        assert!(
            matches!(read(&digit), Err(TextError::Mistyped { .. } | TextError::Checksum)),
            "{digit}"
        );
    }
}

#[test]
fn other_texts_are_named() {
    assert_eq!(read(""), Err(TextError::NoBackup));
    assert_eq!(read("our: colours/are"), Err(TextError::OtherType { found: "colours".into() }));
    let cut = &write(&message(40))[..50];
    assert_eq!(read(&format!("our: colours/are {cut}")), Err(TextError::Truncated { letters: 31 }));
    assert_eq!(
        read("ur:bytes/iehsjyhspmwfwfia"),
        Err(TextError::OtherType { found: "bytes".into() })
    );
    assert!(matches!(read(&"x".repeat(MAX_TEXT + 1)), Err(TextError::TooLarge { .. })));
}

#[test]
fn parts_come_back_in_any_order_and_some_may_be_lost() {
    let message = message(1000);
    let parts = write_parts(&message, 100, 30).unwrap();
    assert_eq!(parts.len(), 11 + 30);
    let mut shuffled: Vec<String> = parts.iter().rev().step_by(2).cloned().collect();
    shuffled.push(shuffled[0].to_uppercase());
    shuffled.extend(parts.iter().skip(15).cloned());
    assert_eq!(read(&shuffled.join("\n")), Ok(message.clone()));
    assert_eq!(read(&parts[..11].join(" and then ")), Ok(message.clone()));
    let mut reader = PartReader::new();
    for (index, part) in parts[..11].iter().enumerate() {
        assert_eq!(reader.receive(part), Ok(Progress { have: index + 1, total: 11 }));
        assert_eq!(reader.progress().is_complete(), index == 10);
    }
    assert_eq!(reader.finish(), Ok(message));
}

#[test]
fn missing_parts_are_listed() {
    let parts = write_parts(&message(1000), 100, 0).unwrap();
    let some = [&parts[0], &parts[4], &parts[4]].map(String::as_str).join("\n");
    let missing = vec![2, 3, 4, 6, 7, 8, 9, 10, 11];
    assert_eq!(read(&some), Err(TextError::MissingParts { have: 2, total: 11, missing }));
    let cut = &parts[..11].join("\n");
    let cut = &cut[..cut.len() - 5];
    assert_eq!(read(cut), Err(TextError::MissingParts { have: 10, total: 11, missing: vec![11] }));
    let (first, rest) = cut.split_once('\n').unwrap();
    assert!(matches!(read(&format!("{}\n{rest}", &first[..40])), Err(TextError::Truncated { .. })));
    assert_eq!(read("ur:twoshare-backup/1-"), Err(TextError::Truncated { letters: 0 }));
}

#[test]
fn parts_of_two_backups_are_told_apart() {
    let (one, two) = (
        write_parts(&message(1000), 100, 0).unwrap(),
        write_parts(&message(1001), 100, 0).unwrap(),
    );
    let mut reader = PartReader::new();
    reader.receive(&one[0]).unwrap();
    assert_eq!(reader.receive(&two[1]), Err(TextError::MixedParts));
    // Neither is chosen for the user, though one is whole.
    let pasted = [&one[..], &two[3..4]].concat().join("\n");
    assert_eq!(read(&pasted), Err(TextError::MixedParts));
    assert!(reader.receive(&one[1]).is_ok());
}

#[test]
fn absurd_claims_never_reach_the_decoder() {
    let part = |sequence: u32, total: u32, length: u32, fragment: &[u8]| {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encoder
            .array(5)
            .unwrap()
            .u32(sequence)
            .unwrap()
            .u32(total)
            .unwrap()
            .u32(length)
            .unwrap()
            .u32(7)
            .unwrap();
        encoder.bytes(fragment).unwrap();
        let letters = ur::bytewords::encode(&encoder.into_writer(), ur::bytewords::Style::Minimal);
        format!("ur:twoshare-backup/{sequence}-{total}/{letters}")
    };
    let claimed = |total| Err(TextError::TooLarge { claimed: total, cap: 4096 });
    assert_eq!(read(&part(1, 10_000_000, 10_000_000, &[0])), claimed(10_000_000));
    assert_eq!(read(&part(1, 4_000_000_000, 4_000_000_000, &[0])), claimed(4_000_000_000));
    let length = Err(TextError::TooLarge { claimed: 4096 * 4096, cap: MAX_LEN as u64 });
    assert_eq!(read(&part(1, 4096, 4096 * 4096, &[0; 4096])), length);
    assert_eq!(read(&part(1, 4096, 1, &[0; 100])), Err(TextError::MalformedPart { sequence: 1 }));
    assert_eq!(read(&part(0, 2, 2, &[0])), Err(TextError::MalformedPart { sequence: 0 }));
    assert_eq!(read(&part(1, 0, 2, &[0])), Err(TextError::MalformedPart { sequence: 1 }));
    let mismatch = part(1, 2, 2, &[0]).replace("1-2", "1-3");
    assert_eq!(read(&mismatch), Err(TextError::MalformedPart { sequence: 1 }));
    assert!(write_parts(&message(5000), 1, 0).is_err());
    assert!(write_parts(&message(5000), 0, 0).is_err());
    assert!(write_parts(&[], 10, 0).is_err());
}

/// Mixed parts of an even number of fragments each, which never lead to any one fragment.
fn parts_that_lead_nowhere(message: &[u8], fragment: usize, count: usize) -> Vec<String> {
    let mut encoder = ur::fountain::Encoder::new(message, fragment).unwrap();
    let parts = write_parts(message, fragment, count).unwrap();
    let even = parts.into_iter().map(|part| (encoder.next_part(), part));
    even.filter(|(inside, _)| inside.indexes().len() % 2 == 0).map(|(_, part)| part).collect()
}

#[test]
fn hostile_parts_are_received_only_so_often() {
    for (length, fragment, accepted) in [(100, 10, 4 * 11), (8000, 8, 724 * 724 / 1001)] {
        let parts = parts_that_lead_nowhere(&message(length), fragment, 2000);
        let mut reader = PartReader::new();
        let (received, refused): (Vec<_>, Vec<_>) =
            parts.iter().map(|part| reader.receive(part)).partition(Result::is_ok);
        assert_eq!(received.len(), accepted);
        assert!(refused.iter().all(|error| matches!(error, Err(TextError::TooLarge { .. }))));
        assert!(!refused.is_empty() && reader.progress().have == 0);
    }
}

proptest! {
    #[test]
    fn any_message_comes_back(bytes: Vec<u8>, fragment in 1..200usize) {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encoder.bytes(&bytes).unwrap();
        let message = encoder.into_writer();
        prop_assert_eq!(read(&write(&message)), Ok(message.clone()));
        let parts = write_parts(&message, fragment, 2).unwrap();
        prop_assert_eq!(read(&parts.join("\n")), Ok(message));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = read(&text);
        let _ = read(&format!("ur:twoshare-backup/{text}"));
        let _ = read(&format!("ur:twoshare-backup/1-2/{text}"));
    }
}
