//! A wallet that existed before this custodian.

use thiserror::Error;
use twoshare_core::{
    curve::AnyVerifyingKey,
    id::{Epoch, OperationId, WalletId},
    share::AnyCustodianShare,
};
use twoshare_protocol::{
    adopt::{NotAHalf, check_half},
    custodian::Unavailable,
    engine::Row,
};

use super::{
    Inner, Service, failed,
    session::unavailable,
    steps::sealed_material,
    wallet::{Done, Loaded, Sealed},
};
use crate::{
    UserId,
    audit::Act,
    repository::{SaveError, Status, StoreError, Wanted},
};

/// What was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// The wallet.
    pub wallet: WalletId,
    /// The signing epoch that counts from now on.
    pub epoch: Epoch,
    /// The wallet's public keys, in their order.
    pub keys: Vec<AnyVerifyingKey>,
    /// Whether it was taken over just now; otherwise it had been before, with this very half.
    pub is_new: bool,
}

/// Why a wallet that existed before was not taken over. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdoptError {
    /// The shares are not the custodian's half of this wallet.
    #[error(transparent)]
    Half(#[from] NotAHalf),
    /// The user has another wallet of this id, or this one has gone on since.
    #[error("the user has this wallet already")]
    AlreadyExists,
    /// Another wallet has one of these keys, this user's or another's. Were one key in two wallets,
    /// a recovery of the one would leave the other's lost phone signing.
    #[error("another wallet has one of these keys")]
    KeyInUse,
    /// The user has as many wallets as they may: raise the limit, or let them make one wallet of
    /// several keys.
    #[error("the user has as many wallets as they may")]
    TooManyWallets,
    /// What was stored is not what was given: the disk, or the key-management service, is at fault.
    #[error("what was stored is not what was given")]
    Damaged,
    /// See there. It may have been taken over all the same: ask again, with the same shares.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Service {
    /// Takes over the custodian's half of an MPC wallet whose keys were generated before, elsewhere:
    /// one share per key, all of one signing epoch, which counts from now on. They are sealed like
    /// every other share, and what is stored is read back. The same call may be repeated.
    ///
    /// Afterwards the user's device takes up its own half (`Client::adopt_wallet`) and makes a first
    /// backup, which proves that the two fit. Until then the custodian knows no more than this call
    /// said: whoever makes it vouches that the wallet is this user's. A wallet that is not theirs
    /// gives the user nothing, since nothing moves without the device's half; and it takes nothing
    /// from them but one of [`Limits::wallets`](crate::Limits::wallets).
    ///
    /// Erase every other copy of the half. One that is kept goes on signing with a lost phone, whatever
    /// this custodian says after a recovery.
    ///
    /// # Errors
    ///
    /// See [`AdoptError`].
    pub async fn adopt(
        &self,
        user: &UserId,
        wallet: WalletId,
        shares: Vec<AnyCustodianShare>,
    ) -> Result<Adopted, AdoptError> {
        let epoch = check_half(wallet, &shares)?;
        let _inside = self.enter().await?;
        let inner = &self.inner;
        let _alone = inner.alone(user, wallet).await;
        let mut loaded = inner.load(user, wallet, Wanted::default()).await.map_err(judge)?;
        let keys = shares.iter().map(AnyCustodianShare::verifying_key).collect();
        let adopted = |is_new| Adopted { wallet, epoch, keys, is_new };
        if let Some(row) = &loaded.row {
            if !is_here(row, epoch, &shares) {
                return Err(AdoptError::AlreadyExists);
            }
            inner.tell(user, wallet).await.map_err(judge)?;
            return Ok(adopted(false));
        }
        let taken = inner.take_over(&mut loaded, epoch, &shares).await;
        // Whether or not it was, the holder of signing shares is told.
        let told = inner.tell(user, wallet).await;
        taken?;
        told.map_err(judge)?;
        Ok(adopted(true))
    }
}

impl Inner {
    async fn take_over(
        &self,
        loaded: &mut Loaded,
        epoch: Epoch,
        shares: &[AnyCustodianShare],
    ) -> Result<(), AdoptError> {
        let operation = OperationId::make(&mut rand::rng());
        let (user, wallet) = loaded.place();
        let sealed = self.seal(&user, operation, shares).await.map_err(judge)?;
        let Sealed { epochs: mut made, stored, staged } = sealed;
        for epoch in &mut made {
            epoch.status = Status::Active;
        }
        loaded.staged = staged;
        let now = self.config.clock.now();
        loaded.row = Some(Row::adopted(epoch, sealed_material(&stored), now));
        loaded.is_adopted = true;
        let done = Done::by_operator(Act::Adopted, Some(operation));
        let done = done.with(format_args!("signing {}", epoch.get()));
        self.save(loaded, made.clone(), None, Some(done)).await.map_err(|error| match error {
            SaveError::Conflict => AdoptError::AlreadyExists,
            SaveError::TooManyWallets => AdoptError::TooManyWallets,
            SaveError::KeyInUse => AdoptError::KeyInUse,
            SaveError::Store(error) => judge(error),
        })?;
        let read = self.config.repository.load(&user, wallet, Wanted::default()).await;
        let read = read.map_err(judge)?.ok_or(AdoptError::Damaged)?;
        if made.iter().all(|epoch| read.epochs.contains(epoch)) {
            Ok(())
        } else {
            Err(AdoptError::Damaged)
        }
    }
}

/// Whether this very half counts already, and nothing has happened since.
fn is_here(row: &Row, epoch: Epoch, shares: &[AnyCustodianShare]) -> bool {
    let Some(active) = row.signing().filter(|active| active.epoch == epoch) else { return false };
    let stored = active.material.stored();
    stored.len() == shares.len()
        && stored.iter().zip(shares).all(|(stored, share)| {
            stored.curve() == share.curve() && stored.as_bytes() == share.commitment().to_bytes()
        })
}

fn judge(error: StoreError) -> AdoptError {
    match error {
        StoreError::Damaged => AdoptError::Damaged,
        StoreError::StoppedWriting(_) => failed().into(),
        StoreError::Unavailable => unavailable(&error).into(),
    }
}
