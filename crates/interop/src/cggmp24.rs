#![doc = include_str!("../docs/cggmp24.md")]

mod aux;

use ::cggmp24::{
    generic_ec::{NonZero, Point, Scalar, SecretScalar, curves::Secp256k1 as E},
    key_share::{
        AuxInfo, DirtyIncompleteKeyShare, DirtyKeyInfo, IncompleteKeyShare, KeyShare, Valid,
        VssSetup,
    },
};
use twoshare_core::{
    attachment::{Attachment, AttachmentError},
    curve::{PointError, SCALAR_LEN, Secp256k1, VerifyingKey},
    id::Role,
    secret::SecretBytes,
    share::{
        AnyClientShare, AnyCustodianShare, AnyShare, ClientShare, Commitment, CustodianShare,
        ForeignSharing, HasRole, KeyId, Share,
    },
};
use zeroize::Zeroize;

pub use self::aux::Aux;
use crate::{
    attached::{self, CHAIN_CODE_LEN},
    bound::{Bound, UnfitError},
    common::{ExportError, ImportError, export, import},
};

/// The attachment's name of what both sides make anew after each recovery: `PerDevice`.
pub const AUX: &str = "cggmp24 auxiliary info";

/// The attachment's name of the chain code of an HD wallet: `Durable`.
pub const CHAIN_CODE: &str = "cggmp24 chain code";

/// Which of cggmp24's party indices at key generation is the device's and which the server's. By default
/// 0 and 1, as in the shares that are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// The device's.
    pub client: u16,
    /// The server's.
    pub custodian: u16,
}

impl Default for Parties {
    fn default() -> Self {
        Self { client: place(Role::Client), custodian: place(Role::Custodian) }
    }
}

/// The party index of a role in the shares that are given back.
const fn place(role: Role) -> u16 {
    match role {
        Role::Client => 0,
        Role::Custodian => 1,
    }
}

/// The client's signing share out of the device's core key share.
///
/// # Errors
///
/// See [`ImportError`].
pub fn client_share(
    id: KeyId,
    parties: Parties,
    device: &DirtyIncompleteKeyShare<E>,
) -> Result<ClientShare<Secp256k1>, ImportError> {
    share(id, parties, device)
}

/// The custodian's signing share out of the server's core key share.
///
/// # Errors
///
/// See [`ImportError`].
pub fn custodian_share(
    id: KeyId,
    parties: Parties,
    server: &DirtyIncompleteKeyShare<E>,
) -> Result<CustodianShare<Secp256k1>, ImportError> {
    share(id, parties, server)
}

/// What the client's wallet keeps beside its shares of a key like this: the reminder that the auxiliary
/// info is made anew after a recovery, and the chain code of an HD wallet.
#[must_use]
pub fn attachments(key: &DirtyKeyInfo<E>) -> Vec<Attachment> {
    let mut attachments = vec![attached::per_device(AUX)];
    attachments.extend(key.chain_code.map(|code| attached::durable(CHAIN_CODE, &code)));
    attachments
}

/// The chain code among a wallet's attachments; `None` of a wallet without.
///
/// # Errors
///
/// [`AttachmentError::Malformed`]: what has its name is none.
pub fn chain_code(
    attachments: &[Attachment],
) -> Result<Option<[u8; CHAIN_CODE_LEN]>, AttachmentError> {
    attached::chain_code(CHAIN_CODE, attachments)
}

fn share<R: HasRole>(
    id: KeyId,
    parties: Parties,
    mine: &DirtyIncompleteKeyShare<E>,
) -> Result<Share<Secp256k1, R>, ImportError> {
    let DirtyIncompleteKeyShare { i, key_info, x } = mine;
    let [first, second] = key_info.public_shares.as_slice() else {
        return Err(ImportError::Parties { found: key_info.public_shares.len() });
    };
    let place = |party| match party {
        0 => Ok(first),
        1 => Ok(second),
        _ => Err(ImportError::OtherParties),
    };
    let (client, custodian) = (place(parties.client)?, place(parties.custodian)?);
    if parties.client == parties.custodian {
        return Err(ImportError::OtherParties);
    }
    let expected = match R::ROLE {
        Role::Client => parties.client,
        Role::Custodian => parties.custodian,
    };
    if *i != expected {
        return Err(ImportError::Role { expected: R::ROLE });
    }
    let (client, custodian) = (point(client)?, point(custodian)?);
    let foreign = match &key_info.vss_setup {
        None => ForeignSharing::additive(client, custodian),
        Some(VssSetup { min_signers, I: indices }) => {
            if *min_signers != 2 {
                return Err(ImportError::Threshold { found: *min_signers });
            }
            let index = |party: u16| {
                let index = indices.get(usize::from(party)).ok_or(ImportError::OtherParties)?;
                Ok::<_, ImportError>(bytes(index))
            };
            ForeignSharing::shamir(
                (&index(parties.client)?, client),
                (&index(parties.custodian)?, custodian),
            )?
        }
    };
    let key = point(&key_info.shared_public_key)?;
    // Exposed: to be checked and to become ours.
    let x: &Scalar<E> = x.as_ref();
    let mut encoded = x.to_be_bytes();
    let secret = SecretBytes::from(encoded.as_bytes());
    encoded.as_mut().zeroize();
    import(id, &foreign, &key, secret.expose_secret())
}

