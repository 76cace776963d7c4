"""The fountain code of multipart Uniform Resources (BCR-2024-001).

Part S of N is fragment S while S <= N; a later one is the XOR of fragments that everyone derives from S
and from the checksum of the message.
"""

import hashlib

_MASK = (1 << 64) - 1


class _Xoshiro256:
    """xoshiro256**, seeded with the SHA-256 of a seed, as four big-endian numbers."""

    def __init__(self, seed):
        digest = hashlib.sha256(seed).digest()
        self.state = [int.from_bytes(digest[i : i + 8], "big") for i in range(0, 32, 8)]

    @staticmethod
    def _rotate(value, count):
        return ((value << count) | (value >> (64 - count))) & _MASK

    def _next(self):
        s = self.state
        result = (self._rotate((s[1] * 5) & _MASK, 7) * 9) & _MASK
        shifted = (s[1] << 17) & _MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = self._rotate(s[3], 45)
        return result

    def double(self):
        """A number from 0 (included) to 1."""
        return float(self._next()) / 18446744073709551616.0

    def below(self, bound):
        return int(self.double() * bound)


def _choose_degree(count, random):
    """1 to `count` with weights 1, 1/2, 1/3, …, by the alias method in the order that BCR-2024-001 has."""
    weights = [1.0 / i for i in range(1, count + 1)]
    total = sum(weights)
    scaled = [weight * float(count) / total for weight in weights]
    small = [i for i in reversed(range(count)) if scaled[i] < 1]
    large = [i for i in reversed(range(count)) if scaled[i] >= 1]
    probabilities, aliases = [1.0] * count, [0] * count
    while small and large:
        less, more = small.pop(), large.pop()
        probabilities[less], aliases[less] = scaled[less], more
        scaled[more] += scaled[less] - 1
        (small if scaled[more] < 1 else large).append(more)
    place, coin = random.double(), random.double()
    chosen = int(count * place)
    return (chosen if coin < probabilities[chosen] else aliases[chosen]) + 1


def fragments_of_part(number, count, checksum):
    """The indexes, from 0, of the fragments whose XOR is part `number`."""
    if number <= count:
        return {number - 1}
    random = _Xoshiro256(number.to_bytes(4, "big") + checksum.to_bytes(4, "big"))
    degree = _choose_degree(count, random)
    remaining = list(range(count))
    return {remaining.pop(random.below(len(remaining))) for _ in range(degree)}


class Joiner:
    """The fragments of one message, found from parts as they come.

    Each part is an equation over GF(2) between fragments, and the equations are solved together.
    """

    def __init__(self, count, checksum):
        self._count, self._checksum = count, checksum
        self._equations = {}  # its lowest fragment -> (its fragments as bits, their XOR as a number)

    def add(self, number, data):
        bits = sum(1 << index for index in fragments_of_part(number, self._count, self._checksum))
        value = int.from_bytes(data, "big")
        while bits:
            lowest = bits & -bits
            if lowest not in self._equations:
                self._equations[lowest] = (bits, value)
                return
            bits ^= self._equations[lowest][0]
            value ^= self._equations[lowest][1]

    def suffices(self):
        return len(self._equations) == self._count

    def joined(self, size):
        """All fragments, each of `size` bytes, one after another."""
        fragments = [0] * self._count
        for index in reversed(range(self._count)):
            bits, value = self._equations[1 << index]
            for other in range(index + 1, self._count):
                if bits >> other & 1:
                    value ^= fragments[other]
            fragments[index] = value
        return b"".join(fragment.to_bytes(size, "big") for fragment in fragments)
