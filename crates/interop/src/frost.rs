//! FROST (RFC 9591), for each of its ciphersuites whose curve is one of ours.

use std::collections::BTreeMap;

use frost_core::{
    Ciphersuite, Identifier, VerifyingKey as FrostKey,
    keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare},
};
use twoshare_core::{
    curve::{SCALAR_LEN, VerifyingKey},
    id::Role,
    secret::SecretBytes,
    share::{AnyShare, Commitment, ForeignSharing, HasRole, KeyId, Share},
};
use zeroize::Zeroize;

use crate::common::{ExportError, ImportError, Picks, export, import};

/// A ciphersuite, and its curve here.
pub(crate) trait Suite: Ciphersuite {
    type Curve: Picks;
}

/// Which of FROST's identifiers is the device's and which the server's. By default 1 and 2, which ours are:
/// shares of others are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties<S: Ciphersuite> {
    /// The device's.
    pub client: Identifier<S>,
    /// The server's.
    pub custodian: Identifier<S>,
}

impl<S: Ciphersuite> Default for Parties<S> {
    fn default() -> Self {
        Self { client: ours(Role::Client), custodian: ours(Role::Custodian) }
    }
}

impl<S: Ciphersuite> Parties<S> {
    fn of(&self, role: Role) -> Identifier<S> {
        match role {
            Role::Client => self.client,
            Role::Custodian => self.custodian,
        }
    }
}

/// The identifier that is this role's index.
fn ours<S: Ciphersuite>(role: Role) -> Identifier<S> {
    u16::from(role.number()).try_into().expect("1 and 2 are identifiers")
}

pub(crate) fn share<S: Suite, R: HasRole>(
    id: KeyId,
    parties: &Parties<S>,
    mine: &KeyPackage<S>,
    public: &PublicKeyPackage<S>,
) -> Result<Share<S::Curve, R>, ImportError> {
    let shares = public.verifying_shares();
    if shares.len() != 2 {
        return Err(ImportError::Parties { found: shares.len() });
    }
    // Packages of before FROST 3 do not say it here.
    for found in [Some(*mine.min_signers()), public.min_signers()].into_iter().flatten() {
        if found != 2 {
            return Err(ImportError::Threshold { found });
        }
    }
    if *mine.identifier() != parties.of(R::ROLE) {
        return Err(ImportError::Role { expected: R::ROLE });
    }
    let of = |role| shares.get(&parties.of(role)).ok_or(ImportError::OtherParties);
    let (client, custodian) = (of(Role::Client)?, of(Role::Custodian)?);
    if mine.verifying_key() != public.verifying_key() {
        return Err(ImportError::OtherKey);
    }
    if Some(mine.verifying_share()) != shares.get(mine.identifier()) {
        return Err(ImportError::OtherSharing);
    }
    let foreign = ForeignSharing::shamir(
        (&index(parties.client), point::<S>(client.serialize())?),
        (&index(parties.custodian), point::<S>(custodian.serialize())?),
    )?;
    let key = point::<S>(mine.verifying_key().serialize())?;
    // Exposed: to be checked and to become ours.
    let secret = SecretBytes::from(mine.signing_share().serialize());
    import(id, &foreign, &key, secret.expose_secret())
}

pub(crate) fn key_package<S: Suite, R: HasRole>(
    share: &AnyShare<R>,
) -> Result<KeyPackage<S>, ExportError> {
    let share = export::<S::Curve, R>(share)?;
    // Exposed: to the library, which signs with it.
    let secret = share.expose_secret();
    let mut secret = SigningShare::deserialize(secret.expose_secret())
        .expect("a share is a scalar below the order");
    let package = KeyPackage::new(
        ours(R::ROLE),
        secret,
        verifying_share::<S>(share.commitment(), R::ROLE),
        verifying_key::<S>(share.commitment()),
        2,
    );
    secret.zeroize();
    Ok(package)
}

