//! The end-to-end sealing of messages between client and custodian.
//!
//! The messages of a resharing are secrets: an old share and the messages since lead to today's
//! share. So they are sealed under two key agreements at once, both on P-256: one between two
//! ephemeral keys, which are erased when the operation ends and with which every message of it
//! becomes unreadable for ever; and one between the client's ephemeral key and the custodian's
//! [identity](crate::identity), so that only that custodian reads and answers. This is the key
//! schedule of Noise's `NK` pattern with the custodian's ephemeral key sent first; every byte of it
//! is in PROTOCOL.md, section "The channel".
//!
//! What the channel does not do: it says nothing about who the client is. That is what the proof
//! beside the first message is for, which covers the client's ephemeral key too.
//!
//! ```
//! use twoshare_core::channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step};
//! use twoshare_core::identity::CustodianKeys;
//! # use rand::SeedableRng;
//! # let mut rng = rand::rngs::ChaCha20Rng::seed_from_u64(1);
//!
//! let keys = CustodianKeys::make(&mut rng);
//! let custodians = EphemeralSecret::make(&mut rng);
//! let clients = EphemeralSecret::make(&mut rng);
//!
//! let client = ClientChannel::new(&clients, &custodians.public_key(), keys.identity(), b"wallet");
//! let sealed = client.seal(Step::FIRST, b"hello", &mut rng)?;
//!
//! let custodian = CustodianChannel::new(&custodians, &clients.public_key(), &keys, b"wallet");
//! let opened = custodian.open(Step::FIRST, &sealed)?;
//! assert_eq!(opened.expose_secret(), b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use p256::elliptic_curve::{Generate, sec1::ToSec1Point};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    base32,
    curve::wiping,
    id::Role,
    identity::{CustodianIdentity, CustodianKeys, decode_point},
    secret::SecretBytes,
};

/// The longest message that is sealed or opened, in bytes: far more than 255 keys need.
pub const MAX_MESSAGE: usize = 256 * 1024;

/// How many bytes a sealed message has more than what is in it.
pub const OVERHEAD: usize = HEADER_LEN + TAG_LEN;

const VERSION: u8 = 1;
const HEADER_LEN: usize = 3 + 2 * NAME_LEN + SALT_LEN;
const NAME_LEN: usize = 8;
const SALT_LEN: usize = 32;
const TAG_LEN: usize = 16;
const SCALAR_LEN: usize = 32;

const LABEL: &[u8] = b"twoshare/v1/channel";

/// The client's end.
pub struct ClientChannel(Keys);

impl ClientChannel {
    /// The channel to the custodian with this identity. Both ends name the same `context`: what the
    /// conversation is about (wallet, user, operation, …); a message of another one is refused.
    ///
    /// The custodian's ephemeral key has come over a wire, and is believed no more than that: only
    /// the holder of the identity's sealing key *and* of the ephemeral secret can read or answer.
    #[must_use]
    pub fn new(
        own: &EphemeralSecret,
        custodian: &EphemeralKey,
        identity: &CustodianIdentity,
        context: &[u8],
    ) -> Self {
        let (client, custodian) = (own.public_key(), *custodian);
        Self(wiping(|| {
            let ephemeral = agree(&own.0, &custodian.0);
            let with_identity = agree(&own.0, identity.sealing_key());
            Keys::new(&ephemeral, &with_identity, &client, &custodian, identity, context)
        }))
    }

    /// Seals a message of the client.
    ///
    /// # Errors
    ///
    /// The message is too long.
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        step: Step,
        message: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        wiping(|| self.0.seal(Role::Client, step, message, rng))
    }

    /// Opens the custodian's message of `step`.
    ///
    /// # Errors
    ///
    /// Whatever else the bytes are.
    pub fn open(&self, step: Step, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        wiping(|| self.0.open(Role::Custodian, step, sealed))
    }
}

/// The custodian's end.
pub struct CustodianChannel(Keys);

impl CustodianChannel {
    /// The channel to a client. See [`ClientChannel::new`] about the context.
    #[must_use]
    pub fn new(
        own: &EphemeralSecret,
        client: &EphemeralKey,
        keys: &CustodianKeys,
        context: &[u8],
    ) -> Self {
        wiping(|| {
            let with_identity = agree(keys.sealing_key(), &client.0);
            Self::from_agreement(own, client, keys.identity(), &with_identity, context)
        })
    }

