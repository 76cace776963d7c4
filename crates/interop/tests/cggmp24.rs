//! cggmp24's own key generation and signing, with a backup and a recovery of ours in between.

#![cfg(feature = "cggmp24")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]
#![allow(non_snake_case, reason = "the library's names")]

mod common;
#[path = "../../../examples/src/connection.rs"]
#[allow(unreachable_pub, reason = "in the examples it is")]
mod connection;

use std::sync::LazyLock;

use cggmp24::{
    DataToSign, ExecutionId, PregeneratedPrimes, Signature,
    backend::Integer,
    generic_ec::{NonZero, Point, Scalar, SecretScalar, curves::Secp256k1 as E},
    key_share::{
        AuxInfo, DirtyAuxInfo, DirtyIncompleteKeyShare, IncompleteKeyShare, KeyShare,
        PedersenParams, VssSetup,
    },
};
use k256::ecdsa::{VerifyingKey, signature::Verifier as _};
use rand_core_06::OsRng;

use twoshare_core::{
    attachment::AttachmentClass,
    id::{CurveId, Epoch, Purpose, Role, WalletId},
    share::{AnyClientShare, AnyCustodianShare, ShareError},
};
use twoshare_interop::{
    BoundError, ExportError, ImportError, UnfitError,
    cggmp24::{
        AUX, Aux, CHAIN_CODE, CoreShare, Parties, attachments, chain_code, client_share,
        custodian_share,
    },
};

use connection::{Connection, both};
use futures::executor::block_on;

use common::{Pair, dealt, key_id, recover, signing};

const MESSAGE: &[u8] = b"pay 1 to bob";

/// Four safe primes for one party: 0 and 1 of before a recovery, 2 and 3 of after it.
fn primes(set: usize) -> PregeneratedPrimes {
    let lines = include_str!("fixtures/cggmp24-safe-primes.txt").lines();
    let hex: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
    let primes: Vec<_> =
        hex[4 * set..][..4].iter().map(|hex| Integer::from_str_radix(hex, 16).unwrap()).collect();
    let primes: [Integer; 4] = primes.try_into().unwrap();
    primes.try_into().unwrap()
}

/// Both parties of one of their protocols, each on its own thread.
fn run<M: Send + 'static, T: Send>(
    party: impl AsyncFn(u16, Connection<M>) -> T + Send + Sync,
) -> [T; 2] {
    both(|i, connection| block_on(party(i, connection)))
}

/// Their key generation: Shamir shares, or parts of a sum.
fn generate(is_threshold: bool, is_hd: bool) -> [IncompleteKeyShare<E>; 2] {
    let id = ExecutionId::new(b"key generation");
    if is_threshold {
        run(async |i, party| {
            let keygen = cggmp24::keygen::<E>(id, i, 2).set_threshold(2).hd_wallet(is_hd);
            keygen.start(&mut OsRng, party).await.unwrap()
        })
    } else {
        run(async |i, party| {
            let keygen = cggmp24::keygen::<E>(id, i, 2).hd_wallet(is_hd);
            keygen.start(&mut OsRng, party).await.unwrap()
        })
    }
}

/// The auxiliary info of a wallet that existed before it was backed up, dealt instead of generated with all
/// its proofs: that saves a quarter of a minute, and nothing here looks at how it came to be.
static BEFORE: LazyLock<[AuxInfo; 2]> = LazyLock::new(|| {
    let primes = [0, 1].map(|set| primes(set).into_primes());
    let params = primes.each_ref().map(|[p, q, ..]| {
        let hat_N = p * q;
        let t = Integer::random_below_ref(&hat_N, &mut OsRng).square().modulo(&hat_N);
        let s = t.pow_mod_ref(&Integer::random_below_ref(&hat_N, &mut OsRng), &hat_N).unwrap();
        PedersenParams { hat_N, s, t, multiexp: None, crt: None }
    });
    primes.map(|[p, q, ..]| {
        let N = params.iter().map(|params| params.hat_N.clone()).collect();
        let security_level = std::marker::PhantomData;
        let aux = DirtyAuxInfo { p, q, N, pedersen_params: params.to_vec(), security_level };
        AuxInfo::validate(aux).ok().unwrap()
    })
});

