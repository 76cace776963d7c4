//! The cases. Each starts from nothing.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "the names say it; a panic is the failure"
)]

use rand::{SeedableRng as _, rngs::StdRng};
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId},
    share::{AnyCustodianShare, KeyId},
};

use super::Harness;
use crate::{
    UserId,
    signing::{
        HeldError, SettleError, SigningEpoch, SigningShares as _, StageError, Staging, Standing,
    },
};

/// A wallet whose epochs a case makes.
struct Wallet<H> {
    holder: H,
    user: UserId,
    id: WalletId,
    key: AnySigningKey,
    /// The last version that was given out.
    version: u64,
    made: Vec<(SigningEpoch, Vec<AnyCustodianShare>)>,
}

impl<H: Harness> Wallet<H> {
    fn start() -> Self {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        Self {
            holder: H::start(),
            user: UserId::new("alice").expect("it is one"),
            id: WalletId::make(&mut rng),
            key: AnySigningKey::make(CurveId::Secp256k1, &mut rng),
            version: 0,
            made: Vec::new(),
        }
    }

    /// A wallet whose first epoch signs.
    fn signing() -> (Self, SigningEpoch) {
        let mut wallet = Self::start();
        let first = wallet.epoch(1);
        wallet.stage(first).expect("it is staged");
        wallet.settle(Some(first), None).expect("it is settled");
        wallet.assert(Some(first), &[first]);
        (wallet, first)
    }

    /// A new epoch with this number.
    fn epoch(&mut self, number: u64) -> SigningEpoch {
        let epoch = SigningEpoch {
            epoch: Epoch::new(number).expect("it is not zero"),
            operation: OperationId::make(&mut rand::rng()),
        };
        let sharing = Sharing { wallet: self.id, purpose: Purpose::Signing, epoch: epoch.epoch };
        let (_, share) = self.key.split(KeyId { sharing, index: 0 }, &mut rand::rng());
        self.made.push((epoch, vec![share]));
        epoch
    }

    fn shares(&self, epoch: SigningEpoch) -> &[AnyCustodianShare] {
        let made = self.made.iter().find(|(made, _)| *made == epoch);
        &made.expect("it was made").1
    }

    fn stage(&mut self, epoch: SigningEpoch) -> Result<(), StageError> {
        self.version += 1;
        self.stage_at(self.version, epoch)
    }

    fn stage_at(&self, version: u64, epoch: SigningEpoch) -> Result<(), StageError> {
        let staging = Staging { user: &self.user, wallet: self.id, epoch, version };
        let holder = self.holder.holder();
        self.holder.block_on(holder.stage(&staging, self.shares(epoch)))
    }

    fn standing(
        &self,
        active: Option<SigningEpoch>,
        pending: Option<SigningEpoch>,
    ) -> Standing<'_> {
        let (user, wallet, version) = (&self.user, self.id, self.version);
        Standing { user, wallet, version, active, pending, frozen: false, restored: false }
    }

    fn settle(
        &mut self,
        active: Option<SigningEpoch>,
        pending: Option<SigningEpoch>,
    ) -> Result<(), SettleError> {
        self.version += 1;
        self.tell(&self.standing(active, pending))
    }

    fn tell(&self, standing: &Standing<'_>) -> Result<(), SettleError> {
        self.holder.block_on(self.holder.holder().settle(standing))
    }

    fn get(&self, epoch: SigningEpoch) -> Result<Vec<AnyCustodianShare>, HeldError> {
        self.holder.block_on(self.holder.holder().get(&self.user, self.id, epoch))
    }

    /// With what it signs, and what it keeps of all that was ever made.
    #[track_caller]
    fn assert(&self, signs: Option<SigningEpoch>, keeps: &[SigningEpoch]) {
        let signing = self.holder.signing(&self.user, self.id);
        let signing = signing.as_deref().map(values);
        assert_eq!(signing, signs.map(|epoch| values(self.shares(epoch))), "what signs");
        for (epoch, shares) in &self.made {
            let kept = self.get(*epoch).map(|kept| values(&kept));
            let expected =
                if keeps.contains(epoch) { Ok(values(shares)) } else { Err(HeldError::Damaged) };
            assert_eq!(kept, expected, "epoch {}", epoch.epoch);
        }
    }
}

/// Everything of these shares.
fn values(shares: &[AnyCustodianShare]) -> Vec<Vec<u8>> {
    // Exposed: to be compared.
    shares.iter().map(|share| share.to_bytes().expose_secret().to_vec()).collect()
}

pub fn a_staged_epoch_is_read_back_as_it_was_given<H: Harness>() {
    let mut wallet = Wallet::<H>::start();
    let first = wallet.epoch(1);
    assert_eq!(wallet.get(first).map(|_| ()), Err(HeldError::Damaged), "before");
    wallet.stage(first).expect("it is staged");
    wallet.assert(None, &[first]);
    wallet.holder.restart();
    wallet.assert(None, &[first]);
}

