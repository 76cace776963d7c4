//! Envelopes and receipts, rather than bytes, in and out of stores.

use async_trait::async_trait;
use thiserror::Error;

use super::{EnvelopeName, EnvelopeStore, GetError, PutError, StoreFault};
use crate::{
    container::{self, ContainerError, Content},
    envelope::{Envelope, ParseError, Sealed},
};

/// Whoever can read a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The user alone: a directory on the user's disk, the user's own drive.
    User,
    /// Somebody who has nothing to do with the custodian, as the app declares.
    Independent(IndependentOperator),
    /// The custodian, or whoever operates it, or nobody knows: every store that is not the user's
    /// own, unless it is declared independent.
    Custodian,
}

/// The app's declaration that whoever operates a store is not the custodian and gives it nothing. If
/// that is untrue, a PIN protects from nobody: the custodian, with the envelope, can try them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IndependentOperator;

/// The app's declaration that its users trust the custodian alone with the whole wallet: envelopes
/// with a slot that the custodian could open may be kept where the custodian reads them. The wallet's
/// state says so from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrustCustodianAlone;

/// The envelope has a slot that the custodian could open, and the custodian reads the store: it
/// would have both shares. Use another store for it, leave that method out, or name
/// [`TrustCustodianAlone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the custodian could open this envelope, and can read this store")]
pub struct CustodianAlone;

/// An envelope that may be written to a store of a certain operator: in its container, under its
/// name.
#[derive(Debug, Clone)]
pub struct Writable {
    name: EnvelopeName,
    container: Vec<u8>,
    trusts_custodian_alone: bool,
}

impl Writable {
    /// A sealed envelope, for stores that `operator` can read.
    ///
    /// # Errors
    ///
    /// [`CustodianAlone`], unless the app trusts the custodian alone.
    pub fn sealed(
        sealed: &Sealed,
        operator: Operator,
        trust: Option<TrustCustodianAlone>,
    ) -> Result<Self, CustodianAlone> {
        Self::new(sealed.name(), &sealed.bytes, sealed.custodian_can_open(), operator, trust)
    }

    /// An envelope that was read somewhere else, to be copied as it is. What its slots say decides, as
    /// nothing else is known of it.
    ///
    /// # Errors
    ///
    /// [`CustodianAlone`], unless the app trusts the custodian alone.
    pub fn copy(
        envelope: &Envelope,
        operator: Operator,
        trust: Option<TrustCustodianAlone>,
    ) -> Result<Self, CustodianAlone> {
        Self::new(
            envelope.name(),
            envelope.as_bytes(),
            envelope.custodian_can_open(),
            operator,
            trust,
        )
    }

    fn new(
        name: EnvelopeName,
        bytes: &[u8],
        custodian_can_open: bool,
        operator: Operator,
        trust: Option<TrustCustodianAlone>,
    ) -> Result<Self, CustodianAlone> {
        let custodian_alone = custodian_can_open && operator == Operator::Custodian;
        if custodian_alone && trust.is_none() {
            return Err(CustodianAlone);
        }
        let container =
            container::wrap(Content::Envelope, bytes).expect("an envelope is at most 8 MiB");
        Ok(Self { name, container, trusts_custodian_alone: custodian_alone })
    }

    /// The name under which it is written.
    #[must_use]
    pub const fn name(&self) -> EnvelopeName {
        self.name
    }

    /// Whether the custodian alone will have the whole wallet when this is written.
    #[must_use]
    pub const fn trusts_custodian_alone(&self) -> bool {
        self.trusts_custodian_alone
    }
}

/// Why an envelope or a receipt was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The store did not take it.
    #[error(transparent)]
    Put(#[from] PutError),
    /// A receipt of more than 8 MiB.
    #[error("too large for a container")]
    Container(#[from] ContainerError),
}

/// Why an envelope or a receipt was not read.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The store does not have it, or failed.
    #[error(transparent)]
    Get(#[from] GetError),
    /// What the store gave is damaged, or is something else: use another copy, or another store.
    #[error("what the store gave is no intact container")]
    Container(#[from] ContainerError),
    /// The container is intact, but what is in it is not an envelope that can be read.
    #[error("what the store gave is no envelope")]
    Envelope(#[from] ParseError),
    /// An envelope of another name: the store gave another than was asked for.
    #[error("the store gave another envelope")]
    OtherEnvelope {
        /// The name of what it gave.
        found: EnvelopeName,
    },
}

/// What is built from the four calls of a store.
#[async_trait]
pub trait EnvelopeStoreExt: EnvelopeStore {
    /// Writes an envelope. What is there already under its name and is damaged is not replaced.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    async fn put_envelope(&self, writable: &Writable) -> Result<(), WriteError> {
        Ok(self.put(&writable.name.object(), &writable.container).await?)
    }

    /// Reads the envelope of this name, and checks that it is the one.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    async fn get_envelope(&self, name: EnvelopeName) -> Result<Envelope, FetchError> {
        let container = self.get(&name.object()).await?;
        let envelope = Envelope::from_bytes(container::unwrap(Content::Envelope, &container)?)?;
        let found = envelope.name();
        if found == name { Ok(envelope) } else { Err(FetchError::OtherEnvelope { found }) }
    }

    /// Writes a receipt beside its envelope.
    ///
    /// # Errors
    ///
    /// See [`WriteError`].
    async fn put_receipt(&self, name: EnvelopeName, receipt: &[u8]) -> Result<(), WriteError> {
        let container = container::wrap(Content::Receipt, receipt)?;
        Ok(self.put(&name.receipt(), &container).await?)
    }

    /// Reads the receipt beside an envelope. Whose it is, its signature says.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    async fn get_receipt(&self, name: EnvelopeName) -> Result<Vec<u8>, FetchError> {
        let container = self.get(&name.receipt()).await?;
        Ok(container::unwrap(Content::Receipt, &container)?.to_vec())
    }

    /// Deletes an envelope and its receipt.
    ///
    /// # Errors
    ///
    /// See [`StoreFault`].
    async fn delete_envelope(&self, name: EnvelopeName) -> Result<(), StoreFault> {
        self.delete(&name.object()).await?;
        self.delete(&name.receipt()).await
    }
}

impl<S: EnvelopeStore + ?Sized> EnvelopeStoreExt for S {}