/// Their signing, between two who may not fit.
fn sign(shares: [&KeyShare<E>; 2]) -> Option<Signature<E>> {
    let data = DataToSign::digest::<sha2_010::Sha256>(MESSAGE);
    let id = ExecutionId::new(b"signing");
    let [one, other] = run(async |i, party| {
        let share = shares[usize::from(i)];
        cggmp24::signing(id, i, &[0, 1], share).sign(&mut OsRng, party, &data).await.ok()
    });
    let (one, other) = (one?, other?);
    assert!(one.r == other.r && one.s == other.s);
    Some(one)
}

/// Checks a signature with a verifier that is not theirs.
fn verify(key: &[u8], signature: &Signature<E>) -> bool {
    let mut bytes = [0; 64];
    signature.normalize_s().write_to_slice(&mut bytes);
    let key = VerifyingKey::from_sec1_bytes(key).unwrap();
    let signature = k256::ecdsa::Signature::from_slice(&bytes).unwrap();
    key.verify(MESSAGE, &signature).is_ok()
}

/// Both sides' shares, taken over.
fn import(shares: &[IncompleteKeyShare<E>; 2], parties: Parties) -> Result<Pair, ImportError> {
    let [mine, theirs] = [parties.client, parties.custodian].map(|i| &shares[usize::from(i)]);
    let client = client_share(signing(1), parties, mine)?;
    let custodian = custodian_share(signing(1), parties, theirs)?;
    Ok((client.into(), custodian.into()))
}

fn cores((client, custodian): &Pair) -> [CoreShare; 2] {
    [CoreShare::client(client).unwrap(), CoreShare::custodian(custodian).unwrap()]
}

/// New auxiliary info on both sides, for the shares after a recovery.
fn make_aux(cores: &[CoreShare; 2]) -> [Aux; 2] {
    run(async |i, party| {
        let i = usize::from(i);
        Aux::make(&cores[i], b"run 1", primes(2 + i), &mut OsRng, party).await.unwrap()
    })
}

fn whole(core: &IncompleteKeyShare<E>, aux: &AuxInfo) -> KeyShare<E> {
    KeyShare::from_parts((core.clone(), aux.clone())).ok().unwrap()
}

/// A wallet that existed before us, and what both sides have of it before a recovery and after it.
struct Story {
    key: Vec<u8>,
    pairs: [Pair; 2],
    cores: [[CoreShare; 2]; 2],
    auxes: [[Aux; 2]; 2],
}

impl Story {
    fn of(shares: &[IncompleteKeyShare<E>; 2], parties: Parties) -> Self {
        let before = import(shares, parties).unwrap();
        let after = recover(&before);
        let [mine, theirs] = [parties.client, parties.custodian]
            .map(usize::from)
            .map(|i| whole(&shares[i], &BEFORE[i]));
        let auxes_before = [
            Aux::of_client(&before.0, parties, &mine).unwrap(),
            Aux::of_custodian(&before.1, parties, &theirs).unwrap(),
        ];
        let key = shares[0].shared_public_key.to_bytes(true).to_vec();
        let cores = [&before, &after].map(cores);
        let auxes = [auxes_before, make_aux(&cores[1])];
        Self { key, pairs: [before, after], cores, auxes }
    }

    fn key_shares(&self, time: usize) -> [KeyShare<E>; 2] {
        [0, 1].map(|side| self.cores[time][side].key_share(&self.auxes[time][side]).unwrap())
    }
}

/// One of parts of a sum, in the other order: everything about it is converted. Its new auxiliary info takes
/// most of the time of these tests.
static STORY: LazyLock<Story> = LazyLock::new(|| {
    let shares = generate(false, false);
    assert!(shares[0].vss_setup.is_none());
    Story::of(&shares, Parties { client: 1, custodian: 0 })
});

#[test]
fn a_key_of_theirs_is_backed_up_recovered_and_signs() {
    for time in [0, 1] {
        let [mine, theirs] = STORY.key_shares(time);
        assert_eq!((mine.core.i, theirs.core.i), (0, 1));
        assert!(verify(&STORY.key, &sign([&mine, &theirs]).unwrap()));
    }
}

