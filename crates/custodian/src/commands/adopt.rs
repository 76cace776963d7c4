//! A wallet that existed before this custodian.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use twoshare_core::{curve::AnyVerifyingKey, secret::SecretBytes, share::AnyCustodianShare};
use twoshare_custodian::{AdoptError, Adopted, UserId};
use twoshare_protocol::adopt::NotAHalf;

use super::{existing, open};
use crate::answer::{Answer, Failure};

/// The longest file of a share, in bytes.
const MAX_SHARE: u64 = 4096;

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// The custodian's data directory; a server may be using it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Whose wallet.
    #[arg(long, value_name = "ID")]
    user: UserId,
    /// The custodian's signing share of one key, as the SDK writes it, raw or in hex; once for each
    /// key, in the order of the keys; `-` for standard input.
    #[arg(long = "share-file", value_name = "F", required = true)]
    shares: Vec<PathBuf>,
}

impl Adopt {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let Self { data, user, shares } = self;
        let shares = shares.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let Some(wallet) = shares.first().map(|share| share.id().sharing.wallet) else {
            return Err(Failure::misuse("usage", "--share-file is needed"));
        };
        let service = open(&existing(data)?).await?;
        let adopted = service.adopt(&user, wallet, shares).await;
        service.close().await;
        let Adopted { wallet, epoch, keys, is_new } = adopted.map_err(|error| failure(&error))?;
        let key = |key: &AnyVerifyingKey| {
            let public_key = hex::encode(key.to_bytes());
            json!({ "curve": key.curve().name(), "public_key": public_key })
        };
        let json = json!({
            "user": user.as_str(),
            "wallet": wallet.to_string(),
            "epoch": epoch.get(),
            "keys": keys.iter().map(key).collect::<Vec<_>>(),
            "new": is_new,
        });
        let again = if is_new { "" } else { " It was before." };
        let text = format!(
            "{wallet} of {user} is here, with signing epoch {epoch}.{again} Erase every other copy \
             of this half, the files included; then let the device back the wallet up."
        );
        Ok(Answer::new(json, text))
    }
}

fn read(path: &Path) -> Result<AnyCustodianShare, Failure> {
    let shown = path.display().to_string();
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().take(MAX_SHARE).read_to_end(&mut bytes),
        _ => fs::File::open(path).and_then(|file| file.take(MAX_SHARE).read_to_end(&mut bytes)),
    };
    let bytes = SecretBytes::from(bytes);
    let failed = |error| Failure::because("file", &format!("cannot read {shown}"), &error);
    read.map_err(failed).map_err(|failure| failure.with("path", shown.clone()))?;
    // Exposed here and below: to the decoders.
    let text = bytes.expose_secret().trim_ascii();
    let decoded = hex::decode(text).map(SecretBytes::from).unwrap_or(bytes);
    AnyCustodianShare::from_bytes(decoded.expose_secret()).map_err(|error| {
        let failure = Failure::because("share", &format!("{shown} is no share"), &error);
        failure.with("path", shown)
    })
}

fn failure(error: &AdoptError) -> Failure {
    let coded = |code| Failure::new(code, error.to_string());
    match error {
        AdoptError::Half(half) => match half {
            NotAHalf::Empty => coded("empty"),
            NotAHalf::TooMany { count, cap } => {
                coded("too_many_keys").with("count", *count).with("cap", *cap)
            }
            NotAHalf::OtherWallet { index, found } => {
                coded("other_wallet").with("index", *index).with("found", found.to_string())
            }
            NotAHalf::NotSigning { index } => coded("not_signing").with("index", *index),
            NotAHalf::OtherEpoch { index, epoch, found } => {
                let failure = coded("other_epoch").with("index", *index);
                failure.with("epoch", epoch.get()).with("found", found.get())
            }
            NotAHalf::EpochJump { epoch, cap } => {
                coded("epoch_jump").with("epoch", epoch.get()).with("cap", *cap)
            }
            NotAHalf::OutOfOrder { index, found } => {
                coded("out_of_order").with("index", *index).with("found", *found)
            }
            NotAHalf::RepeatedKey { index, curve } => {
                coded("repeated_key").with("index", *index).with("curve", curve.name())
            }
        },
        AdoptError::AlreadyExists => coded("already_exists"),
        AdoptError::KeyInUse => coded("key_in_use"),
        AdoptError::TooManyWallets => coded("too_many_wallets"),
        AdoptError::Damaged => coded("damaged"),
        AdoptError::Unavailable(unavailable) => Failure::verdict(unavailable),
    }
}
