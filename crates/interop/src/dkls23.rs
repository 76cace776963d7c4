#![doc = include_str!("../docs/dkls23.md")]

use std::{collections::BTreeMap, fmt};

use ::dkls23::{
    DkgSession,
    protocols::{
        Abort, AbortReason, Parameters, PartiesMessage, PartyIndex,
        dkg::{
            BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4, ProofCommitment,
            TransmitInitMulPhase3to4, TransmitInitZeroSharePhase2to4,
            TransmitInitZeroSharePhase3to4,
        },
    },
    secp256k1::{Party, PublicKeyPackage},
    utilities::ot::extension::KAPPA,
};
use k256::{
    AffinePoint, Secp256k1 as K,
    elliptic_curve::{PrimeField, group::GroupEncoding},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use twoshare_core::{
    attachment::{Attachment, AttachmentError},
    curve::{SCALAR_LEN, Secp256k1, VerifyingKey},
    id::Role,
    secret::SecretBytes,
    share::{
        AnyClientShare, AnyCustodianShare, AnyShare, ClientShare, Commitment, CustodianShare,
        ForeignSharing, HasRole, KeyId, Share,
    },
};
use zeroize::Zeroizing;

use crate::{
    attached::{self, CHAIN_CODE_LEN},
    bound::{Bound, BoundError, Json, UnfitError},
    common::{ExportError, ImportError, export, import},
};

/// The attachment's name of what both sides make anew after each recovery: `PerDevice`.
pub const PARTY: &str = "dkls23 party";

/// The attachment's name of the chain code (BIP-32): `Durable`.
pub const CHAIN_CODE: &str = "dkls23 chain code";

/// The name in what is written and in what names a run.
const LIBRARY: &str = "twoshare/v1/dkls23/party";

/// A party has some 150 KB, and twice as much in JSON.
const MAX_LEN: usize = 2 * 1024 * 1024;

/// Which of dkls23's party indices is the device's and which the server's. By default 1 and 2, which ours
/// are: shares of the other order are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// The device's.
    pub client: u8,
    /// The server's.
    pub custodian: u8,
}

impl Default for Parties {
    fn default() -> Self {
        Self { client: Role::Client.number(), custodian: Role::Custodian.number() }
    }
}

/// The client's signing share out of the device's party.
///
/// # Errors
///
/// See [`ImportError`].
pub fn client_share(
    id: KeyId,
    parties: Parties,
    device: &Party,
    public: &PublicKeyPackage,
) -> Result<ClientShare<Secp256k1>, ImportError> {
    share(id, parties, device, public)
}

/// The custodian's signing share out of the server's party.
///
/// # Errors
///
/// See [`ImportError`].
pub fn custodian_share(
    id: KeyId,
    parties: Parties,
    server: &Party,
    public: &PublicKeyPackage,
) -> Result<CustodianShare<Secp256k1>, ImportError> {
    share(id, parties, server, public)
}

/// What the client's wallet keeps beside its shares of a key with this chain code
/// ([`Party::chain_code`]): the reminder that the party is made anew after a recovery, and the code.
#[must_use]
pub fn attachments(chain_code: &[u8; CHAIN_CODE_LEN]) -> Vec<Attachment> {
    vec![attached::per_device(PARTY), attached::durable(CHAIN_CODE, chain_code)]
}