#[test]
fn a_threshold_key_is_adopted_as_it_is_and_signs() {
    let (shares, parties) = (generate(true, false), Parties::default());
    let (client, custodian) = import(&shares, parties).unwrap();
    let [mine, theirs] = [0, 1].map(|i| whole(&shares[i], &BEFORE[i]));
    let aux = Aux::of_client(&client, parties, &mine).unwrap();
    let adopted = CoreShare::client(&client).unwrap().key_share(&aux).unwrap();
    let aux = Aux::of_custodian(&custodian, parties, &theirs).unwrap();
    let theirs = CoreShare::custodian(&custodian).unwrap().key_share(&aux).unwrap();
    let key = shares[0].shared_public_key.to_bytes(true);
    assert!(verify(&key, &sign([&adopted, &theirs]).unwrap()));
}

#[test]
fn any_key_of_theirs_keeps_its_public_key() {
    for round in 0..8 {
        for (is_threshold, parties) in [
            (true, Parties::default()),
            (true, Parties { client: 1, custodian: 0 }),
            (false, Parties::default()),
            (false, Parties { client: 1, custodian: 0 }),
        ] {
            let shares = generate(is_threshold, round % 2 == 0);
            let pair = import(&shares, parties).unwrap();
            for pair in [&pair, &recover(&pair)] {
                let [mine, theirs] = cores(pair);
                for core in [&mine, &theirs] {
                    assert_eq!(core.key_info().shared_public_key, shares[0].shared_public_key);
                    let setup = core.key_info().vss_setup.as_ref().unwrap();
                    let indices = [1, 2].map(|i| NonZero::from_scalar(Scalar::from(i)).unwrap());
                    assert_eq!((setup.min_signers, setup.I.as_slice()), (2, &indices[..]));
                }
            }
            // Shares in their own form come back as they were.
            if is_threshold && parties == Parties::default() {
                let core = &cores(&pair)[0];
                assert_eq!(core.key_info().public_shares, shares[0].public_shares);
            }
        }
    }
}

#[test]
fn old_and_new_shares_sign_nothing() {
    let [old, new] = [0, 1].map(|time| STORY.key_shares(time));
    // The thief with the old device: his old share and keys, the custodian's new ones.
    assert!(sign([&old[0], &new[1]]).is_none());
    assert!(sign([&new[0], &old[1]]).is_none());
    // He may even take part in making new keys: the old share with everything else new.
    let forged = whole(&IncompleteKeyShare::validate(old[0].core.clone()).ok().unwrap(), &{
        cggmp24::key_share::AuxInfo::validate(new[0].aux.clone()).ok().unwrap()
    });
    let signed = sign([&forged, &new[1]]);
    assert!(signed.is_none_or(|signature| !verify(&STORY.key, &signature)));
}

#[test]
fn the_hazard_is_theirs_and_not_ours() {
    let [old, new] = [0, 1].map(|time| STORY.key_shares(time));
    // Theirs takes the new share with old Paillier keys, which the thief has too.
    let hazard = whole(
        &IncompleteKeyShare::validate(new[0].core.clone()).ok().unwrap(),
        &AuxInfo::validate(old[0].aux.clone()).ok().unwrap(),
    );
    assert_eq!(hazard.aux.p, old[0].aux.p);

    let epoch = |number| Epoch::new(number).unwrap();
    let stale = UnfitError::Epoch { expected: epoch(2), found: epoch(1) };
    for side in [0, 1] {
        let refused = STORY.cores[1][side].key_share(&STORY.auxes[0][side]).map(|_| ());
        assert_eq!(refused, Err(stale));
        let other = STORY.cores[1][side].key_share(&STORY.auxes[1][1 - side]).map(|_| ());
        assert!(matches!(other, Err(UnfitError::Role { .. })), "{other:?}");
        // Nor by way of bytes.
        let bytes = STORY.auxes[0][side].to_bytes();
        let read = Aux::from_bytes(&STORY.cores[1][side], bytes.expose_secret()).map(|_| ());
        assert_eq!(read, Err(BoundError::Unfit(stale)));
    }
    // Nor by calling the new epoch's share what the old key share is of.
    let parties = Parties::default();
    let adopted = Aux::of_client(&STORY.pairs[1].0, parties, &old[0]).map(|_| ());
    assert_eq!(adopted, Err(ImportError::OtherSharing));
}

