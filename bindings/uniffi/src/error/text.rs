//! What is wrong with a text or with bytes that the app gave.

use std::fmt;

use super::{Ended, Mirrors};

mirror! {
    /// Why a text names no store.
    part StoreIdError = twoshare::stores::StoreIdError {
        /// It is of none of the forms: see `StoreId`.
        Form,
        /// There is nothing after `dir:` or `://`.
        Missing,
        /// There is a user or a password in the address: give them where secrets are given.
        Credentials,
        /// A control character, or more than 4,096 bytes.
        Characters,
    }

    /// Why bytes or a text are not a custodian's identity.
    part IdentityError = twoshare::core::identity::IdentityError {
        /// It has the wrong length: ask for the whole key, it was probably cut.
        Length {
            /// How many bytes there are.
            found: u64,
        },
        /// It has characters that no such text has: check what was pasted.
        Text,
        /// The checksum does not fit: a character was mistyped; compare it with the original.
        Mistyped,
        /// The signing key is not a point of P-256: do not use this identity.
        SigningKey,
        /// The sealing key is not a point of P-256: do not use this identity.
        SealingKey,
        /// Both keys are the same, which no honest custodian makes: do not use this identity.
        SameKey,
    }

    /// Why a text is not a check code.
    part CheckCodeError = twoshare::core::check_code::CheckCodeError {
        /// A character that no check code has: ask for it again.
        Character {
            /// Which character, counted from 1 without spaces and dashes.
            position: u64,
        },
        /// Too short or too long: ask for it again.
        Length {
            /// How many characters there are without spaces and dashes.
            found: u64,
        },
    }

    /// Why bytes are not a secret of their kind.
    part WalletSecretError = twoshare::core::sealed::WalletSecretError {
        /// There are none: nothing would be backed up.
        Empty,
        /// It is too large: keep it elsewhere, encrypted, and back up its key.
        TooLarge {
            /// How many bytes it has.
            found: u64,
        },
        /// Shorten the label.
        LabelTooLong {
            /// How many bytes it has.
            found: u64,
        },
        /// An Ed25519 seed has 32 bytes. An expanded or extended key, or a key with its public key
        /// behind it, is not a seed: cut it, or seal it as opaque.
        SeedLength {
            /// How many bytes there are.
            found: u64,
        },
        /// The words are not a BIP-39 mnemonic. Ask the user to look at them again; seal it as opaque
        /// where another scheme made it.
        Mnemonic(source: MnemonicFault),
    }

    /// What is wrong with a mnemonic.
    part MnemonicFault = twoshare::core::sealed::MnemonicFault {
        /// It is no text at all (not UTF-8): it was given as something else than words.
        NotText,
        /// A mnemonic has 12, 15, 18, 21 or 24 words: one is missing, or there is one too many.
        WordCount {
            /// How many words there are.
            found: u64,
        },
        /// A word is in no list: it is mistyped.
        UnknownWord {
            /// Which word, counted from one.
            position: u64,
        },
        /// All words are known, but the checksum does not fit: a word is the wrong one, or two are
        /// swapped.
        Checksum,
    }
}

/// Errors that are structs without fields in Rust: a text is one of a kind, or it is not.
macro_rules! malformed {
    ($($(#[$doc:meta])* $name:ident = $rust:path;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, uniffi::Error)]
            pub enum $name {
                /// It is none.
                Malformed,
            }

            impl Mirrors<$rust> for $name {
                fn mirror(rust: $rust) -> Self {
                    type Rust = $rust;
                    let Rust {} = rust;
                    Self::Malformed
                }

                fn unmirror(&self) -> Result<$rust, Ended> {
                    type Rust = $rust;
                    match self {
                        Self::Malformed => Ok(Rust {}),
                    }
                }
            }

            impl From<$rust> for $name {
                fn from(rust: $rust) -> Self {
                    Self::mirror(rust)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    type Rust = $rust;
                    match self {
                        Self::Malformed => Rust {}.fmt(f),
                    }
                }
            }

            #[cfg(test)]
            impl crate::error::tests::Samples for $rust {
                fn samples() -> Vec<fn() -> Self> {
                    type Rust = $rust;
                    vec![|| Rust {}]
                }
            }
        )+

        #[cfg(test)]
        mod malformed {
            use super::*;

            #[test]
            fn every_variant_crosses_and_has_rusts_text() {
                $( crate::error::tests::crosses::<$name, $rust>(); )+
            }
        }
    };
}

malformed! {
    /// A text that names no wallet and no operation: wrong characters or wrong length.
    IdError = twoshare::core::id::IdError;
    /// A text that names no slot: wrong characters or wrong length.
    SlotIdError = twoshare::core::envelope::SlotIdError;
    /// A text that is no digest: 64 hexadecimal digits are.
    DigestError = twoshare::core::digest::DigestError;
    /// A text that names no object: some other file.
    ObjectNameError = twoshare::core::store::ObjectNameError;
}
