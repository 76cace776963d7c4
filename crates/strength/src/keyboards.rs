//! Which keys are beside each other: for each character, what its key's neighbours write without and with
//! shift, in a direction's order.

use std::{collections::HashMap, sync::LazyLock};

pub(crate) type Graph = HashMap<char, Vec<Option<&'static str>>>;

pub(crate) static QWERTY: LazyLock<Graph> =
    LazyLock::new(|| read(include_str!("../words/qwerty.keys")));
pub(crate) static DVORAK: LazyLock<Graph> =
    LazyLock::new(|| read(include_str!("../words/dvorak.keys")));
pub(crate) static KEYPAD: LazyLock<Graph> =
    LazyLock::new(|| read(include_str!("../words/keypad.keys")));
pub(crate) static MAC_KEYPAD: LazyLock<Graph> =
    LazyLock::new(|| read(include_str!("../words/mac_keypad.keys")));

/// A key a line: what it writes, then its neighbours, nothing where there is none.
fn read(text: &'static str) -> Graph {
    let neighbour = |text: &'static str| (!text.is_empty()).then_some(text);
    text.lines()
        .filter_map(|line| {
            let (key, neighbours) = line.split_once(' ')?;
            Some((key.chars().next()?, neighbours.split(' ').map(neighbour).collect()))
        })
        .collect()
}
