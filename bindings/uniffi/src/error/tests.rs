//! Every variant of every error, across the border and back.

use std::{
    error::Error,
    fmt::{Debug, Display},
    io,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use twoshare::{
    WhatIsSealed,
    core::{
        channel::Step,
        container::Content,
        digest::Digest,
        envelope::{Damage, SlotId, SlotsAltered},
        id::{CurveId, Epoch, OperationId, Purpose, Role, WalletId, WalletKind},
        identity::{CustodianIdentity, CustodianKeys},
        method::{SlotKind, Work},
        proof::Operation,
        sealed::SecretKind,
        store::EnvelopeName,
    },
    device::Counter,
    protocol::{
        custodian::Outage,
        rules::{Freezes, Restored},
    },
    stores::{Failed, StoreId},
};
use uniffi::{Lift, Lower};

use super::{Mirrors, SourceError, chain};
use crate::UniFfiTag;

/// One value of each variant, in the order in which they are listed. [`mirror!`](super) implements it, for all
/// that it lists.
pub(super) trait Samples: Sized {
    fn samples() -> Vec<fn() -> Self>;
}

/// A value.
pub(super) trait Sample {
    fn sample() -> Self;
}

/// That of the first variant, which in none of them leads back to itself.
pub(super) fn first<Rust: Samples>() -> Rust {
    Rust::samples().first().expect("no error is without variants")()
}

/// That each variant goes through a buffer and comes back, that it stands for the same Rust error with the
/// same data, and that its text is that of the Rust error and all its sources.
pub(super) fn crosses<Here, Rust>()
where
    Here: Mirrors<Rust> + Display + Debug + Clone + Lower<UniFfiTag> + Lift<UniFfiTag>,
    Rust: Samples + Error,
{
    for sample in Rust::samples() {
        let (rust, text) = (format!("{:?}", sample()), chain(&sample()));
        let here = Here::mirror(sample());
        assert_eq!(here.to_string(), text, "{rust}");
        let mut buffer = Vec::new();
        <Here as Lower<UniFfiTag>>::write(here.clone(), &mut buffer);
        let mut bytes = buffer.as_slice();
        let lifted = <Here as Lift<UniFfiTag>>::try_read(&mut bytes).unwrap();
        assert!(bytes.is_empty(), "{rust}");
        assert_eq!(format!("{lifted:?}"), format!("{here:?}"));
        let back = lifted.unmirror().unwrap();
        assert_eq!(format!("{back:?}"), rust);
    }
}

/// Any: the same one every time.
static IDENTITY: LazyLock<CustodianIdentity> =
    LazyLock::new(|| *CustodianKeys::make(&mut twoshare::rng()).identity());

macro_rules! samples {
    ($($type:ty: $value:expr;)+) => { $(
        impl Sample for $type {
            fn sample() -> Self {
                $value
            }
        }
    )+ };
}

samples! {
    bool: true;
    i32: 28;
    u8: 7;
    u32: 5;
    u64: 86_400;
    usize: 11;
    String: "files".to_owned();
    PathBuf: "/tmp/here".into();
    Duration: Duration::from_secs(9);
    io::Error: io::Error::other(SourceError::Io { code: Some(28), reason: "the disk is full".to_owned() });
    Box<dyn Error + Send + Sync>: Box::new(SourceError::Other { reason: "the cable is out".to_owned() });
    Arc<dyn Error + Send + Sync>: Arc::new(SourceError::TimedOut { after: Duration::from_secs(4) });
    Content: Content::Receipt;
    Counter: Counter::FIRST;
    CurveId: CurveId::Ed25519;
    CustodianIdentity: *IDENTITY;
    Damage: Damage::WrappedKey;
    Digest: Digest::of(b"an envelope");
    Epoch: Epoch::FIRST;
    Freezes: Freezes { dispute: Some(Sample::sample()), operator: true, restored: Some(Restored::Approved) };
    Operation: Operation::Refresh;
    OperationId: OperationId::from_bytes([3; 16]);
    Outage: Outage::Busy;
    Purpose: Purpose::Backup;
    Role: Role::Custodian;
    SlotId: "0123 4567 89AB CDEF".parse().unwrap();
    SlotKind: SlotKind::Pin;
    SlotsAltered: SlotsAltered { added: Vec::new(), missing: Vec::new() };
    Step: Step::new(2);
    StoreId: StoreId::custodian();
    WalletId: WalletId::from_bytes([9; 16]);
    WalletKind: WalletKind::SingleKey;
    WhatIsSealed: WhatIsSealed { index: 1, kind: SecretKind::Opaque, label: "seed".to_owned() };
    Work: Work::MemoryKib;
    EnvelopeName: EnvelopeName { wallet: Sample::sample(), epoch: Epoch::FIRST, digest: Sample::sample() };
}

impl<T: Sample> Sample for Box<T> {
    fn sample() -> Self {
        Self::new(T::sample())
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample() -> Self {
        Some(T::sample())
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample() -> Self {
        vec![T::sample(), T::sample()]
    }
}

impl<E: Sample> Sample for Failed<E> {
    fn sample() -> Self {
        Self { store: Sample::sample(), error: E::sample() }
    }
}
