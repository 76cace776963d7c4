"""FORMAT.md's worked example (section 15), byte for byte.

The envelope and the code are taken from the text; what the reader computes from them is compared with
every other value that the text has, block by block, and none may be left over.
"""

import hashlib
import re

import keys
import methods
import payload as payload_reader
from cbor_strict import decode_whole, encode
from envelope import read_envelope
from opening import Expectations, open_envelope

# The blocks of the section in their order: words of the sentence before each, and what it is.
_BLOCKS = [
    ("The envelope, whose SHA-256", "message"),
    ("the body's protected header", "body_protected"),
    ("which is", "body as text"),
    ("the IV", "iv"),
    ("the slot's protected header", "slot_protected"),
    ("which is", "slot as text"),
    ("the ephemeral key", "ephemeral_key"),
    ("the wrapped content key", "wrapped_key"),
    ("The identity `d`", "identity_scalar"),
    ("`Z = x(d·R)`", "agreed_x"),
    ("SHA-256 of the body's protected header", "body_hash"),
    ("COSE_KDF_Context", "kdf_context"),
    ("KEK", "key_encryption_key"),
    ("The content key", "content_key"),
    ("Its commitment", "key_commitment"),
    ("Enc_structure", "enc_structure"),
    ("The plaintext", "plaintext"),
    ("with the share", "share"),
    ("The point `T`", "tag_point"),
    ("`x(d·T)`", "tag_agreed_x"),
    ("`k`", "tag_key"),
    ("`W`", "wallet_and_keys"),
]


def values_on_the_way(envelope, opened):
    """Every intermediate value, under the names that the vectors give them in `worked`."""
    return opened.values | {
        "body_hash": hashlib.sha256(envelope.protected).digest(),
        "body_protected": envelope.protected,
        "content_key": opened.content_key,
        "enc_structure": keys.enc_structure(envelope.protected),
        "ephemeral_key": opened.recipient.ephemeral,
        "identity_scalar": opened.identity.to_bytes(32, "big"),
        "iv": envelope.iv,
        "key_tag": opened.recipient.slot.tag,
        "plaintext": opened.plaintext,
        "slot_protected": opened.recipient.slot.protected,
        "wallet_and_keys": opened.encoded_keys,
        "wrapped_key": opened.recipient.wrapped_key,
    }


def check(specification):
    """The differences between the text and what the reader finds, as sentences."""
    section = specification.split("\n## 15. A worked example\n")
    if len(section) != 2:
        return ["there is no section 15"]
    blocks, prose = _blocks_of(section[1])
    if len(blocks) != len(_BLOCKS):
        return [f"{len(blocks)} blocks where {len(_BLOCKS)} are known"]
    differences = []
    for (sentence, _), (words, name) in zip(blocks, _BLOCKS):
        if words not in sentence:
            differences.append(f"the sentence before {name} is {sentence!r}")
    texts = {name: text for (_, text), (_, name) in zip(blocks, _BLOCKS)}

    code = re.search(r"The code is `([^`]+)`, read as `e` = `([0-9a-f]+)`", prose)
    if code is None:
        return differences + ["there is no code"]
    envelope = read_envelope(bytes.fromhex(texts["message"]))
    method = methods.RecoveryCode(code[1])
    opened = open_envelope(envelope, method, Expectations())
    found = values_on_the_way(envelope, opened)
    found |= {"message": envelope.message, "share": opened.payload.shares[0].encoding}

    for name, text in texts.items():
        if name in found and "".join(text.split()) != found[name].hex():
            differences.append(f"{name} is {found[name].hex()}")
    differences += _diagnostics(texts["body as text"], envelope.protected)
    differences += _diagnostics(texts["slot as text"], opened.recipient.slot.protected)

    salt = decode_whole(opened.recipient.slot.parameters)[0][0]
    in_sentences = [
        envelope.digest.hex(),
        "d8 60 84 58 56",
        "a1 05 4c",
        "81 83",
        "58 9f",
        method.secret.hex(),
        salt.hex(),
        found["key_tag"].hex(),
    ]
    quoted = [q for q in re.findall(r"`([^`]+)`", prose) if re.fullmatch(r"[0-9a-f]{2}( ?[0-9a-f]{2})+", q)]
    if quoted != in_sentences:
        differences.append(f"the sentences have {quoted}, found were {in_sentences}")
    # The heads that the sentences name, put together with the parts, are the envelope.
    whole = (
        bytes.fromhex("d860845856") + envelope.protected + bytes.fromhex("a1054c") + envelope.iv
        + encode(envelope.ciphertext) + bytes.fromhex("8183589f") + found["slot_protected"]
    )
    if not envelope.message.startswith(whole) or len(envelope.protected) != 86:
        differences.append("the parts are not where the sentences say")
    if f"The check code: `{opened.check_code}`." not in prose:
        differences.append(f"the check code is {opened.check_code}")
    rebuilt = [
        2,
        [found["share"]],
        [],
        [],
        opened.payload.custodian,
        [found["slot_protected"]],
    ]
    if encode(rebuilt) != opened.plaintext or payload_reader.read_payload(
        opened.plaintext, envelope.header
    )[0].kind != 2:
        differences.append("the plaintext is not [2, [share], [], [], custodian, [slot]]")
    return differences


def _blocks_of(section):
    """The indented blocks, each with the sentence before it; and all the sentences."""
    blocks, prose = [], []
    for paragraph in re.split(r"\n\s*\n", section.strip("\n")):
        if paragraph.startswith("    "):
            blocks.append((prose[-1], paragraph))
        else:
            prose.append(" ".join(paragraph.split()))
    return blocks, "\n".join(prose)


def _diagnostics(text, protected):
    """Compare a map in diagnostic notation with the bytes; an ellipsis stands for anything."""
    differences = []
    entries = re.findall(r"(-?\d+): (h'[^']*'|\"[^\"]*\"|-?\d+)", text)
    values = dict(decode_whole(protected)[0])
    if [int(label) for label, _ in entries] != list(values):
        differences.append(f"the labels of {text!r} are {list(values)}")
    for label, written in entries:
        value = values.get(int(label))
        if isinstance(value, bytes):
            right = value.hex().startswith(written[2:-1].replace(" ", "").rstrip("…"))
            right = right and (written.endswith("…'") or len(written) == 2 * len(value) + 3)
        else:
            right = written == (f'"{value}"' if isinstance(value, str) else str(value))
        if not right:
            differences.append(f"{label} is {value!r}")
    return differences