/// The chain code among a wallet's attachments; `None` of a wallet that was never of this library.
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
    mine: &Party,
    public: &PublicKeyPackage,
) -> Result<Share<Secp256k1, R>, ImportError> {
    for found in [mine.parameters.share_count, public.share_count()] {
        if found != 2 {
            return Err(ImportError::Parties { found: found.into() });
        }
    }
    for found in [mine.parameters.threshold, public.threshold()] {
        if found != 2 {
            return Err(ImportError::Threshold { found: found.into() });
        }
    }
    if mine.derivation_data.depth != 0 {
        return Err(ImportError::Derived { depth: mine.derivation_data.depth });
    }
    let expected = match R::ROLE {
        Role::Client => parties.client,
        Role::Custodian => parties.custodian,
    };
    if mine.party_index.as_u8() != expected {
        return Err(ImportError::Role { expected: R::ROLE });
    }
    if mine.pk != *public.verifying_key() {
        return Err(ImportError::OtherKey);
    }
    let of = |party: u8| {
        let party = PartyIndex::new(party).ok();
        let point = party.and_then(|party| public.verifying_share(party));
        point.ok_or(ImportError::OtherParties).and_then(point_of)
    };
    let (client, custodian) = (of(parties.client)?, of(parties.custodian)?);
    let index = |party: u8| {
        let mut index = [0; SCALAR_LEN];
        if let Some(last) = index.last_mut() {
            *last = party;
        }
        index
    };
    let foreign = ForeignSharing::shamir(
        (&index(parties.client), client),
        (&index(parties.custodian), custodian),
    )?;
    let key = point_of(&mine.pk)?;
    // Exposed: to be checked and to become ours.
    let secret = Zeroizing::new(<[u8; SCALAR_LEN]>::from(mine.poly_point.to_bytes()));
    import(id, &foreign, &key, secret.as_slice())
}

fn point_of(point: &AffinePoint) -> Result<VerifyingKey<Secp256k1>, ImportError> {
    Ok(VerifyingKey::from_bytes(&point.to_bytes())?)
}

/// A party of the library which knows the share that it was made for, and is given out with that share only.
pub struct Signer {
    bound: Bound,
    party: Party,
}

impl Signer {
    /// The device's party of a wallet that existed before it was backed up: that which the signing share came
    /// from.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub fn of_client(
        share: &AnyClientShare,
        parties: Parties,
        device: Party,
        public: &PublicKeyPackage,
    ) -> Result<Self, ImportError> {
        Self::of(share, parties, device, public)
    }

    /// The same on the server.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub fn of_custodian(
        share: &AnyCustodianShare,
        parties: Parties,
        server: Party,
        public: &PublicKeyPackage,
    ) -> Result<Self, ImportError> {
        Self::of(share, parties, server, public)
    }

    fn of<R: HasRole>(
        ours: &AnyShare<R>,
        parties: Parties,
        party: Party,
        public: &PublicKeyPackage,
    ) -> Result<Self, ImportError> {
        let same = share::<R>(ours.id(), parties, &party, public)?;
        if AnyShare::from(same).commitment() != ours.commitment() {
            return Err(ImportError::OtherSharing);
        }
        Ok(Self { bound: Bound::to(ours), party })
    }

    /// The party of this share, as [`to_bytes`](Self::to_bytes) wrote it.
    ///
    /// # Errors
    ///
    /// See [`BoundError`]. What was written for another epoch is [`UnfitError::Epoch`]: make it anew.
    pub fn from_bytes<R: HasRole>(share: &AnyShare<R>, bytes: &[u8]) -> Result<Self, BoundError> {
        let bound = Bound::to(share);
        let content = bound.read(LIBRARY, MAX_LEN, bytes)?;
        let party: Party = serde_json::from_slice(content).map_err(|_| BoundError::Malformed)?;
        if !is_of(&party, share) {
            return Err(BoundError::Inside);
        }
        Ok(Self { bound, party })
    }

    /// Everything about it, with what it belongs to. Keep it on this device only, sealed; it has no place in a
    /// backup.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        self.bound.write(LIBRARY, &Json::of(&self.party))
    }

    /// What the library signs with, for this share.
    ///
    /// # Errors
    ///
    /// See [`UnfitError`]. [`UnfitError::Epoch`]: the party is of before a recovery. Make it anew with the
    /// other side.
    pub fn party<R: HasRole>(&self, share: &AnyShare<R>) -> Result<&Party, UnfitError> {
        Bound::to(share).fits(&self.bound)?;
        Ok(&self.party)
    }

    /// What it belongs to.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }
}

/// Whether this is a party of two with this share, in either order.
fn is_of<R: HasRole>(party: &Party, share: &AnyShare<R>) -> bool {
    let AnyShare::Secp256k1(share) = share else { return false };
    let ours = Zeroizing::new(scalar(&share.expose_secret()));
    // Under the other index it is as `ForeignSharing` says: `f(1) = −s/2`, `f(2) = −2·s`.
    let two = k256::Scalar::from(2_u32);
    let expected = match (R::ROLE, party.party_index.as_u8()) {
        (Role::Client, 1) | (Role::Custodian, 2) => *ours == party.poly_point,
        (Role::Client, 2) => -(*ours * two) == party.poly_point,
        (Role::Custodian, 1) => -*ours == party.poly_point * two,
        _ => false,
    };
    expected
        && party.derivation_data.poly_point == party.poly_point
        && party.derivation_data.pk == party.pk
        && party.pk.to_bytes().as_slice() == share.verifying_key().to_bytes()
}

