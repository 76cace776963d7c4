//! twoshare in an app that already signs with a library: its shares are taken as they are, and given
//! back as shares which that library signs with.
//!
//! | library | module, feature | signs | per device |
//! | --- | --- | --- | --- |
#![cfg_attr(
    feature = "frost-secp256k1-tr",
    doc = "| frost-secp256k1-tr 3 | [`frost_secp256k1_tr`] | BIP-340, Taproot | nothing |"
)]
#![cfg_attr(
    feature = "frost-ed25519",
    doc = "| frost-ed25519 3 | [`frost_ed25519`] | RFC 8032, Ed25519 | nothing |"
)]
#![cfg_attr(
    feature = "cggmp24",
    doc = "| cggmp24 0.7.0-alpha.3 | [`cggmp24`] | ECDSA on secp256k1 | Paillier keys, ring-Pedersen parameters |"
)]
#![cfg_attr(
    feature = "dkls23",
    doc = "| dkls23 0.6 | [`dkls23`] | ECDSA on secp256k1 | seeds of oblivious transfers |"
)]
//!
//! No feature is on by default; each adds one library and nothing else. Every module's page says how an
//! app adopts twoshare, from the wallets that it has to the first signature after a recovery.
//!
//! # What is the same for all
//!
//! - A signing pair is two shares of 2-of-2, of which the device has one and the server the other. Any
//!   linear sharing between *two* is taken over without a message between them
//!   ([`ForeignSharing`](twoshare_core::share::ForeignSharing)). With more parties than two it is refused
//!   ([`ImportError::Parties`]): a recovery could not end the shares of the others.
//! - What is taken over is checked first: the share against its public side, both public sides against
//!   the public key. A typed error says what does not fit; a wrong key does not come out.
//! - Only the wallet's *signing* shares are given to a library ([`ExportError::BackupShare`]).
//! - What a library keeps beside its share is [`Durable`](twoshare_core::attachment::AttachmentClass) (a
//!   chain code: comes back bit for bit) or `PerDevice` (made anew by both sides after each recovery:
//!   whoever found the old device has the old one). Each module names its attachments. The client's
//!   `Wallet::to_regenerate` lists what has to be made anew, and the types here do not give a signer
//!   without it: per-device material is bound to the share that it was made for, and with the share of
//!   another epoch it is an [`UnfitError`], never a signer.
//!
//! # What the libraries leave behind
//!
//! Shares are wiped here, and handed over in the library's own types. Those wipe their scalars on drop
//! (FROST's `KeyPackage`, cggmp24's `SecretScalar`, dkls23's `Party`), but copies that arithmetic leaves
//! on their stacks are theirs, and big integers (cggmp24's primes) are freed as they are.

#[cfg(any(feature = "cggmp24", feature = "dkls23"))]
mod attached;
#[cfg(any(feature = "cggmp24", feature = "dkls23"))]
mod bound;
#[cfg(feature = "cggmp24")]
pub mod cggmp24;
#[cfg_attr(
    not(any(
        feature = "cggmp24",
        feature = "dkls23",
        feature = "frost-ed25519",
        feature = "frost-secp256k1-tr"
    )),
    allow(dead_code, reason = "no library was asked for")
)]
mod common;
#[cfg(feature = "dkls23")]
pub mod dkls23;
#[cfg(any(feature = "frost-ed25519", feature = "frost-secp256k1-tr"))]
mod frost;
#[cfg(feature = "frost-ed25519")]
pub mod frost_ed25519;
#[cfg(feature = "frost-secp256k1-tr")]
pub mod frost_secp256k1_tr;

#[cfg(any(feature = "cggmp24", feature = "dkls23"))]
pub use self::bound::{Bound, BoundError, UnfitError};
pub use self::common::{ExportError, ImportError};
#[cfg(any(feature = "frost-ed25519", feature = "frost-secp256k1-tr"))]
pub use self::frost::Parties as FrostParties;
