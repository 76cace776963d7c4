//! Opening the backup that the custodian names, on a device that knows the wallet and on one that does
//! not.

use twoshare_core::{
    envelope::{Expected, OpenError, Opened},
    id::WalletId,
    identity::CustodianIdentity,
    store::{EnvelopeName, Part},
};
use twoshare_protocol::{
    message::{EpochState, Receipt, Signed, State},
    rules::{Custody, Moved},
    wire::Message as _,
};

use crate::{
    client::Client,
    error::{OpenBackupError, StateError},
    method::{Method, open},
    progress::{Step, Track},
    record::{Named, Record},
    recover::Recovery,
};

/// How many other sealings of an epoch are tried where no store has the one that is committed.
const MAX_SEALINGS: usize = 8;

/// How many envelopes of other custodians are opened: each costs what the method costs.
const MAX_MOVED: usize = 4;

/// An opened backup, and the state that names it.
pub(crate) struct OpenedBackup {
    /// Its custodian, who signed the state.
    pub(crate) identity: CustodianIdentity,
    pub(crate) state: State,
    pub(crate) opened: Opened,
}

impl OpenedBackup {
    /// What is named by the state; what was opened may be another sealing of the same epoch.
    pub(crate) fn named(&self) -> Named {
        Named { epoch: self.opened.header.epoch, digest: self.opened.digest }
    }
}

impl Client {
    /// The wallet's backup, opened with one of its methods: its slots as their owner wrote them, and the
    /// client's backup shares.
    ///
    /// Hazard: whoever has these shares and the session token has what a method gives. Drop them soon.
    ///
    /// # Errors
    ///
    /// See [`OpenBackupError`].
    pub async fn open(&self, wallet: WalletId, method: &Method) -> Result<Opened, OpenBackupError> {
        let kept = self.load(wallet).await.ok().and_then(Result::ok);
        let kept = kept.ok_or(OpenBackupError::NotBackedUp { wallet })?;
        let track = self.track(wallet, crate::progress::Call::Drill);
        Ok(self.open_known(&kept.record, method, &track).await?.opened)
    }

    /// Opens the envelope that the custodian names, on a device that knows the wallet: its keys, and
    /// the newest epoch that it has seen.
    pub(crate) async fn open_known(
        &self,
        record: &Record,
        method: &Method,
        track: &Track,
    ) -> Result<OpenedBackup, OpenBackupError> {
        let wallet = record.wallet;
        let identity = self.identity_of(record)?;
        let expected = Expected { keys: Some(record.verifying_keys()), ..Expected::default() };
        track.at(Step::State);
        let state = self.ask_state(wallet, &identity).await?;
        let active = state.backup.as_ref();
        let active = active.ok_or(OpenBackupError::NotBackedUp { wallet })?;
        if let Some(seen) = record.backup_epoch().filter(|seen| active.epoch < *seen) {
            return Err(OpenBackupError::RolledBack { custodian: active.epoch, seen });
        }
        track.at(Step::Open);
        let opened = self.open_epoch(wallet, active, method, &expected, Some(&identity)).await?;
        Ok(OpenedBackup { identity, state, opened })
    }

