"""P-256: points, agreement, and hashing to the curve (FORMAT.md, sections 1, 5, 6 and 7)."""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_A = -3
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_Z = -10  # RFC 9380, section 8.2
_L = 48


def is_point(encoded):
    """Whether the bytes are the SEC 1 encoding of a point on the curve."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except ValueError:
        return False
    return True


def x_coordinate(point):
    """x(P) of an uncompressed point."""
    return point[1:33]


def public_key(scalar):
    """d·G, uncompressed."""
    key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def agree(scalar, point):
    """x(d·P) for an uncompressed point."""
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return ec.derive_private_key(scalar, ec.SECP256R1()).exchange(ec.ECDH(), peer)


def hash_to_curve(message, domain):
    """P256_XMD:SHA-256_SSWU_RO_ (RFC 9380, sections 3 and 8.2), uncompressed."""
    uniform = _expand_message_xmd(message, domain, 2 * _L)
    points = [
        _map_to_curve(int.from_bytes(uniform[i : i + _L], "big") % _P) for i in (0, _L)
    ]
    x, y = _add(*points)
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _expand_message_xmd(message, domain, length):
    """RFC 9380, section 5.3.1, with SHA-256."""
    blocks = -(-length // 32)
    suffix = domain + bytes([len(domain)])
    start = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = hashlib.sha256(start + b"\1" + suffix).digest()
    output = block
    for number in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(start, block))
        block = hashlib.sha256(mixed + bytes([number]) + suffix).digest()
        output += block
    return output[:length]


def _inverse(value):
    """inv0 of RFC 9380, section 4: the inverse, and 0 of 0."""
    return pow(value, _P - 2, _P)


def _square_root(value):
    """A square root, or None."""
    root = pow(value, (_P + 1) // 4, _P)
    return root if root * root % _P == value % _P else None


def _map_to_curve(u):
    """The simplified SWU method, RFC 9380, section 6.6.2."""

    def curve(x):
        return (x**3 + _A * x + _B) % _P

    square = _Z * u * u % _P
    inverse = _inverse(square * square + square)
    if inverse == 0:
        x = _B * _inverse(_Z * _A) % _P
    else:
        x = -_B * _inverse(_A) * (1 + inverse) % _P
    y = _square_root(curve(x))
    if y is None:
        x = square * x % _P
        y = _square_root(curve(x))
    if u % 2 != y % 2:
        y = -y % _P
    return x, y


def _add(p, q):
    """The sum of two affine points; a sum that is the identity does not occur but with chance 2⁻²⁵⁶."""
    if p[0] == q[0]:
        if (p[1] + q[1]) % _P == 0:
            raise ArithmeticError("the sum is the identity")
        slope = (3 * p[0] * p[0] + _A) * _inverse(2 * p[1]) % _P
    else:
        slope = (q[1] - p[1]) * _inverse(q[0] - p[0]) % _P
    x = (slope * slope - p[0] - q[0]) % _P
    return x, (slope * (p[0] - x) - p[1]) % _P
