"""Checks the recorded sessions from PROTOCOL.md's bytes: no code is shared with the library.

    python read_sessions.py <folder of the vectors>

Every `session-*.json` of the folder's `protocol` is read. Each message has to be the deterministic CBOR of
the shape that the specification gives, each statement of the custodian signed, each sealed message has to
open to the plaintext that the vector states, and each proof has to hold, for a statement that is put
together here. One line is printed for each vector; the exit status is 1 when anything failed.
"""

import hashlib
import json
import sys
import traceback
from pathlib import Path

sys.dont_write_bytecode = True  # the reader's folder is left as it is

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import p256
from cbor_strict import decode_whole, encode
from share_curves import CURVES, multiply

SIGNING, BACKUP = 1, 2
CLIENT, CUSTODIAN = 1, 2
COMMIT, DRILL, CONVERT = 6, 10, 14
SIGNED = {2: b"begun", 10: b"receipt", 13: b"tombstone", 18: b"state"}
FIELDS = {1: 6, 2: 2, 4: 2, 6: 1, 9: 2, 10: 2, 12: 2, 13: 2, 14: 1, 17: 3, 18: 2}
STATED = {2: 5, 10: 10, 13: 5, 18: 17}


class Wrong(Exception):
    """The reader finds something else than the specification says."""


def must(holds, what):
    if not holds:
        raise Wrong(what)


def sha256(data):
    return hashlib.sha256(data).digest()


def u8(number):
    return number.to_bytes(1, "big")


def u32(number):
    return number.to_bytes(4, "big")


def variable(field):
    return u32(len(field)) + field


def stage(purpose_and_epoch):
    purpose, epoch = purpose_and_epoch or (0, 0)
    return u8(purpose) + epoch.to_bytes(8, "big")


def read(data):
    found = decode_whole(data)
    must(found is not None and found[1], "not deterministic CBOR")
    return found[0]


def message(data, number):
    version, found, fields = read(data)
    must((version, found) == (1, number), f"message {found}, where {number} was said")
    return fields


def write(number, fields):
    return encode([1, number, fields])


class Share:
    """What is public of a share: `[1, role, curve, purpose, wallet, epoch, key, X ‖ A, f(i)]`."""

    def __init__(self, data):
        _, _, self.curve, self.purpose, _, self.epoch, self.key, self.commitment, _ = read(data)

    def point(self, role):
        curve = CURVES[self.curve]
        length = curve.point_length
        public, slope = (curve.decode(self.commitment[i : i + length]) for i in (0, length))
        return curve.add(public, multiply(curve, role, slope))


def encode_point(curve, point):
    x, y = point
    if curve.name == "secp256k1":
        return bytes([2 | y & 1]) + x.to_bytes(32, "big")
    return (y | (x & 1) << 255).to_bytes(32, "little")


def check_proof(statement, role, purpose, key, curve, of, point, proof):
    c, s = (int.from_bytes(proof[i : i + 32], curve.byte_order) for i in (0, 32))
    must(c < curve.order and s < curve.order and len(proof) == 64, "a proof is two scalars")
    fields = statement + u8(role) + u8(purpose) + u8(key) + u8(curve.number) + of
    nonce = curve.add(multiply(curve, s, curve.base), multiply(curve, curve.order - c, point))
    hashed = hashlib.sha512(variable(b"twoshare/v1/proof") + fields + encode_point(curve, nonce))
    must(int.from_bytes(hashed.digest(), curve.byte_order) % curve.order == c, "a proof does not hold")


