//! Backup methods: what the user does to open a slot of an envelope.
//!
//! A method slot is a P-256 public key, the [`AgreementKey`], to which the envelope's content key is
//! wrapped. A [`BackupMethod`] makes that key when the slot is made, and finds its private side, the
//! [`Identity`], when the slot is opened. It never sees a share or an envelope. An identity need only
//! perform a key agreement, so that it may live in hardware that lets no private key out.
//!
//! # What the traits have to carry
//!
//! [`Password`] and [`RecoveryCode`] are here. The others were written down against these traits
//! before they were fixed:
//!
//! - **PIN** ([`SlotKind::Pin`]). The method object holds the connection to the custodian (or to the
//!   operator that hardens PINs) and the PIN. `make` draws the slot's nonce from the context's
//!   randomness, evaluates the VOPRF of `PIN ‖ wallet ‖ nonce`, puts nonce, Argon2id cost and the
//!   OPRF public key into the parameters, and returns the derived identity. `open` does the same with
//!   the parameters; the answers of the other side are [`MethodError::WrongSecret`] with the attempts
//!   left, [`MethodError::Locked`], [`MethodError::CustodianFault`] for a bad proof and
//!   [`MethodError::Unreachable`]. Whoever evaluates can guess every PIN, so `vouching` is
//!   [`Vouching::CheckCode`] and such a slot has no key tag.
//! - **Passkey** ([`SlotKind::Passkey`]). The method holds the platform's authenticator. `make`
//!   creates or reuses a credential, evaluates the PRF with a salt from the context, and derives the
//!   identity from its 32 bytes; parameters are credential id, rpId and salt. `open` asks for exactly
//!   that credential: `None` when this device's authenticator does not know it, which costs no
//!   prompt where the platform can tell. Nobody else can evaluate: [`Vouching::KeyTag`].
//!   Held by the custodian ([`SlotKind::CustodialPasskey`]), the identity's scalar is at the custodian,
//!   which returns it after an assertion: same calls, [`Vouching::CheckCode`].
//! - **Cloud drive** ([`SlotKind::Drive`]). The identity is a random scalar in an object of the
//!   user's drive. `make` writes and reads back the object before it returns, so that no slot exists
//!   whose identity is not durable ([`MethodError::Full`], [`MethodError::Denied`]); parameters are
//!   the object and a hint of the account. `open` reads it; another account is
//!   [`MethodError::WrongAccount`]. The custodian has no access: [`Vouching::KeyTag`].
//! - **Hardware** ([`SlotKind::Hardware`]): Secure Enclave, StrongBox, YubiKey, HSM. `make` creates
//!   the key inside and returns an identity whose `agree` calls the chip, parameters name the key.
//!   `open` is `None` when the chip has no such key. Opening takes two agreements, one for the wrapped
//!   key and one for the key tag.
//! - **Another person's device** ([`SlotKind::Device`]). The user has scanned a public key; there is
//!   no identity when the slot is made, so `make` returns a recipient only ([`NewSlot::recipient`])
//!   and the slot has no key tag. On that other device the same kind of slot is opened by an
//!   identity in its hardware, with [`Vouching::CheckCode`].

mod agreement;
mod code;
mod error;
mod kind;
mod password;
mod policy;

use core::fmt;

use async_trait::async_trait;
use rand_core::CryptoRng;

pub(crate) use self::agreement::DerivedKey;
pub use self::{
    agreement::{AgreedSecret, AgreementKey, AgreementKeyError, SoftwareIdentity},
    code::{CodeError, RecoveryCode},
    error::{ExcessiveWork, MethodError, Work},
    kind::{SlotKind, Vouching},
    password::Password,
    policy::{Argon2Cost, PasswordError, PasswordPolicy, Weakness},
};
use crate::{envelope::SlotHeader, id::WalletId};

/// A backup method, with whatever it needs to act: the password that was typed, the platform's
/// authenticator, a drive's connection.
///
/// The trait is object safe. Whoever implements it runs `backup_method_conformance!` (feature
/// `conformance`).
#[async_trait]
pub trait BackupMethod: fmt::Debug + Send + Sync {
    /// Which kind of slot this makes and opens.
    fn kind(&self) -> SlotKind;

