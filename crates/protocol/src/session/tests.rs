//! A custodian that has the pinned keys and lies.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rand::{SeedableRng as _, rngs::StdRng};
use twoshare_core::{
    channel::{CustodianChannel, EphemeralSecret, Step},
    digest::Digest,
    id::WalletId,
    identity::CustodianKeys,
    reshare::CustodianCommitted,
};

use super::*;
use crate::{
    Nonce,
    message::{Ejected, Released, Tombstone},
};

/// Both sides of a single-key wallet on both curves, at its first backup epoch.
struct Scene {
    rng: StdRng,
    keys: CustodianKeys,
    party: Party,
    mine: Vec<AnyClientShare>,
    theirs: Vec<AnyCustodianShare>,
}

const FIRST: Stage = Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST };

fn second() -> Stage {
    Stage { purpose: Purpose::Backup, epoch: Epoch::new(2).unwrap() }
}

fn id() -> OperationId {
    OperationId::from_bytes([7; 16])
}

fn split(
    wallet: WalletId,
    stage: Stage,
    rng: &mut StdRng,
) -> (Vec<AnyClientShare>, Vec<AnyCustodianShare>) {
    let sharing = Sharing { wallet, purpose: stage.purpose, epoch: stage.epoch };
    let keys = (0..).zip(CurveId::ALL);
    keys.map(|(index, curve)| AnySigningKey::make(*curve, rng).split(KeyId { sharing, index }, rng))
        .unzip()
}

impl Scene {
    fn new(kind: WalletKind) -> Self {
        let mut rng = StdRng::seed_from_u64(5);
        let keys = CustodianKeys::make(&mut rng);
        let wallet = WalletId::make(&mut rng);
        let party = Party { custodian: *keys.identity(), user: "alice".to_owned(), wallet, kind };
        let (mine, theirs) = split(wallet, FIRST, &mut rng);
        Self { rng, keys, party, mine, theirs }
    }

    fn asked(&self, operation: Operation) -> Asked {
        Asked::reshare(self.party.clone(), operation, id(), &self.mine, vec![second()]).unwrap()
    }

    /// Runs a resharing to its end, with the custodian's secret answer changed by `lie` before it is
    /// sealed.
    fn reshare(
        &mut self,
        operation: Operation,
        lie: impl FnOnce(&mut PreparedSecret, &mut StdRng),
    ) -> Result<Ready, SessionError> {
        let asked = self.asked(operation);
        let begin = asked.message().clone();
        let context = reshare_context(&self.party, &begin);
        let (committed, early) = CustodianCommitted::new(context, &mut self.rng).unwrap();
        let (begun, ephemeral) = self.begin(&begin, early);
        let offered = self.offer(asked, &begun)?;
        let message = offered.message().clone();
        let context = channel_context(&self.party, &begin, begun.unverified());
        let channel =
            CustodianChannel::new(&ephemeral, &message.body.ephemeral, &self.keys, &context);
        let offer = channel.open(Step::FIRST, message.body.sealed.expose_secret()).unwrap();
        let offer = reshare::Offer::from_bytes(offer.expose_secret()).unwrap();
        let (made, response) = committed.respond(&offer, &self.theirs).unwrap();
        let nonces =
            Nonces { client: message.body.client_nonce, custodian: begun.unverified().nonce };
        let commitments = made.iter().map(AnyCustodianShare::commitment).collect();
        let body = digest(&message.body);
        let statement = statement(&self.party, &begin, operation, nonces, commitments, body);
        let mut secret = PreparedSecret {
            response: response.to_bytes(),
            opened: match (operation, self.party.kind) {
                (Operation::Recover, WalletKind::SingleKey) => {
                    self.theirs.iter().map(AnyCustodianShare::to_bytes).collect()
                }
                _ => Vec::new(),
            },
            proofs: made.iter().map(|share| share.prove(&statement, &mut self.rng)).collect(),
        };
        lie(&mut secret, &mut self.rng);
        let secret = secret.to_bytes();
        let sealed = channel.seal(Step::FIRST, secret.expose_secret(), &mut self.rng).unwrap();
        offered.finish(&Prepared { sealed: sealed.into() }, &[])
    }

    fn begin(&mut self, begin: &Begin, early: Vec<[u8; 32]>) -> (Signed<Begun>, EphemeralSecret) {
        let ephemeral = EphemeralSecret::make(&mut self.rng);
        let begun = Begun {
            begin: digest(begin),
            nonce: Nonce::make(&mut self.rng),
            ephemeral: ephemeral.public_key(),
            early,
            keygen: None,
        };
        (Signed::sign(begun, &self.keys), ephemeral)
    }

