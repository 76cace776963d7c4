//! Signing shares that live elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use home::{Home, user};
use twoshare_core::{id::CurveId, proof::Operation, secret::SecretBytes};
use twoshare_custodian::{
    Config, Service, SigningShares, SigningSharesError, kms::Place, sqlite::SqliteRepository,
};
use twoshare_protocol::{
    conformance::device::{Device, Failure, With},
    custodian::PrepareError,
    rules::Policy,
};

/// The place of a share, and the share.
type Placed = (Vec<u8>, SecretBytes);

/// A signing service's own store.
#[derive(Debug, Default)]
struct Elsewhere(Mutex<BTreeMap<Vec<u8>, Placed>>);

#[async_trait]
impl SigningShares for Elsewhere {
    async fn put(
        &self,
        place: &Place<'_>,
        share: &SecretBytes,
    ) -> Result<Vec<u8>, SigningSharesError> {
        let mut all = self.0.lock().unwrap();
        let reference = format!("reference {} {}", place.epoch.get(), all.len()).into_bytes();
        all.insert(reference.clone(), (place.to_bytes(), share.clone()));
        Ok(reference)
    }

    async fn get(
        &self,
        place: &Place<'_>,
        reference: &[u8],
    ) -> Result<SecretBytes, SigningSharesError> {
        let all = self.0.lock().unwrap();
        let found = all.get(reference).filter(|(of, _)| *of == place.to_bytes());
        found.map(|(_, share)| share.clone()).ok_or(SigningSharesError::Damaged)
    }

    async fn forget(&self, reference: &[u8]) {
        self.0.lock().unwrap().remove(reference);
    }
}

#[tokio::test]
async fn signing_shares_may_live_elsewhere() {
    let home = Home::new();
    let holder = Arc::new(Elsewhere::default());
    let repository = Arc::new(SqliteRepository::open(home.database()).await.unwrap());
    let config = Config { signing_shares: Some(holder.clone()), ..home.config(repository) };
    let service = Service::open(config).await.unwrap();
    let held = || holder.0.lock().unwrap().keys().cloned().collect::<Vec<_>>();

    let alice = service.login(&user("alice"));
    let one = &[CurveId::Secp256k1];
    let mut device = Device::keygen(alice, service.identity(), "alice", one).await.unwrap();
    assert_eq!(held(), [b"reference 1 0"]);
    device.run(Operation::FirstBackup, With::Device).await.expect("reshared from what is there");
    assert_eq!(held().len(), 1, "backup shares are the custodian's own");

    // A recovery ends the old one, and what expires is forgotten too.
    device.run(Operation::Recover, With::Method).await.unwrap();
    assert_eq!(held(), [b"reference 2 1"]);
    device.prepare(Operation::Recover, With::Method).await.unwrap();
    assert_eq!(held().len(), 2);
    home.clock.advance(Policy::default().pending);
    service.sweep().await.unwrap();
    assert_eq!(held(), [b"reference 2 1"]);

    // What is gone there is damaged here, and the backup still recovers.
    holder.forget(b"reference 2 1").await;
    let replaced = device.run(Operation::Replace, With::Device).await.map(|_| ());
    assert_eq!(replaced, Err(Failure::Prepare(PrepareError::Damaged)));
    device.run(Operation::Recover, With::Method).await.unwrap();
    service.close().await;
}
