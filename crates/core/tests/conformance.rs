//! What core has of stores and methods, held to the suites that everything else is held to.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used)]

use twoshare_core::{
    method::{Password, RecoveryCode},
    store::MemoryStore,
};

const CODE: &str = "EDMQE-GX35X-CNQ28-0RKS9-EHJQ0-681TR-5744Z";

mod memory {
    use super::*;
    twoshare_core::envelope_store_conformance!(MemoryStore::new());
}

mod password {
    use super::*;
    twoshare_core::backup_method_conformance!(
        Password::new("gravel mitten ocean 41").unwrap(),
        Password::new("gravel mitten ocean 42").unwrap()
    );
}

mod recovery_code {
    use super::*;
    twoshare_core::backup_method_conformance!(
        RecoveryCode::from_text(CODE).unwrap(),
        RecoveryCode::make(&mut <rand::rngs::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(1))
    );
}
