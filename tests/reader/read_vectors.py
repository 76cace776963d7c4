"""Checks the test vectors of envelopes with a reader that was written from FORMAT.md alone.

    python read_vectors.py <folder of the vectors>

Every vector of the folder's `envelope` is read, and every opening in it is tried: what has to open opens,
with the content that the vector states and through pycose as well, and what has to be refused is refused
with exactly its verdict. FORMAT.md's worked example is checked byte for byte. One line is printed for
each; the exit status is 1 when anything failed. Nothing is ever skipped: a folder without vectors, a file
that is no vector, and a vector of an unknown shape are failures.
"""

import json
import sys
import traceback
from pathlib import Path

sys.dont_write_bytecode = True  # the reader's folder is left as it is

import crockford
import keys
import methods
import standard_cose
import worked_example
from container import read_container, read_copies
from envelope import read_envelope
from opening import Expectations, open_envelope
from share_curves import CURVES
from text_form import read_text
from verdicts import Refused

SPECIFICATION = Path(__file__).resolve().parents[2] / "crates" / "core" / "FORMAT.md"

_FORMAT = "twoshare envelope, version 1"
_WALLET_KINDS = {1: "mpc", 2: "single_key"}
_CURVE_NUMBERS = {curve.name: number for number, curve in CURVES.items()}


class Wrong(Exception):
    """A vector does not have its shape, or the reader finds something else than the vector states."""


def keys_are(what, found, required, optional=()):
    """The object has all required members, and no others but optional ones."""
    if not isinstance(found, dict) or not set(required) <= set(found) <= set(required) | set(optional):
        raise Wrong(f"unknown shape of {what}: {sorted(found) if isinstance(found, dict) else found!r}")


def same(what, found, stated):
    if found != stated or type(found) is not type(stated):
        raise Wrong(f"{what}: found {found!r}, the vector states {stated!r}")


def verdict_of(action):
    """What the action returns, its verdict, and the group of a code that is refused."""
    try:
        return action(), "ok", None
    except Refused as refusal:
        return None, refusal.verdict, refusal.group


def read_input(given):
    """The COSE message that an input is, read."""
    keys_are("input", given, (), ("cose", "container", "copies", "text"))
    if len(given) != 1:
        raise Wrong("not exactly one input")
    ((form, value),) = given.items()
    if form == "text":
        return read_envelope(read_text(value))
    if form == "copies":
        first, second, third = (bytes.fromhex(copy) for copy in value)
        return read_envelope(read_copies([first, second, third]))
    data = bytes.fromhex(value)
    return read_envelope(data if form == "cose" else read_container(data))


def stated_header(envelope):
    header = envelope.header
    return {
        "wallet": header.wallet.hex(),
        "epoch": header.epoch,
        "created": header.created,
        "kind": None if header.kind is None else _WALLET_KINDS[header.kind],
        "name": header.name,
        "network": header.network,
        "digest": envelope.digest.hex(),
    }


def object_names(envelope):
    """What a store calls the envelope and its receipt (FORMAT.md, section 11)."""
    wallet = crockford.text_of_bytes(envelope.header.wallet).lower()
    name = f"{wallet}-{envelope.header.epoch:020}-{envelope.digest.hex()}"
    return {"envelope": f"{name}.envelope", "receipt": f"{name}.receipt"}


def stated_payload(opened):
    payload = opened.payload
    return {
        "kind": _WALLET_KINDS[payload.kind],
        "check_code": opened.check_code,
        "custodian": payload.custodian.hex(),
        "keys": [
            {
                "curve": share.curve.name,
                "verifying_key": share.key.hex(),
                "commitment": share.commitment.hex(),
                "share": share.value.hex(),
                "encoding": share.encoding.hex(),
            }
            for share in payload.shares
        ],
        "secrets": [secret.encoding.hex() for secret in payload.secrets],
        "attachments": [
            {
                "name": attachment.name,
                "class": "per_device" if attachment.content is None else "durable",
                "bytes": None if attachment.content is None else attachment.content.hex(),
            }
            for attachment in payload.attachments
        ],
        "slots": [
            {
                "id": keys.slot_id(slot.public_key),
                "kind": slot.kind,
                "label": slot.label,
                "protected": slot.protected.hex(),
            }
            for slot in opened.table
        ],
    }


def make_method(attempt):
    """The method of an attempt, from what the user enters; it may be refused before any work."""
    if attempt["method"] == "password":
        return methods.Password(attempt["secret"])
    if attempt["method"] == "recovery_code":
        return methods.RecoveryCode(attempt["secret"])
    if attempt["method"] == "pin":
        return methods.GivenIdentity(methods.PIN, int(attempt["identity"], 16))
    raise Wrong(f"unknown method {attempt['method']!r}")


