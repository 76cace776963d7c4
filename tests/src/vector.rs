//! Frozen vectors: one JSON file each, with all that went in (randomness too) and all that came
//! out.

use std::{convert::Infallible, fs, path::PathBuf};

use rand::{TryCryptoRng, TryRng};
use serde_json::{Map, Value, json};
use twoshare_core::secret::SecretBytes;

/// One file of a folder of `tests/vectors`: its name, what it shows, and its fields.
#[derive(Debug)]
pub struct Vector(Map<String, Value>);

impl Vector {
    /// The vector `name` of `folder`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn read(folder: &str, name: &str) -> Self {
        let path = path(folder, name);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let Value::Object(fields) = value else { panic!("{name} is not an object") };
        assert_eq!(fields.get("vector"), Some(&json!(name)));
        Self(fields)
    }

    /// Writes the vector anew. Only generators do.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn write(folder: &str, name: &str, what: &str, mut fields: Value) {
        let object = fields.as_object_mut().expect("a vector is an object");
        object.insert("vector".to_owned(), json!(name));
        object.insert("what".to_owned(), json!(what));
        object.insert("specification".to_owned(), json!("crates/core/PROTOCOL.md"));
        let path = path(folder, name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a writable folder");
        let text = serde_json::to_string_pretty(&fields).expect("it is JSON") + "\n";
        fs::write(path, text).expect("a writable file");
    }

    /// A field.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn field(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or_else(|| panic!("no field {field}"))
    }
}

fn path(folder: &str, name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(folder)
        .join(name)
        .with_extension("json")
}

/// Gives out the recorded random bytes, and nothing else.
#[derive(Debug)]
pub struct Recorded(Vec<u8>);

impl Recorded {
    /// Will give out these.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// All must have been used.
    ///
    /// # Panics
    ///
    /// When some were not.
    pub fn end(self) {
        assert!(self.0.is_empty(), "{} random bytes were not used", self.0.len());
    }
}

impl TryRng for Recorded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        assert!(bytes.len() <= self.0.len(), "more random bytes are used than were recorded");
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Recorded {}

/// Gives out random bytes, and keeps them for the vector that is being written.
#[derive(Debug)]
pub struct Recorder<R> {
    from: R,
    given: Vec<u8>,
}

impl<R> Recorder<R> {
    /// Gives out what `from` gives.
    pub const fn new(from: R) -> Self {
        Self { from, given: Vec::new() }
    }

    /// What was given out since this was last asked, in hexadecimal.
    pub fn take(&mut self) -> String {
        hex::encode(std::mem::take(&mut self.given))
    }
}

impl<R: TryRng<Error = Infallible>> TryRng for Recorder<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.from.try_fill_bytes(bytes)?;
        self.given.extend_from_slice(bytes);
        Ok(())
    }
}

impl<R: TryCryptoRng + TryRng<Error = Infallible>> TryCryptoRng for Recorder<R> {}

/// The secrets of a vector are for everyone to see.
#[must_use]
pub fn hex_of(secret: &SecretBytes) -> String {
    hex::encode(secret.expose_secret())
}
