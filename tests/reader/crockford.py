"""Crockford's base 32, as FORMAT.md uses it for codes, check codes and slot ids (sections 4, 5, 7)."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# FORMAT.md, section 5, "Reading": what is skipped besides white space, and the look-alikes.
_SEPARATORS = "-\u2010\u2011\u2013\u2014_"
_LOOK_ALIKES = {"O": "0", "I": "1", "L": "1"}


def digits_of_bits(data, bits):
    """The first `bits` bits of `data`, most significant first, as numbers of five bits."""
    number = int.from_bytes(data, "big") >> (8 * len(data) - bits)
    return [(number >> shift) & 31 for shift in range(bits - 5, -1, -5)]


def text_of_bits(data, bits, group):
    """The first `bits` bits of `data` as text, in groups with dashes between."""
    letters = "".join(ALPHABET[digit] for digit in digits_of_bits(data, bits))
    return "-".join(letters[i : i + group] for i in range(0, len(letters), group))


def text_of_bytes(data):
    """All bits of `data`, with zero bits after the last to fill a character."""
    padded = 8 * len(data) + -8 * len(data) % 5
    number = int.from_bytes(data, "big") << (padded - 8 * len(data))
    return "".join(ALPHABET[number >> shift & 31] for shift in range(padded - 5, -1, -5))


def is_white_space(character):
    """Unicode's White_Space; Python's own notion has four control characters more."""
    return character.isspace() and character not in "\x1c\x1d\x1e\x1f"


def groups_as_entered(text):
    """What a person entered, as lists of characters between separators; empty groups are left out.

    The characters are in upper case with the look-alikes replaced (section 5). Only ASCII letters have
    a lower case here: no other character is one of the 32 in any case.
    """
    groups = [[]]
    for character in text:
        if is_white_space(character) or character in _SEPARATORS:
            groups.append([])
            continue
        if character.isascii():
            character = character.upper()
        groups[-1].append(_LOOK_ALIKES.get(character, character))
    return [group for group in groups if group]
