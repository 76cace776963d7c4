//! A new wallet: generated with the custodian, or imported.

use twoshare_core::{
    attachment::Attachment,
    envelope::SlotTable,
    id::{CurveId, WalletId, WalletKind},
    proof::Operation,
    sealed::SealedSecret,
};

use crate::{
    client::{Client, make_operation_id, now, rng},
    error::{CreateError, DeviceError, ImportError, StateError},
    kept::Kept,
    operate::Plan,
    progress::{Call, Step},
    record::{Attachments, Holding, Keys, Proven, Record, Secrets, Text},
    wallet::{Import, Wallet},
};

/// How many keys and secrets a wallet may have.
const MAX_KEYS: usize = 16;

impl Client {
    /// Makes an MPC wallet with a key on each of these curves, generated with the custodian: the keys
    /// exist as two shares from the first moment. Nothing is shown of it before the custodian has
    /// stored its half and this device its own. Back it up before funding it.
    ///
    /// `name` is for lists of backups: every store and the custodian can read it. At most 256 bytes.
    ///
    /// # Errors
    ///
    /// See [`CreateError`]. After [`RunError::is_interrupted`](crate::error::RunError::is_interrupted)
    /// the wallet may yet come to be here: [`Client::wallets_here`] lists it, and [`Client::resume`]
    /// finishes it.
    pub async fn create_wallet(
        &self,
        curves: &[CurveId],
        name: Option<String>,
    ) -> Result<Wallet, CreateError> {
        let custodian = self.pinned().ok_or(StateError::Unpinned)?;
        let wallet = WalletId::make(&mut rng());
        let track = self.track(wallet, Call::Create);
        let turn = self.turns().take(wallet).await;
        let mut record = Record::new(wallet, self.user(), WalletKind::Mpc, now());
        record.name = name.map(Text);
        let plan = Plan {
            operation: Operation::Keygen,
            id: make_operation_id(),
            custodian,
            proven: Proven::Nothing,
            slots: SlotTable::new(),
            created: Vec::new(),
            secrets: Secrets(Vec::new()),
            attachments: Attachments(Vec::new()),
        };
        record.journal = Some(plan.keygen(curves.to_vec()));
        let mut kept = Kept::new(record, turn);
        self.run(&mut kept, &track).await?;
        track.at(Step::Done);
        Ok(Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })?)
    }

    /// Keeps what a signing library has beside its shares, in the place of what was kept before. It is on
    /// this device from now on, and in every backup from the next one on: make that, or refresh.
    ///
    /// A per-device attachment among them says that it was made anew for the signing shares of today, and
    /// [`Wallet::to_regenerate`] does not name it any more. One that it names still and that is left out here
    /// stays, until it is kept: forgetting it would let another recovery forget it too.
    ///
    /// # Errors
    ///
    /// See [`DeviceError`].
    pub async fn keep_attachments(
        &self,
        wallet: WalletId,
        attachments: Vec<Attachment>,
    ) -> Result<(), DeviceError> {
        let mut kept = self.load_known(wallet).await?;
        kept.record.keep_attachments(attachments);
        self.save(&mut kept).await
    }

    /// Makes a single-key wallet of secrets that the app has, and keeps them on this device. The
    /// custodian hears of it with the first backup.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub async fn import_wallet(
        &self,
        imports: Vec<Import>,
        name: Option<String>,
    ) -> Result<Wallet, ImportError> {
        match imports.len() {
            0 => return Err(ImportError::Empty),
            count if count > MAX_KEYS => return Err(ImportError::TooMany { count, cap: MAX_KEYS }),
            _ => {}
        }
        let wallet = WalletId::make(&mut rng());
        let (mut keys, mut secrets) = (Vec::new(), Vec::new());
        for (index, import) in (0..).zip(imports) {
            let key = match import {
                Import::Key(key) => key,
                Import::Secret(secret) => {
                    let (key, sealed) = SealedSecret::seal(wallet, index, &secret, &mut rng());
                    secrets.push(sealed);
                    key
                }
            };
            keys.push(key.into());
        }
        let turn = self.turns().take(wallet).await;
        let mut record = Record::new(wallet, self.user(), WalletKind::SingleKey, now());
        record.name = name.map(Text);
        record.holding = Holding::SingleKey(Keys(keys), Secrets(secrets));
        let mut kept = Kept::new(record, turn);
        self.save(&mut kept).await?;
        Ok(Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })?)
    }
}
