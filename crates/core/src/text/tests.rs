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
    let part = |sequence, total, length, fragment: &[u8]| {
        self::part([sequence, total, length, 7], fragment)
    };
    let claimed = |total| Err(TextError::TooLarge { claimed: total, cap: 4096 });
    assert_eq!(read(&part(1, 10_000_000, 10_000_000, &[0])), claimed(10_000_000));
    assert_eq!(read(&part(1, 4_000_000_000, 4_000_000_000, &[0])), claimed(4_000_000_000));
    let length = Err(TextError::TooLarge { claimed: 4096 * 4096, cap: MAX_LEN as u64 });
    assert_eq!(read(&part(1, 4096, 4096 * 4096, &[0; 4096])), length);
    assert_eq!(read(&part(1, 4096, 1, &[0; 100])), Err(TextError::MalformedPart { sequence: 1 }));
    assert_eq!(read(&part(0, 2, 2, &[0])), Err(TextError::MalformedPart { sequence: 0 }));
    assert_eq!(read(&part(1, 0, 2, &[0])), Err(TextError::MalformedPart { sequence: 0 }));
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
    let parts = parts_that_lead_nowhere(&message(8000), 8, 2000);
    let mut reader = PartReader::new();
    let (received, refused): (Vec<_>, Vec<_>) =
        parts.iter().map(|part| reader.receive(part)).partition(Result::is_ok);
    assert_eq!(received.len(), 724 * 724 / 1001);
    assert!(refused.iter().all(|error| matches!(error, Err(TextError::TooLarge { .. }))));
    assert!(!refused.is_empty() && !reader.progress().is_complete());
    // Seen again, by a camera that sees the parts round and round, they count once.
    assert!(parts[..received.len()].iter().all(|part| reader.receive(part).is_ok()));
}

/// Parts `[sequence, total, length, checksum, fragment]` of any content.
fn part(numbers: [u32; 4], fragment: &[u8]) -> String {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.array(5).unwrap();
    for number in numbers {
        encoder.u32(number).unwrap();
    }
    encoder.bytes(fragment).unwrap();
    let letters = ur::bytewords::encode(&encoder.into_writer(), ur::bytewords::Style::Minimal);
    format!("ur:twoshare-backup/{}-{}/{letters}", numbers[0], numbers[1])
}

#[test]
fn mixed_parts_that_suffice_together_are_enough() {
    let message = message(700);
    let mut encoder = ur::fountain::Encoder::new(&message, 101).unwrap();
    let parts = write_parts(&message, 101, 300).unwrap();
    assert_eq!(encoder.fragment_count(), 7);
    // Of more than one fragment each, so that none gives one away by itself.
    let mixed: Vec<&str> = parts
        .iter()
        .filter(|_| encoder.next_part().indexes().len() > 1)
        .map(String::as_str)
        .collect();
    let read_backwards: Vec<&str> = mixed.iter().rev().copied().collect();
    assert_eq!(read(&mixed.join("\n")), Ok(message.clone()));
    assert_eq!(read(&read_backwards.join("\n")), Ok(message.clone()));
    let mut reader = PartReader::new();
    let enough = mixed.iter().take_while(|part| !reader.receive(part).unwrap().is_complete());
    assert!(enough.count() < 20);
    assert_eq!(reader.finish(), Ok(message));
}

#[test]
fn what_the_parts_say_must_fit_what_they_give() {
    let message = message(20);
    let checksum = letters::crc32(&message);
    let length = u32::try_from(message.len()).unwrap();
    let fragment = message.len().div_ceil(2);
    let mut second = message[fragment..].to_vec();
    second.resize(fragment, 0);
    let join = |checksum, second: &[u8]| {
        let first = part([1, 2, length, checksum], &message[..fragment]);
        read(&format!("{first} {}", part([2, 2, length, checksum], second)))
    };
    assert_eq!(join(checksum, &second), Ok(message.clone()));
    assert_eq!(join(checksum ^ 1, &second), Err(TextError::Checksum));
    assert_eq!(message.len() % 2, 0);
    let odd = [&message[..], &[7]].concat();
    let (length, checksum) = (length + 1, letters::crc32(&odd));
    let half = odd.len().div_ceil(2);
    let first = part([1, 2, length, checksum], &odd[..half]);
    let padded = |byte| part([2, 2, length, checksum], &[&odd[half..], &[byte]].concat());
    assert_eq!(read(&format!("{first} {}", padded(0))), Ok(odd.clone()));
    assert_eq!(read(&format!("{first} {}", padded(1))), Err(TextError::Checksum));
    // The first of two with one number counts.
    let other = part([1, 2, length, checksum], &vec![0; half]);
    assert_eq!(read(&format!("{first} {other} {}", padded(0))), Ok(odd.clone()));
    assert_eq!(read(&format!("{other} {first} {}", padded(0))), Err(TextError::Checksum));
}

#[test]
fn parts_have_one_spelling() {
    let text = part([1, 2, 2, 0], &[9]);
    let missing = Err(TextError::MissingParts { have: 1, total: 2, missing: vec![2] });
    assert_eq!(read(&text), missing);
    assert_eq!(read(&text.replace("/1-2/", "/ 1 -\n2 /")), missing);
    for numbers in ["01-2", "1-02", "+1-2", "1-2-2", "-2", "1-", "0-2", "1-0", "00000000001-2", "x"]
    {
        let other = text.replace("1-2", numbers);
        assert!(read(&other).is_err_and(|error| error != missing.clone().unwrap_err()), "{other}");
    }
    let cbor = |bytes: &[u8]| {
        let letters = ur::bytewords::encode(bytes, ur::bytewords::Style::Minimal);
        read(&format!("ur:twoshare-backup/1-2/{letters}"))
    };
    assert_eq!(cbor(b"\x85\x01\x02\x02\x00\x41\x09"), missing);
    let malformed = Err(TextError::MalformedPart { sequence: 1 });
    for other in [
        &b"\x98\x05\x01\x02\x02\x00\x41\x09"[..],
        b"\x85\x18\x01\x02\x02\x00\x41\x09",
        b"\x85\x01\x02\x02\x00\x58\x01\x09",
        b"\x9f\x01\x02\x02\x00\x41\x09\xff",
        b"\x85\x01\x02\x02\x00\x41\x09\x00",
        b"\x85\x01\x02\x02\x1b\x00\x00\x00\x01\x00\x00\x00\x00\x41\x09",
    ] {
        assert_eq!(cbor(other), malformed, "{other:02x?}");
    }
}

#[test]
fn candidates_end_where_the_next_begins() {
    let text = write(&message(40));
    let cut = &text[..text.len() - 9];
    let letters = cut.len() - "ur:twoshare-backup/".len();
    // The letters of the next `ur:` are not this one's.
    let error = Err(TextError::Truncated { letters });
    assert_eq!(read(&format!("{cut}\nur:bytes/aeae")), error);
    assert_eq!(candidates("ur::ur").count(), 1);
    // Of words that are no backup, the first gives the verdict.
    assert_eq!(read("hour: a b ur:bytes/aeae"), Err(TextError::NoBackup));
    assert_eq!(
        read("ur:bytes/aeae in an hour: no"),
        Err(TextError::OtherType { found: "bytes".into() })
    );
    assert_eq!(read("see you in an hour:"), Err(TextError::NoBackup));
    // A checksum over nothing is none.
    let nothing = Err(TextError::Truncated { letters: 8 });
    assert_eq!(read("ur:twoshare-backup/aeaeaeae"), nothing);
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
