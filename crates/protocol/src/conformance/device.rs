//! A client with nothing around it: what the cases act with.

use rand::{SeedableRng as _, rngs::StdRng};
use thiserror::Error;
use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey},
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::{Operation, Stage},
    share::AnyClientShare,
};

use crate::{
    Nonce,
    binding::Party,
    custodian::{AbandonError, BeginError, CommitError, Custodian, PrepareError, ReadError},
    message::{Begun, Prepared, Receipt, Request, Signed, State, Tombstone},
    session::{Asked, AskedRequest, Offered, Proving, Ready, Requested, SessionError},
};

/// Why an operation of a [`Device`] did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// At its begin.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// At its prepare.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// At its commit.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// At its abandon.
    #[error(transparent)]
    Abandon(#[from] AbandonError),
    /// Reading.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// On the client's side.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// What a device proves with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// Its signing shares, or the keys themselves.
    Device,
    /// The backup shares of an opened method.
    Method,
}

/// A device of one wallet, and an opened method of its backup.
#[derive(Debug)]
pub struct Device<C> {
    /// The custodian.
    pub custodian: C,
    /// With whom, about what.
    pub party: Party,
    /// The client's shares of the signing pair (MPC).
    pub signing: Vec<AnyClientShare>,
    /// The keys themselves (single-key).
    pub keys: Vec<AnySigningKey>,
    /// The client's shares of the backup pair, as an opened method gives them.
    pub backup: Vec<AnyClientShare>,
    rng: StdRng,
}

/// A copy of the device: what a thief makes, or a second device of the owner. Its randomness is its
/// own.
impl<C: Clone> Clone for Device<C> {
    fn clone(&self) -> Self {
        Self {
            custodian: self.custodian.clone(),
            party: self.party.clone(),
            signing: self.signing.clone(),
            keys: self.keys.clone(),
            backup: self.backup.clone(),
            rng: StdRng::from_rng(&mut rand::rng()),
        }
    }
}

/// The envelope that this operation writes: its digest is all that a custodian sees of it.
#[must_use]
pub fn envelope_of(id: OperationId) -> Digest {
    let mut digest = [0x5e; 32];
    digest.iter_mut().zip(id.to_bytes()).for_each(|(to, from)| *to = from);
    Digest::from_bytes(digest)
}

