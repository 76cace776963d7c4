//! A new wallet: generated with the custodian, or imported.

use twoshare_core::id::{CurveId, WalletId, WalletKind};
use twoshare_protocol::session::{Asked, Proving};

use crate::{
    client::{Client, operation_id, rng},
    error::{CreateError, ExchangeError, ImportError},
    wallet::{Holding, Import, Wallet},
};

/// How many keys and secrets a wallet may have.
const MAX_KEYS: usize = 16;

impl Client {
    /// Makes an MPC wallet with a key on each of these curves, generated with the custodian: the keys
    /// exist as two shares from the first moment. Nothing is shown of it before the custodian has
    /// stored its half. Back it up before funding it.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub async fn create_wallet(&self, curves: &[CurveId]) -> Result<Wallet, CreateError> {
        let id = WalletId::make(&mut rng());
        let party = self.party(id, WalletKind::Mpc);
        let asked = Asked::keygen(party, operation_id(), curves.to_vec(), &mut rng())
            .map_err(ExchangeError::from)?;
        let ready = self.exchange(asked, Proving::Nothing, &[], Vec::new()).await?;
        let receipt = self.custodian().commit(ready.commit(None, &mut rng())).await?;
        ready.check_receipt(&receipt, None)?;
        let holding = Holding::Mpc { signing: ready.signing().to_vec() };
        Ok(Wallet { id, holding, attachments: Vec::new(), backup: None })
    }

    /// Makes a single-key wallet of secrets that the app has. The custodian hears of it with the first
    /// backup.
    ///
    /// # Errors
    ///
    /// See [`ImportError`].
    pub fn import_wallet(&self, imports: Vec<Import>) -> Result<Wallet, ImportError> {
        match imports.len() {
            0 => Err(ImportError::Empty),
            count if count > MAX_KEYS => Err(ImportError::TooMany { count, cap: MAX_KEYS }),
            _ => Ok(Wallet::import(imports)),
        }
    }
}