def make_expectations(attempt):
    stated = attempt.get("expect", {})
    keys_are("expect", stated, (), ("wallet", "epoch", "digest", "keys", "check_code"))
    wallet_keys = stated.get("keys")
    if wallet_keys is not None:
        for key in wallet_keys:
            keys_are("an expected key", key, ("curve", "key"))
        wallet_keys = [(_CURVE_NUMBERS[key["curve"]], bytes.fromhex(key["key"])) for key in wallet_keys]
    return Expectations(
        wallet=bytes.fromhex(stated["wallet"]) if "wallet" in stated else None,
        epoch=stated.get("epoch"),
        digest=bytes.fromhex(stated["digest"]) if "digest" in stated else None,
        keys=wallet_keys,
        check_code=stated.get("check_code"),
        accept_unvouched=attempt.get("accept_unvouched", False),
    )


def check_attempt(vector, envelope, attempt):
    """One opening: its result, and where it is `ok` everything that it finds."""
    entered = "identity" if attempt.get("method") == "pin" else "secret"
    keys_are(
        "an attempt",
        attempt,
        ("method", "result", entered),
        ("expect", "accept_unvouched", "group", "altered"),
    )
    if "group" in attempt and not attempt["result"].startswith("code_"):
        raise Wrong("a group of something that is no refused code")
    opened, verdict, group = verdict_of(
        lambda: open_envelope(envelope, make_method(attempt), make_expectations(attempt))
    )
    same(f"result of {attempt['method']}", verdict, attempt["result"])
    if verdict.startswith("code_"):
        same("group", group, attempt["group"])
    if opened is None:
        if "altered" in attempt:
            raise Wrong("altered slots of what does not open")
        return
    same(
        "altered",
        {"added": opened.added, "missing": opened.missing},
        attempt.get("altered", {"added": 0, "missing": 0}),
    )
    same("payload", stated_payload(opened), vector["payload"])
    by_library = standard_cose.decrypt(envelope, opened.recipient, opened.identity)
    same("plaintext by pycose", by_library, opened.plaintext)
    if vector["worked"] is not None:
        worked = worked_example.values_on_the_way(envelope, opened)
        same("worked", {name: value.hex() for name, value in worked.items()}, vector["worked"])


def check_vector(path):
    """One vector; a sentence about what was checked."""
    vector = json.loads(path.read_text(encoding="utf-8"))
    members = ("format", "name", "about", "input", "read", "header", "attempts", "payload", "worked")
    keys_are("the vector", vector, members, ("names",))
    same("format", vector["format"], _FORMAT)
    same("name", vector["name"], path.stem)

    envelope, verdict, _ = verdict_of(lambda: read_input(vector["input"]))
    same("read", verdict, vector["read"])
    if envelope is None:
        if (vector["header"], vector["attempts"], vector["payload"], vector["worked"]) != (None, [], None, None):
            raise Wrong("content of what cannot be read")
        return verdict
    same("header", stated_header(envelope), vector["header"])
    if "names" in vector:
        same("names", object_names(envelope), vector["names"])
    if not vector["attempts"]:
        raise Wrong("nothing is attempted")
    results = [attempt.get("result") for attempt in vector["attempts"]]
    if ("ok" in results) != (vector["payload"] is not None):
        raise Wrong("a payload without an opening, or an opening without a payload")
    if vector["worked"] is not None and "ok" not in results:
        raise Wrong("worked values without an opening")
    for attempt in vector["attempts"]:
        check_attempt(vector, envelope, attempt)
    return ", ".join(results)


def check_specification():
    differences = worked_example.check(SPECIFICATION.read_text(encoding="utf-8"))
    if differences:
        raise Wrong("; ".join(differences))
    return "ok"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    paths = sorted((Path(arguments[0]) / "envelope").glob("*"))
    checks = [(path.name, lambda path=path: check_vector(path)) for path in paths]
    checks.append(("FORMAT.md, worked example", check_specification))

    passed = failed = 0
    for name, check in checks:
        try:
            print(f"pass  {name}: {check()}")
            passed += 1
        except Wrong as wrong:
            print(f"FAIL  {name}: {wrong}")
            failed += 1
        except Exception:  # a mistake of the reader fails its vector, and the others are still checked
            print(f"FAIL  {name}: {traceback.format_exc()}")
            failed += 1
    if not paths:
        print("FAIL  there are no vectors")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