    /// Like [`CustodianChannel::new`], where the sealing key never leaves a key-management service:
    /// `agreement` is what its key agreement (ECDH) of the sealing key with the client's ephemeral
    /// key gave, the x-coordinate of 32 bytes.
    #[must_use]
    pub fn from_agreement(
        own: &EphemeralSecret,
        client: &EphemeralKey,
        identity: &CustodianIdentity,
        agreement: &[u8; 32],
        context: &[u8],
    ) -> Self {
        Self(wiping(|| {
            let ephemeral = agree(&own.0, &client.0);
            Keys::new(&ephemeral, agreement, client, &own.public_key(), identity, context)
        }))
    }

    /// Seals a message of the custodian.
    ///
    /// # Errors
    ///
    /// The message is too long.
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        step: Step,
        message: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        wiping(|| self.0.seal(Role::Custodian, step, message, rng))
    }

    /// Opens the client's message of `step`.
    ///
    /// # Errors
    ///
    /// Whatever else the bytes are.
    pub fn open(&self, step: Step, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        wiping(|| self.0.open(Role::Client, step, sealed))
    }
}

/// Where in a conversation a message stands: the client's message of a step is answered by the
/// custodian's message of the same step. A step may be repeated after a crash, and what is said in
/// it then may differ: no key is ever used for two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u8);

impl Step {
    /// The first step.
    pub const FIRST: Self = Self(0);

    /// The step with this number, counted from zero.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number of this step, counted from zero.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The secret half of a key that one operation uses. It is stored sealed until the operation is
/// committed or abandoned and then erased, and with it every message of the operation. On the heap,
/// so that moving it leaves no copies behind.
pub struct EphemeralSecret(Box<p256::SecretKey>);

impl EphemeralSecret {
    /// A new random key, for one operation.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        wiping(|| Self(Box::new(p256::SecretKey::generate_from_rng(rng))))
    }

    /// The key that [`EphemeralSecret::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EphemeralError> {
        let (&version, scalar) = bytes.split_first().ok_or(EphemeralError::Length { found: 0 })?;
        match version {
            VERSION => {}
            0 => return Err(EphemeralError::Damaged),
            _ => {
                let (found, supported) = (version.into(), VERSION.into());
                return Err(EphemeralError::NewerVersion { found, supported });
            }
        }
        let scalar: &p256::FieldBytes =
            scalar.try_into().map_err(|_| EphemeralError::Length { found: bytes.len() })?;
        wiping(|| p256::SecretKey::from_bytes(scalar).map(|scalar| Self(Box::new(scalar))))
            .map_err(|_| EphemeralError::Damaged)
    }

    /// The secret scalar, to be stored sealed until the operation ends.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        wiping(|| {
            let mut bytes = SecretBytes::with_capacity(1 + SCALAR_LEN);
            bytes.extend(&[VERSION]);
            bytes.extend(&Zeroizing::new(self.0.to_bytes()));
            bytes
        })
    }

    /// The half that is sent.
    #[must_use]
    pub fn public_key(&self) -> EphemeralKey {
        EphemeralKey(wiping(|| self.0.public_key()))
    }
}

impl ZeroizeOnDrop for EphemeralSecret {}

impl fmt::Debug for EphemeralSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EphemeralSecret(redacted)")
    }
}

/// The public half of an [`EphemeralSecret`]: a point of P-256, SEC 1 compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EphemeralKey(p256::PublicKey);

impl EphemeralKey {
    /// How many bytes it has.
    pub const LEN: usize = 33;

    /// The key with these bytes.
    ///
    /// # Errors
    ///
    /// They are not the one encoding of a point of P-256 other than the identity. (P-256 has prime
    /// order: there are no points of small order to refuse.)
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EphemeralError> {
        if bytes.len() != Self::LEN {
            return Err(EphemeralError::Length { found: bytes.len() });
        }
        decode_point(bytes).map(Self).ok_or(EphemeralError::NotAPoint)
    }

    /// The 33 bytes of this key.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let point = self.0.to_sec1_point(true);
        bytes.iter_mut().zip(point.as_bytes()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

impl fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EphemeralKey({})", base32::encode(&self.to_bytes()))
    }
}

/// Why bytes are not an ephemeral key, or not its secret half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EphemeralError {
    /// A newer version of this library wrote the secret: update.
    #[error("version {found} of the secret is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// Neither 33 bytes nor anything else that is expected: refuse it.
    #[error("an ephemeral key has 33 bytes, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// The version is zero, or the secret is zero or not below the order: what was stored is
    /// damaged; abandon the operation.
    #[error("not an ephemeral secret")]
    Damaged,
    /// The public key is not a point of P-256, or not its one encoding: refuse the message.
    #[error("not a point of P-256")]
    NotAPoint,
}

