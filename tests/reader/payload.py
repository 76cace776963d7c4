"""The payload (FORMAT.md, section 8), in the order of checks of section 10."""

from dataclasses import dataclass

import p256
from cbor_strict import (
    ARRAY,
    BYTES,
    UNSIGNED,
    Decoder,
    NotWellFormed,
    Truncated,
    decode_whole,
    is_bytes,
    is_text,
    is_uint,
)
from envelope import MAX_SLOTS, read_slot
from share_curves import CURVES, Secp256k1, share_fits
from verdicts import Refused, require

_MAX_ITEMS = 64
_MAX_NAME = 128
_MAX_LABEL = 128
_MAX_BYTES = 1 << 20
_CLIENT, _CUSTODIAN = 1, 2
_SIGNING, _BACKUP = 1, 2
_SECRET_LENGTHS = tuple(160 * 2**i + 16 for i in range(14))


@dataclass
class Share:
    """One share of the client."""

    encoding: bytes
    curve: type
    purpose: int
    wallet: bytes
    epoch: int
    index: int
    commitment: bytes
    value: bytes

    @property
    def key(self):
        """X, the wallet's public key."""
        return self.commitment[: self.curve.point_length]


@dataclass
class Secret:
    """One sealed secret."""

    encoding: bytes
    wallet: bytes
    index: int
    key: bytes


@dataclass
class Attachment:
    """An attachment; `content` is None where it is only named."""

    name: str
    content: bytes | None


@dataclass
class Payload:
    kind: int
    shares: list
    secrets: list
    attachments: list
    custodian: bytes
    table: list  # protected headers

    @property
    def keys(self):
        """The wallet's keys as the key tag and the check code take them."""
        return [(share.curve.number, share.key) for share in self.shares]


def read_payload(plaintext, header):
    """The payload of an envelope with this header, and the slots of its table."""
    payload = _read_form(plaintext)
    require(header.kind is None or header.kind == payload.kind, "payload_wrong_kind")
    require(payload.shares, "payload_no_keys")
    for index, share in enumerate(payload.shares):
        require(share.wallet == header.wallet, "payload_wrong_wallet")
        require(share.purpose == _BACKUP, "payload_wrong_purpose")
        require(share.epoch == header.epoch, "payload_wrong_epoch")
        require(share.index == index, "payload_wrong_index")
    taken = set()
    for secret in payload.secrets:
        require(secret.wallet == header.wallet, "payload_wrong_wallet")
        named = payload.shares[secret.index] if secret.index < len(payload.shares) else None
        fits = named is not None and named.curve is Secp256k1 and named.key == secret.key
        require(fits and secret.index not in taken, "payload_secret_without_key")
        taken.add(secret.index)
    slots = [read_slot(protected) for protected in payload.table]
    require(all(slots), "payload_slot_table")
    require(len({slot.public_key for slot in slots}) == len(slots), "payload_slot_table")
    return payload, slots


def _read_form(plaintext):
    """The form, item by item: the first thing that is wrong gives the verdict."""
    form = Decoder(plaintext)
    try:
        payload = _read_items(form)
    except (Truncated, NotWellFormed):
        raise Refused("payload_malformed") from None
    require(form.at_end(), "payload_malformed")
    return payload


def _read_items(form):
    _expect(form, ARRAY, 6)
    kind = _expect(form, UNSIGNED)
    require(kind in (1, 2), "payload_malformed")
    shares = [_read_share(_read_bytes(form)) for _ in range(_count(form, _MAX_ITEMS))]
    secrets = [_read_secret(_read_bytes(form)) for _ in range(_count(form, _MAX_ITEMS))]
    attachments = [_read_attachment(_read_bytes(form)) for _ in range(_count(form, _MAX_ITEMS))]
    custodian = _read_bytes(form)
    require(_is_custodian(custodian), "payload_custodian")
    table = [_read_bytes(form) for _ in range(_count(form, MAX_SLOTS))]
    return Payload(kind, shares, secrets, attachments, custodian, table)


def _expect(form, major, argument=None):
    """The argument of a deterministic head of this type."""
    found = form.head()
    right = form.deterministic and found[0] == major and argument in (None, found[1])
    require(right, "payload_malformed")
    return found[1]


def _count(form, at_most):
    count = _expect(form, ARRAY)
    require(count <= at_most, "payload_malformed")
    return count


def _read_bytes(form):
    return form.take(_expect(form, BYTES))


def _fields(encoding, verdict, *lengths):
    """The items of a deterministic array that is all of `encoding`."""
    decoded = decode_whole(encoding)
    require(decoded is not None and decoded[1] and isinstance(decoded[0], list), verdict)
    require(len(decoded[0]) in lengths, verdict)
    return decoded[0]


def _read_share(encoding):
    fields = _fields(encoding, "payload_share", 9)
    version, role, curve_number, purpose, wallet, epoch, index, commitment, value = fields
    numbers_are_right = (
        all(is_uint(number) for number in (version, role, curve_number, purpose, epoch, index))
        and version == 1
        and role in (_CLIENT, _CUSTODIAN)
        and curve_number in CURVES
        and purpose in (_SIGNING, _BACKUP)
    )
    require(numbers_are_right, "payload_share")
    curve = CURVES[curve_number]
    form_is_right = (
        is_bytes(wallet, 16) and epoch >= 1 and index <= 255 and is_bytes(commitment) and is_bytes(value)
    )
    require(form_is_right, "payload_share")
    require(role == _CLIENT, "payload_wrong_role")
    sizes_are_right = len(commitment) == 2 * curve.point_length and len(value) == 32
    require(sizes_are_right and share_fits(curve, commitment, value), "payload_share")
    return Share(encoding, curve, purpose, wallet, epoch, index, commitment, value)


def _read_secret(encoding):
    fields = _fields(encoding, "payload_secret", 7)
    version, wallet, index, kind, label, key, ciphertext = fields
    is_right = (
        all(is_uint(number) for number in (version, index, kind))
        and version == 1
        and is_bytes(wallet, 16)
        and index <= 255
        and 1 <= kind <= 5
        and is_text(label, _MAX_LABEL)
        and is_bytes(key, 33)
        and Secp256k1.decode(key) is not None
        and is_bytes(ciphertext, *_SECRET_LENGTHS)
    )
    require(is_right, "payload_secret")
    return Secret(encoding, wallet, index, key)


def _read_attachment(encoding):
    fields = _fields(encoding, "payload_attachment", 2, 3)
    kind, name, *content = fields
    is_right = (
        is_uint(kind)
        and (kind, len(content)) in ((1, 1), (2, 0))
        and is_text(name, _MAX_NAME)
        and name != ""
        and all(isinstance(one, bytes) and len(one) <= _MAX_BYTES for one in content)
    )
    require(is_right, "payload_attachment")
    return Attachment(name, content[0] if content else None)


def _is_custodian(custodian):
    """Two compressed points with different x-coordinates."""
    signing, sealing = custodian[:33], custodian[33:]
    return (
        len(custodian) == 66
        and signing[0] in (2, 3)
        and sealing[0] in (2, 3)
        and p256.is_point(signing)
        and p256.is_point(sealing)
        and signing[1:] != sealing[1:]
    )