#[test]
fn auxiliary_info_of_another_wallet_key_or_sharing_is_refused() {
    let aux = &STORY.auxes[1][0];
    let refused = |share: AnyClientShare| {
        CoreShare::client(&share).unwrap().key_share(aux).map(|_| ()).unwrap_err()
    };
    let wallet = WalletId::from_bytes([8; 16]);
    let (other, _) = dealt(CurveId::Secp256k1, key_id(wallet, Purpose::Signing, 2));
    assert_eq!(refused(other), UnfitError::Wallet { expected: wallet, found: common::wallet() });
    let second = twoshare_core::share::KeyId { index: 1, ..signing(2) };
    let (other, _) = dealt(CurveId::Secp256k1, second);
    assert_eq!(refused(other), UnfitError::Key { expected: 1, found: 0 });
    // One that was prepared under the same name and given up.
    let given_up = recover(&STORY.pairs[0]);
    assert_eq!(refused(given_up.0), UnfitError::Sharing);
}

#[test]
fn auxiliary_info_comes_back_from_its_bytes_and_nothing_else_does() {
    let core = &STORY.cores[1][0];
    let bytes = STORY.auxes[1][0].to_bytes();
    let bytes = bytes.expose_secret();
    let again = Aux::from_bytes(core, bytes).unwrap();
    assert_eq!(again.to_bytes().expose_secret(), bytes);
    let share = core.key_share(&again).unwrap();
    let theirs = STORY.cores[1][1].key_share(&STORY.auxes[1][1]).unwrap();
    assert!(verify(&STORY.key, &sign([&share, &theirs]).unwrap()));

    let read = |bytes: &[u8]| Aux::from_bytes(core, bytes).map(|_| ()).unwrap_err();
    let malformed = BoundError::Malformed;
    for cut in (0..bytes.len()).step_by(97) {
        assert_eq!(read(&bytes[..cut]), malformed, "{cut}");
    }
    assert_eq!(read(&[bytes, &[0]].concat()), malformed);
    let mut newer = bytes.to_vec();
    newer[1] = 2;
    let version = BoundError::NewerVersion { found: 2, supported: 1 };
    assert_eq!(read(&newer), version);
    let mut library = bytes.to_vec();
    library[5] ^= 1;
    assert_eq!(read(&library), BoundError::Library);
    let large = vec![0; 1024 * 1024];
    let too_large = BoundError::TooLarge { found: large.len(), cap: 32 * 1024 };
    assert_eq!(read(&large), too_large);
    // Another party's keys under this party's name: what was written, up to the length of the content.
    let json = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'{').unwrap();
    let theirs = STORY.auxes[1][1].to_bytes();
    let theirs = theirs.expose_secret();
    let head = json(bytes);
    let length = u16::try_from(theirs.len() - json(theirs)).unwrap();
    let head = [&bytes[..head - 2], &length.to_be_bytes()].concat();
    assert_eq!(read(&[&head, &theirs[json(theirs)..]].concat()), BoundError::Inside);
    let shown = format!("{:?} {:?}", STORY.auxes[1][0], core);
    assert!(shown.starts_with("Aux { bound: Bound {") && shown.len() < 700, "{shown}");
}