class Session:
    def __init__(self, vector):
        self.vector = vector
        self.identity = bytes.fromhex(vector["custodian_identity"])
        self.user = vector["user"].encode()
        self.wallet = bytes.fromhex(vector["wallet"])
        self.opened = iter(vector["opened"])

    def check(self):
        for said in self.vector["messages"]:
            data, number = bytes.fromhex(said["bytes"]), said["number"]
            fields = message(data, number)
            must(len(fields) == FIELDS[number], f"message {number} has {len(fields)} fields")
            if number in SIGNED:
                must(len(fields[0]) == STATED[number], f"statement {number} has other fields")
                self.signed(SIGNED[number], write(number, fields[0]), fields[1])
            getattr(self, said["message"])(data, fields)
        must(next(self.opened, None) is None, "a sealed message that was not sent")

    def begin(self, data, fields):
        self.begin_data, self.begin_fields = data, fields
        must(fields[0] == self.wallet, "another wallet")

    def begun(self, _, fields):
        stated = fields[0]
        must(stated[0] == sha256(self.begin_data), "the answer to another begin")
        self.begun_data = write(2, stated)
        self.custodian_nonce, self.custodian_ephemeral = stated[1], stated[2]

    def prepare(self, _, fields):
        body, proofs = fields
        wallet, operation_id, nonce, self.client_nonce, self.client_ephemeral, _, sealed = body
        must((wallet, operation_id) == (self.wallet, self.begin_fields[3]), "another operation")
        must(nonce == self.custodian_nonce, "another session")
        self.body = sha256(write(3, body))
        evidence = self.begin_fields[4][0]
        if evidence == 2:
            self.proven_keys(proofs)
        else:
            held = {0: [], 1: "client_signing_shares", 3: "client_backup_shares"}[evidence]
            self.proven(CLIENT, self.shares(held), self.begin_fields[2], self.body, proofs)
        self.open(CLIENT, sealed)

    def prepared(self, _, fields):
        plain = self.open(CUSTODIAN, fields[0])
        _, _, proofs = message(plain, 7)
        self.proven(CUSTODIAN, self.new_shares(), self.begin_fields[2], self.body, proofs)

    def commit(self, _, fields):
        self.proven(CLIENT, self.new_shares(), COMMIT, sha256(write(8, fields[0])), fields[1])

    def receipt(self, _, fields):
        must(fields[0][0:3] == [self.identity, self.vector["user"], self.wallet], "another receipt")
        must(fields[0][4:6] == self.begin_fields[2:4], "the receipt of another operation")
        kind = 1 if fields[0][4] == CONVERT else self.begin_fields[1]
        must(fields[0][3] == kind, "the receipt of another kind of wallet")

    def request(self, _, fields):
        body, proofs = fields
        nonce, self.client_nonce, self.client_ephemeral = body
        must(nonce == self.custodian_nonce, "another session")
        pending = self.begin_fields[4][0] == 4
        shares = self.new_shares() if pending else self.shares("client_backup_shares")
        self.proven(CLIENT, shares, self.begin_fields[2], sha256(write(11, body)), proofs)

    def ejected(self, _, fields):
        released = message(self.open(CUSTODIAN, fields[0]), 15)[0]
        mine = self.shares("client_backup_shares")
        theirs = [Share(share) for share in released]
        same = [share.commitment for share in mine] == [share.commitment for share in theirs]
        must(same, "released shares of something else")

    def tombstone(self, _, fields):
        _, user, wallet, operation_id, _ = fields[0]
        found = (user, wallet, operation_id)
        must(found == (self.vector["user"], self.wallet, self.begin_fields[3]), "another tombstone")

    def drilled(self, _, fields):
        epoch, self.custodian_nonce, proofs = fields
        self.client_nonce = bytes.fromhex(self.vector["asked_with_nonce"])
        kind = {"mpc": 1, "single-key": 2}[self.vector["kind"]]
        self.begin_fields = [self.wallet, kind, DRILL, bytes(16), [3, epoch], [0]]
        shares = self.shares("client_backup_shares")
        body = sha256(write(1, self.begin_fields))
        self.proven(CUSTODIAN, shares, DRILL, body, proofs)

    def state(self, _, fields):
        must(fields[0][1:3] == [self.vector["user"], self.wallet], "another wallet's state")
        must(fields[0][16].hex() == self.vector["asked_with_nonce"], "an old state")

    def shares(self, field):
        return [Share(bytes.fromhex(share)) for share in (self.vector[field] if field else [])]

    def new_shares(self):
        fields = ("client_new_signing_shares", "client_new_backup_shares")
        return [share for field in fields if field in self.vector for share in self.shares(field)]

    def statement(self, operation, shares, body):
        _, kind, _, operation_id, evidence, plan = self.begin_fields
        if plan[0] == 1:
            transitions = [(None, (SIGNING, 1))]
        elif plan[0] == 2:
            transitions = [(plan[1], new) for new in plan[2]]
        elif plan[0] == 3:
            transitions = [(None, (BACKUP, plan[1]))]
        else:
            purpose = {1: SIGNING, 3: BACKUP}.get(evidence[0])
            transitions = [((purpose, evidence[1]), None)] if purpose else []
        return sha256(
            variable(b"twoshare/v1/statement")
            + u8(operation) + operation_id + sha256(self.identity) + variable(self.user)
            + self.wallet + u8(kind)
            + u32(len(transitions)) + b"".join(stage(a) + stage(b) for a, b in transitions)
            + u32(len(shares)) + b"".join(u8(share.curve) + share.commitment for share in shares)
            + self.client_nonce + self.custodian_nonce + body
        )

    def proven(self, role, shares, operation, body, proofs):
        must(len(shares) == len(proofs), "not one proof for each share")
        statement = self.statement(operation, shares, body)
        for share, proof in zip(shares, proofs):
            curve, point = CURVES[share.curve], share.point(role)
            of = share.commitment
            check_proof(statement, role, share.purpose, share.key, curve, of, point, proof)

    def proven_keys(self, proofs):
        curves, keys = self.begin_fields[5][2], self.vector["client_keys"]
        must(len(curves) == len(keys) == len(proofs), "not one proof for each key")
        statement = self.statement(self.begin_fields[2], [], self.body)
        for index, (number, key, proof) in enumerate(zip(curves, keys, proofs)):
            curve = CURVES[number]
            scalar = int.from_bytes(bytes.fromhex(key), curve.byte_order)
            point = multiply(curve, scalar, curve.base)
            of = encode_point(curve, point)
            check_proof(statement, CLIENT, 0, index, curve, of, point, proof)

    def signed(self, domain, data, signature):
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.identity[:33])
        r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
        must(s <= (p256.ORDER - 1) // 2, "the other s")
        data = b"twoshare/v1/custodian/sign" + u8(len(domain)) + domain + data
        try:
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Wrong("a signature does not hold") from None

    def open(self, sender, sealed):
        opened = next(self.opened)
        secret = bytes.fromhex(opened["client_ephemeral_secret"])
        own = ec.derive_private_key(int.from_bytes(secret[1:], "big"), ec.SECP256R1())
        public = own.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        must(public == self.client_ephemeral, "another ephemeral key")

        def agree(point):
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            return own.exchange(ec.ECDH(), peer)

        secrets = agree(self.custodian_ephemeral) + agree(self.identity[33:])
        keys = public + self.custodian_ephemeral + self.identity
        salt = sha256(b"twoshare/v1/channel" + keys)
        context = b"twoshare/v1/session" + sha256(self.begin_data) + sha256(self.begun_data)
        context = sha256(context + self.user)
        head, ciphertext = sealed[:51], sealed[51:]

        def expand(info, length):
            prk = HKDF.extract(hashes.SHA256(), salt, secrets)
            return HKDFExpand(hashes.SHA256(), length, b"twoshare/v1/channel" + info).derive(prk)

        must(head[:3] == bytes([1, sender, 0]), "another version, sender or step")
        must(head[3:11] == expand(b"/session", 8), "another session")
        must(head[11:19] == expand(b"/context" + context, 8), "another context")
        key = expand(b"/message" + head + context, 44)
        plain = AESGCM(key[:32]).decrypt(key[32:], ciphertext, head)
        must(plain.hex() == opened["plain"], "another plaintext than the vector's")
        return plain


def main():
    vectors = sorted(Path(sys.argv[1], "protocol").glob("session-*.json"))
    failed = 0 if vectors else 1
    for path in vectors:
        try:
            Session(json.loads(path.read_text())).check()
            print(f"ok      {path.stem}")
        except Exception as error:
            failed += 1
            print(f"FAILED  {path.stem}: {error}")
            if not isinstance(error, Wrong):
                traceback.print_exc()
    print(f"{len(vectors)} sessions, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
