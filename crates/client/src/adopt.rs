//! A wallet that existed before: its device takes up its half.

use twoshare_core::{
    id::{WalletId, WalletKind},
    share::AnyClientShare,
};
use twoshare_protocol::{adopt::check_half, message::State};

use crate::{
    client::{Client, now},
    error::{AdoptError, DeviceError, StateError},
    kept::Kept,
    record::{Holding, Record, Secrets, Shares, Text},
    wallet::Wallet,
};

impl Client {
    /// Takes up the device's half of an MPC wallet whose keys were generated before, elsewhere: one share
    /// per key, all of one signing epoch. The custodian must have been given its own half
    /// (`Service::adopt`, or the operator's command `adopt`): its signed state is compared with this one.
    ///
    /// Back the wallet up next. The first backup is made by resharing the two halves, with a proof of
    /// each: where the custodian has another half than it says, nothing is committed and
    /// [`Client::status`] goes on saying that there is no backup.
    ///
    /// `name` is for lists of backups: every store and the custodian can read it. At most 256 bytes.
    ///
    /// # Errors
    ///
    /// See [`AdoptError`].
    pub async fn adopt_wallet(
        &self,
        wallet: WalletId,
        shares: Vec<AnyClientShare>,
        name: Option<String>,
    ) -> Result<Wallet, AdoptError> {
        check_half(wallet, &shares)?;
        let custodian = self.pinned().ok_or(StateError::Unpinned)?;
        let turn = match self.load(wallet).await? {
            Ok(_) => return Err(AdoptError::AlreadyHere { wallet }),
            Err(turn) => turn,
        };
        let state = self.ask_state(wallet, &custodian).await?;
        check_other_half(&state, &shares)?;
        let mut record = Record::new(wallet, self.user(), WalletKind::Mpc, now());
        record.name = name.map(Text);
        record.custodian = Some(custodian);
        record.raise(shares.first().map(|share| share.id().sharing.epoch), None);
        record.holding = Holding::Mpc(Shares(shares), Secrets(Vec::new()));
        let mut kept = Kept::new(record, turn);
        self.save(&mut kept).await?;
        Ok(Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })?)
    }
}

/// Whether what the custodian states is the other half of these.
fn check_other_half(state: &State, shares: &[AnyClientShare]) -> Result<(), AdoptError> {
    if state.kind != WalletKind::Mpc {
        return Err(AdoptError::WrongKind);
    }
    let Some(mine) = shares.first().map(|share| share.id().sharing.epoch) else { return Ok(()) };
    let stated = state.signing.as_ref().filter(|stated| stated.epoch == mine);
    let Some(stated) = stated else {
        let custodian = state.signing.as_ref().map(|stated| stated.epoch);
        return Err(AdoptError::OtherEpoch { epoch: mine, custodian });
    };
    let fits = |(index, share): (usize, &AnyClientShare)| {
        stated.commitments.get(index) == Some(&share.commitment())
    };
    match shares.iter().enumerate().position(|pair| !fits(pair)) {
        Some(index) => Err(AdoptError::OtherSharing { index }),
        // A key that the device has no share of.
        None if stated.commitments.len() != shares.len() => {
            Err(AdoptError::OtherSharing { index: shares.len() })
        }
        None => Ok(()),
    }
}