    fn offer(&mut self, asked: Asked, begun: &Signed<Begun>) -> Result<Offered, SessionError> {
        asked.prepare(begun, Proving::Backup(&self.mine), Vec::new(), &mut self.rng)
    }
}

fn verdict(result: Result<Ready, SessionError>) -> SessionError {
    result.map(|_| ()).expect_err("a lie was believed")
}

#[test]
fn an_honest_custodian_is_believed() {
    for (kind, operation, opened) in [
        (WalletKind::SingleKey, Operation::Refresh, 0),
        (WalletKind::SingleKey, Operation::Recover, 2),
        (WalletKind::Mpc, Operation::Refresh, 0),
    ] {
        let ready = Scene::new(kind).reshare(operation, |_, _| {}).unwrap();
        assert_eq!((ready.backup().len(), ready.opened().len()), (2, opened));
    }
}

#[test]
fn new_shares_that_are_not_proven_are_not_used() {
    type Lie = fn(&mut PreparedSecret, &mut StdRng);
    let lies: [Lie; 4] = [
        |secret, _| secret.proofs.clear(),
        |secret, _| secret.proofs.truncate(1),
        |secret, _| secret.proofs.push(secret.proofs[0]),
        |secret, _| secret.proofs.reverse(),
    ];
    for lie in lies {
        let refused = verdict(Scene::new(WalletKind::Mpc).reshare(Operation::Refresh, lie));
        assert!(matches!(refused, SessionError::Unproven(_)), "{refused:?}");
    }
}

#[test]
fn a_part_that_is_not_one_is_refused() {
    let refused = verdict(Scene::new(WalletKind::Mpc).reshare(Operation::Refresh, |secret, _| {
        secret.response = SecretBytes::default();
    }));
    assert!(matches!(refused, SessionError::MalformedPart(_)), "{refused:?}");
}

#[test]
fn what_is_released_is_of_the_opened_epoch_and_of_nothing_else() {
    let recover = |lie: fn(&mut PreparedSecret, &mut StdRng)| {
        verdict(Scene::new(WalletKind::SingleKey).reshare(Operation::Recover, lie))
    };
    let other = |wallet: Option<WalletId>, stage, rng: &mut StdRng| -> Vec<SecretBytes> {
        let wallet = wallet.unwrap_or_else(|| WalletId::make(rng));
        split(wallet, stage, rng).1.iter().map(AnyCustodianShare::to_bytes).collect()
    };
    assert_eq!(recover(|secret, _| secret.opened.clear()), SessionError::OtherSession);
    assert_eq!(recover(|secret, _| drop(secret.opened.pop())), SessionError::OtherSession);
    assert_eq!(
        recover(|secret, _| secret.opened.push(secret.opened[0].clone())),
        SessionError::OtherSession
    );
    assert_eq!(recover(|secret, _| secret.opened.reverse()), SessionError::OtherSession);
    // Of another wallet, and of another epoch of this one.
    let mut scene = Scene::new(WalletKind::SingleKey);
    let wallet = scene.party.wallet;
    let refused =
        scene.reshare(Operation::Recover, |secret, rng| secret.opened = other(None, FIRST, rng));
    assert_eq!(verdict(refused), SessionError::OtherSession);
    let refused = scene.reshare(Operation::Recover, |secret, rng| {
        secret.opened = other(Some(wallet), second(), rng);
    });
    assert_eq!(verdict(refused), SessionError::OtherSession);
    // A custodian that releases what nobody asked for may want it to lie about.
    let share = scene.theirs[0].to_bytes();
    let refused = scene.reshare(Operation::Refresh, |secret, _| secret.opened.push(share));
    assert_eq!(verdict(refused), SessionError::OtherSession);
}

