"""Opening an envelope with a method (FORMAT.md, section 10)."""

import hmac
from collections import Counter
from dataclasses import dataclass, field

import keys
import p256
from envelope import Recipient, Unreadable
from methods import CAN_VOUCH
from payload import Payload, read_payload
from verdicts import Refused, require

_RANKS = {
    "no_slot": 0,
    "unsupported_slot_algorithm": 1,
    "damaged_slot": 2,
    "slot_parameters": 3,
    "excessive_work": 4,
    "wrong_secret": 5,
    "forbidden_ephemeral": 7,
    "substituted": 8,
    "damaged_wrapped_key": 9,
    "damaged_key_commitment": 9,
}


@dataclass
class Expectations:
    """What the caller knows of the envelope; `keys` are (number of the curve, bytes)."""

    wallet: bytes | None = None
    epoch: int | None = None
    digest: bytes | None = None
    keys: list | None = None
    check_code: str | None = None
    accept_unvouched: bool = False


@dataclass
class Opened:
    """What was found, and the values on the way to it (section 15)."""

    payload: Payload
    table: list  # the slots of the slot table
    recipient: Recipient
    identity: int
    content_key: bytes
    plaintext: bytes
    encoded_keys: bytes
    check_code: str
    added: int
    missing: int
    values: dict = field(default_factory=dict)


def open_envelope(envelope, method, expected):
    """The steps of section 10, in their order."""
    header = envelope.header
    require(expected.wallet in (None, header.wallet), "wrong_wallet")  # 1
    require(expected.epoch in (None, header.epoch), "wrong_epoch")
    require(expected.digest in (None, envelope.digest), "wrong_digest")
    vouches = method.kind in CAN_VOUCH
    knows = expected.keys is not None or expected.check_code is not None
    require(vouches or knows or expected.accept_unvouched, "unvouched")  # 2

    recipient, identity, content_key, values = _open_a_slot(envelope, method, vouches)  # 3
    plaintext = keys.decrypt_body(content_key, envelope.iv, envelope.ciphertext, envelope.protected)
    require(plaintext is not None, "damaged_ciphertext")  # 4
    payload, table = read_payload(plaintext, header)  # 5
    require(recipient.slot.protected in payload.table, "payload_unlisted_slot")  # 6

    encoded_keys = keys.wallet_and_keys(header.wallet, payload.keys)
    tag_agreed = p256.agree(identity, keys.tag_point(header.wallet))
    tag_key = keys.tag_key(tag_agreed, header.wallet)
    if vouches:  # 7
        right = hmac.compare_digest(keys.key_tag(tag_key, encoded_keys), recipient.slot.tag)
        require(right, "substituted")
    if expected.keys is not None:  # 8
        for (curve, _), (found, _) in zip(expected.keys, payload.keys):
            require(curve == found, "wrong_curve")
        require(expected.keys == payload.keys, "substituted")
    check_code = keys.check_code(encoded_keys)
    if expected.check_code is not None:  # 9
        require(keys.same_check_code(expected.check_code, check_code), "substituted")

    added, missing = _altered(envelope, payload)
    values |= {"tag_agreed_x": tag_agreed, "tag_key": tag_key}
    return Opened(
        payload, table, recipient, identity, content_key, plaintext, encoded_keys, check_code, added,
        missing, values,
    )


def _open_a_slot(envelope, method, vouches):
    """Step 3: the first slot that passes, or the verdict of the highest rank among all."""
    unreadable = [one for one in envelope.recipients if isinstance(one, Unreadable)]
    readable = [one for one in envelope.recipients if isinstance(one, Recipient)]
    of_this_kind = [one for one in readable if one.slot.kind == method.kind]
    of_this_kind.sort(key=lambda one: method.cost(one.slot.parameters))  # equal ones keep their order

    verdicts = ["no_slot"] + [one.verdict for one in unreadable]  # a, b
    for recipient in of_this_kind:
        try:
            identity, content_key, values = _open_slot(envelope, recipient, method, vouches)
        except Refused as refusal:
            verdicts.append(refusal.verdict)
        else:
            return recipient, identity, content_key, values
    raise Refused(max(verdicts, key=_RANKS.__getitem__))


def _open_slot(envelope, recipient, method, vouches):
    """Steps c to h for one slot: the identity, the content key, and the values on the way."""
    header, slot = envelope.header, recipient.slot
    identity = method.identity(slot.parameters)  # c
    require(p256.public_key(identity) == slot.public_key, "wrong_secret")  # d
    require(not vouches or slot.tag is not None, "substituted")  # e
    point = keys.tag_point(header.wallet)
    forbidden = p256.x_coordinate(recipient.ephemeral) == p256.x_coordinate(point)
    require(not forbidden, "forbidden_ephemeral")  # f

    agreed = p256.agree(identity, recipient.ephemeral)
    context = keys.kdf_context(slot.protected, envelope.protected)
    kek = keys.key_encryption_key(agreed, context)
    content_key = keys.unwrap(kek, recipient.wrapped_key)
    require(content_key is not None, "damaged_wrapped_key")  # g
    commitment = keys.key_commitment(content_key, header.wallet, header.epoch)
    require(hmac.compare_digest(commitment, header.commitment), "damaged_key_commitment")  # h
    values = {
        "agreed_x": agreed,
        "kdf_context": context,
        "key_encryption_key": kek,
        "key_commitment": commitment,
        "tag_point": point,
    }
    return identity, content_key, values


def _altered(envelope, payload):
    """How many recipients were added and how many entries of the slot table are missing."""
    there = Counter(recipient.compared for recipient in envelope.recipients)
    listed = Counter(payload.table)
    return (there - listed).total(), (listed - there).total()
