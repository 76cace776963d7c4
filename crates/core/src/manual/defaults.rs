//! The values chosen, and why.
//!
//! | what | value | why |
//! | --- | --- | --- |
//! | sharing | Feldman, degree 1, two of two | a share is checked by its holder alone; more parties would be another product |
//! | client, custodian | points 1 and 2 | zero is the key itself, and no share has it |
//! | resharing instead of dealing | for every new epoch of an MPC wallet | nobody ever holds the key |
//! | curve of slots and identities | P-256 | what Secure Enclave, StrongBox, YubiKeys, key-management services and every COSE library have |
//! | envelope | COSE_Encrypt, A256GCM, ECDH-ES + A256KW | readable in thirty years by any COSE library |
//! | key commitment | HMAC-SHA-256 of the content key | A256GCM alone lets one ciphertext open under two keys to two contents |
//! | password hashing | Argon2id, 64 MiB, 3 passes, 4 lanes | the second choice of RFC 9106, about a tenth of a second on a phone |
//! | most work when reading | see [`Argon2Cost`](crate::method::Argon2Cost) | an envelope is from anybody: its cost is bounded before it is paid |
//! | password | 8 characters, and hard to guess by zxcvbn | it is guessed offline by whoever has an envelope; apps can ask for more, not for less |
//! | recovery code | 128 bits, seven groups of five | no hashing helps or is needed; a mistyped group is named |
//! | check code | 100 bits | two wallets with one code cost 2⁵⁰ tries to *find*; to hit a given one, 2¹⁰⁰ |
//! | slots | 16 | a list that a person can look through |
//! | size | 8 MiB | bounds what a reader allocates before it knows anything |
//! | a pending epoch | 15 minutes | long enough for a slow phone, short enough that a crash blocks nobody for long |
//! | grace of a replaced backup | 72 hours | a weekend without a phone |
//! | epoch jump | 1,024 | a device that was away may be ahead; a number near the end of the range is an attack |
//!
//! # One generation of RustCrypto
//!
//! Two versions of `digest` or `rand_core` in one tree double what has to be reviewed. The build refuses
//! a second one in this crate, the protocol and the client.
//!
//! # Why no `unsafe`
//!
//! None is needed. What is left in registers and in stack frames by the compiler is out of reach of safe
//! Rust and of most unsafe Rust; buffers, scalars and keys are wiped.
