"""Keys, the key tag and the check code (FORMAT.md, sections 6 and 7)."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

import crockford
import p256
from cbor_strict import encode
from methods import hkdf

_A256KW = -5


def kdf_context(slot_protected, body_protected):
    """COSE_KDF_Context (RFC 9053, section 5.2) with the hash of the body's header in SuppPubInfo.other."""
    nobody = [None, None, None]
    body_hash = hashlib.sha256(body_protected).digest()
    return encode([_A256KW, nobody, nobody, [256, slot_protected, body_hash]])


def key_encryption_key(agreed, context):
    return hkdf(agreed, None, context, 32)


def unwrap(kek, wrapped):
    """The content key, or None where RFC 3394's integrity check fails."""
    try:
        return aes_key_unwrap(kek, wrapped)
    except InvalidUnwrap:
        return None


def key_commitment(content_key, wallet, epoch):
    message = b"twoshare/v1/commit" + wallet + epoch.to_bytes(8, "big")
    return hmac.digest(content_key, message, "sha256")


def enc_structure(body_protected):
    """The additional data of the body (RFC 9052, section 5.3)."""
    return encode(["Encrypt", body_protected, b""])


def decrypt_body(content_key, iv, ciphertext, body_protected):
    """The plaintext, or None where the ciphertext is not authentic."""
    try:
        return AESGCM(content_key).decrypt(iv, ciphertext, enc_structure(body_protected))
    except InvalidTag:
        return None


def tag_point(wallet):
    """T, the point of the wallet's key tags."""
    return p256.hash_to_curve(wallet, b"twoshare/v1/key-tag/P256_XMD:SHA-256_SSWU_RO_")


def tag_key(agreed, wallet):
    """k, from x(d·T)."""
    return hkdf(agreed, b"twoshare/v1/key-tag", wallet, 32)


def wallet_and_keys(wallet, keys):
    """W, of (number of the curve, bytes of the key) in the order of the wallet."""
    encoded = wallet + bytes([len(keys)])
    for curve, key in keys:
        encoded += bytes([curve, len(key)]) + key
    return encoded


def key_tag(key, encoded_keys):
    return hmac.digest(key, b"twoshare/v1/key-tag" + encoded_keys, "sha256")


def check_code(encoded_keys):
    """The first 100 bits, as 20 characters in groups of five."""
    digest = hashlib.sha256(b"twoshare/v1/check-code" + encoded_keys).digest()
    return crockford.text_of_bits(digest, 100, 5)


def same_check_code(entered, right):
    """Compared after the reading of look-alikes, case and separators of section 5."""

    def characters(code):
        return [character for group in crockford.groups_as_entered(code) for character in group]

    return characters(entered) == characters(right)


def slot_id(public_key):
    """The slot id as text (section 4)."""
    return crockford.text_of_bits(hashlib.sha256(public_key).digest()[:10], 80, 4)
