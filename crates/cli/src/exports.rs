//! Keys and secrets as they are printed, where that is what a command is for.

use serde_json::{Value, json};
use twoshare::{
    Exported,
    core::{
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
    },
};

use crate::{backup::plain, view::hex};

/// A secret of a single-key wallet, byte for byte in `hex`; a mnemonic also as its words.
pub(crate) fn secret(exported: &Exported) -> Value {
    match exported {
        Exported::Key(key) => json!({
            "kind": "secp256k1",
            "public_key": hex(&key.verifying_key().to_bytes()),
            // Exposed: to its owner, who asked for it.
            "hex": hex_of(&key.expose_secret()),
        }),
        Exported::Secret(secret) => {
            let mut value = json!({
                "kind": secret.kind().name(),
                "label": secret.label(),
                // Exposed: to its owner, who asked for it.
                "hex": hex_of(secret.bytes()),
            });
            if let Value::Object(fields) = &mut value {
                if let Some(key) = secret.public_key() {
                    fields.insert("public_key".to_owned(), hex(&key).into());
                }
                if let Some(words) = words(secret) {
                    fields.insert("words".to_owned(), words.into());
                }
            }
            value
        }
    }
}

/// The same for a person.
pub(crate) fn secret_in_words(exported: &Exported) -> String {
    match exported {
        // Exposed here and below: to its owner, who asked for it.
        Exported::Key(key) => format!("secp256k1     {}", hex_of(&key.expose_secret())),
        Exported::Secret(secret) => {
            let shown = words(secret).map_or_else(|| hex_of(secret.bytes()), str::to_owned);
            format!("{:<13} {shown} ({})", secret.kind().name(), plain(secret.label()))
        }
    }
}

fn words(secret: &WalletSecret) -> Option<&str> {
    // Exposed: to its owner, who asked for it.
    let bytes = secret.bytes().expose_secret();
    (secret.kind() == SecretKind::Mnemonic).then(|| str::from_utf8(bytes).ok())?
}

/// A secret that its owner asked for.
pub(crate) fn hex_of(secret: &SecretBytes) -> String {
    hex(secret.expose_secret())
}
