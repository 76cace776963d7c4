//! `[1, role, curve, purpose, wallet, epoch, index, X ‖ A, f(i)]` in deterministic CBOR.

use super::{Commitment, HasRole, KeyId, Share, ShareError};
use crate::{
    curve::Curve,
    id::{CurveId, Epoch, Purpose, Role, Sharing, WalletId},
    secret::SecretBytes,
    wire::{Malformed, Reader, Writer},
};

const VERSION: u64 = 1;

/// Fits every share: at most 5 one-byte heads and numbers, two of up to 9 bytes, and byte strings
/// of 16, 66 and 32 bytes after heads of up to 2.
const CAPACITY: usize = 160;

pub(super) fn write<C: Curve, R: HasRole>(share: &Share<C, R>) -> SecretBytes {
    let KeyId { sharing, index } = share.id;
    Writer::new(CAPACITY)
        .array(9)
        .uint(VERSION)
        .uint(R::ROLE.number().into())
        .uint(C::ID.number().into())
        .uint(sharing.purpose.number().into())
        .bytes(&sharing.wallet.to_bytes())
        .uint(sharing.epoch.get())
        .uint(index.into())
        .bytes(&share.commitment.to_bytes())
        // Exposed: into wiped memory.
        .bytes(share.value.expose_secret().expose_secret())
        .finish()
}

/// The parts of an encoding whose form is right, before the values are looked at.
#[derive(Debug)]
pub(super) struct Parts<'b> {
    role: Role,
    pub(super) curve: CurveId,
    id: KeyId,
    commitment: &'b [u8],
    value: SecretSlice<'b>,
}

impl<'b> Parts<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, ShareError> {
        let mut reader = Reader::new(bytes);
        let len = reader.array(usize::from(u8::MAX))?;
        match reader.uint()? {
            VERSION if len == 9 => {}
            found if found > VERSION => {
                return Err(ShareError::NewerVersion { found, supported: VERSION });
            }
            _ => return Err(ShareError::Malformed),
        }
        let parts = Self {
            role: Role::from_number(reader.uint()?).ok_or(Malformed)?,
            curve: CurveId::from_number(reader.uint()?).ok_or(Malformed)?,
            id: {
                let purpose = Purpose::from_number(reader.uint()?).ok_or(Malformed)?;
                let wallet = WalletId::from_bytes(*reader.fixed()?);
                let epoch = Epoch::new(reader.uint()?).ok_or(Malformed)?;
                KeyId { sharing: Sharing { wallet, purpose, epoch }, index: reader.u8()? }
            },
            commitment: reader.bytes()?,
            value: SecretSlice(reader.bytes()?),
        };
        reader.end()?;
        Ok(parts)
    }

    pub(super) fn check<C: Curve, R: HasRole>(self) -> Result<Share<C, R>, ShareError> {
        if self.role != R::ROLE {
            return Err(ShareError::RoleMismatch { expected: R::ROLE, found: self.role });
        }
        if self.curve != C::ID {
            return Err(ShareError::CurveMismatch { expected: C::ID, found: self.curve });
        }
        Share::new(self.id, Commitment::from_bytes(self.commitment)?, self.value.0)
    }
}

/// Borrowed secret bytes, redacted.
struct SecretSlice<'b>(&'b [u8]);

impl core::fmt::Debug for SecretSlice<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("redacted")
    }
}
