//! What per-device material is bound to.

use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, Purpose, Role, Sharing, WalletId},
    secret::SecretBytes,
    share::{AnyShare, HasRole, KeyId},
    wire::{Malformed, Reader, Writer},
};

const VERSION: u64 = 1;

/// The one share that something belongs to: which key of which epoch, whose, and the digest of its
/// sharing's commitment, which tells two sharings of the same name apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    id: KeyId,
    role: Role,
    commitment: Digest,
}

impl Bound {
    /// To this share.
    #[must_use]
    pub fn to<R: HasRole>(share: &AnyShare<R>) -> Self {
        let commitment = Digest::of(&share.commitment().to_bytes());
        Self { id: share.id(), role: R::ROLE, commitment }
    }

    /// Which key of which sharing.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Whose.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether what is bound to `found` may be used with what is bound to `self`.
    pub(crate) fn fits(&self, found: &Self) -> Result<(), UnfitError> {
        let (ours, theirs) = (self.id.sharing, found.id.sharing);
        if ours.wallet != theirs.wallet {
            return Err(UnfitError::Wallet { expected: ours.wallet, found: theirs.wallet });
        }
        if self.id.index != found.id.index {
            return Err(UnfitError::Key { expected: self.id.index, found: found.id.index });
        }
        if self.role != found.role {
            return Err(UnfitError::Role { expected: self.role, found: found.role });
        }
        if ours.epoch != theirs.epoch {
            return Err(UnfitError::Epoch { expected: ours.epoch, found: theirs.epoch });
        }
        if self != found {
            return Err(UnfitError::Sharing);
        }
        Ok(())
    }

    /// A name of this sharing for both roles, of a run of the library's protocol: one that the two begin
    /// with different shares in fails. `run` must be another in each run.
    pub(crate) fn run(&self, library: &str, run: &[u8]) -> [u8; 32] {
        let Sharing { wallet, epoch, .. } = self.id.sharing;
        let writer = Writer::new(128)
            .array(6)
            .text(library)
            .bytes(&wallet.to_bytes())
            .uint(epoch.get())
            .uint(self.id.index.into())
            .bytes(&self.commitment.to_bytes())
            .bytes(run);
        // Exposed: nothing of it is secret.
        Digest::of(writer.finish().expose_secret()).to_bytes()
    }

    /// `[1, library, role, wallet, epoch, index, commitment, content]` in deterministic CBOR.
    pub(crate) fn write(&self, library: &str, content: &SecretBytes) -> SecretBytes {
        let Sharing { wallet, epoch, .. } = self.id.sharing;
        Writer::new(content.len() + library.len() + 128)
            .array(8)
            .uint(VERSION)
            .text(library)
            .uint(self.role.number().into())
            .bytes(&wallet.to_bytes())
            .uint(epoch.get())
            .uint(self.id.index.into())
            .bytes(&self.commitment.to_bytes())
            // Exposed: into wiped memory.
            .bytes(content.expose_secret())
            .finish()
    }

    /// The content, if it is of this library and belongs to `self`.
    ///
    /// `cap` is the most bytes that are looked at.
    pub(crate) fn read<'b>(
        &self,
        library: &str,
        cap: usize,
        bytes: &'b [u8],
    ) -> Result<&'b [u8], BoundError> {
        if bytes.len() > cap {
            return Err(BoundError::TooLarge { found: bytes.len(), cap });
        }
        let mut reader = Reader::new(bytes);
        let len = reader.array(usize::from(u8::MAX))?;
        match reader.uint()? {
            VERSION if len == 8 => {}
            found if found > VERSION => {
                return Err(BoundError::NewerVersion { found, supported: VERSION });
            }
            _ => return Err(BoundError::Malformed),
        }
        if reader.text(MAX_LIBRARY)? != library {
            return Err(BoundError::Library);
        }
        let role = Role::from_number(reader.uint()?).ok_or(Malformed)?;
        let wallet = WalletId::from_bytes(*reader.fixed()?);
        let epoch = Epoch::new(reader.uint()?).ok_or(Malformed)?;
        let id = KeyId {
            sharing: Sharing { wallet, purpose: Purpose::Signing, epoch },
            index: reader.u8()?,
        };
        let commitment = Digest::from_bytes(*reader.fixed()?);
        let content = reader.bytes()?;
        reader.end()?;
        self.fits(&Self { id, role, commitment })?;
        Ok(content)
    }
}

/// The longest name of a library.
const MAX_LIBRARY: usize = 64;

