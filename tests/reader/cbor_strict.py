"""CBOR (RFC 8949) as FORMAT.md, section 1, wants it read: nothing is trusted before it is there.

Libraries decode CBOR into values and forget how it was written. A reader of envelopes has to know
whether an encoding was the deterministic one, and to tell bytes that end too early from bytes that are
no CBOR; so this is a decoder of its own. Encoding is left to cbor2.
"""

import cbor2

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)

# A limit on nesting, so that hostile input cannot exhaust the stack. Nothing in the format nests deeply.
MAX_DEPTH = 64


class Truncated(Exception):
    """The bytes end before the item does."""


class NotWellFormed(Exception):
    """The bytes are not well-formed CBOR (RFC 8949, section 5.3)."""


class Pairs(list):
    """A map, as the pairs that were written: duplicates and the order are still to be seen."""


class Other:
    """A value that no structure of the format has: a tag, a float, a simple value, text that is not UTF-8."""


class Decoder:
    """Reads items from `data`; `deterministic` turns false at the first deviation (section 4.2.1)."""

    def __init__(self, data, position=0):
        self.data = data
        self.position = position
        self.deterministic = True

    def take(self, length):
        if length > len(self.data) - self.position:
            raise Truncated
        start = self.position
        self.position += length
        return self.data[start : self.position]

    def head(self, expected=None):
        """One head: its major type and its argument, which is None for an indefinite length.

        One of another type than expected is refused before its argument is looked at.
        """
        initial = self.take(1)[0]
        major, info = initial >> 5, initial & 31
        if expected not in (None, major):
            raise NotWellFormed
        if info < 24:
            return major, info
        if info < 28:
            size = 1 << (info - 24)
            argument = int.from_bytes(self.take(size), "big")
            if major == SIMPLE:
                if size == 1 and argument < 32:
                    raise NotWellFormed
                return major, (info, argument)
            if argument < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
                self.deterministic = False
            return major, argument
        if info == 31 and major not in (UNSIGNED, NEGATIVE, TAG):
            self.deterministic = False
            return major, None
        raise NotWellFormed

    def _at_break(self):
        if self.position >= len(self.data):
            raise Truncated
        if self.data[self.position] == 0xFF:
            self.position += 1
            return True
        return False

    def _string(self, major, length):
        if length is not None:
            return self.take(length)
        chunks = []
        while not self._at_break():
            chunk_major, chunk_length = self.head()
            if chunk_major != major or chunk_length is None:
                raise NotWellFormed
            chunks.append(self.take(chunk_length))
        return b"".join(chunks)

    def item(self, depth=0):
        """One whole item."""
        if depth > MAX_DEPTH:
            raise NotWellFormed
        major, argument = self.head()
        if major == UNSIGNED:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        if major == BYTES:
            return self._string(BYTES, argument)
        if major == TEXT:
            try:
                return self._string(TEXT, argument).decode("utf-8")
            except UnicodeDecodeError:
                return Other()
        if major == ARRAY:
            return self._array(argument, depth)
        if major == MAP:
            return self._map(argument, depth)
        if major == TAG:
            self.item(depth + 1)
            return Other()
        if argument is None:  # a break where an item has to be
            raise NotWellFormed
        return {20: False, 21: True, 22: None}.get(argument, Other())

    def _array(self, count, depth):
        items = []
        while (len(items) < count) if count is not None else (not self._at_break()):
            items.append(self.item(depth + 1))
        return items

    def _map(self, count, depth):
        pairs, last_key = Pairs(), b""
        while (len(pairs) < count) if count is not None else (not self._at_break()):
            start = self.position
            key = self.item(depth + 1)
            encoded_key = self.data[start : self.position]
            if encoded_key <= last_key:
                self.deterministic = False
            last_key = encoded_key
            pairs.append((key, self.item(depth + 1)))
        return pairs

    def at_end(self):
        return self.position == len(self.data)


def decode_whole(data):
    """The one item that `data` is, and whether it is its deterministic encoding; None where it is none."""
    decoder = Decoder(data)
    try:
        value = decoder.item()
    except (Truncated, NotWellFormed):
        return None
    return (value, decoder.deterministic) if decoder.at_end() else None


def encode(value):
    """The deterministic encoding of a value."""
    return cbor2.dumps(value, canonical=True)


def is_uint(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_bytes(value, *lengths):
    """A byte string, of one of the lengths if any is given."""
    return isinstance(value, bytes) and (not lengths or len(value) in lengths)


def is_text(value, at_most):
    """A text of at most so many bytes of UTF-8."""
    return isinstance(value, str) and len(value.encode()) <= at_most
