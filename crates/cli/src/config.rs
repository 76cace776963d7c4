//! What the command keeps on a device besides its wallets: which custodian, which stores. It is in the
//! device's sealed settings, so that nobody who has the files can exchange the custodian's key.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use twoshare::core::{id::WalletId, secret::SecretBytes};

use crate::answer::Failure;

/// The form that is written, and the newest that is read.
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Config {
    version: u32,
    pub(crate) custodian: Option<CustodianConfig>,
    /// The custodian that a wallet is being moved to: written before the move begins, so that one which a
    /// crash interrupted is finished with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moving: Option<CustodianConfig>,
    /// By the wallet's id, as it is shown.
    #[serde(default)]
    wallets: BTreeMap<String, WalletConfig>,
}

/// Where the custodian is, and how this user speaks to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CustodianConfig {
    pub(crate) url: String,
    /// Its identity; none until an envelope was opened, where it was not given.
    pub(crate) key: Option<String>,
    pub(crate) user: String,
    /// The file that has the session token. It is read again whenever a token was refused.
    pub(crate) token_file: PathBuf,
}

/// Where a wallet's backup is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WalletConfig {
    /// Of the last operation that ended well.
    #[serde(default)]
    pub(crate) settled: Option<Placement>,
    /// Of the operation in progress: written before it begins, so that one which a crash interrupted
    /// is finished with the same stores.
    #[serde(default)]
    pub(crate) planned: Option<Plan>,
}

/// An operation that writes a new backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The epoch of the backup that there was before; another one on the device says that the operation
    /// has happened.
    pub(crate) after: Option<u64>,
    pub(crate) placement: Placement,
}

/// Stores, and how many of them have to have the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    pub(crate) stores: Vec<StoreConfig>,
    /// All of them where it is left out.
    #[serde(default)]
    pub(crate) at_least: Option<usize>,
    /// The user accepts that the custodian alone could open the wallet.
    #[serde(default)]
    pub(crate) trust_custodian_alone: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreConfig {
    /// As it is named on the command line, paths absolute.
    pub(crate) store: String,
    /// Somebody else than the custodian runs it.
    #[serde(default)]
    pub(crate) independent: bool,
    /// The file that has its token, where it needs one.
    #[serde(default)]
    pub(crate) token_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { version: VERSION, custodian: None, moving: None, wallets: BTreeMap::new() }
    }
}

impl Config {
    /// What the device's settings say; nothing yet where there are none.
    pub(crate) fn read(settings: Option<&SecretBytes>) -> Result<Self, Failure> {
        let Some(settings) = settings else { return Ok(Self::default()) };
        let malformed = |error: serde_json::Error| {
            let message = format!("the device's settings cannot be read: {error}: log in again");
            Failure::new("settings_damaged", message)
        };
        /// Read first, so that a later form is told from damage.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        // Exposed: to the decoder. Nothing in it is secret.
        let bytes = settings.expose_secret();
        let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version > VERSION {
            let message = format!("the device's settings have version {version}: update");
            return Err(Failure::new("newer_version", message).with("version", version));
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    /// As it is kept.
    pub(crate) fn to_bytes(&self) -> Result<SecretBytes, Failure> {
        let bytes = serde_json::to_vec(self);
        bytes.map(SecretBytes::from).map_err(|error| Failure::new("settings", error.to_string()))
    }

    pub(crate) fn wallet(&self, wallet: WalletId) -> WalletConfig {
        self.wallets.get(&wallet.to_string()).cloned().unwrap_or_default()
    }

    pub(crate) fn wallet_mut(&mut self, wallet: WalletId) -> &mut WalletConfig {
        self.wallets.entry(wallet.to_string()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let wallet = WalletId::from_bytes([7; 16]);
        let mut config = Config::read(None).unwrap();
        assert_eq!(config, Config::default());
        let plan = Plan { after: Some(3), placement: Placement::custodian() };
        config.wallet_mut(wallet).planned = Some(plan.clone());
        let read = Config::read(Some(&config.to_bytes().unwrap())).unwrap();
        assert_eq!(read, config);
        assert_eq!(read.wallet(wallet).planned, Some(plan));
        assert_eq!(read.wallet(WalletId::from_bytes([8; 16])), WalletConfig::default());
    }

    #[test]
    fn a_later_form_is_told_from_damage() {
        for (text, code) in [
            ("{\"version\":2,\"else\":[]}", "newer_version"),
            ("{\"version\":1", "settings_damaged"),
            ("{}", "settings_damaged"),
        ] {
            let settings = SecretBytes::from(text.as_bytes());
            assert_eq!(Config::read(Some(&settings)).unwrap_err().code(), code);
        }
    }
}