    /// What shows that an envelope which this method opens is of the user's own wallet. This is a
    /// property of the method, whatever an envelope says.
    fn vouching(&self) -> Vouching;

    /// Makes a new slot: a fresh key pair, with the parameters that `open` will need.
    ///
    /// Whatever the slot depends on must be durable when this returns.
    ///
    /// # Errors
    ///
    /// See [`MethodError`].
    async fn make(&self, context: MakeContext<'_>) -> Result<NewSlot, MethodError>;

    /// How much work [`open`](Self::open) does for `slot`, in KiB of memory times passes over it; 0
    /// where it is not worth counting. It is asked before anything is done: all the slots that one
    /// opening tries cost no more than [`Argon2Cost::MAX_TOTAL`] together.
    fn work(&self, _slot: &SlotHeader) -> u64 {
        0
    }

    /// Finds the identity of `slot`.
    ///
    /// - `Ok(None)`: the slot is not this method's, or of another authenticator, chip or account;
    ///   the next one is tried.
    /// - `Ok(Some(identity))`: this method's identity for the slot. The caller compares its public
    ///   key with the slot's; one derived from a wrong password simply differs.
    /// - `Err(_)`: the slot is this method's, and cannot be opened now.
    ///
    /// The slot is from an envelope that nobody has vouched for: parameters are checked, and their
    /// cost is bounded, before any work.
    ///
    /// # Errors
    ///
    /// See [`MethodError`].
    async fn open(
        &self,
        slot: &SlotHeader,
        context: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError>;
}

/// The private side of a slot: a P-256 key that can perform a key agreement.
#[async_trait]
pub trait Identity: fmt::Debug + Send + Sync {
    /// The public side.
    fn public_key(&self) -> AgreementKey;

    /// ECDH (SP 800-56A, 5.7.1.2): the x-coordinate of this key times `point`. Constant-time.
    ///
    /// # Errors
    ///
    /// See [`MethodError`]; an identity in memory has none.
    async fn agree(&self, point: &AgreementKey) -> Result<AgreedSecret, MethodError>;
}

/// What a method is told when it makes a slot.
pub struct MakeContext<'a> {
    /// The wallet that the envelope is of.
    pub wallet: WalletId,
    /// Randomness for salts and keys.
    pub rng: &'a mut (dyn CryptoRng + Send),
}

impl fmt::Debug for MakeContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MakeContext").field("wallet", &self.wallet).finish_non_exhaustive()
    }
}

/// What a method is told when it opens a slot.
#[derive(Debug, Clone, Copy)]
pub struct OpenContext {
    /// The wallet that the envelope claims to be of.
    pub wallet: WalletId,
}

/// What a method made: the public side of a slot, and the identity where there is one.
#[derive(Debug)]
pub struct NewSlot {
    pub(crate) label: String,
    pub(crate) parameters: Vec<u8>,
    pub(crate) public_key: AgreementKey,
    pub(crate) identity: Option<Box<dyn Identity>>,
}

impl NewSlot {
    /// A slot whose identity is at hand: it gets a key tag where the method vouches by one.
    ///
    /// `label` is shown to the user when methods are listed, and is public; `parameters` is what
    /// `open` needs, in the method's own deterministic CBOR.
    #[must_use]
    pub fn new(label: impl Into<String>, parameters: Vec<u8>, identity: Box<dyn Identity>) -> Self {
        let public_key = identity.public_key();
        Self { label: label.into(), parameters, public_key, identity: Some(identity) }
    }

    /// A slot for a public key whose identity is elsewhere: another person's device.
    ///
    /// The key must have come by QR code, or been compared on both screens: whoever could exchange
    /// it on the way would open the envelope.
    #[must_use]
    pub fn recipient(
        label: impl Into<String>,
        parameters: Vec<u8>,
        public_key: AgreementKey,
    ) -> Self {
        Self { label: label.into(), parameters, public_key, identity: None }
    }
}
