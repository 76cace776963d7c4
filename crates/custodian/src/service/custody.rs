//! Wallets that leave for another custodian, and whom the operator lets them go to.

use twoshare_core::{id::Purpose, identity::CustodianIdentity};
use twoshare_protocol::{
    custodian::{DepartError, EvidenceError, HandOverError, Unavailable},
    engine::RefusedDeparture,
    message::{Depart, Departed, Receipt, Signed},
    rules::DepartRefusal,
};

use super::{
    LocalSession, Service, lock,
    session::{Stop, of_operation, unavailable},
    wallet::Done,
};
use crate::{
    audit::{Act, Actor},
    repository::{NewEvent, SaveError, StoreError, TrustedCustodian},
};

impl Service {
    /// Lets wallets be moved to this custodian: its client names it, and the operator decides. Whoever
    /// is named here is given this custodian's part of a wallet's next sharing by every user who opens
    /// a method inside an open window; get its identity from its operator, not over the network. `url`
    /// is where it is, for people: nothing is sent there.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn trust_custodian(
        &self,
        identity: CustodianIdentity,
        url: &str,
    ) -> Result<(), Unavailable> {
        let _inside = self.enter().await?;
        let event = self.custodian_event(Act::CustodianTrusted, &identity, url);
        let trusted = TrustedCustodian { identity, url: url.to_owned() };
        let done = self.inner.config.repository.put_trusted_custodian(trusted, event).await;
        done.map_err(|error| unavailable(&error))
    }

    /// Takes that word back: nothing more leaves for that custodian, and none of its receipts is
    /// believed, not even for a wallet that is leaving.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn distrust_custodian(
        &self,
        identity: &CustodianIdentity,
    ) -> Result<(), Unavailable> {
        let _inside = self.enter().await?;
        let event = self.custodian_event(Act::CustodianDistrusted, identity, "");
        let done = self.inner.config.repository.delete_trusted_custodian(identity, event).await;
        done.map_err(|error| unavailable(&error))
    }

    /// The custodians that wallets may be moved to.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn trusted_custodians(&self) -> Result<Vec<TrustedCustodian>, Unavailable> {
        let _inside = self.enter().await?;
        let trusted = self.inner.config.repository.trusted_custodians().await;
        trusted.map_err(|error| unavailable(&error))
    }

    fn custodian_event(&self, act: Act, identity: &CustodianIdentity, url: &str) -> NewEvent {
        NewEvent {
            at: self.inner.config.clock.now(),
            actor: Actor::Operator,
            act,
            user: None,
            wallet: None,
            operation: None,
            detail: format!("{identity} {url}").trim_end().to_owned(),
        }
    }
}

impl LocalSession {
    async fn trusted(&self) -> Result<Vec<CustodianIdentity>, Unavailable> {
        let trusted = self.service.inner.config.repository.trusted_custodians().await;
        let trusted = trusted.map_err(|error| unavailable(&error))?;
        Ok(trusted.into_iter().map(|trusted| trusted.identity).collect())
    }

    pub(super) async fn do_depart(&self, depart: &Depart) -> Result<Departed, DepartError> {
        let inner = &self.service.inner;
        let trusted = self.trusted().await?;
        let now = inner.config.clock.now();
        let nonce = depart.body.nonce;
        let wallet = lock(&inner.sessions).find(self.user.as_str(), nonce, now)?.wallet;
        let _alone = inner.alone(&self.user, wallet).await;
        if let Some(answer) = lock(&inner.sessions).departed(self.user.as_str(), depart, now) {
            return Ok(answer);
        }
        let session = Box::new(lock(&inner.sessions).take(self.user.as_str(), nonce, now)?);
        let id = session.id();
        let loaded = inner.load(&self.user, wallet, of_operation(id)).await;
        let mut loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                lock(&inner.sessions).put_back(*session);
                return Err(depart_error(&error));
            }
        };
        let Some(row) = loaded.row.as_mut() else {
            lock(&inner.sessions).put_back(*session);
            return Err(DepartError::NotFound);
        };
        let is_trusted = |other: &CustodianIdentity| trusted.contains(other);
        let checked =
            inner.desk(&self.user, |desk| desk.check_depart(row, session, depart, is_trusted));
        let departing = match checked {
            Ok(departing) => departing,
            Err(refused) => {
                let RefusedDeparture { error, session } = *refused;
                lock(&inner.sessions).put_back(*session);
                if matches!(error, DepartError::Refused(DepartRefusal::Wait(_))) {
                    let done = Done::by_user(Act::Waiting, id).with("move");
                    let saved = inner.save(&loaded, Vec::new(), None, Some(done)).await;
                    saved.map_err(|error| not_saved(&error))?;
                }
                return Err(error);
            }
        };
        let sealed = loaded.sealed(Purpose::Backup, departing.epoch());
        let held = inner.unseal(&self.user, wallet, sealed.ok_or(DepartError::Damaged)?).await;
        let held = held.map_err(|error| depart_error(&error))?;
        let to = departing.destination().map(ToString::to_string).unwrap_or_default();
        let (departed, session) = inner.desk(&self.user, |desk| departing.answer(desk, &held))?;
        // Before anything leaves, it is on the record: to whom, and that nobody else's receipt counts.
        let done = Done::by_user(Act::Departed, id).with(format_args!("to {to}"));
        let saved = inner.save_always(&loaded, done).await;
        saved.map_err(|error| not_saved(&error))?;
        lock(&inner.sessions).put_back(session);
        Ok(departed)
    }

    pub(super) async fn do_hand_over(
        &self,
        receipt: &Signed<Receipt>,
    ) -> Result<(), Stop<HandOverError>> {
        let inner = &self.service.inner;
        let trusted = self.trusted().await.map_err(|error| Stop::Refused(error.into()))?;
        // What it says is checked below.
        let (wallet, id) = (receipt.unverified().wallet, receipt.unverified().id);
        let mut loaded = self.load(wallet, of_operation(id)).await?;
        let row = loaded.row.as_mut().ok_or(Stop::Refused(HandOverError::NotFound))?;
        let is_trusted = |other: &CustodianIdentity| trusted.contains(other);
        let is_new = inner.desk(&self.user, |desk| desk.hand_over(row, receipt, is_trusted));
        if is_new.map_err(Stop::Refused)? {
            let to = receipt.unverified().custodian;
            let done = Done::by_user(Act::HandedOver, id).with(format_args!("to {to}"));
            self.save(&loaded, None, done).await?;
        }
        // A signer of its own signs with it until it has heard: then it is gone there too.
        self.told(wallet).await
    }
}

fn depart_error(error: &StoreError) -> DepartError {
    match error {
        StoreError::Damaged => DepartError::Damaged,
        other => unavailable(other).into(),
    }
}

fn not_saved(error: &SaveError) -> DepartError {
    match error {
        // The session is spent: only another process can have been in between.
        SaveError::Conflict => EvidenceError::NoSession.into(),
        SaveError::TooManyWallets | SaveError::KeyInUse => super::failed().into(),
        SaveError::Store(error) => depart_error(error),
    }
}
