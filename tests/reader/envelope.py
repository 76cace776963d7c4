"""Reading an envelope without any secret (FORMAT.md, sections 2 to 4, and the checks of section 9)."""

import hashlib
from dataclasses import dataclass

import p256
from cbor_strict import (
    ARRAY,
    BYTES,
    MAP,
    TAG,
    UNSIGNED,
    Decoder,
    NotWellFormed,
    Pairs,
    Truncated,
    decode_whole,
    is_bytes,
    is_int,
    is_text,
    is_uint,
)
from verdicts import Refused, require

MAX_SLOTS = 16
_MAX_MESSAGE = 8_388_608
_MAX_PROTECTED = 4_096
_MAX_RECIPIENT = 4_352
_MAX_PARAMETERS = 2_048
_MAX_TEXT = 256

_ALGORITHM, _VERSION = 1, -70001
_A256GCM, _ECDH_ES_A256KW = 3, -31


@dataclass
class Header:
    """The body's protected header (section 3)."""

    wallet: bytes
    epoch: int
    created: int
    commitment: bytes
    kind: int | None
    name: str | None
    network: str | None


@dataclass
class Slot:
    """The protected header of a slot (section 4)."""

    protected: bytes
    kind: int
    label: str
    parameters: bytes
    public_key: bytes
    tag: bytes | None


@dataclass
class Recipient:
    """A slot with the ephemeral key and the wrapped content key."""

    raw: bytes
    slot: Slot
    ephemeral: bytes
    wrapped_key: bytes

    @property
    def compared(self):
        """What is compared with the slot table (section 10, "Altered slots")."""
        return self.slot.protected


@dataclass
class Unreadable:
    """A recipient that is not as section 4 says."""

    raw: bytes
    verdict: str
    protected: bytes | None

    @property
    def compared(self):
        """What is compared with the slot table (section 10, "Altered slots")."""
        too_long = len(self.raw) > _MAX_RECIPIENT
        return self.raw if too_long or self.protected is None else self.protected


@dataclass
class Envelope:
    """A COSE message that passed section 9, with its recipients in their order."""

    message: bytes
    protected: bytes
    header: Header
    iv: bytes
    ciphertext: bytes
    recipients: list

    @property
    def digest(self):
        return hashlib.sha256(self.message).digest()


def read_envelope(message):
    """The steps of section 9, in their order."""
    require(len(message) <= _MAX_MESSAGE, "too_large")  # 1
    outside = Decoder(message)
    try:
        protected = _read_beginning(outside)  # 2
        header = _read_header(protected)  # 3 to 7
        iv, ciphertext, count = _read_middle(outside)  # 8
        require(count <= MAX_SLOTS, "too_many_slots")  # 9
        raw_recipients = [_read_item(outside) for _ in range(count)]  # 10
    except Truncated:
        raise Refused("truncated") from None
    except NotWellFormed:
        raise Refused("malformed") from None
    require(outside.at_end(), "trailing_bytes")  # 11
    require(count >= 1 and outside.deterministic, "malformed")  # 12
    recipients = [_read_recipient(raw) for raw in raw_recipients]
    return Envelope(message, protected, header, iv, ciphertext, recipients)


def _read_beginning(outside):
    """Step 2: the tag, the array and the byte string."""
    try:
        require(outside.head(TAG) == (TAG, 96), "not_an_envelope")
        require(outside.head(ARRAY) == (ARRAY, 4), "not_an_envelope")
        return _read_bytes(outside)
    except NotWellFormed:
        raise Refused("not_an_envelope") from None


def _read_bytes(outside):
    """A byte string of a definite length."""
    _, length = outside.head(BYTES)
    if length is None:
        raise NotWellFormed
    return outside.take(length)


def _read_middle(outside):
    """Step 8: the IV, the ciphertext, and the number of recipients."""
    require(outside.head(MAP) == (MAP, 1), "malformed")
    require(outside.head(UNSIGNED) == (UNSIGNED, 5), "malformed")
    iv = _read_bytes(outside)
    require(len(iv) == 12, "malformed")
    ciphertext = _read_bytes(outside)
    require(len(ciphertext) >= 16, "malformed")
    _, count = outside.head(ARRAY)
    require(count is not None, "malformed")
    return iv, ciphertext, count


def _read_item(outside):
    """Step 10: the bytes of one well-formed item, deterministic or not."""
    inside = Decoder(outside.data, outside.position)
    inside.item()
    raw = outside.data[outside.position : inside.position]
    outside.position = inside.position
    return raw


