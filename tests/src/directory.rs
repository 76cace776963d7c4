//! Objects for the tests of stores that more than one process writes to.

use twoshare_core::{
    container::{self, Content},
    digest::Digest,
    id::{Epoch, WalletId},
    store::{EnvelopeName, ObjectName},
};

/// The wallet of all of them.
pub const WALLET: WalletId = WalletId::from_bytes([5; 16]);

/// The object with this number, as `writer` would write it: all write other bytes, up to 64 KiB.
/// The digest in its name is that of writer 0.
///
/// # Panics
///
/// Never.
#[must_use]
pub fn object(number: u32, writer: u8) -> (ObjectName, Vec<u8>) {
    let content = content(number, writer);
    let name = EnvelopeName {
        wallet: WALLET,
        epoch: Epoch::new(u64::from(number) + 1).expect("more than zero"),
        digest: Digest::of(&self::content(number, 0)),
    };
    let container = container::wrap(Content::Envelope, &content).expect("64 KiB at most");
    (name.object(), container)
}

fn content(number: u32, writer: u8) -> Vec<u8> {
    let digest = Digest::of(&[&number.to_be_bytes()[..], &[writer]].concat()).to_bytes();
    let [first, second, ..] = digest;
    let len = 32 + usize::from(u16::from_be_bytes([first, second]));
    digest.into_iter().cycle().take(len).collect()
}