pub fn an_epoch_of_several_keys_is_kept_whole_and_in_order<H: Harness>() {
    let mut wallet = Wallet::<H>::start();
    let first = wallet.epoch(1);
    let sharing = Sharing { wallet: wallet.id, purpose: Purpose::Signing, epoch: Epoch::FIRST };
    let curves = [CurveId::Ed25519, CurveId::Secp256k1, CurveId::Ed25519];
    for (index, curve) in (1..).zip(curves) {
        let key = AnySigningKey::make(curve, &mut StdRng::from_rng(&mut rand::rng()));
        let (_, share) = key.split(KeyId { sharing, index }, &mut rand::rng());
        wallet.made.iter_mut().for_each(|(_, shares)| shares.push(share.clone()));
    }
    wallet.stage(first).expect("it is staged");
    wallet.settle(Some(first), None).expect("it is settled");
    wallet.holder.restart();
    wallet.assert(Some(first), &[first]);
}

pub fn a_staged_epoch_does_not_sign<H: Harness>() {
    let mut wallet = Wallet::<H>::start();
    let first = wallet.epoch(1);
    wallet.stage(first).expect("it is staged");
    wallet.assert(None, &[first]);
}

pub fn staging_pauses_what_signed<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.assert(None, &[first, second]);
}

pub fn a_pause_outlives_a_restart<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.holder.restart();
    wallet.assert(None, &[first, second]);
}

pub fn the_active_epoch_signs_and_is_the_only_one_kept<H: Harness>() {
    let (mut wallet, _) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(second), None).expect("it is settled");
    wallet.assert(Some(second), &[second]);
}

pub fn what_signs_outlives_a_restart<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    wallet.holder.restart();
    wallet.assert(Some(first), &[first]);
}

pub fn a_pending_epoch_is_kept_and_pauses<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(first), Some(second)).expect("it is settled");
    wallet.assert(None, &[first, second]);
}

pub fn what_was_given_up_lets_the_old_epoch_sign_again<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(first), None).expect("it is settled");
    wallet.assert(Some(first), &[first]);
}

pub fn what_was_displaced_is_dropped_and_the_pause_goes_on<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let (second, third) = (wallet.epoch(2), wallet.epoch(3));
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(first), Some(second)).expect("it is settled");
    wallet.stage(third).expect("it is staged");
    wallet.assert(None, &[first, second, third]);
    wallet.settle(Some(first), Some(third)).expect("it is settled");
    wallet.assert(None, &[first, third]);
    wallet.settle(Some(third), None).expect("it is settled");
    wallet.assert(Some(third), &[third]);
}

pub fn a_frozen_wallet_keeps_its_epochs_and_does_not_sign<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    wallet.version += 1;
    let standing = Standing { frozen: true, ..wallet.standing(Some(first), None) };
    wallet.tell(&standing).expect("it is settled");
    wallet.assert(None, &[first]);
    wallet.holder.restart();
    wallet.assert(None, &[first]);
    wallet.settle(Some(first), None).expect("it is settled");
    wallet.assert(Some(first), &[first]);
}

pub fn an_old_copy_pauses_and_drops_nothing<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let (second, third) = (wallet.epoch(2), wallet.epoch(3));
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(second), None).expect("it is settled");
    // The copy is from before the second.
    let old = |wallet: &mut Wallet<H>, pending| {
        wallet.version += 1;
        let standing = wallet.standing(Some(first), pending);
        wallet.tell(&Standing { frozen: true, restored: true, ..standing })
    };
    old(&mut wallet, None).expect("it is settled");
    wallet.assert(None, &[second]);
    wallet.stage(third).expect("it is staged");
    old(&mut wallet, Some(third)).expect("it is settled");
    wallet.assert(None, &[second, third]);
    wallet.settle(Some(third), None).expect("it is settled");
    wallet.assert(Some(third), &[third]);
}

pub fn a_repeated_stage_changes_nothing<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.stage_at(wallet.version, second).expect("again");
    wallet.assert(None, &[first, second]);
}

pub fn a_repeated_settle_changes_nothing<H: Harness>() {
    let (wallet, first) = Wallet::<H>::signing();
    wallet.tell(&wallet.standing(Some(first), None)).expect("again");
    wallet.assert(Some(first), &[first]);
}

pub fn a_late_settle_changes_nothing<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    let heard = |by| Err(SettleError::Superseded { by });
    let late = wallet.version;
    wallet.stage(second).expect("it is staged");
    let told = wallet.tell(&Standing { version: late, ..wallet.standing(Some(first), None) });
    assert_eq!(told, heard(wallet.version), "of before it was staged");
    wallet.assert(None, &[first, second]);

    wallet.settle(Some(first), Some(second)).expect("it is settled");
    let pending = wallet.version;
    wallet.settle(Some(second), None).expect("it is settled");
    let told =
        wallet.tell(&Standing { version: pending, ..wallet.standing(Some(first), Some(second)) });
    assert_eq!(told, heard(wallet.version), "of before it was committed");
    let told = wallet.tell(&Standing { version: pending, ..wallet.standing(None, None) });
    assert_eq!(told, heard(wallet.version));
    wallet.assert(Some(second), &[second]);
}

