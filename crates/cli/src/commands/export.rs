use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use serde_json::json;
use twoshare_core::{
    container::{self, Content},
    envelope::Envelope,
    text,
};

use crate::{
    answer::{Answer, Failure},
    backup::{Backup, describe_in_words},
};

/// Bytes in one QR code: 53 modules a side, 27 lines of a terminal and the margin.
const FRAGMENT: usize = 120;

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The backup, in any form; `-` for standard input.
    file: PathBuf,

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
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let envelope = Backup::read(&self.file)?.envelope;
        match self.to {
            To { out: Some(path), .. } => to_file(&envelope, &path),
            To { qr: true, .. } => to_qr(&envelope),
            To { .. } => {
                let text = text::write(envelope.as_bytes());
                Ok(Answer { json: json!({ "text": text }), text })
            }
        }
    }
}

fn to_file(envelope: &Envelope, path: &Path) -> Result<Answer, Failure> {
    let container = container::wrap(Content::Envelope, envelope.as_bytes())?;
    let shown = path.display().to_string();
    write_new(path, &container).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new("file_exists", format!("{shown} is there already")).with("path", &*shown)
        }
        _ => Failure::new("file_unwritable", format!("{shown}: {error}")).with("path", &*shown),
    })?;
    let text = format!("{}\nwritten  {shown}", describe_in_words(envelope));
    let json = json!({
        "out": shown, "bytes": container.len(), "digest": envelope.digest().to_string()
    });
    Ok(Answer { json, text })
}

/// A file that is there with all its bytes, or not at all.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
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
