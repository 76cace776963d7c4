//! Signing with FROST (RFC 9591), each side with its own share and its own nonces.

use std::collections::BTreeMap;

use frost_ed25519 as ed25519;
use frost_secp256k1_tr as secp256k1;
use twoshare::{
    Wallet,
    core::{
        id::CurveId,
        share::{AnyClientShare, AnyCustodianShare},
    },
};

use super::server::Server;
use crate::answer::Failure;

/// Both halves of each key's signing pair. In a real wallet they are on two machines, which exchange
/// what [`sign`] hands from one side to the other.
pub(super) fn pairs(
    wallet: &Wallet,
    custodian: &Server,
) -> Result<Vec<(AnyClientShare, AnyCustodianShare)>, Failure> {
    let pair = |mine: &AnyClientShare| Some((mine.clone(), custodian.other_half(mine)?));
    let pairs = wallet.signing_shares().iter().map(pair).collect::<Option<_>>();
    pairs.ok_or_else(|| super::broken("the custodian has no share beside the client's"))
}

/// A signature over `message`, checked under the key: BIP-340 on secp256k1, RFC 8032 on Ed25519.
pub(super) fn sign(
    mine: &AnyClientShare,
    theirs: &AnyCustodianShare,
    message: &[u8],
) -> Result<Vec<u8>, Failure> {
    let signature = match mine.curve() {
        CurveId::Secp256k1 => sign_secp256k1(mine, theirs, message).ok(),
        CurveId::Ed25519 => sign_ed25519(mine, theirs, message).ok(),
    };
    signature.ok_or_else(|| super::broken("FROST did not sign"))
}

/// The same steps for each of FROST's ciphersuites, whose crates have the same names.
macro_rules! two_party_signing {
    ($sign:ident, $suite:ident) => {
        fn $sign(
            mine: &AnyClientShare,
            theirs: &AnyCustodianShare,
            message: &[u8],
        ) -> Result<Vec<u8>, $suite::Error> {
            use $suite::{Identifier, SigningPackage, aggregate, keys, round1, round2};

            let verifying_key =
                $suite::VerifyingKey::deserialize(&mine.verifying_key().to_bytes())?;
            // Exposed: to the signing library, which signs with them.
            let secrets = [mine.expose_secret(), theirs.expose_secret()];
            let mut packages = BTreeMap::new();
            let mut public = BTreeMap::new();
            for (index, secret) in (1u16..).zip(&secrets) {
                let identifier = Identifier::try_from(index)?;
                let share = keys::SigningShare::deserialize(secret.expose_secret())?;
                let verifying_share = keys::VerifyingShare::from(share);
                public.insert(identifier, verifying_share);
                let package =
                    keys::KeyPackage::new(identifier, share, verifying_share, verifying_key, 2);
                packages.insert(identifier, package);
            }

            let mut nonces = BTreeMap::new();
            let mut commitments = BTreeMap::new();
            for (identifier, package) in &packages {
                let (nonce, commitment) = round1::commit(package.signing_share(), &mut Randomness);
                nonces.insert(*identifier, nonce);
                commitments.insert(*identifier, commitment);
            }
            let signing = SigningPackage::new(commitments, message);
            let mut shares = BTreeMap::new();
            for ((identifier, package), nonce) in packages.iter().zip(nonces.values()) {
                shares.insert(*identifier, round2::sign(&signing, nonce, package)?);
            }
            let public = keys::PublicKeyPackage::new(public, verifying_key, Some(2));
            let signature = aggregate(&signing, &shares, &public)?;
            verifying_key.verify(message, &signature)?;
            signature.serialize()
        }
    };
}

two_party_signing!(sign_secp256k1, secp256k1);
two_party_signing!(sign_ed25519, ed25519);

/// The operating system's randomness for a library that speaks an older generation of its traits.
struct Randomness;

impl ed25519::rand_core::RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        ed25519::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        ed25519::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut twoshare::rng(), bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), ed25519::rand_core::Error> {
        rand::Rng::fill_bytes(&mut twoshare::rng(), bytes);
        Ok(())
    }
}

impl ed25519::rand_core::CryptoRng for Randomness {}
