#![doc = include_str!("../docs/frost-secp256k1-tr.md")]

crate::frost::adapter!(frost_secp256k1_tr, Secp256K1Sha256TR, Secp256k1);
