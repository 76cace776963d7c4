"""Calls that end in the middle: by their task, or by a `Cancellation`."""

import asyncio

import twoshare
from support import BOTH_CURVES, OTHER_PASSWORD, PASSWORD, Case, memory
from twoshare import Cancellation, HttpRequest, HttpResponse, HttpTransport, Level, Method, Resumed


class Stopping(HttpTransport):
    """Holds one request up for good, and says so; lets everything else through."""

    def __init__(self, at: int) -> None:
        self._real = twoshare.StandardTransport()
        self._at = at
        self._requests = 0
        self._app = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    async def send(self, request: HttpRequest) -> HttpResponse:
        self._requests += 1
        if self._requests == self._at:
            self._app.call_soon_threadsafe(self.reached.set)
            try:
                await asyncio.Event().wait()
            finally:
                self._app.call_soon_threadsafe(self.let_go.set)
        return await self._real.send(request)


class Cancelled(Case):
    async def asyncSetUp(self) -> None:
        self.device = memory()
        client = self.client(self.device)
        self.wallet = await client.create_wallet(BOTH_CURVES)
        await client.backup(self.wallet.id(), [Method.password(PASSWORD)])

    def replace(self, transport: HttpTransport, **more):
        """A new backup, with another password."""
        client = self.client(self.device, http=self.http(transport=transport))
        return client.replace(self.wallet.id(), [Method.password(OTHER_PASSWORD)], **more)

    async def check_nothing_is_lost(self) -> None:
        """The last backup is as it was, and the wallet is free for the next call."""
        client = self.client(self.device)
        drill = await client.drill(self.wallet.id(), Method.password(PASSWORD))
        self.assertEqual((drill.level, drill.epoch), (Level.MATCHES, 1))
        # What was cancelled is finished, with its own method, or given up.
        resumed = await client.resume(self.wallet.id())
        password = OTHER_PASSWORD if isinstance(resumed, Resumed.FINISHED) else PASSWORD
        refreshed = await client.refresh(self.wallet.id(), Method.password(password))
        self.assertGreater(refreshed.envelope.epoch, 1)
        recovered = await self.recovered(self.client(), self.wallet.id(), password)
        self.assert_same(recovered, self.wallet)

    async def test_a_cancelled_task_ends_its_call(self):
        for at in (1, 2, 3):
            with self.subTest(at=at):
                await self.asyncSetUp()
                transport = Stopping(at)
                task = asyncio.create_task(self.replace(transport))
                await transport.reached.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                # What the library had asked of the app is let go of too.
                await transport.let_go.wait()
                await self.check_nothing_is_lost()

    async def test_a_cancellation_ends_the_calls_that_it_was_given_to(self):
        transport, cancellation = Stopping(2), Cancellation()
        calls = [
            asyncio.create_task(self.replace(transport, cancellation=cancellation)),
            # It waits for the other, which is about the same wallet.
            asyncio.create_task(self.replace(transport, cancellation=cancellation)),
        ]
        await transport.reached.wait()
        cancellation.cancel()
        for call in calls:
            with self.assertRaises(twoshare.BackupError.Cancelled) as ended:
                await call
            self.assertEqual(str(ended.exception), "the call was cancelled")
        await transport.let_go.wait()
        await self.check_nothing_is_lost()

    async def test_a_cancellation_that_has_happened_ends_what_has_not_begun(self):
        cancellation = Cancellation()
        cancellation.cancel()
        self.assertTrue(cancellation.is_cancelled())
        transport = Stopping(1)
        with self.assertRaises(twoshare.BackupError.Cancelled):
            await self.replace(transport, cancellation=cancellation)
        self.assertFalse(transport.reached.is_set())
        await self.check_nothing_is_lost()
