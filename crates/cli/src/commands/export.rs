use std::path::{Path, PathBuf};

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use serde_json::json;
use twoshare::error::OpenBackupError;
use twoshare_core::{
    container::{self, Content},
    envelope::Envelope,
    text,
};

use crate::{
    answer::{Answer, Failure},
    backup::{Backup, describe_in_words},
    device::Context,
    files::{unwritable, write_new},
    session::{Session, WalletArg},
};

/// Bytes in one QR code: 53 modules a side, 27 lines of a terminal and the margin.
const FRAGMENT: usize = 120;

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A backup in any form, `-` for standard input [default: that of the device's wallet].
    file: Option<PathBuf>,

    #[command(flatten)]
    wallet: WalletArg,

    #[command(flatten)]
    to: To,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct To {
    /// Write it into this new file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Print it as text that can be pasted anywhere.
    #[arg(long)]
    text: bool,

    /// Print it as QR codes; a scanner needs all of them, in any order.
    #[arg(long)]
    qr: bool,
}

impl Export {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let envelope = match &self.file {
            Some(file) => Backup::read(file)?.envelope,
            None => of_the_device(&self.wallet, context)?,
        };
        match &self.to {
            To { out: Some(path), .. } => to_file(&envelope, path),
            To { qr: true, .. } => to_qr(&envelope),
            To { .. } => {
                let text = text::write(envelope.as_bytes());
                Ok(Answer { json: json!({ "text": text }), text })
            }
        }
    }
}

/// The last backup that the device knows, from the first store that has it intact.
fn of_the_device(wallet: &WalletArg, context: &Context) -> Result<Envelope, Failure> {
    let session = Session::open(context)?;
    let wallet = session.choose(wallet)?;
    let client = session.client_of(wallet)?;
    let held = session.run(client.wallet(wallet))?;
    let backup = held.backup().ok_or(OpenBackupError::NotBackedUp { wallet })?;
    let found = session.run(client.stores().read(backup.envelope));
    let found = found.map_err(|none| OpenBackupError::NotFound { stores: none.stores })?;
    Ok(found.envelope)
}

fn to_file(envelope: &Envelope, path: &Path) -> Result<Answer, Failure> {
    let container = container::wrap(Content::Envelope, envelope.as_bytes())?;
    write_new(path, &container).map_err(unwritable(path))?;
    let shown = path.display().to_string();
    let text = format!("{}\nwritten  {shown}", describe_in_words(envelope));
    let json = json!({
        "out": shown, "bytes": container.len(), "digest": envelope.digest().to_string()
    });
    Ok(Answer { json, text })
}

fn to_qr(envelope: &Envelope) -> Result<Answer, Failure> {
    let parts = text::write_parts(envelope.as_bytes(), FRAGMENT, 0)?;
    let codes = parts
        .iter()
        .map(|part| {
            // Capital letters take fewer dots, and mean the same.
            let code = QrCode::with_error_correction_level(part.to_uppercase(), EcLevel::L)?;
            let mut image = code.render::<Dense1x2>();
            // The blocks are what is light: most terminals write light on dark.
            image.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
            Ok(image.build())
        })
        .collect::<Result<Vec<String>, qrcode::types::QrError>>();
    let codes = codes.map_err(|error| Failure::new("qr", error.to_string()))?;
    let total = codes.len();
    let shown = codes.iter().zip(1..).map(|(code, number)| format!("{number} of {total}\n{code}"));
    Ok(Answer { json: json!({ "parts": parts }), text: shown.collect::<Vec<_>>().join("\n") })
}