pub fn a_late_stage_changes_nothing<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    let staged = wallet.version + 1;
    wallet.version = staged;
    wallet.settle(Some(first), None).expect("it is settled");
    let late = wallet.stage_at(staged, second);
    assert_eq!(late, Err(StageError::Superseded { by: wallet.version }));
    wallet.assert(Some(first), &[first]);
}

pub fn lateness_outlives_a_restart<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    let before = wallet.version;
    wallet.stage(second).expect("it is staged");
    wallet.settle(Some(second), None).expect("it is settled");
    wallet.holder.restart();
    let by = wallet.version;
    assert_eq!(wallet.stage_at(before, first), Err(StageError::Superseded { by }));
    let told = wallet.tell(&Standing { version: before, ..wallet.standing(Some(first), None) });
    assert_eq!(told, Err(SettleError::Superseded { by }));
    wallet.assert(Some(second), &[second]);
}

pub fn a_deleted_wallet_leaves_nothing<H: Harness>() {
    let (mut wallet, _) = Wallet::<H>::signing();
    let second = wallet.epoch(2);
    wallet.stage(second).expect("it is staged");
    wallet.settle(None, None).expect("it is settled");
    wallet.assert(None, &[]);
    wallet.holder.restart();
    wallet.assert(None, &[]);
}

pub fn a_deleted_wallet_does_not_come_back<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let before = wallet.version;
    wallet.settle(None, None).expect("it is settled");
    let by = wallet.version;
    for _ in 0..2 {
        assert_eq!(wallet.stage_at(before, first), Err(StageError::Superseded { by }));
        let told = wallet.tell(&Standing { version: before, ..wallet.standing(Some(first), None) });
        assert_eq!(told, Err(SettleError::Superseded { by }));
        wallet.assert(None, &[]);
        wallet.holder.restart();
    }
}

pub fn the_same_number_of_another_operation_is_another_epoch<H: Harness>() {
    let mut wallet = Wallet::<H>::start();
    let (given_up, made) = (wallet.epoch(1), wallet.epoch(1));
    wallet.stage(given_up).expect("it is staged");
    wallet.stage(made).expect("it is staged");
    wallet.assert(None, &[given_up, made]);
    wallet.settle(Some(made), None).expect("it is settled");
    wallet.assert(Some(made), &[made]);
}

pub fn wallets_are_apart<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let own = std::mem::replace(&mut wallet.id, WalletId::make(&mut rand::rng()));
    wallet.assert(None, &[]);
    let version = std::mem::replace(&mut wallet.version, 0);
    let other = wallet.epoch(1);
    wallet.stage(other).expect("a version is a wallet's own");
    wallet.settle(None, None).expect("it is settled");
    wallet.assert(None, &[]);
    (wallet.id, wallet.version) = (own, version);
    wallet.assert(Some(first), &[first]);
}

pub fn users_are_apart<H: Harness>() {
    let (mut wallet, first) = Wallet::<H>::signing();
    let mallory = UserId::new("mallory").expect("it is one");
    let alice = std::mem::replace(&mut wallet.user, mallory);
    wallet.assert(None, &[]);
    let version = std::mem::replace(&mut wallet.version, 0);
    let other = wallet.epoch(1);
    wallet.stage(other).expect("a version is a wallet's own");
    wallet.settle(Some(other), None).expect("it is settled");
    wallet.assert(Some(other), &[other]);
    wallet.settle(None, None).expect("it is settled");
    (wallet.user, wallet.version) = (alice, version);
    wallet.assert(Some(first), &[first]);
}

pub fn what_is_missing_is_said_and_nothing_else_signs<H: Harness>() {
    let (mut wallet, _) = Wallet::<H>::signing();
    let (second, third) = (wallet.epoch(2), wallet.epoch(3));
    assert_eq!(wallet.settle(Some(second), None), Err(SettleError::Missing));
    wallet.assert(None, &[]);
    // It goes on with the recovery from its backup.
    wallet.stage(third).expect("it is staged");
    assert_eq!(wallet.settle(Some(second), Some(third)), Err(SettleError::Missing));
    wallet.assert(None, &[third]);
    wallet.settle(Some(third), None).expect("it is settled");
    wallet.assert(Some(third), &[third]);
}

pub fn a_wallet_that_was_never_heard_of_settles_on_nothing<H: Harness>() {
    let mut wallet = Wallet::<H>::start();
    wallet.settle(None, None).expect("there is nothing to drop");
    wallet.assert(None, &[]);
}
