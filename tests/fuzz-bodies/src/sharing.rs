//! Points, commitments and shares, on both curves.

use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare, KeyId},
};

use crate::{Target, assert_canonical, rng};

pub(crate) const VERIFYING_KEY: Target = Target {
    name: "verifying_key",
    body: |bytes| {
        for curve in CurveId::ALL {
            if let Ok(key) = AnyVerifyingKey::from_bytes(*curve, bytes) {
                assert_canonical(bytes, &key.to_bytes());
            }
        }
    },
    seeds: || shared().map(|(client, _)| client.verifying_key().to_bytes()).to_vec(),
};

pub(crate) const SIGNING_KEY: Target = Target {
    name: "signing_key",
    body: |bytes| {
        for curve in CurveId::ALL {
            if let Ok(key) = AnySigningKey::from_bytes(*curve, bytes) {
                // Seen here because they are the fuzzer's own bytes.
                assert_canonical(bytes, key.expose_secret().expose_secret());
            }
        }
    },
    // Made for this; they are nobody's keys, as below.
    seeds: || vec![[1; 32].to_vec(), [0xff; 32].to_vec(), [0; 32].to_vec()],
};

pub(crate) const COMMITMENT: Target = Target {
    name: "commitment",
    body: |bytes| {
        for curve in CurveId::ALL {
            if let Ok(commitment) = AnyCommitment::from_bytes(*curve, bytes) {
                assert_canonical(bytes, &commitment.to_bytes());
            }
        }
    },
    seeds: || shared().map(|(client, _)| client.commitment().to_bytes()).to_vec(),
};

pub(crate) const SHARE: Target = Target {
    name: "share",
    body: |bytes| {
        let client = AnyClientShare::from_bytes(bytes).map(|share| share.to_bytes());
        let custodian = AnyCustodianShare::from_bytes(bytes).map(|share| share.to_bytes());
        assert!(client.is_err() || custodian.is_err(), "a share of both roles");
        if let Ok(written) = client.or(custodian) {
            assert_canonical(bytes, written.expose_secret());
        }
    },
    seeds: || {
        let shares = shared().map(|(client, custodian)| [client.to_bytes(), custodian.to_bytes()]);
        shares.as_flattened().iter().map(|share| share.expose_secret().to_vec()).collect()
    },
};

/// The two shares of a key of each curve.
fn shared() -> [(AnyClientShare, AnyCustodianShare); 2] {
    let mut rng = rng();
    [CurveId::Secp256k1, CurveId::Ed25519].map(|curve| {
        let wallet = WalletId::make(&mut rng);
        let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST };
        AnySigningKey::make(curve, &mut rng).split(KeyId { sharing, index: 0 }, &mut rng)
    })
}