#[test]
fn another_custodian_and_another_session_are_not_believed() {
    let mut scene = Scene::new(WalletKind::Mpc);
    let early = |scene: &mut Scene, begin: &Begin| {
        let context = reshare_context(&scene.party, begin);
        CustodianCommitted::new(context, &mut scene.rng).unwrap().1
    };
    let asked = scene.asked(Operation::Refresh);
    let begin = asked.message().clone();
    let good = early(&mut scene, &begin);

    let (begun, _) = scene.begin(&begin, good.clone());
    let other = CustodianKeys::make(&mut scene.rng);
    let forged = Signed::sign(begun.unverified().clone(), &other);
    let refused = scene.offer(asked, &forged).map(|_| ()).unwrap_err();
    assert!(matches!(refused, SessionError::WrongCustodian(_)), "{refused:?}");

    // The answer to another question: another operation id.
    let mut question = begin.clone();
    question.id = OperationId::from_bytes([8; 16]);
    let (begun, _) = scene.begin(&question, good.clone());
    let asked = scene.asked(Operation::Refresh);
    assert_eq!(scene.offer(asked, &begun).map(|_| ()), Err(SessionError::OtherSession));

    // Not one early commitment per item.
    for early in [Vec::new(), [good.clone(), good].concat()] {
        let (begun, _) = scene.begin(&begin, early);
        let asked = scene.asked(Operation::Refresh);
        let refused = scene.offer(asked, &begun).map(|_| ()).unwrap_err();
        assert!(matches!(refused, SessionError::Reshare(_)), "{refused:?}");
    }
}

#[test]
fn a_deal_is_held_before_it_counts() {
    let mut scene = Scene::new(WalletKind::SingleKey);
    let rng = &mut scene.rng;
    let keys: Vec<_> = CurveId::ALL.iter().map(|curve| AnySigningKey::make(*curve, rng)).collect();
    let asked = Asked::deal(scene.party.clone(), Operation::FirstBackup, id(), &keys, Epoch::FIRST);
    let begin = asked.message().clone();
    let (begun, ephemeral) = scene.begin(&begin, Vec::new());
    let offered = asked.prepare(&begun, Proving::Keys(&keys), Vec::new(), &mut scene.rng).unwrap();
    let message = offered.message().clone();
    let kept = offered.to_bytes();
    let context = channel_context(&scene.party, &begin, begun.unverified());
    let channel = CustodianChannel::new(&ephemeral, &message.body.ephemeral, &scene.keys, &context);
    let dealt = channel.open(Step::FIRST, message.body.sealed.expose_secret()).unwrap();
    let dealt = Dealt::from_bytes(dealt.expose_secret()).unwrap();
    let shares: Vec<_> = dealt
        .shares
        .iter()
        .map(|share| AnyCustodianShare::from_bytes(share.expose_secret()).unwrap())
        .collect();
    let commitments: Vec<_> = shares.iter().map(AnyCustodianShare::commitment).collect();
    let nonces = Nonces { client: message.body.client_nonce, custodian: begun.unverified().nonce };
    let body = digest(&message.body);
    let of = |operation, nonces, body| {
        statement(&scene.party, &begin, operation, nonces, commitments.clone(), body)
    };
    let honest = of(Operation::FirstBackup, nonces, body);
    let mut answer = |statement: &Statement, keep: usize, extra: bool| {
        let mut proofs: Vec<_> =
            shares.iter().map(|share| share.prove(statement, &mut scene.rng)).take(keep).collect();
        if extra {
            proofs.push(proofs[0]);
        }
        let secret =
            PreparedSecret { response: SecretBytes::default(), opened: Vec::new(), proofs };
        let secret = secret.to_bytes();
        let sealed = channel.seal(Step::FIRST, secret.expose_secret(), &mut scene.rng).unwrap();
        let offered = Offered::from_bytes(kept.expose_secret()).unwrap();
        offered.finish(&Prepared { sealed: sealed.into() }, &[]).map(|ready| ready.backup().len())
    };
    assert_eq!(answer(&honest, 2, false), Ok(2));
    assert_eq!(answer(&honest, 1, false), Err(SessionError::NotHeld { key: 1 }));
    assert_eq!(answer(&honest, 0, false), Err(SessionError::NotHeld { key: 0 }));
    assert_eq!(answer(&honest, 2, true), Err(SessionError::OtherSession));
    let mut old = nonces;
    old.client = Nonce::from_bytes([0; 32]);
    for lie in [
        of(Operation::Replace, nonces, body),
        of(Operation::FirstBackup, old, body),
        of(Operation::FirstBackup, nonces, digest(&begin)),
    ] {
        assert_eq!(answer(&lie, 2, false), Err(SessionError::NotHeld { key: 0 }));
    }
}