    /// Refuses to build on a backup that replaced another which this method opens too: it may be a
    /// thief's, with the owner's slots copied beside his own.
    pub(crate) async fn check_uncontested(
        &self,
        record: &Record,
        backup: &OpenedBackup,
        method: &Method,
    ) -> Result<(), OpenBackupError> {
        let Some(restorable) = &backup.state.restorable else { return Ok(()) };
        let (keys, identity) = (Some(record.verifying_keys()), Some(&backup.identity));
        let expected = Expected { keys, ..Expected::default() };
        let epoch = &restorable.epoch;
        match self.open_epoch(record.wallet, epoch, method, &expected, identity).await {
            Ok(_) => Err(OpenBackupError::Contested { restorable: epoch.epoch }),
            Err(error) if is_not_among_its_slots(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same for a recovery, on a device that may know nothing but the receipts in its stores. What
    /// can still be restored comes first: who replaced it may have been a thief, who can copy the
    /// owner's slot beside his own, and would be a reader of what is recovered from there.
    ///
    /// Without a pinned identity the state is believed once the envelope that it names has opened, and
    /// says whose signature it needs.
    pub(crate) async fn open_to_recover(
        &self,
        wallet: WalletId,
        record: Option<&Record>,
        recovery: &Recovery,
        track: &Track,
    ) -> Result<OpenedBackup, OpenBackupError> {
        let Recovery { method, vouched_by, approved, accepts_moved } = recovery;
        let approved = approved.is_some();
        let known = record.filter(|record| record.is_here());
        let pinned = match known {
            Some(record) => Some(self.identity_of(record)?),
            None => self.pinned(),
        };
        track.at(Step::State);
        let signed = self.ask_signed_state(wallet).await?;
        if let Some(pinned) = &pinned {
            let state = signed.verify(pinned).map_err(StateError::WrongCustodian)?;
            if let Some(Custody::Gone(gone)) = &state.custody {
                return Err(StateError::from(Moved { to: gone.to.clone() }).into());
            }
        }
        let state = signed.unverified();
        let active = state.backup.as_ref().ok_or(OpenBackupError::NotBackedUp { wallet })?;
        if state.restored && !approved && pinned.is_some() {
            return Err(OpenBackupError::Restored { custodian: active.epoch });
        }
        let keys = known.map(Record::verifying_keys);
        let vouched_by = vouched_by.clone();
        let expected = Expected { wallet: Some(wallet), vouched_by, keys, ..Expected::default() };
        track.at(Step::Open);
        let restorable = match &state.restorable {
            None => None,
            Some(restorable) => {
                let epoch = &restorable.epoch;
                match self.open_epoch(wallet, epoch, method, &expected, pinned.as_ref()).await {
                    Ok(opened) => Some(opened),
                    // Only where the method is not among its slots: a store that withholds the older
                    // envelope, or damages it, does not make the newer one its owner's.
                    Err(error) if is_not_among_its_slots(&error) => None,
                    Err(error) => return Err(error),
                }
            }
        };
        let is_restorable = restorable.is_some();
        let opened = match restorable {
            Some(opened) => opened,
            None => self.open_epoch(wallet, active, method, &expected, pinned.as_ref()).await?,
        };
        let identity = opened.payload.custodian;
        // A pinned identity was checked above, and what was opened is of no other.
        let state = match pinned {
            Some(pinned) if pinned == identity => signed.unverified(),
            Some(_) | None => signed.verify(&identity).map_err(StateError::WrongCustodian)?,
        };
        let state = state.clone();
        if state.restored && !approved {
            return Err(OpenBackupError::Restored { custodian: active.epoch });
        }
        if !state.restored && !is_restorable {
            let newest = self.newest_receipts(wallet, active.epoch, &identity).await;
            // Verified there, and of a backup epoch.
            let stored = newest.first().and_then(|receipt| receipt.unverified().backup);
            let known = known.and_then(Record::backup_epoch);
            if let Some(seen) = stored.max(known).filter(|seen| *seen > active.epoch) {
                return Err(OpenBackupError::RolledBack { custodian: active.epoch, seen });
            }
            if !accepts_moved
                && let Some(to) = self.moved_since(active, &identity, method, &expected).await
            {
                return Err(StateError::from(Moved { to: Box::new(to) }).into());
            }
        }
        Ok(OpenedBackup { identity, state, opened })
    }

    /// Who has the wallet, where the custodian that was asked has not heard yet that it moved: whom a newer
    /// envelope names that this method opens, beside that one's own receipt.
    async fn moved_since(
        &self,
        active: &EpochState,
        identity: &CustodianIdentity,
        method: &Method,
        expected: &Expected,
    ) -> Option<CustodianIdentity> {
        let wallet = expected.wallet?;
        let found = self.stores().receipts(wallet, Some(active.epoch)).await.found.into_iter();
        let foreign = found.filter(|found| {
            Signed::<Receipt>::from_bytes(&found.bytes).is_ok_and(|receipt| {
                let said = receipt.unverified();
                said.custodian != *identity
                    && said.wallet == wallet
                    && said.backup == Some(found.name.epoch)
                    && said.envelope == Some(found.name.digest)
                    && receipt.verify(&said.custodian).is_ok()
            })
        });
        for found in foreign.take(MAX_MOVED) {
            let Ok(newer) = self.stores().read(found.name).await else { continue };
            let (epoch, digest) = (Some(found.name.epoch), Some(found.name.digest));
            let expected = Expected { epoch, digest, ..expected.clone() };
            let Ok(newer) = open(newer.envelope, method, expected).await else { continue };
            let signer = Signed::<Receipt>::from_bytes(&found.bytes).ok()?;
            if newer.payload.custodian == signer.unverified().custodian {
                return Some(newer.payload.custodian);
            }
        }
        None
    }

    /// Opens the envelope of an epoch that the custodian states; where no store has the one that is
    /// committed, any other sealing of that epoch that has the stated commitments.
    async fn open_epoch(
        &self,
        wallet: WalletId,
        stated: &EpochState,
        method: &Method,
        expected: &Expected,
        identity: Option<&CustodianIdentity>,
    ) -> Result<Opened, OpenBackupError> {
        let digest = stated.envelope.ok_or(OpenBackupError::NotBackedUp { wallet })?;
        let name = EnvelopeName { wallet, epoch: stated.epoch, digest };
        let expected =
            Expected { wallet: Some(wallet), epoch: Some(stated.epoch), ..expected.clone() };
        let stores = match self.stores().read(name).await {
            Ok(found) => {
                let expected = Expected { digest: Some(digest), ..expected };
                let opened = open(found.envelope, method, expected).await;
                return fits(opened.map_err(OpenBackupError::Open)?, stated, identity);
            }
            Err(error) => error.stores,
        };
        let listed = self.stores().list(wallet).await.objects.into_iter().map(|listed| listed.name);
        let mut others: Vec<_> = listed
            .filter(|name| name.part == Part::Envelope && name.envelope.epoch == stated.epoch)
            .map(|name| name.envelope)
            .collect();
        others.sort_unstable();
        others.dedup();
        for other in others.into_iter().take(MAX_SEALINGS) {
            let Ok(found) = self.stores().read(other).await else { continue };
            let Ok(opened) = open(found.envelope, method, expected.clone()).await else { continue };
            if let Ok(opened) = fits(opened, stated, identity) {
                return Ok(opened);
            }
        }
        Err(OpenBackupError::NotFound { stores })
    }
}

/// Whether an opened envelope is of the custodian who is known, and of the commitments that it states.
fn fits(
    opened: Opened,
    stated: &EpochState,
    identity: Option<&CustodianIdentity>,
) -> Result<Opened, OpenBackupError> {
    if identity.is_some_and(|identity| opened.payload.custodian != *identity) {
        return Err(OpenBackupError::OtherCustodian);
    }
    let shares = &opened.payload.keys;
    let fits = shares.len() == stated.commitments.len()
        && shares.iter().zip(&stated.commitments).all(|(s, stated)| s.commitment() == *stated);
    if fits { Ok(opened) } else { Err(OpenBackupError::OtherEpoch) }
}

const fn is_not_among_its_slots(error: &OpenBackupError) -> bool {
    matches!(error, OpenBackupError::Open(OpenError::NoSlot { .. } | OpenError::WrongSecret { .. }))
}
