"""What every test needs: a custodian, and devices that are logged in there."""

import itertools
import unittest
from datetime import timedelta

import twoshare
from custodian import Custodian
from twoshare import CurveId, Device, HttpConfig, Method, Step, TokenProvider

PASSWORD = "orbit-velvet-93-lantern"
OTHER_PASSWORD = "copper-meadow-17-violin"
BOTH_CURVES = [CurveId.SECP256K1, CurveId.ED25519]

# A call whose answer was lost is made once more: a custodian that was killed does not come back by itself.
ONCE_MORE = twoshare.Retry(
    first=timedelta(milliseconds=10),
    longest=timedelta(milliseconds=20),
    total=timedelta(seconds=5),
    attempts=2,
)


class Tokens(TokenProvider):
    """One token, as an app's backend would give it."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, refused: str | None) -> str:
        return self._token


class Steps(twoshare.ProgressListener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Step] = []

    def step(self, at: twoshare.Progressed) -> None:
        self.heard.append(at.step)


def memory() -> Device:
    """A device with nothing on it."""
    return Device.MEMORY(twoshare.MemoryDevice())


class Case(unittest.IsolatedAsyncioTestCase):
    """Tests against one custodian, each with a user of its own."""

    maxDiff = None
    _users = itertools.count(1)

    @classmethod
    def setUpClass(cls) -> None:
        cls.custodian = Custodian()
        cls.addClassCleanup(cls.custodian.close)

    def setUp(self) -> None:
        self.user = f"user-{next(self._users)}"
        self.token = self.custodian.token(self.user)

    def http(self, *, transport=None, tokens=None, **config) -> twoshare.HttpCustodian:
        """The custodian, as this test's user."""
        config.setdefault("retry", ONCE_MORE)
        return twoshare.HttpCustodian(
            HttpConfig(
                url=self.custodian.url,
                transport=transport or twoshare.StandardTransport(),
                tokens=tokens or Tokens(self.token),
                **config,
            )
        )

    def client(self, device: Device | None = None, *, http=None, **config) -> twoshare.Client:
        """The client of this test's user on a device, an empty one unless it is given."""
        config.setdefault("pinned", self.custodian.identity)
        return twoshare.Client(
            twoshare.ClientConfig(
                custodian=http or self.http(),
                user=self.user,
                device=device or memory(),
                **config,
            )
        )

    async def recovered(self, client, wallet: str, password: str = PASSWORD) -> twoshare.Wallet:
        """The wallet, brought back on this client's device."""
        recovery = twoshare.Recovery(method=Method.password(password))
        recovered = await client.recover(wallet, recovery)
        self.assertIsInstance(recovered, twoshare.Recovered.DONE)
        return recovered.wallet

    def assert_same(self, one: twoshare.Wallet, other: twoshare.Wallet) -> None:
        """Both are the same wallet."""
        for what in ("id", "check_code", "kind", "verifying_keys"):
            self.assertEqual(getattr(one, what)(), getattr(other, what)(), what)
