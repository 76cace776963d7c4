"""Methods: from what the user enters to an identity (FORMAT.md, section 5)."""

import hashlib
import unicodedata

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import crockford
import p256
from cbor_strict import decode_whole, is_bytes, is_uint
from verdicts import Refused, require

PASSWORD, RECOVERY_CODE, PIN = 1, 2, 3

# The kinds that can vouch: their slots have a key tag.
CAN_VOUCH = frozenset((1, 2, 4, 6, 7))

_MAX_PASSWORD = 1_024
_MAX_MEMORY, _MAX_PASSES, _MAX_LANES = 524_288, 16, 16
_MAX_WORK = 16_777_216  # memory times passes, of all slots that one opening tries


def hkdf(secret, salt, info, length):
    return HKDF(SHA256(), length, salt, info).derive(secret)


def identity_scalar(secret, salt, info):
    """d = 1 + (OS2IP(HKDF(secret, salt, info, 48)) mod (n − 1))."""
    return 1 + int.from_bytes(hkdf(secret, salt, info, 48), "big") % (p256.ORDER - 1)


def prepare_password(password):
    """The OpaqueString profile (RFC 8265, section 4.2), with the refusals of section 5, step 1."""
    require(password, "password_empty")
    require(len(password.encode("utf-8", "surrogatepass")) <= _MAX_PASSWORD, "password_too_long")
    controls = any(unicodedata.category(character) in ("Cc", "Cs") for character in password)
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password)
    prepared = unicodedata.normalize("NFC", spaced).encode("utf-8", "surrogatepass")
    require(not controls, "password_characters")
    require(len(prepared) <= _MAX_PASSWORD, "password_too_long")
    return prepared


class Password:
    """A password as it was entered, prepared once, for one opening."""

    kind = PASSWORD

    def __init__(self, entered):
        self._prepared = prepare_password(entered)
        self._work = 0

    def cost(self, parameters):
        """Memory times passes: the order in which slots are tried (section 10, step 3)."""
        fields = _password_parameters(parameters)
        return fields[1] * fields[2] if fields else 0

    def identity(self, parameters):
        """Steps 2 to 4; the caps are checked before any work."""
        fields = _password_parameters(parameters)
        require(fields is not None, "slot_parameters")
        salt, memory, passes, lanes = fields
        too_much = memory > _MAX_MEMORY or passes > _MAX_PASSES or lanes > _MAX_LANES
        require(not too_much, "excessive_work")
        require(passes >= 1 and lanes >= 1 and memory >= 8 * lanes, "slot_parameters")
        self._work += memory * passes
        require(self._work <= _MAX_WORK, "excessive_work")
        stretched = hash_secret_raw(
            self._prepared, salt, passes, memory, lanes, hash_len=32, type=Type.ID, version=0x13
        )
        return identity_scalar(stretched, salt, b"twoshare/v1/identity/password")


def _password_parameters(parameters):
    """Salt, memory, passes and lanes, or None."""
    decoded = decode_whole(parameters)
    fields = decoded[0] if decoded and decoded[1] else None
    is_right = (
        isinstance(fields, list)
        and len(fields) == 4
        and is_bytes(fields[0], 16)
        and all(is_uint(number) for number in fields[1:])
    )
    return fields if is_right else None


def read_code(entered):
    """The 16 bytes of a recovery code as a person typed it."""
    groups = crockford.groups_as_entered(entered)
    characters = [character for group in groups for character in group]
    if len(characters) != 35:
        wrong = None
        if len(groups) == 7:
            wrong = next(number for number, group in enumerate(groups, 1) if len(group) != 5)
        raise Refused("code_length", wrong)

    digits = []
    for position, character in enumerate(characters):
        digit = crockford.ALPHABET.find(character)
        if digit < 0:
            raise Refused("code_mistyped", position // 5 + 1)
        digits.append(digit)
    data = []
    for group in range(7):
        *four, check = digits[5 * group : 5 * group + 5]
        if _group_check(group, four) != check:
            raise Refused("code_mistyped", group + 1)
        data += four

    bits = 0
    for digit in data:
        bits = bits << 5 | digit
    secret = (bits >> 12).to_bytes(16, "big")
    check12 = hashlib.sha256(b"twoshare/v1/recovery-code" + secret).digest()
    if bits & 0xFFF != int.from_bytes(check12[:2], "big") >> 4:
        raise Refused("code_mistyped", None)
    return secret


def _group_check(group, four):
    """c[g] = α·d0 + α²·d1 + α³·d2 + α⁴·d3 + g in GF(2⁵)."""
    total = group
    for power, digit in enumerate(four, 1):
        for _ in range(power):
            digit <<= 1
            if digit & 0b100000:
                digit ^= 0b100101
        total ^= digit
    return total


class RecoveryCode:
    """A recovery code as it was entered, read once."""

    kind = RECOVERY_CODE

    def __init__(self, entered):
        self.secret = read_code(entered)

    def cost(self, parameters):
        return 0

    def identity(self, parameters):
        decoded = decode_whole(parameters)
        fields = decoded[0] if decoded and decoded[1] else None
        is_right = isinstance(fields, list) and len(fields) == 1 and is_bytes(fields[0], 16)
        require(is_right, "slot_parameters")
        return identity_scalar(self.secret, fields[0], b"twoshare/v1/identity/recovery-code")


class GivenIdentity:
    """An identity that something else led to: what a PIN's slot is opened with in the vectors."""

    def __init__(self, kind, scalar):
        self.kind = kind
        self._scalar = scalar

    def cost(self, parameters):
        return 0

    def identity(self, parameters):
        return self._scalar