#[test]
fn parties_of_two_epochs_make_no_auxiliary_info() {
    let cores = [&STORY.cores[0][0], &STORY.cores[1][1]];
    let [one, other] = run(async |i, party| {
        let i = usize::from(i);
        Aux::make(cores[i], b"run 1", primes(i), &mut OsRng, party).await.is_ok()
    });
    assert!(!one && !other);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let shares = generate(true, false);
    let parties = Parties::default();
    let refused = |share: &DirtyIncompleteKeyShare<E>| {
        client_share(signing(1), parties, share).map(|_| ()).unwrap_err()
    };
    let dirty = |i: usize| shares[i].clone().into_inner();

    // The wrong role; parties that there are not.
    assert_eq!(refused(&shares[1]), ImportError::Role { expected: Role::Client });
    for parties in [Parties { client: 0, custodian: 0 }, Parties { client: 0, custodian: 2 }] {
        let refused = client_share(signing(1), parties, &shares[0]).map(|_| ());
        assert_eq!(refused, Err(ImportError::OtherParties));
    }
    let backup = key_id(common::wallet(), Purpose::Backup, 1);
    let backup = client_share(backup, parties, &shares[0]).map(|_| ());
    assert_eq!(backup, Err(ImportError::Purpose { found: Purpose::Backup }));

    // Parts of a sum given as values of a line, and the other way round.
    let sum = generate(false, false)[0].clone().into_inner();
    let setup = dirty(0).key_info.vss_setup;
    let mut taken = sum.clone();
    taken.key_info.vss_setup = setup;
    assert_eq!(refused(&taken), ImportError::Inconsistent);
    let mut taken = dirty(0);
    taken.key_info.vss_setup = None;
    assert_eq!(refused(&taken), ImportError::Inconsistent);

    // Another wallet's secret, the other party's, and tampered public shares.
    for x in [&generate(true, false)[0].x, &shares[1].x] {
        let tampered = DirtyIncompleteKeyShare { x: x.clone(), ..dirty(0) };
        assert_eq!(refused(&tampered), ImportError::Share(ShareError::NotCommitted));
    }
    let mut tampered = dirty(0);
    let x: &SecretScalar<E> = tampered.x.as_ref();
    let double = Point::generator() * (x * Scalar::from(2));
    tampered.key_info.public_shares[0] = NonZero::from_point(double).unwrap();
    assert_eq!(refused(&tampered), ImportError::Inconsistent);
    let mut tampered = dirty(0);
    tampered.key_info.shared_public_key = sum.key_info.shared_public_key;
    assert_eq!(refused(&tampered), ImportError::Inconsistent);

    // Other sizes.
    let mut three = dirty(0);
    three.key_info.public_shares.push(three.key_info.public_shares[0]);
    assert_eq!(refused(&three), ImportError::Parties { found: 3 });
    let mut threshold = dirty(0);
    let setup = VssSetup { min_signers: 3, ..threshold.key_info.vss_setup.unwrap() };
    threshold.key_info.vss_setup = Some(setup);
    assert_eq!(refused(&threshold), ImportError::Threshold { found: 3 });
    let mut same = dirty(0);
    let setup = same.key_info.vss_setup.as_mut().unwrap();
    setup.I[1] = setup.I[0];
    assert!(matches!(refused(&same), ImportError::Index(_)));
}

#[test]
fn only_signing_shares_on_the_curve_are_given_out() {
    let backup = key_id(common::wallet(), Purpose::Backup, 1);
    let (client, custodian): (AnyClientShare, AnyCustodianShare) =
        dealt(CurveId::Secp256k1, backup);
    let refused = CoreShare::client(&client).map(|_| ());
    assert_eq!(refused, Err(ExportError::BackupShare));
    let refused = CoreShare::custodian(&custodian).map(|_| ());
    assert_eq!(refused, Err(ExportError::BackupShare));
    let (client, _) = dealt(CurveId::Ed25519, signing(1));
    let curve = ExportError::Curve { expected: CurveId::Secp256k1, found: CurveId::Ed25519 };
    assert_eq!(CoreShare::client(&client).map(|_| ()), Err(curve));
}

#[test]
fn the_chain_code_is_durable_and_the_keys_are_not() {
    let shares = generate(true, true);
    let kept = attachments(&shares[0].key_info);
    let classes: Vec<_> = kept.iter().map(|kept| (kept.name(), kept.class())).collect();
    assert_eq!(
        classes,
        [(AUX, AttachmentClass::PerDevice), (CHAIN_CODE, AttachmentClass::Durable)]
    );
    let (client, _) = recover(&import(&shares, Parties::default()).unwrap());
    let code = chain_code(&kept).unwrap();
    let core = CoreShare::client(&client).unwrap().with_chain_code(code);
    assert_eq!(core.key_info().chain_code, shares[0].chain_code);
    assert_eq!(
        core.key_info().extended_public_key().unwrap().chain_code,
        shares[1].chain_code.unwrap()
    );
    assert_eq!(chain_code(&attachments(&generate(true, false)[0].key_info)), Ok(None));
}