/// Why per-device material does not go with a share. It is never used then: whoever has the old device has
/// the old material, and could learn the new share from what is signed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnfitError {
    /// It is of another epoch: make it anew, on both sides. This is what every recovery asks for.
    #[error("made for signing epoch {found}, where the share is of epoch {expected}: make it anew")]
    Epoch {
        /// The epoch of the share.
        expected: Epoch,
        /// The epoch that it was made for.
        found: Epoch,
    },
    /// It is of another wallet: take this wallet's.
    #[error("made for wallet {found}, where the share is of wallet {expected}")]
    Wallet {
        /// The wallet of the share.
        expected: WalletId,
        /// The wallet that it was made for.
        found: WalletId,
    },
    /// It is of another key of the wallet: take this key's.
    #[error("made for key {found}, where the share is of key {expected}")]
    Key {
        /// The key of the share.
        expected: u8,
        /// The key that it was made for.
        found: u8,
    },
    /// It is the other party's: each has its own.
    #[error("made for the {found}, where the share is the {expected}'s")]
    Role {
        /// Whose the share is.
        expected: Role,
        /// Whom it was made for.
        found: Role,
    },
    /// It is of a sharing of the same name that was given up: make it anew, on both sides.
    #[error("made for another sharing of the same name: make it anew")]
    Sharing,
}

/// Why bytes are not a library's per-device material for a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BoundError {
    /// They are, but of another share. [`UnfitError::Epoch`]: make it anew.
    #[error("not of this share")]
    Unfit(#[from] UnfitError),
    /// They are another library's: take this one's.
    #[error("another library's")]
    Library,
    /// Damaged, or something else: take another copy, or make it anew.
    #[error("not what a signing library keeps")]
    Malformed,
    /// What is inside is not this share's, or nothing that the library takes: tampered with. Make it anew.
    #[error("what is inside is not of this share")]
    Inside,
    /// Written by a newer version of this library: update.
    #[error("version {found} of the encoding is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// More than anything of the kind has: something else.
    #[error("{found} bytes, where {cap} are the limit")]
    TooLarge {
        /// How many bytes there are.
        found: usize,
        /// How many there may be.
        cap: usize,
    },
}

impl From<Malformed> for BoundError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// JSON, as the libraries write themselves, straight into wiped memory.
pub(crate) struct Json(pub(crate) SecretBytes);

impl Json {
    pub(crate) fn of<T: serde::Serialize + ?Sized>(value: &T) -> SecretBytes {
        let mut json = Self(SecretBytes::with_capacity(16 * 1024));
        serde_json::to_writer(&mut json, value)
            .expect("maps have texts for keys, and memory is there");
        json.0
    }
}

impl std::io::Write for Json {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use twoshare_core::{
        curve::AnySigningKey,
        id::CurveId,
        share::{AnyClientShare, AnyCustodianShare},
    };

    use super::*;

    const LIBRARY: &str = "library";

    fn shares(epoch: u64) -> (AnyClientShare, AnyCustodianShare) {
        let wallet = WalletId::from_bytes([7; 16]);
        let epoch = Epoch::new(epoch).unwrap();
        let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch };
        let key = AnySigningKey::make(CurveId::Secp256k1, &mut rand::rng());
        key.split(KeyId { sharing, index: 0 }, &mut rand::rng())
    }

    #[test]
    fn no_flipped_bit_is_taken_for_this_share() {
        let bound = Bound::to(&shares(1).0);
        let content = SecretBytes::from(&b"secret"[..]);
        let bytes = bound.write(LIBRARY, &content);
        let bytes = bytes.expose_secret();
        assert_eq!(bound.read(LIBRARY, 1024, bytes), Ok(&b"secret"[..]));
        let head = bytes.len() - content.len();
        for bit in 0..head * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(bound.read(LIBRARY, 1024, &flipped).is_err(), "{bit}");
        }
        for cut in 0..bytes.len() {
            let read = bound.read(LIBRARY, 1024, &bytes[..cut]);
            assert_eq!(read, Err(BoundError::Malformed), "{cut}");
        }
        assert_eq!(
            bound.read(LIBRARY, bytes.len() - 1, bytes),
            Err(BoundError::TooLarge { found: bytes.len(), cap: bytes.len() - 1 })
        );
    }

    #[test]
    fn a_run_has_one_name_for_both_roles_and_no_other() {
        let (client, custodian) = shares(1);
        let run = Bound::to(&client).run(LIBRARY, b"1");
        assert_eq!(run, Bound::to(&custodian).run(LIBRARY, b"1"));
        let others = [
            Bound::to(&client).run(LIBRARY, b"2"),
            Bound::to(&client).run("other", b"1"),
            Bound::to(&shares(1).0).run(LIBRARY, b"1"),
            Bound::to(&shares(2).0).run(LIBRARY, b"1"),
        ];
        assert!(others.iter().all(|other| *other != run));
    }
}
