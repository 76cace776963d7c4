use core::fmt;

use ::cggmp24::{
    ExecutionId, KeyRefreshError, PregeneratedPrimes, aux_info_gen,
    generic_ec::curves::Secp256k1 as E,
    key_refresh::Msg,
    key_share::{AuxInfo, DirtyAuxInfo, DirtyKeyShare, KeyShare, Valid},
    security_level::SecurityLevel128,
};
use rand_core_06::{CryptoRng, RngCore};
use round_based::Mpc;

use twoshare_core::{
    id::Role,
    secret::SecretBytes,
    share::{AnyClientShare, AnyCustodianShare, AnyShare, HasRole},
};

use super::{CoreShare, Parties, place};
use crate::{
    bound::{Bound, BoundError, Json},
    common::ImportError,
};

/// The name in what is written and in what names a run.
const LIBRARY: &str = "twoshare/v1/cggmp24/aux";

/// Without tables it has some 8 KB. The library's checks of numbers that are much longer take minutes.
const MAX_LEN: usize = 32 * 1024;

/// The auxiliary info of one party for one share: its Paillier keys, and what is public of both parties'.
/// There are three ways to have it, and none that takes another epoch's: to make it with the other side, to
/// take over what a key share of before twoshare has, and to read what was written of either.
#[derive(Clone)]
pub struct Aux {
    bound: Bound,
    info: AuxInfo,
}

impl Aux {
    /// Makes it with the other side, which does the same at the same time over `party`: both sides' keys are
    /// new. It takes seconds, and minutes to find the primes ([`PregeneratedPrimes::generate`]), which must
    /// be new too.
    ///
    /// `run` is the same on both sides and another in every run, a session id say. With a share of another
    /// wallet or epoch on the other side, the run fails.
    ///
    /// # Errors
    ///
    /// The library's: the other side is at another epoch, misbehaved, or cannot be reached. Begin again.
    pub async fn make<M, G>(
        core: &CoreShare,
        run: &[u8],
        primes: PregeneratedPrimes,
        rng: &mut G,
        party: M,
    ) -> Result<Self, KeyRefreshError>
    where
        M: Mpc<ProtocolMessage = Msg<sha2_010::Sha256, SecurityLevel128>>,
        G: RngCore + CryptoRng,
    {
        let id = core.bound.run(LIBRARY, run);
        let place = place(core.bound.role());
        let info = aux_info_gen(ExecutionId::new(&id), place, 2, primes).start(rng, party).await?;
        Ok(Self { bound: core.bound, info })
    }

    /// Takes over the auxiliary info of a wallet that existed before it was backed up: that of the whole key
    /// share which the device's signing share came from.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub fn of_client(
        share: &AnyClientShare,
        parties: Parties,
        device: &KeyShare<E>,
    ) -> Result<Self, ImportError> {
        Self::of(share, parties, device)
    }

    /// The same on the server.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub fn of_custodian(
        share: &AnyCustodianShare,
        parties: Parties,
        server: &KeyShare<E>,
    ) -> Result<Self, ImportError> {
        Self::of(share, parties, server)
    }

    fn of<R: HasRole>(
        share: &AnyShare<R>,
        parties: Parties,
        whole: &KeyShare<E>,
    ) -> Result<Self, ImportError> {
        let DirtyKeyShare { core, aux } = &**whole;
        let same = super::share::<R>(share.id(), parties, core)?;
        if AnyShare::from(same).commitment() != share.commitment() {
            return Err(ImportError::OtherSharing);
        }
        let mut info = aux.clone();
        if parties.client != place(Role::Client) {
            info.N.reverse();
            info.pedersen_params.reverse();
        }
        let info = Valid::validate(info).map_err(|_| ImportError::Inconsistent)?;
        Ok(Self { bound: Bound::to(share), info })
    }

    /// The auxiliary info of this share, as [`to_bytes`](Self::to_bytes) wrote it.
    ///
    /// # Errors
    ///
    /// See [`BoundError`]. What was written for another epoch is
    /// [`UnfitError::Epoch`](crate::UnfitError::Epoch): make it anew.
    pub fn from_bytes(core: &CoreShare, bytes: &[u8]) -> Result<Self, BoundError> {
        let content = core.bound.read(LIBRARY, MAX_LEN, bytes)?;
        let info: DirtyAuxInfo =
            serde_json::from_slice(content).map_err(|_| BoundError::Malformed)?;
        let info = Valid::validate(info).map_err(|_| BoundError::Inside)?;
        if !core.is_of(&info) {
            return Err(BoundError::Inside);
        }
        Ok(Self { bound: core.bound, info })
    }

    /// Everything about it but tables that are computed again, with what it belongs to. Keep it on this device
    /// only, sealed; it has no place in a backup.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut info: DirtyAuxInfo = (*self.info).clone();
        for params in &mut info.pedersen_params {
            params.multiexp = None;
            params.crt = None;
        }
        self.bound.write(LIBRARY, &Json::of(&info))
    }

    /// What it belongs to.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    pub(super) const fn info(&self) -> &AuxInfo {
        &self.info
    }
}

impl fmt::Debug for Aux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aux").field("bound", &self.bound).finish_non_exhaustive()
    }
}
