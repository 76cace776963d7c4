#![doc = include_str!("../docs/frost-ed25519.md")]

crate::frost::adapter!(frost_ed25519, Ed25519Sha512, Ed25519);
