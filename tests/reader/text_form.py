"""The text form (FORMAT.md, section 12): what a person pasted, to the bytes of the COSE message."""

import re
import zlib
from dataclasses import dataclass

import fountain
from bytewords import BYTE_OF_PAIR
from cbor_strict import Decoder, NotWellFormed, Truncated, decode_whole, is_bytes, is_uint
from crockford import is_white_space
from verdicts import Refused, require

_TYPE = "twoshare-backup"
_MAX_TEXT = 40 * 1024 * 1024
_MAX_MESSAGE = 8_388_608
_MAX_PARTS = 4_096
_MAX_MIXED_TIMES_PARTS = 524_176

# Letters and digits are the ASCII ones: bytewords and types have no others.
_START = re.compile(r"u[^a-z0-9]*r[^a-z0-9:]*:", re.IGNORECASE | re.ASCII)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")


@dataclass
class Part:
    """A part that is good by itself: number, count, length and checksum of the message, fragment."""

    number: int
    count: int
    length: int
    checksum: int
    fragment: bytes


class OfAnotherType(Refused):
    """A candidate that is not of the type of backups; the verdict of another one goes first."""


def read_text(text):
    """The bytes that the text stands for, or the verdict of section 12."""
    require(len(text.encode("utf-8", "surrogatepass")) <= _MAX_TEXT, "text_too_large")
    starts = list(_START.finditer(text))
    require(starts, "text_no_backup")

    # What became of the candidates: a part, or a refusal.
    outcomes = []
    for start, following in zip(starts, starts[1:] + [None]):
        try:
            outcome = _read_candidate(text[start.end() : following.start() if following else None])
        except Refused as refusal:
            outcome = refusal
        if isinstance(outcome, bytes):
            return outcome
        outcomes.append(outcome)

    outcomes = list(_refuse_too_many_mixed(outcomes))
    parts = [outcome for outcome in outcomes if isinstance(outcome, Part)]
    if parts:
        try:
            return _join_parts(parts)
        except Refused as refusal:
            outcomes = [refusal if isinstance(outcome, Part) else outcome for outcome in outcomes]
    raise next((one for one in outcomes if not isinstance(one, OfAnotherType)), outcomes[0])


def _read_candidate(candidate):
    """Steps 2 to 4: the bytes of a text that stands alone, or a part."""
    candidate = _lower(candidate)
    type_, slash, rest = candidate.partition("/")
    type_ = "".join(c for c in type_ if c in _LETTERS or c in _DIGITS or c == "-")
    if not slash:
        if type_ and _TYPE.startswith(type_):
            raise Refused("text_truncated")
        raise OfAnotherType("text_no_backup")
    if type_ != _TYPE:
        raise OfAnotherType("text_other_type")

    # Step 3: what stands before the first letter, or the slash of a part.
    before = re.match(r"[^a-z/]*", rest).group()
    after = rest[len(before) :]
    if after.startswith("/"):
        return _read_part("".join(c for c in before if not is_white_space(c)), after[1:])
    if not after and any(c in _DIGITS for c in before):
        raise Refused("text_truncated")
    return _read_bytewords(rest)


def _lower(text):
    """ASCII letters in lower case, everything else unchanged."""
    return "".join(c.lower() if c.isascii() else c for c in text)


class _Bytes:
    """The bytes read so far, and the CRC-32 over all but the last four of them."""

    def __init__(self):
        self.found = bytearray()
        self._checksum = 0

    def add(self, byte):
        self.found.append(byte)
        if len(self.found) > 4:
            self._checksum = zlib.crc32(self.found[-5:-4], self._checksum)

    def end_with_checksum(self):
        return len(self.found) > 4 and self._checksum == int.from_bytes(self.found[-4:], "big")


def _read_bytewords(text):
    """Step 4: pairs of letters with whatever stands between, and the CRC-32 at their end."""
    read = _Bytes()
    first = None  # the first letter of a pair that is not whole yet
    verdict = "text_truncated"
    for c in text:
        if c in _LETTERS and first is None:
            first = c
        elif c in _LETTERS:
            byte = BYTE_OF_PAIR.get(first + c)
            if byte is None:
                verdict = "text_mistyped"
                break
            read.add(byte)
            require(len(read.found) <= _MAX_MESSAGE + 4, "text_too_large")
            first = None
        elif first is None and read.end_with_checksum():
            return bytes(read.found[:-4])
        elif c in _DIGITS:
            verdict = "text_mistyped"
            break
    else:
        if first is None and read.end_with_checksum():
            return bytes(read.found[:-4])

    # The text did not end with a checksum: a whole item of CBOR with four bytes after it decides.
    found = bytes(read.found)
    decoder = Decoder(found)
    try:
        decoder.item()
    except (Truncated, NotWellFormed):
        raise Refused(verdict) from None
    message, rest = found[: decoder.position], found[decoder.position :]
    require(len(rest) >= 4, verdict)
    require(zlib.crc32(message) == int.from_bytes(rest[:4], "big"), "text_checksum")
    return message


def _read_part(numbers, rest):
    """Steps 3 and 5, for one part: its numbers outside and inside, and its fragment."""
    match = re.fullmatch(r"([1-9][0-9]{0,9})-([1-9][0-9]{0,9})", numbers)
    require(match, "text_malformed_part")
    outside = int(match[1]), int(match[2])
    require(outside[1] <= _MAX_PARTS, "text_too_large")
    decoded = decode_whole(_read_bytewords(rest))

    inside = decoded[0] if decoded and decoded[1] else None
    is_part = (
        isinstance(inside, list)
        and len(inside) == 5
        and all(is_uint(number) and number < 1 << 32 for number in inside[:4])
        and is_bytes(inside[4])
    )
    require(is_part, "text_malformed_part")
    part = Part(*inside)
    require(part.length <= _MAX_MESSAGE, "text_too_large")
    require(outside == (part.number, part.count) and part.length, "text_malformed_part")
    require(len(part.fragment) == -(-part.length // part.count), "text_malformed_part")
    return part


def _refuse_too_many_mixed(outcomes):
    """Step 5: mixed parts are too large after so many different ones that do not suffice."""
    first = next((outcome for outcome in outcomes if isinstance(outcome, Part)), None)
    joiner = fountain.Joiner(first.count, first.checksum) if first else None
    numbers = set()
    for outcome in outcomes:
        if isinstance(outcome, Part) and _agree(outcome, first):
            if not joiner.suffices() and outcome.number not in numbers:
                mixed = sum(number > first.count for number in numbers)
                if outcome.number > first.count and mixed >= _MAX_MIXED_TIMES_PARTS // first.count:
                    outcome = Refused("text_too_large")
                else:
                    numbers.add(outcome.number)
                    joiner.add(outcome.number, outcome.fragment)
        yield outcome


def _agree(one, other):
    return (one.count, one.length, one.checksum) == (other.count, other.length, other.checksum)


def _join_parts(parts):
    """Step 5, for the parts that are good by themselves, together."""
    first = parts[0]
    for part in parts:
        require(_agree(part, first), "text_mixed_parts")
    joiner = fountain.Joiner(first.count, first.checksum)
    numbers = set()
    for part in parts:
        if part.number not in numbers:
            joiner.add(part.number, part.fragment)
        numbers.add(part.number)
    require(joiner.suffices(), "text_missing_parts")
    joined = joiner.joined(len(first.fragment))
    message, padding = joined[: first.length], joined[first.length :]
    require(zlib.crc32(message) == first.checksum and not any(padding), "text_checksum")
    return message