// The library's own prints the share.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// The library's key generation, with the shares that there are in the place of new ones: everything else of a
/// party, the seeds of its oblivious transfers above all, is new on both sides.
///
/// In that protocol each party shares a line of its own, and the sum of the lines is the key's. With
/// `f(1)·(2 − z)` as the client's and `f(2)·(z − 1)` as the custodian's the sum is `f`, and what each would send
/// to the other is zero: so nothing is, and no secret is part of any message.
pub struct Renewal {
    session: DkgSession<K>,
    context: Context,
    proof: ProofCommitment<K>,
    first: First,
}

struct Context {
    bound: Bound,
    commitment: Commitment<Secp256k1>,
    me: PartyIndex,
    other: PartyIndex,
}

/// What each side sends first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct First {
    commitment: [u8; 32],
    zero: TransmitInitZeroSharePhase2to4,
    derivation: BroadcastDerivationPhase2to4,
}

/// What each side sends after the other's [`First`] has arrived. It has seeds in it: send it over a channel that
/// nobody else reads, and keep it nowhere.
#[derive(Clone, Serialize, Deserialize)]
pub struct Second {
    proof: ProofCommitment<K>,
    zero: TransmitInitZeroSharePhase3to4,
    mul: TransmitInitMulPhase3to4<K>,
    derivation: BroadcastDerivationPhase3to4,
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Second").finish_non_exhaustive()
    }
}

impl Renewal {
    /// Begins on the device. `run` is the same on both sides and another in every run, a session id say.
    ///
    /// # Errors
    ///
    /// See [`ExportError`].
    pub fn client(share: &AnyClientShare, run: &[u8]) -> Result<(Self, First), ExportError> {
        Self::begin(share, run)
    }

    /// Begins on the server.
    ///
    /// # Errors
    ///
    /// See [`ExportError`].
    pub fn custodian(share: &AnyCustodianShare, run: &[u8]) -> Result<(Self, First), ExportError> {
        Self::begin(share, run)
    }

    fn begin<R: HasRole>(share: &AnyShare<R>, run: &[u8]) -> Result<(Self, First), ExportError> {
        Ok(Self::start(Bound::to(share), export::<Secp256k1, R>(share)?, run))
    }

    fn start<R: HasRole>(bound: Bound, share: &Share<Secp256k1, R>, run: &[u8]) -> (Self, First) {
        let (me, other) = match R::ROLE {
            Role::Client => (Role::Client, Role::Custodian),
            Role::Custodian => (Role::Custodian, Role::Client),
        };
        let index = |role: Role| PartyIndex::new(role.number()).expect("1 and 2 are indices");
        let context = Context {
            bound,
            commitment: share.commitment().clone(),
            me: index(me),
            other: index(other),
        };
        let two = Parameters { threshold: 2, share_count: 2 };
        let run = bound.run(LIBRARY, run).to_vec();
        let mut session = DkgSession::<K>::new(two, context.me, run);
        let fragment = Zeroizing::new([scalar(&share.expose_secret())]);
        let (proof, zero, derivation) =
            session.phase2(fragment.as_slice()).expect("nothing was called before");
        let first = First { commitment: proof.commitment, zero: the_one(zero), derivation };
        (Self { session, context, proof, first: first.clone() }, first)
    }

    /// Goes on with what the other side sent first.
    ///
    /// # Errors
    ///
    /// See [`RenewError`].
    pub fn exchange(self, theirs: First) -> Result<(Exchanged, Second), RenewError> {
        let Self { mut session, context, proof, first } = self;
        context.is_for_me(&theirs.zero.parties)?;
        context.is_of_other(theirs.derivation.sender_index)?;
        let (zero, mul, derivation) = session.phase3().map_err(aborted)?;
        let second = Second {
            proof: proof.clone(),
            zero: the_one(zero),
            mul: the_one(mul),
            derivation: derivation.clone(),
        };
        let own = (proof, first.derivation, derivation);
        Ok((Exchanged { session, context, own, theirs }, second))
    }
}