/// Why a message is not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// Split what is to be said.
    #[error("a message of {found} bytes, where {MAX_MESSAGE} are the limit")]
    TooLong {
        /// How many bytes it has.
        found: usize,
    },
}

/// Why a sealed message is not opened, in the order of the checks. Until the last one nothing is
/// known to be authentic: the others say what the message *claims*, so that an honest mistake can
/// be told from damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// It is shorter than any message: ask for it again.
    #[error("a sealed message has at least {OVERHEAD} bytes, not {found}")]
    TooShort {
        /// How many bytes it has.
        found: usize,
    },
    /// It is longer than any message: refuse it.
    #[error("a message of {found} bytes, where {MAX_MESSAGE} are the limit")]
    TooLong {
        /// How many bytes the message in it would have.
        found: usize,
    },
    /// The other side is newer: update.
    #[error("version {found} of the message is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of the message.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// It is this side's own message, sent back: refuse it; something between is broken or hostile.
    #[error("a message of this side came back to it")]
    Reflected,
    /// It belongs to other ephemeral keys or another custodian: it is old, or for somebody else.
    /// Refuse it, and start a new operation if the other side insists.
    #[error("a message of another session")]
    OtherSession,
    /// Its context differs, such as another wallet, user or operation: refuse it.
    #[error("a message of this session about something else")]
    OtherContext,
    /// It is of a step that was taken before: refuse it, or repeat the answer of that step.
    #[error("a message of step {found} again, where {expected} is due")]
    Replayed {
        /// The step that is due.
        expected: Step,
        /// The step of the message.
        found: Step,
    },
    /// It is of a step that is not due yet: one in between was lost; ask for that.
    #[error("a message of step {found}, where {expected} is due")]
    OutOfOrder {
        /// The step that is due.
        expected: Step,
        /// The step of the message.
        found: Step,
    },
    /// It was changed on the way, or sealed by somebody without the keys: refuse it.
    #[error("the message is damaged or not from the other side")]
    Damaged,
}

/// HKDF's pseudorandom key, on the heap so that moving it leaves no copies behind, and what each
/// message's key also depends on.
struct Keys {
    prk: Box<Zeroizing<[u8; 32]>>,
    session: [u8; NAME_LEN],
    context: [u8; NAME_LEN],
    context_digest: [u8; 32],
}

impl Keys {
    /// `prk = HKDF-Extract(SHA-256(label ‖ E₁ ‖ E₂ ‖ identity), x(e₁·E₂) ‖ x(e₁·identity))`
    fn new(
        ephemeral: &[u8; 32],
        with_identity: &[u8; 32],
        client: &EphemeralKey,
        custodian: &EphemeralKey,
        identity: &CustodianIdentity,
        context: &[u8],
    ) -> Self {
        let transcript = Sha256::new()
            .chain_update(LABEL)
            .chain_update(client.to_bytes())
            .chain_update(custodian.to_bytes())
            .chain_update(identity.to_bytes())
            .finalize();
        let mut secret = Zeroizing::new([0; 64]);
        secret.iter_mut().zip(ephemeral.iter().chain(with_identity)).for_each(|(to, x)| *to = *x);
        let (extracted, _) = Hkdf::<Sha256>::extract(Some(&transcript), secret.as_slice());
        let mut keys = Self {
            prk: Box::new(Zeroizing::new(Zeroizing::new(extracted).0)),
            session: [0; NAME_LEN],
            context: [0; NAME_LEN],
            context_digest: Sha256::digest(context).into(),
        };
        let (mut session, mut about) = ([0; NAME_LEN], [0; NAME_LEN]);
        keys.expand(&[b"/session"], &mut session);
        keys.expand(&[b"/context", &keys.context_digest], &mut about);
        (keys.session, keys.context) = (session, about);
        keys
    }