fn point(point: &NonZero<Point<E>>) -> Result<VerifyingKey<Secp256k1>, PointError> {
    VerifyingKey::from_bytes(&point.to_bytes(true))
}

fn bytes(scalar: &NonZero<Scalar<E>>) -> [u8; SCALAR_LEN] {
    scalar.to_be_bytes().as_bytes().try_into().expect("scalars have 32 bytes on secp256k1")
}

/// The library's core key share for one of our signing shares, which knows what it is of. Alone it signs
/// nothing: that takes the [`Aux`] that was made for it.
#[derive(Clone)]
pub struct CoreShare {
    bound: Bound,
    share: IncompleteKeyShare<E>,
}

impl CoreShare {
    /// The device's.
    ///
    /// # Errors
    ///
    /// See [`ExportError`].
    pub fn client(share: &AnyClientShare) -> Result<Self, ExportError> {
        Self::new(share)
    }

    /// The server's.
    ///
    /// # Errors
    ///
    /// See [`ExportError`].
    pub fn custodian(share: &AnyCustodianShare) -> Result<Self, ExportError> {
        Self::new(share)
    }

    fn new<R: HasRole>(share: &AnyShare<R>) -> Result<Self, ExportError> {
        let bound = Bound::to(share);
        let share = export::<Secp256k1, R>(share)?;
        // Exposed: to the library, which signs with it.
        let secret = share.expose_secret();
        let x = SecretScalar::from_be_bytes(secret.expose_secret())
            .ok()
            .and_then(NonZero::from_secret_scalar)
            .expect("a share is a scalar below the order, and not zero");
        let share = DirtyIncompleteKeyShare {
            i: place(R::ROLE),
            key_info: key_info(share.commitment()),
            x,
        };
        Ok(Self { bound, share: valid(share) })
    }

    /// The same for an HD wallet, with the chain code that the device's attachments have and the server's
    /// own database: it is the wallet's, and no epoch's.
    #[must_use]
    pub fn with_chain_code(self, code: Option<[u8; CHAIN_CODE_LEN]>) -> Self {
        let mut share = self.share.into_inner();
        share.key_info.chain_code = code;
        Self { share: valid(share), ..self }
    }

    /// What it is of.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// What is public of it.
    #[must_use]
    pub fn key_info(&self) -> &DirtyKeyInfo<E> {
        &self.share.key_info
    }

    /// What the library signs with: this share, and the auxiliary info that was made for it.
    ///
    /// # Errors
    ///
    /// See [`UnfitError`]. [`UnfitError::Epoch`]: the auxiliary info is of before a recovery. Make it anew
    /// with the other side.
    pub fn key_share(&self, aux: &Aux) -> Result<KeyShare<E>, UnfitError> {
        self.bound.fits(aux.bound())?;
        let parts = (self.share.clone(), aux.info().clone());
        // Both were checked for the same party of two when they were bound to each other.
        KeyShare::from_parts(parts).map_err(|_| UnfitError::Sharing)
    }

    fn is_of(&self, info: &AuxInfo) -> bool {
        KeyShare::<E>::from_parts((self.share.clone(), info.clone())).is_ok()
    }
}

impl core::fmt::Debug for CoreShare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CoreShare").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// A share of ours fits its commitment, and a chain code is part of no check.
fn valid(share: DirtyIncompleteKeyShare<E>) -> IncompleteKeyShare<E> {
    Valid::validate(share).expect("a share fits its commitment")
}

fn key_info(commitment: &Commitment<Secp256k1>) -> DirtyKeyInfo<E> {
    let point = |bytes: [u8; 33]| {
        Point::from_bytes(bytes)
            .ok()
            .and_then(NonZero::from_point)
            .expect("a commitment's points are on the curve, and none is the identity")
    };
    let index = |role: Role| {
        NonZero::from_scalar(Scalar::from(u16::from(role.number()))).expect("1 and 2 are not zero")
    };
    let roles = [Role::Client, Role::Custodian];
    DirtyKeyInfo {
        curve: Default::default(),
        shared_public_key: point(commitment.verifying_key().to_bytes()),
        public_shares: roles.map(|role| point(commitment.verifying_share(role).to_bytes())).into(),
        vss_setup: Some(VssSetup { min_signers: 2, I: roles.map(index).into() }),
        chain_code: None,
    }
}