pub(crate) fn public_key_package<S: Suite, R: HasRole>(
    share: &AnyShare<R>,
) -> Result<PublicKeyPackage<S>, ExportError> {
    let commitment = export::<S::Curve, R>(share)?.commitment();
    let shares: BTreeMap<_, _> = [Role::Client, Role::Custodian]
        .map(|role| (ours(role), verifying_share::<S>(commitment, role)))
        .into();
    Ok(PublicKeyPackage::new(shares, verifying_key::<S>(commitment), Some(2)))
}

fn verifying_share<S: Suite>(commitment: &Commitment<S::Curve>, role: Role) -> VerifyingShare<S> {
    VerifyingShare::deserialize(commitment.verifying_share(role).to_bytes().as_ref())
        .expect("a commitment's points are of the subgroup, and none is the identity")
}

fn verifying_key<S: Suite>(commitment: &Commitment<S::Curve>) -> FrostKey<S> {
    FrostKey::deserialize(commitment.verifying_key().to_bytes().as_ref())
        .expect("a commitment's points are of the subgroup, and none is the identity")
}

/// FROST writes scalars in the byte order of the curve, as they are written here.
fn index<S: Ciphersuite>(identifier: Identifier<S>) -> [u8; SCALAR_LEN] {
    identifier.serialize().try_into().expect("scalars have 32 bytes on both curves")
}

fn point<S: Suite>(
    bytes: Result<Vec<u8>, frost_core::Error<S>>,
) -> Result<VerifyingKey<S::Curve>, ImportError> {
    // The identity has no encoding: it comes as no bytes.
    Ok(VerifyingKey::from_bytes(&bytes.unwrap_or_default())?)
}

/// The functions of one ciphersuite's module, with its own types.
macro_rules! adapter {
    ($suite:ident, $ciphersuite:ident, $curve:ident) => {
        use ::$suite::keys::{KeyPackage, PublicKeyPackage};
        use twoshare_core::{
            curve::$curve,
            share::{
                AnyClientShare, AnyCustodianShare, AnyShare, ClientShare, CustodianShare, HasRole,
                KeyId,
            },
        };

        use crate::{
            common::{ExportError, ImportError},
            frost,
        };

        impl frost::Suite for ::$suite::$ciphersuite {
            type Curve = $curve;
        }

        /// Which of FROST's identifiers is the device's and which the server's.
        pub type Parties = frost::Parties<::$suite::$ciphersuite>;

        /// The client's signing share out of the device's packages.
        ///
        /// # Errors
        ///
        /// See [`ImportError`].
        pub fn client_share(
            id: KeyId,
            parties: &Parties,
            device: &KeyPackage,
            public: &PublicKeyPackage,
        ) -> Result<ClientShare<$curve>, ImportError> {
            frost::share(id, parties, device, public)
        }

        /// The custodian's signing share out of the server's packages.
        ///
        /// # Errors
        ///
        /// See [`ImportError`].
        pub fn custodian_share(
            id: KeyId,
            parties: &Parties,
            server: &KeyPackage,
            public: &PublicKeyPackage,
        ) -> Result<CustodianShare<$curve>, ImportError> {
            frost::share(id, parties, server, public)
        }

        /// What the device signs with, under identifier 1.
        ///
        /// # Errors
        ///
        /// See [`ExportError`].
        pub fn client_key_package(share: &AnyClientShare) -> Result<KeyPackage, ExportError> {
            frost::key_package(share)
        }

        /// What the server signs with, under identifier 2.
        ///
        /// # Errors
        ///
        /// See [`ExportError`].
        pub fn custodian_key_package(share: &AnyCustodianShare) -> Result<KeyPackage, ExportError> {
            frost::key_package(share)
        }

        /// What is public of the sharing that this is a share of.
        ///
        /// # Errors
        ///
        /// See [`ExportError`].
        pub fn public_key_package<R: HasRole>(
            share: &AnyShare<R>,
        ) -> Result<PublicKeyPackage, ExportError> {
            frost::public_key_package(share)
        }
    };
}

pub(crate) use adapter;
