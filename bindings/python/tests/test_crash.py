"""The custodian is killed in the middle of a backup, at each of its requests."""

import twoshare
from support import BOTH_CURVES, PASSWORD, Case, memory
from twoshare import (
    HttpRequest,
    HttpResponse,
    HttpTransport,
    Level,
    Method,
    Resumed,
    SourceError,
    TransportError,
)


class Killing(HttpTransport):
    """Kills the custodian at one request: before it arrives, or when its answer is on its way."""

    def __init__(self, custodian, at: int | None, *, answered: bool) -> None:
        self._custodian, self._at, self._answered = custodian, at, answered
        self._real = twoshare.StandardTransport()
        self.requests = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests += 1
        if self.requests != self._at:
            return await self._real.send(request)
        if self._answered:
            await self._real.send(request)
        self._custodian.kill()
        raise TransportError.Unreachable(SourceError.Other("the power is cut"))


class Killed(Case):
    async def test_a_backup_is_finished_or_given_up_wherever_the_custodian_is_killed(self):
        counting = Killing(self.custodian, None, answered=False)
        client = self.client(http=self.http(transport=counting))
        wallet = await client.create_wallet(BOTH_CURVES)
        counting.requests = 0
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        self.assertGreaterEqual(counting.requests, 4)

        ends = set()
        for at in range(1, counting.requests + 1):
            for answered in (False, True):
                with self.subTest(at=at, of=counting.requests, answered=answered):
                    ends.add(await self.killed_once(at, answered))
        # Before the commit arrives it is given up, or nothing has begun; afterwards it is finished.
        self.assertEqual(ends, {"NOTHING", "GIVEN_UP", "FINISHED"})

    async def killed_once(self, at: int, answered: bool) -> str:
        device = memory()
        wallet = await self.client(device).create_wallet(BOTH_CURVES)
        killing = Killing(self.custodian, at, answered=answered)
        try:
            with self.assertRaises(twoshare.BackupError):
                await self.client(device, http=self.http(transport=killing)).backup(
                    wallet.id(), [Method.password(PASSWORD)]
                )
            self.assertFalse(self.custodian.is_running)
        finally:
            if not self.custodian.is_running:
                self.custodian.start()

        client = self.client(device)  # The app is started again, and so is the custodian.
        resumed = await client.resume(wallet.id())
        if (await client.wallet(wallet.id())).backup() is None:
            self.assertNotIsInstance(resumed, Resumed.FINISHED)
            await client.backup(wallet.id(), [Method.password(PASSWORD)])
        drill = await client.drill(wallet.id(), Method.password(PASSWORD))
        self.assertEqual(drill.level, Level.MATCHES)
        self.assert_same(await self.recovered(self.client(), wallet.id()), wallet)
        return type(resumed).__name__.rpartition(".")[2]