/// A renewal that waits for the other side's [`Second`].
pub struct Exchanged {
    session: DkgSession<K>,
    context: Context,
    own: (ProofCommitment<K>, BroadcastDerivationPhase2to4, BroadcastDerivationPhase3to4),
    theirs: First,
}

impl Exchanged {
    /// The new party. `chain_code` is the wallet's, of its attachments on the device and of its own database on
    /// the server; without one, the two have made a new one. `address` is what the library keeps as the key's
    /// address: one of its functions, or whatever the app wants there.
    ///
    /// # Errors
    ///
    /// See [`RenewError`].
    pub fn finish(
        self,
        theirs: Second,
        chain_code: Option<[u8; CHAIN_CODE_LEN]>,
        address: impl Fn(&AffinePoint) -> String,
    ) -> Result<Signer, RenewError> {
        let Self { session, context, own: (proof, derivation_2, derivation_3), theirs: first } =
            self;
        let (me, other) = (context.me, context.other);
        context.is_for_me(&theirs.zero.parties)?;
        context.is_for_me(&theirs.mul.parties)?;
        context.is_of_other(theirs.derivation.sender_index)?;
        context.is_of_other(theirs.proof.index)?;
        if theirs.mul.enc_proofs.len() != usize::from(KAPPA) {
            return Err(RenewError::Malformed);
        }
        // The commitment counts that was sent before the other side saw anything.
        let proofs = [proof, ProofCommitment { commitment: first.commitment, ..theirs.proof }];
        let (mut party, public) = session
            .phase4(
                &proofs,
                &[first.zero],
                &[theirs.zero],
                &[theirs.mul],
                &BTreeMap::from([(me, derivation_2), (other, first.derivation)]),
                &BTreeMap::from([(me, derivation_3), (other, theirs.derivation)]),
                address,
            )
            .map_err(aborted)?;
        let is = |point: &AffinePoint, expected: [u8; 33]| *point.to_bytes() == expected;
        let commitment = &context.commitment;
        let fits = [(Role::Client, me.min(other)), (Role::Custodian, me.max(other))].iter().all(
            |(role, index)| {
                let expected = commitment.verifying_share(*role).to_bytes();
                public.verifying_share(*index).is_some_and(|point| is(point, expected))
            },
        );
        if !fits || !is(&party.pk, commitment.verifying_key().to_bytes()) {
            return Err(RenewError::OtherSharing);
        }
        if let Some(code) = chain_code {
            party.derivation_data.chain_code = code;
        }
        Ok(Signer { bound: context.bound, party })
    }
}

impl Context {
    fn is_for_me(&self, parties: &PartiesMessage) -> Result<(), RenewError> {
        if parties.sender == self.other && parties.receiver == self.me {
            Ok(())
        } else {
            Err(RenewError::Misrouted)
        }
    }

    fn is_of_other(&self, sender: PartyIndex) -> Result<(), RenewError> {
        if sender == self.other { Ok(()) } else { Err(RenewError::Misrouted) }
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("bound", &self.context.bound).finish_non_exhaustive()
    }
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("bound", &self.context.bound).finish_non_exhaustive()
    }
}

/// What the library made for each of the other parties.
fn the_one<T>(messages: Vec<T>) -> T {
    messages.into_iter().next().expect("one for the one other party")
}

fn scalar(secret: &SecretBytes) -> k256::Scalar {
    // Exposed: to the library, which signs with it.
    let bytes: [u8; SCALAR_LEN] = secret.expose_secret().try_into().expect("a share has 32 bytes");
    let bytes = Zeroizing::new(bytes);
    Option::from(k256::Scalar::from_repr((*bytes).into())).expect("a share is below the order")
}

fn aborted(Abort { reason, .. }: Abort) -> RenewError {
    RenewError::Aborted { reason }
}