#[test]
fn an_eject_gives_the_other_halves() {
    let mut scene = Scene::new(WalletKind::Mpc);
    let proving = Proving::Backup(&scene.mine);
    let asked = AskedRequest::new(scene.party.clone(), Operation::Eject, id(), proving).unwrap();
    let begin = asked.message().clone();
    let ephemeral = EphemeralSecret::make(&mut scene.rng);
    let begun = Begun {
        begin: digest(&begin),
        nonce: Nonce::make(&mut scene.rng),
        ephemeral: ephemeral.public_key(),
        early: Vec::new(),
        keygen: None,
    };
    let begun = Signed::sign(begun, &scene.keys);
    let requested = asked.request(&begun, proving, &mut scene.rng).unwrap();
    let context = channel_context(&scene.party, &begin, begun.unverified());
    let channel = CustodianChannel::new(
        &ephemeral,
        &requested.message().body.ephemeral,
        &scene.keys,
        &context,
    );
    let (_, others) = split(scene.party.wallet, FIRST, &mut scene.rng);
    let mut release = |shares: &[AnyCustodianShare]| {
        let released =
            Released { shares: shares.iter().map(AnyCustodianShare::to_bytes).collect() };
        let released = released.to_bytes();
        let sealed = channel.seal(Step::FIRST, released.expose_secret(), &mut scene.rng).unwrap();
        requested.open(&Ejected { sealed: sealed.into() }, &scene.mine).map(|shares| shares.len())
    };
    assert_eq!(release(&scene.theirs), Ok(2));
    assert_eq!(release(&scene.theirs[..1]), Err(SessionError::OtherSession));
    assert_eq!(release(&[]), Err(SessionError::OtherSession));
    // Shares that fit each other, of the right name and another key.
    assert_eq!(release(&others), Err(SessionError::OtherHalf { key: 0 }));
}

#[test]
fn a_receipt_says_what_was_committed() {
    let mut scene = Scene::new(WalletKind::Mpc);
    let ready = scene.reshare(Operation::Refresh, |_, _| {}).unwrap();
    let envelope = Digest::of(b"an envelope");
    let good = Receipt {
        custodian: scene.party.custodian,
        user: scene.party.user.clone(),
        wallet: scene.party.wallet,
        kind: WalletKind::Mpc,
        operation: Operation::Refresh,
        id: id(),
        signing: None,
        backup: Some(second().epoch),
        envelope: Some(envelope),
        at: 0,
        origin: None,
    };
    let check = |receipt, keys| {
        ready.check_receipt(&Signed::sign(receipt, keys), Some(envelope)).map(|_| ())
    };
    assert_eq!(check(good.clone(), &scene.keys), Ok(()));
    for other in [
        Receipt { user: "mallory".to_owned(), ..good.clone() },
        Receipt { wallet: WalletId::from_bytes([1; 16]), ..good.clone() },
        Receipt { kind: WalletKind::SingleKey, ..good.clone() },
        Receipt { operation: Operation::Recover, ..good.clone() },
        Receipt { id: OperationId::from_bytes([8; 16]), ..good.clone() },
        Receipt { signing: Some(Epoch::FIRST), ..good.clone() },
        Receipt { backup: Some(Epoch::FIRST), ..good.clone() },
        Receipt { backup: None, ..good.clone() },
        Receipt { envelope: Some(Digest::of(b"another")), ..good.clone() },
        Receipt { envelope: None, ..good.clone() },
    ] {
        assert_eq!(check(other, &scene.keys), Err(SessionError::OtherReceipt));
    }
    let forger = CustodianKeys::make(&mut scene.rng);
    assert!(matches!(check(good, &forger), Err(SessionError::WrongCustodian(_))));
}

#[test]
fn a_tombstone_of_another_wallet_ends_nothing() {
    let mut scene = Scene::new(WalletKind::Mpc);
    let proving = Proving::Backup(&scene.mine);
    let asked = AskedRequest::new(scene.party.clone(), Operation::Abandon, id(), proving).unwrap();
    let begun = Begun {
        begin: digest(asked.message()),
        nonce: Nonce::make(&mut scene.rng),
        ephemeral: EphemeralSecret::make(&mut scene.rng).public_key(),
        early: Vec::new(),
        keygen: None,
    };
    let begun = Signed::sign(begun, &scene.keys);
    let requested = asked.request(&begun, proving, &mut scene.rng).unwrap();
    let good = Tombstone {
        custodian: scene.party.custodian,
        user: scene.party.user.clone(),
        wallet: scene.party.wallet,
        id: id(),
        at: 0,
    };
    let check =
        |tombstone, keys| requested.check_tombstone(&Signed::sign(tombstone, keys)).map(|_| ());
    assert_eq!(check(good.clone(), &scene.keys), Ok(()));
    for other in [
        Tombstone { user: "mallory".to_owned(), ..good.clone() },
        Tombstone { wallet: WalletId::from_bytes([1; 16]), ..good.clone() },
        Tombstone { id: OperationId::from_bytes([8; 16]), ..good.clone() },
    ] {
        assert_eq!(check(other, &scene.keys), Err(SessionError::OtherReceipt));
    }
    let forger = CustodianKeys::make(&mut scene.rng);
    assert!(matches!(check(good, &forger), Err(SessionError::WrongCustodian(_))));
}