    fn seal<R: CryptoRng + ?Sized>(
        &self,
        sender: Role,
        step: Step,
        message: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        if message.len() > MAX_MESSAGE {
            return Err(SealError::TooLong { found: message.len() });
        }
        let mut sealed = Vec::with_capacity(message.len() + OVERHEAD);
        sealed.extend_from_slice(&[VERSION, sender.number(), step.0]);
        sealed.extend_from_slice(&self.session);
        sealed.extend_from_slice(&self.context);
        // The salt is hedged with the message: where a random generator repeats itself (a virtual
        // machine's snapshot, say), two different messages still have two different keys.
        let mut random = Zeroizing::new([0; 32]);
        rng.fill_bytes(random.as_mut_slice());
        let mut salt = [0; SALT_LEN];
        self.expand(&[b"/salt", &sealed, random.as_slice(), message], &mut salt);
        sealed.extend_from_slice(&salt);

        let (cipher, nonce) = self.cipher(&sealed);
        let header = sealed.clone();
        sealed.extend_from_slice(message);
        let body = sealed.get_mut(HEADER_LEN..).expect("the header was written above");
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &header, body.into())
            .expect("the message is far shorter than 64 GiB");
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    fn open(&self, sender: Role, step: Step, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let found = sealed.len();
        let length = found.checked_sub(OVERHEAD).ok_or(OpenError::TooShort { found })?;
        if length > MAX_MESSAGE {
            return Err(OpenError::TooLong { found: length });
        }
        let (header, rest) = sealed.split_at(HEADER_LEN);
        let (body, tag) = rest.split_at(length);
        let &[version, direction, number, ref names @ ..] = header else {
            return Err(OpenError::TooShort { found });
        };
        match version {
            VERSION => {}
            0 => return Err(OpenError::Damaged),
            _ => {
                let (found, supported) = (version.into(), VERSION.into());
                return Err(OpenError::NewerVersion { found, supported });
            }
        }
        match Role::from_number(direction.into()) {
            Some(role) if role == sender => {}
            Some(_) => return Err(OpenError::Reflected),
            None => return Err(OpenError::Damaged),
        }
        if !names.starts_with(&self.session) {
            return Err(OpenError::OtherSession);
        }
        if names.get(NAME_LEN..2 * NAME_LEN) != Some(self.context.as_slice()) {
            return Err(OpenError::OtherContext);
        }
        let (expected, found) = (step, Step(number));
        if found < expected {
            return Err(OpenError::Replayed { expected, found });
        }
        if found > expected {
            return Err(OpenError::OutOfOrder { expected, found });
        }
        let (cipher, nonce) = self.cipher(header);
        let mut message = SecretBytes::from(body);
        let tag = tag.try_into().map_err(|_| OpenError::Damaged)?;
        cipher
            // In place, in memory that is wiped.
            .decrypt_inout_detached(&nonce.into(), header, message.expose_secret_mut().into(), tag)
            .map_err(|_| OpenError::Damaged)?;
        Ok(message)
    }

    /// The cipher and the nonce of the one message with this header: both depend on all of it and
    /// on the context.
    fn cipher(&self, header: &[u8]) -> (Aes256Gcm, [u8; 12]) {
        let mut key = Zeroizing::new([0; 32]);
        let mut nonce = [0; 12];
        let mut okm = Zeroizing::new([0; 44]);
        self.expand(&[b"/message", header, &self.context_digest], okm.as_mut_slice());
        key.iter_mut().chain(&mut nonce).zip(okm.iter()).for_each(|(to, from)| *to = *from);
        (Aes256Gcm::new((&*key).into()), nonce)
    }

    /// `HKDF-Expand(prk, label ‖ info, length of out)`
    fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let hkdf = Hkdf::<Sha256>::from_prk(self.prk.as_slice()).expect("it has 32 bytes");
        let info: Vec<&[u8]> = [LABEL].into_iter().chain(info.iter().copied()).collect();
        hkdf.expand_multi_info(&info, out).expect("at most 44 bytes are asked for");
    }
}

impl ZeroizeOnDrop for ClientChannel {}
impl ZeroizeOnDrop for CustodianChannel {}

impl fmt::Debug for ClientChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientChannel(redacted)")
    }
}

impl fmt::Debug for CustodianChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustodianChannel(redacted)")
    }
}

/// ECDH (SP 800-56A): the x-coordinate of `secret·public`. Neither is ever zero, and the order is
/// prime, so neither is the product.
fn agree(secret: &p256::SecretKey, public: &p256::PublicKey) -> Zeroizing<[u8; 32]> {
    let shared = secret.diffie_hellman(public);
    // Copied out of `SharedSecret`, which wipes its own copy.
    Zeroizing::new((*shared.raw_secret_bytes()).into())
}

#[cfg(test)]
mod tests;
