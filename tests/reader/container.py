"""The container with a public checksum (FORMAT.md, section 11)."""

import hashlib

from verdicts import Refused, require

MAGIC = bytes.fromhex("89 54 57 4f 53 0d 0a 1a")
ENVELOPE, RECEIPT = 1, 2
_HEADER = 46
_MAX_CONTENT = 8_388_608


def _checksum(version, content, length, body):
    return hashlib.sha256(bytes([version, content]) + length.to_bytes(4, "big") + body).digest()


def read_container(data, asked_for=ENVELOPE):
    """The content of a container, in the order of checks of section 11, "Reading"."""
    require(len(data) <= _MAX_CONTENT + _HEADER, "container_too_large")
    magic_is_right = data[:8] == MAGIC
    if len(data) < _HEADER:
        raise Refused("container_truncated" if magic_is_right else "not_a_container")

    version, content = data[8], data[9]
    length = int.from_bytes(data[10:14], "big")
    checksum, body = data[14:46], data[46:]

    for kind in (ENVELOPE, RECEIPT):
        if _checksum(1, kind, len(body), body) == checksum:
            intact = magic_is_right and (version, content, length) == (1, kind, len(body))
            require(intact, "container_damaged")
            require(kind == asked_for, "container_other_content")
            return body

    require(magic_is_right, "not_a_container")
    require(version <= 1, "container_newer_version")
    require(length <= _MAX_CONTENT, "container_too_large")
    require(length <= len(body), "container_truncated")
    raise Refused("container_damaged")


def read_copies(copies):
    """The content of the first of three copies that reads, else of what two of them say for each bit."""
    refusals = []
    for container in [*copies, _majority(copies)]:
        try:
            return read_container(container)
        except Refused as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _majority(copies):
    length = sorted(map(len, copies))[1]
    there = ([copy[at] for copy in copies if at < len(copy)] for at in range(length))
    return bytes(
        (b[0] & b[1]) | (b[0] & b[2]) | (b[1] & b[2]) if len(b) == 3 else b[0] for b in there
    )