/// Why a party was not made anew. Nothing was changed: begin again on both sides, with another `run`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenewError {
    /// The library gave up: the other side is at another epoch or wallet, was told another run, or misbehaved.
    #[error("the library gave up: {reason}")]
    Aborted {
        /// What it says.
        reason: AbortReason,
    },
    /// A message was another party's, or for another: the caller mixed them up, or the other side did.
    #[error("a message is not from the other party to this one")]
    Misrouted,
    /// A message has another number of proofs than the protocol: the other side misbehaved.
    #[error("a message has another number of proofs than the protocol")]
    Malformed,
    /// The other side has a share of another sharing: bring both to the epoch that the custodian's state names.
    #[error("the other side has a share of another sharing")]
    OtherSharing,
}

#[cfg(test)]
mod tests {
    use twoshare_core::{
        curve::AnySigningKey,
        id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    };

    use super::*;

    fn pair() -> (AnyClientShare, AnyCustodianShare) {
        let wallet = WalletId::from_bytes([7; 16]);
        let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch: Epoch::FIRST };
        let key = AnySigningKey::make(CurveId::Secp256k1, &mut rand::rng());
        key.split(KeyId { sharing, index: 0 }, &mut rand::rng())
    }

    fn renewed(client: &AnyClientShare, custodian: &AnyCustodianShare) -> Signer {
        let (ours, first) = Renewal::client(client, b"1").unwrap();
        let (theirs, second) = Renewal::custodian(custodian, b"1").unwrap();
        let (ours, _) = ours.exchange(second).unwrap();
        let (_, second) = theirs.exchange(first).unwrap();
        ours.finish(second, None, |_| String::new()).unwrap()
    }

    #[test]
    fn another_party_under_the_right_name_is_refused() {
        let ((client, custodian), (other, beside)) = (pair(), pair());
        let bytes = renewed(&client, &custodian).to_bytes();
        assert!(Signer::from_bytes(&client, bytes.expose_secret()).is_ok());
        let Signer { party, .. } = renewed(&other, &beside);
        let bytes = Signer { bound: Bound::to(&client), party }.to_bytes();
        let read = Signer::from_bytes(&client, bytes.expose_secret()).map(|_| ());
        assert_eq!(read, Err(BoundError::Inside));
    }

    /// The other side keeps to the protocol in everything but its share.
    #[test]
    fn a_share_of_another_key_under_the_right_name_makes_no_party() {
        let ((client, custodian), (_, other)) = (pair(), pair());
        let (ours, first) = Renewal::client(&client, b"1").unwrap();
        let AnyShare::Secp256k1(share) = &other else { panic!("{other:?}") };
        let (theirs, second) = Renewal::start(Bound::to(&custodian), share, b"1");
        let (ours, _) = ours.exchange(second).unwrap();
        let (_, second) = theirs.exchange(first).unwrap();
        let refused = ours.finish(second, None, |_| String::new()).map(|_| ());
        assert_eq!(refused, Err(RenewError::OtherSharing));
    }

    #[test]
    fn a_message_with_other_proofs_or_parties_is_refused_before_it_is_looked_at() {
        let (client, custodian) = pair();
        let refused = |change: fn(&mut Second)| {
            let (ours, first) = Renewal::client(&client, b"1").unwrap();
            let (theirs, second) = Renewal::custodian(&custodian, b"1").unwrap();
            let (ours, _) = ours.exchange(second).unwrap();
            let (_, mut second) = theirs.exchange(first).unwrap();
            change(&mut second);
            ours.finish(second, None, |_| String::new()).map(|_| ()).unwrap_err()
        };
        let short = refused(|second| second.mul.enc_proofs.truncate(1));
        assert_eq!(short, RenewError::Malformed);
        let parties = refused(|second| second.mul.parties = second.mul.parties.reverse());
        assert_eq!(parties, RenewError::Misrouted);
        let parties = refused(|second| second.zero.parties = second.zero.parties.reverse());
        assert_eq!(parties, RenewError::Misrouted);
        assert_eq!(
            refused(|second| second.proof.index = PartyIndex::new(1).unwrap()),
            RenewError::Misrouted
        );
        let seed = refused(|second| second.zero.seed[0] ^= 1);
        assert!(matches!(seed, RenewError::Aborted { .. }), "{seed:?}");
    }
}