def _read_header(protected):
    """Steps 3 to 7: the body's protected header."""
    require(len(protected) <= _MAX_PROTECTED, "malformed")  # 3
    header_map = _map_of_labels(protected)  # 4
    require(header_map is not None and _VERSION in dict(header_map[0]), "not_an_envelope")
    pairs, deterministic = header_map
    values = dict(pairs)
    version = values[_VERSION]
    require(not (is_uint(version) and version > 1), "newer_version")  # 5
    require(is_uint(version) and version == 1, "malformed")
    algorithm = values.get(_ALGORITHM)
    require(is_int(algorithm) and algorithm == _A256GCM, "unsupported_algorithm")  # 6

    required = (_ALGORITHM, _VERSION, -70002, -70003, -70004, -70005)  # 7
    optional = (-70006, -70007, -70008)
    well_formed = (
        deterministic
        and _labels_are(pairs, required, optional)
        and is_bytes(values[-70002], 16)
        and is_uint(values[-70003])
        and values[-70003] >= 1
        and is_uint(values[-70004])
        and is_bytes(values[-70005], 32)
        and (-70006 not in values or (is_uint(values[-70006]) and values[-70006] in (1, 2)))
        and all(label not in values or is_text(values[label], _MAX_TEXT) for label in (-70007, -70008))
    )
    require(well_formed, "malformed")
    return Header(
        wallet=values[-70002],
        epoch=values[-70003],
        created=values[-70004],
        commitment=values[-70005],
        kind=values.get(-70006),
        name=values.get(-70007),
        network=values.get(-70008),
    )


def _labels_are(pairs, required, optional):
    """All required labels, then optional ones, in the order given, and nothing else."""
    labels = tuple(label for label, _ in pairs)
    return labels == required + tuple(label for label in optional if label in labels)


def _map_of_labels(protected):
    """The pairs of a map of distinct labels and whether they were written deterministically, or None."""
    decoded = decode_whole(protected)
    if decoded is None or not isinstance(decoded[0], Pairs):
        return None
    labels = [label for label, _ in decoded[0]]
    if not all(isinstance(label, str) or _is_int64(label) for label in labels):
        return None
    return decoded if len(set(labels)) == len(labels) else None


def _is_int64(value):
    return is_int(value) and -(1 << 63) <= value < 1 << 63


def read_slot(protected):
    """The protected header of a slot (section 4), or None where it is not one."""
    header_map = _map_of_labels(protected) if len(protected) <= _MAX_PROTECTED else None
    if header_map is None:
        return None
    pairs, deterministic = header_map
    values = dict(pairs)
    well_formed = (
        deterministic
        and _labels_are(pairs, (_ALGORITHM, -70011, -70012, -70013, -70014), (-70015,))
        and values[_ALGORITHM] == _ECDH_ES_A256KW
        and is_uint(values[-70011])
        and is_text(values[-70012], _MAX_TEXT)
        and is_bytes(values[-70013])
        and len(values[-70013]) <= _MAX_PARAMETERS
        and is_bytes(values[-70014], 65)
        and p256.is_point(values[-70014])
        and (-70015 not in values or is_bytes(values[-70015], 32))
    )
    if not well_formed:
        return None
    return Slot(
        protected, values[-70011], values[-70012], values[-70013], values[-70014], values.get(-70015)
    )


def _read_recipient(raw):
    """One recipient, by itself (section 9, the end)."""
    value, deterministic = decode_whole(raw)
    protected = None
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        protected = value[0]
        may_be_read = len(raw) <= _MAX_RECIPIENT and len(protected) <= _MAX_PROTECTED
        header_map = _map_of_labels(protected) if may_be_read else None
        if header_map:
            algorithm = dict(header_map[0]).get(_ALGORITHM)
            if not is_int(algorithm) or algorithm != _ECDH_ES_A256KW:
                return Unreadable(raw, "unsupported_slot_algorithm", protected)

    damaged = Unreadable(raw, "damaged_slot", protected)
    if len(raw) > _MAX_RECIPIENT or not deterministic or protected is None or len(value) != 3:
        return damaged
    slot = read_slot(protected)
    ephemeral = _read_ephemeral(value[1])
    if slot is None or ephemeral is None or not is_bytes(value[2], 40):
        return damaged
    return Recipient(raw, slot, ephemeral, value[2])


def _read_ephemeral(unprotected):
    """The ephemeral key of `{-1: {1: 2, -1: 1, -2: x, -3: y}}` as a point, or None."""
    if not isinstance(unprotected, Pairs) or len(unprotected) != 1:
        return None
    label, key = unprotected[0]
    if not is_int(label) or label != -1 or not isinstance(key, Pairs):
        return None
    if [name for name, _ in key] != [1, -1, -2, -3]:
        return None
    kind, curve, x, y = (value for _, value in key)
    if not (is_int(kind) and kind == 2 and is_int(curve) and curve == 1):
        return None
    if not (is_bytes(x, 32) and is_bytes(y, 32)):
        return None
    point = b"\x04" + x + y
    return point if p256.is_point(point) else None