impl<C: Custodian> Device<C> {
    /// A new MPC wallet on these curves, not yet backed up.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn keygen(
        custodian: C,
        identity: CustodianIdentity,
        user: &str,
        curves: &[CurveId],
    ) -> Result<Self, Failure> {
        let wallet = WalletId::make(&mut rand::rng());
        Self::keygen_in(custodian, identity, user, wallet, curves).await
    }

    /// The same with this id.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn keygen_in(
        custodian: C,
        identity: CustodianIdentity,
        user: &str,
        wallet: WalletId,
        curves: &[CurveId],
    ) -> Result<Self, Failure> {
        let mut device = Self::new(custodian, identity, user, WalletKind::Mpc);
        device.party.wallet = wallet;
        let id = device.operation();
        let asked = Asked::keygen(device.party.clone(), id, curves.to_vec(), &mut device.rng)?;
        let begun = device.custodian.begin(asked.message().clone()).await?;
        let offered = asked.prepare(&begun, Proving::Nothing, Vec::new(), &mut device.rng)?;
        let prepared = device.custodian.prepare(offered.message().clone()).await?;
        let ready = offered.finish(&prepared, &[])?;
        device.commit(&ready).await?;
        device.adopt(&ready);
        Ok(device)
    }

    /// The device of an MPC wallet that existed before, with its half of the signing pair.
    #[must_use]
    pub fn adopted(
        custodian: C,
        identity: CustodianIdentity,
        user: &str,
        wallet: WalletId,
        signing: Vec<AnyClientShare>,
    ) -> Self {
        let mut device = Self::new(custodian, identity, user, WalletKind::Mpc);
        device.party.wallet = wallet;
        Self { signing, ..device }
    }

    /// A new single-key wallet with random keys on these curves, not yet backed up.
    #[must_use]
    pub fn import(
        custodian: C,
        identity: CustodianIdentity,
        user: &str,
        curves: &[CurveId],
    ) -> Self {
        let mut device = Self::new(custodian, identity, user, WalletKind::SingleKey);
        let rng = &mut device.rng;
        device.keys = curves.iter().map(|curve| AnySigningKey::make(*curve, rng)).collect();
        device
    }

    fn new(custodian: C, identity: CustodianIdentity, user: &str, kind: WalletKind) -> Self {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let wallet = WalletId::make(&mut rng);
        let party = Party { custodian: identity, user: user.to_owned(), wallet, kind };
        Self { custodian, party, signing: Vec::new(), keys: Vec::new(), backup: Vec::new(), rng }
    }

    /// A copy of it, that talks with another custodian about another party's wallet.
    #[must_use]
    pub fn at(&self, custodian: C, party: Party) -> Self
    where
        C: Clone,
    {
        let mut device = self.clone();
        (device.custodian, device.party) = (custodian, party);
        device
    }

    /// A new operation id.
    pub fn operation(&mut self) -> OperationId {
        OperationId::make(&mut self.rng)
    }

    /// The device's source of randomness.
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// The public keys of the wallet.
    #[must_use]
    pub fn verifying_keys(&self) -> Vec<AnyVerifyingKey> {
        match self.party.kind {
            WalletKind::Mpc => self.signing.iter().map(AnyClientShare::verifying_key).collect(),
            WalletKind::SingleKey => self.keys.iter().map(AnySigningKey::verifying_key).collect(),
        }
    }

    /// The wallet's state, checked.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn state(&self) -> Result<State, Failure> {
        let nonce = Nonce::from_bytes([7; 32]);
        let state = self.custodian.state(self.party.wallet, nonce).await?;
        let state = state.verify(&self.party.custodian).map_err(SessionError::WrongCustodian)?;
        if state.nonce == nonce
            && state.wallet == self.party.wallet
            && state.user == self.party.user
        {
            Ok(state.clone())
        } else {
            Err(SessionError::OtherSession.into())
        }
    }

    /// What this device proves with.
    #[must_use]
    pub fn proving(&self, with: With) -> Proving<'_> {
        match (with, self.party.kind) {
            (With::Device, WalletKind::Mpc) => Proving::Signing(&self.signing),
            (With::Device, WalletKind::SingleKey) => Proving::Keys(&self.keys),
            (With::Method, _) => Proving::Backup(&self.backup),
        }
    }

    /// The next epochs that this operation makes, by what the custodian has given out.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn next(&self, operation: Operation) -> Result<Vec<Stage>, Failure> {
        let (signing, backup) = match self.state().await {
            Ok(state) => (state.highest_signing, state.highest_backup),
            Err(Failure::Read(ReadError::NotFound)) => (0, 0),
            Err(failure) => return Err(failure),
        };
        let stage = |purpose, highest: u64| {
            Epoch::new(highest.saturating_add(1)).map(|epoch| Stage { purpose, epoch })
        };
        let signs = operation == Operation::Convert
            || operation == Operation::Recover && self.party.kind == WalletKind::Mpc;
        let signing = stage(Purpose::Signing, signing).filter(|_| signs);
        Ok(signing.into_iter().chain(stage(Purpose::Backup, backup)).collect())
    }

    /// Asks for an operation.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn ask(&mut self, operation: Operation, with: With) -> Result<Asked, Failure> {
        let (to, id) = (self.next(operation).await?, self.operation());
        self.ask_as(operation, with, id, to)
    }

    /// Asks for an operation under this id, to make these epochs.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn ask_as(
        &self,
        operation: Operation,
        with: With,
        id: OperationId,
        to: Vec<Stage>,
    ) -> Result<Asked, Failure> {
        let party = self.party.clone();
        match self.proving(with) {
            Proving::Keys(keys) => {
                let to = to.first().ok_or(SessionError::Misuse)?.epoch;
                Ok(Asked::deal(party, operation, id, keys, to))
            }
            Proving::Signing(from) | Proving::Backup(from) => {
                Ok(Asked::reshare(party, operation, id, from, to)?)
            }
            Proving::Nothing | Proving::Pending(..) => Err(SessionError::Misuse.into()),
        }
    }

    /// Goes on to the prepare, without sending it.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn offer(&mut self, asked: Asked, with: With) -> Result<Offered, Failure> {
        let begun = self.custodian.begin(asked.message().clone()).await?;
        self.offer_to(asked, &begun, with, Vec::new())
    }

    /// The same with the custodian's nonce at hand.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn offer_to(
        &mut self,
        asked: Asked,
        begun: &Signed<Begun>,
        with: With,
        receipts: Vec<Signed<Receipt>>,
    ) -> Result<Offered, Failure> {
        let mut rng = StdRng::from_rng(&mut self.rng);
        Ok(asked.prepare(begun, self.proving(with), receipts, &mut rng)?)
    }

    /// Begins and prepares, without committing.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn prepare(&mut self, operation: Operation, with: With) -> Result<Ready, Failure> {
        let asked = self.ask(operation, with).await?;
        let offered = self.offer(asked, with).await?;
        let prepared = self.custodian.prepare(offered.message().clone()).await?;
        self.finish(offered, &prepared)
    }

    /// Checks the answer to a prepare.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub fn finish(&self, offered: Offered, prepared: &Prepared) -> Result<Ready, Failure> {
        let known = self.signing.iter().chain(&self.backup).map(AnyClientShare::commitment);
        Ok(offered.finish(prepared, &known.collect::<Vec<_>>())?)
    }

    /// Commits what is ready, and checks the receipt.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn commit(&mut self, ready: &Ready) -> Result<Signed<Receipt>, Failure> {
        let envelope = (!ready.backup().is_empty()).then(|| envelope_of(ready.id()));
        let receipt = self.custodian.commit(ready.commit(envelope, &mut self.rng)).await?;
        ready.check_receipt(&receipt, envelope)?;
        Ok(receipt)
    }

    /// Takes the new shares over.
    pub fn adopt(&mut self, ready: &Ready) {
        if !ready.signing().is_empty() {
            self.signing = ready.signing().to_vec();
        }
        if !ready.backup().is_empty() {
            self.backup = ready.backup().to_vec();
        }
        self.party.kind = ready.kind();
        if self.party.kind == WalletKind::Mpc {
            self.keys.clear();
        }
    }

    /// A whole operation.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn run(&mut self, operation: Operation, with: With) -> Result<Ready, Failure> {
        let ready = self.prepare(operation, with).await?;
        self.commit(&ready).await?;
        self.adopt(&ready);
        Ok(ready)
    }

    /// A request without a plan, ready to be sent.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn request(
        &mut self,
        operation: Operation,
        id: OperationId,
        proving: Proving<'_>,
    ) -> Result<Requested, Failure> {
        let asked = AskedRequest::new(self.party.clone(), operation, id, proving)?;
        let begun = self.custodian.begin(asked.message().clone()).await?;
        Ok(asked.request(&begun, proving, &mut self.rng)?)
    }

    /// Abandons an operation.
    ///
    /// # Errors
    ///
    /// See [`Failure`].
    pub async fn abandon(
        &mut self,
        id: OperationId,
        proving: Proving<'_>,
    ) -> Result<Signed<Tombstone>, Failure> {
        let requested = self.request(Operation::Abandon, id, proving).await?;
        let message: Request = requested.message().clone();
        let tombstone = self.custodian.abandon(message).await?;
        requested.check_tombstone(&tombstone)?;
        Ok(tombstone)
    }
}
