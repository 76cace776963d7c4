//! The keys of an envelope: key-encryption keys of the slots, the content key and its commitment.

use aes_gcm::{Aes256Gcm, aead::AeadInOut};
use aes_kw::KwAes256;
use coset::{
    CborSerializable, CoseKdfContextBuilder, EncryptionContext, ProtectedHeader, SuppPubInfo,
    enc_structure_data, iana,
};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::header::Header;
use crate::{
    curve::wiping,
    method::{AgreedSecret, DerivedKey},
    secret::SecretBytes,
};

const COMMIT_DST: &[u8] = b"twoshare/v1/commit";
const TAG_LEN: usize = 16;

/// The key that a slot's content key is wrapped under: HKDF-SHA256 without salt (RFC 9053, 5.1 and
/// 6.4.1), with the COSE_KDF_Context (5.2) of A256KW, the slot's protected header, and the hash of the
/// body's.
pub(super) fn kek(agreed: &AgreedSecret, slot: &ProtectedHeader, body_hash: &[u8; 32]) -> Kek {
    Kek(agreed.derive(None, &context(slot, body_hash)))
}

pub(super) fn context(slot: &ProtectedHeader, body_hash: &[u8; 32]) -> Vec<u8> {
    let other = Some(body_hash.to_vec());
    let public = SuppPubInfo { key_data_length: 256, protected: slot.clone(), other };
    CoseKdfContextBuilder::new()
        .algorithm(iana::Algorithm::A256KW)
        .supp_pub_info(public)
        .build()
        .to_vec()
        .expect("integers, nulls and byte strings are always encoded")
}

/// The key-encryption key of one slot.
pub(super) struct Kek(DerivedKey);

impl Kek {
    /// A256KW (RFC 3394).
    pub(super) fn wrap(&self, content_key: &ContentKey) -> [u8; 40] {
        let mut wrapped = [0; 40];
        wiping(|| {
            KwAes256::new((&*self.0.0).into())
                .wrap_key(content_key.0.as_slice(), &mut wrapped)
                .map(drop)
        })
        .expect("32 bytes become 40");
        wrapped
    }

    /// `None` when the wrapped key is not one that this key wrapped.
    pub(super) fn unwrap(&self, wrapped: &[u8; 40]) -> Option<ContentKey> {
        let mut key = ContentKey::zero();
        wiping(|| {
            let unwrapping = KwAes256::new((&*self.0.0).into());
            unwrapping.unwrap_key(wrapped, key.0.as_mut_slice()).map(drop)
        })
        .ok()?;
        Some(key)
    }
}

/// The key of the body, fresh for every seal. On the heap, so that moving it leaves no copies behind.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct ContentKey(pub(super) Box<[u8; 32]>);

impl ContentKey {
    /// To be filled.
    pub(super) fn zero() -> Self {
        Self(Box::new([0; 32]))
    }

    /// HMAC-SHA-256(key, "twoshare/v1/commit" ‖ wallet ‖ epoch). AES-GCM does not bind its key: without
    /// this, two keys could be found under which one ciphertext has two contents.
    pub(super) fn commitment(&self, header: &Header) -> [u8; 32] {
        wiping(|| {
            let mut mac = <Hmac<Sha256>>::new_from_slice(self.0.as_slice())
                .expect("HMAC takes keys of any length");
            mac.update(COMMIT_DST);
            mac.update(&header.wallet.to_bytes());
            mac.update(&header.epoch.get().to_be_bytes());
            mac.finalize().into_bytes().into()
        })
    }

    pub(super) fn is_committed(&self, header: &Header, commitment: &[u8; 32]) -> bool {
        self.commitment(header).ct_eq(commitment).into()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }

    /// AES-256-GCM (SP 800-38D) in place: `plaintext` becomes ciphertext ‖ tag.
    pub(super) fn encrypt(
        &self,
        iv: &[u8; 12],
        body: &ProtectedHeader,
        mut plaintext: SecretBytes,
    ) -> SecretBytes {
        // Encrypted where it is, so that no copy is left.
        let buffer = plaintext.expose_secret_mut();
        let tag = wiping(|| {
            Aes256Gcm::new((&*self.0).into()).encrypt_inout_detached(
                iv.into(),
                &aad(body),
                buffer.into(),
            )
        })
        .expect("8 MiB are less than 64 GiB");
        plaintext.extend(&tag);
        plaintext
    }

    /// `None` when key, header or ciphertext do not belong together.
    pub(super) fn decrypt(
        &self,
        iv: &[u8; 12],
        body: &ProtectedHeader,
        ciphertext: &[u8],
    ) -> Option<SecretBytes> {
        let (ciphertext, tag) =
            ciphertext.split_at_checked(ciphertext.len().checked_sub(TAG_LEN)?)?;
        let mut plaintext = SecretBytes::from(ciphertext);
        // Decrypted into memory that is wiped.
        let (buffer, tag) = (plaintext.expose_secret_mut(), tag.try_into().ok()?);
        wiping(|| {
            Aes256Gcm::new((&*self.0).into()).decrypt_inout_detached(
                iv.into(),
                &aad(body),
                buffer.into(),
                tag,
            )
        })
        .ok()?;
        Some(plaintext)
    }
}

/// Enc_structure (RFC 9052, 5.3).
pub(super) fn aad(body: &ProtectedHeader) -> Vec<u8> {
    enc_structure_data(EncryptionContext::CoseEncrypt, body.clone(), &[])
}
