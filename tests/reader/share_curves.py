"""secp256k1 and Ed25519, as far as checking a share needs them (FORMAT.md, section 8).

Plain arithmetic, neither fast nor in constant time: it is for test vectors.
"""


class Secp256k1:
    """Points are (x, y), and None is the identity."""

    number, name = 1, "secp256k1"
    point_length = 33
    byte_order = "big"
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    identity = None

    _p = 2**256 - 2**32 - 977
    base = (
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    )

    @classmethod
    def decode(cls, encoded):
        """A SEC 1 compressed point, or None: the identity has no encoding of this length."""
        if len(encoded) != 33 or encoded[0] not in (2, 3):
            return None
        x = int.from_bytes(encoded[1:], "big")
        if x >= cls._p:
            return None
        square = (x**3 + 7) % cls._p
        y = pow(square, (cls._p + 1) // 4, cls._p)
        if y * y % cls._p != square:
            return None
        return x, (y if y % 2 == encoded[0] % 2 else cls._p - y)

    @classmethod
    def add(cls, p, q):
        if p is None or q is None:
            return q if p is None else p
        if p[0] == q[0]:
            if (p[1] + q[1]) % cls._p == 0:
                return None
            slope = 3 * p[0] * p[0] * pow(2 * p[1], -1, cls._p) % cls._p
        else:
            slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, cls._p) % cls._p
        x = (slope * slope - p[0] - q[0]) % cls._p
        return x, (slope * (p[0] - x) - p[1]) % cls._p


class Ed25519:
    """Points are affine (x, y) on the twisted Edwards curve (RFC 8032, section 5.1)."""

    number, name = 2, "ed25519"
    point_length = 32
    byte_order = "little"
    order = 2**252 + 27742317777372353535851937790883648493
    identity = (0, 1)

    _p = 2**255 - 19
    _d = -121665 * pow(121666, -1, _p) % _p
    base = (
        15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960,
    )

    @classmethod
    def decode(cls, encoded):
        """A canonical encoding of a point in the prime-order subgroup, or None."""
        if len(encoded) != 32:
            return None
        number = int.from_bytes(encoded, "little")
        y, sign = number & (2**255 - 1), number >> 255
        if y >= cls._p:
            return None
        square = (y * y - 1) * pow(cls._d * y * y + 1, -1, cls._p) % cls._p
        x = pow(square, (cls._p + 3) // 8, cls._p)
        if x * x % cls._p != square:
            x = x * pow(2, (cls._p - 1) // 4, cls._p) % cls._p
        if x * x % cls._p != square or (x == 0 and sign):
            return None
        point = (x if x % 2 == sign else cls._p - x), y
        return point if multiply(cls, cls.order, point) == cls.identity else None

    @classmethod
    def add(cls, p, q):
        product = cls._d * p[0] * q[0] * p[1] * q[1] % cls._p
        x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + product, -1, cls._p) % cls._p
        return x, (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, cls._p) % cls._p


CURVES = {curve.number: curve for curve in (Secp256k1, Ed25519)}


def multiply(curve, scalar, point):
    """scalar·point, by doubling and adding."""
    result = curve.identity
    for bit in bin(scalar)[2:]:
        result = curve.add(result, result)
        if bit == "1":
            result = curve.add(result, point)
    return result


def share_fits(curve, commitment, value):
    """Whether f(1) = `value` fits the commitment X ‖ A, by all the rules of section 8."""
    public = curve.decode(commitment[: curve.point_length])
    slope = curve.decode(commitment[curve.point_length :])
    number = int.from_bytes(value, curve.byte_order)
    if public is None or slope is None or number >= curve.order:
        return False
    at_one = curve.add(public, slope)
    at_two = curve.add(at_one, slope)
    if curve.identity in (public, slope, at_one, at_two):
        return False
    return multiply(curve, number, curve.base) == at_one