/// What prints shows no share, and nothing that one could be made from.
#[test]
fn debug_is_redacted() {
    let mut scene = Scene::new(WalletKind::SingleKey);
    let (mut secret, mut dealt) = (None, None);
    let shares = scene.theirs.iter().map(AnyCustodianShare::to_bytes).collect::<Vec<_>>();
    let asked = scene.asked(Operation::Recover);
    let begin = asked.message().clone();
    let context = reshare_context(&scene.party, &begin);
    let (_, early) = CustodianCommitted::new(context, &mut scene.rng).unwrap();
    let (begun, _) = scene.begin(&begin, early);
    let offered = scene.offer(asked, &begun).unwrap();
    let ready = scene
        .reshare(Operation::Recover, |answer, _| {
            let copy = PreparedSecret::from_bytes(answer.to_bytes().expose_secret()).unwrap();
            (secret, dealt) = (Some(copy), Some(Dealt { shares: shares.clone() }));
        })
        .unwrap();
    let released = Released { shares };
    let printed = format!("{offered:?} {ready:?} {secret:?} {dealt:?} {released:?}");

    let mine = scene.mine.iter().chain(ready.backup()).map(AnyClientShare::expose_secret);
    let theirs = scene.theirs.iter().map(AnyCustodianShare::expose_secret);
    for share in mine.chain(theirs).chain([offered.ephemeral.to_bytes()]) {
        let share = share.expose_secret();
        let piece = &share[share.len() - 4..];
        let hex: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal = format!("{piece:?}");
        assert!(!printed.to_lowercase().contains(&hex), "{hex} in {printed}");
        assert!(!printed.contains(decimal.trim_matches(['[', ']'])), "{decimal} in {printed}");
    }
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let mut scene = Scene::new(WalletKind::SingleKey);
    let party = scene.party.clone();
    // A signing proof with backup shares.
    let proving = Proving::Signing(&scene.mine);
    let asked = AskedRequest::new(party.clone(), Operation::Cancel, id(), proving);
    assert_eq!(asked.map(|_| ()), Err(SessionError::Misuse));
    // No shares, and not all of one epoch in their order.
    let reversed: Vec<_> = scene.mine.iter().rev().cloned().collect();
    for shares in [&[][..], &reversed] {
        let asked = Asked::reshare(party.clone(), Operation::Refresh, id(), shares, vec![second()]);
        assert_eq!(asked.map(|_| ()), Err(SessionError::Misuse));
    }
    // Shares of another wallet.
    let mut other = party.clone();
    other.wallet = WalletId::from_bytes([1; 16]);
    let asked = Asked::reshare(other, Operation::Refresh, id(), &scene.mine, vec![second()]);
    assert_eq!(asked.map(|_| ()), Err(SessionError::Misuse));
    // A user whom no receipt can name.
    for (len, fits) in [(0, false), (1, true), (256, true), (257, false)] {
        let mut scene = Scene::new(WalletKind::Mpc);
        scene.party.user = "u".repeat(len);
        let result = scene.reshare(Operation::Refresh, |_, _| {}).map(|_| ());
        assert_eq!(result, if fits { Ok(()) } else { Err(SessionError::Misuse) }, "{len}");
    }
    // A deal of no keys, of too many, and of others than were asked for.
    let rng = &mut scene.rng;
    let many: Vec<_> = (0..17).map(|_| AnySigningKey::make(CurveId::Ed25519, rng)).collect();
    let deal = |asked: &[AnySigningKey], dealt: &[AnySigningKey]| {
        let mut scene = Scene::new(WalletKind::SingleKey);
        let asked = Asked::deal(party.clone(), Operation::FirstBackup, id(), asked, Epoch::FIRST);
        let (begun, _) = scene.begin(asked.message(), Vec::new());
        let offered = asked.prepare(&begun, Proving::Keys(dealt), Vec::new(), &mut scene.rng);
        offered.map(|_| ())
    };
    assert_eq!(deal(&many[..16], &many[..16]), Ok(()));
    assert_eq!(deal(&[], &[]), Err(SessionError::Misuse));
    assert_eq!(deal(&many, &many), Err(SessionError::Misuse));
    assert_eq!(deal(&many[..2], &many[..1]), Err(SessionError::Misuse));
}
