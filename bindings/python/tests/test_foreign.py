"""What an app writes itself: it works; it throws, hangs, returns nonsense and calls back in, and nothing breaks."""

import asyncio
import time
from datetime import timedelta

import twoshare
from support import BOTH_CURVES, PASSWORD, Case, Steps, Tokens, memory
from twoshare import (
    CurveId,
    Device,
    DeviceError,
    DeviceState,
    EnvelopeStore,
    HttpResponse,
    HttpTransport,
    Level,
    LoadError,
    LogSink,
    Method,
    NamedPlace,
    Operator,
    Outage,
    Place,
    ReadError,
    Record,
    SaveError,
    SourceError,
    StateError,
    TokenProvider,
)

SOON = timedelta(milliseconds=200)
ONE_ATTEMPT = twoshare.Retry(first=SOON, longest=SOON, total=SOON, attempts=1)


class OwnDevice(DeviceState):
    """A device of the app's own, which keeps the contract."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.counters: dict[str, int] = {}

    async def wallets(self) -> list[str]:
        return list(self.records)

    async def load(self, wallet: str) -> Record | None:
        return self.records.get(wallet)

    async def save(self, wallet: str, contents: bytes, expected: int | None) -> int:
        found = self.records.get(wallet)
        if (found and found.counter) != expected:
            raise SaveError.Conflict(found=found and found.counter)
        self.counters[wallet] = self.counters.get(wallet, 0) + 1
        self.records[wallet] = Record(counter=self.counters[wallet], contents=contents)
        return self.counters[wallet]

    async def delete(self, wallet: str, expected: int) -> None:
        found = self.records.get(wallet)
        if found and found.counter != expected:
            raise twoshare.DeleteError.Conflict(found=found.counter)
        self.records.pop(wallet, None)

    async def discard(self, wallet: str) -> None:
        if wallet in self.records:
            raise twoshare.DiscardError.Intact(found=self.records[wallet].counter)


def own(state: DeviceState) -> Device:
    return Device.OWN(state=state, timeout=SOON)


class Foreign(Case):
    async def assert_state_error(self, client: twoshare.Client, outage: Outage) -> None:
        with self.assertRaises(StateError.Read) as refused:
            await client.wallets()
        self.assertIs(type(refused.exception.source), ReadError.Unavailable)
        self.assertEqual(refused.exception.source.outage, outage)

    async def test_a_device_of_the_apps_own_lives_a_whole_life(self):
        state = OwnDevice()
        client = self.client(own(state))
        wallet = await client.create_wallet(BOTH_CURVES)
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        self.assertEqual(list(state.records), [wallet.id()])
        client = self.client(own(state))  # The app is started again.
        self.assertEqual(await client.wallets_here(), [wallet.id()])
        drill = await client.drill(wallet.id(), Method.password(PASSWORD))
        self.assertEqual(drill.level, Level.MATCHES)
        self.assert_same(await self.recovered(self.client(own(OwnDevice())), wallet.id()), wallet)
        await client.forget(wallet.id())
        self.assertEqual(state.records, {})

    async def test_a_late_writer_does_not_bring_an_old_record_back(self):
        state = OwnDevice()
        wallet = await self.client(own(state)).create_wallet([CurveId.ED25519])
        before = state.records[wallet.id()]

        class Late(OwnDevice):
            """It reads what is old already."""

            async def load(self, wallet: str) -> Record:
                return before

            async def save(self, wallet: str, contents: bytes, expected: int | None) -> int:
                return await state.save(wallet, contents, expected)

        await self.client(own(state)).backup(wallet.id(), [Method.password(PASSWORD)])
        with self.assertRaises(twoshare.BackupError) as refused:
            await self.client(own(Late())).backup(wallet.id(), [Method.password(PASSWORD)])
        error = refused.exception
        while not isinstance(error, SaveError):
            error = error.source
        self.assertIs(type(error), SaveError.Conflict)
        self.assertEqual(error.found, state.records[wallet.id()].counter)
        drill = await self.client(own(state)).drill(wallet.id(), Method.password(PASSWORD))
        self.assertEqual(drill.epoch, 1)

    async def device_error(self, state: DeviceState) -> Exception:
        """What a device that cannot list its wallets is answered with."""
        with self.assertRaises(DeviceError.Fault) as refused:
            await self.client(own(state)).wallets_here()
        self.assertIs(type(refused.exception.source), twoshare.DeviceFault.Failed)
        return refused.exception.source.source

    async def test_a_device_that_throws(self):
        class Throws(OwnDevice):
            async def wallets(self) -> list[str]:
                raise ValueError("no such table")

        source = await self.device_error(Throws())
        self.assertIs(type(source), SourceError.Threw)
        self.assertIn("no such table", source.reason)

    async def test_a_device_that_throws_what_it_may(self):
        class Locked(OwnDevice):
            async def load(self, wallet: str) -> Record | None:
                raise LoadError.Fault(twoshare.DeviceFault.Locked())

        wallet = (await self.client().create_wallet([CurveId.ED25519])).id()
        with self.assertRaises(DeviceError.Load) as refused:
            await self.client(own(Locked())).wallet(wallet)
        self.assertIs(type(refused.exception.source.source), twoshare.DeviceFault.Locked)
        text = "the device's record was not loaded: the device's storage is locked"
        self.assertEqual(str(refused.exception), text)

    async def test_a_device_that_hangs(self):
        class Hangs(OwnDevice):
            async def wallets(self) -> list[str]:
                await asyncio.Event().wait()

        source = await self.device_error(Hangs())
        self.assertIs(type(source), SourceError.TimedOut)
        self.assertEqual(source.after, SOON)

    async def test_a_device_that_returns_nonsense(self):
        for nonsense in (7, None, [1], ["nobody's"], "text"):

            class Nonsense(OwnDevice):
                async def wallets(self):
                    return nonsense  # noqa: B023

            with self.subTest(nonsense=nonsense):
                self.assertIs(type(await self.device_error(Nonsense())), SourceError.Threw)

    async def test_a_record_that_is_none(self):
        wallet = (await self.client().create_wallet([CurveId.ED25519])).id()
        for contents in (b"", b"\xff" * 40):

            class Broken(OwnDevice):
                async def load(self, wallet: str) -> Record:
                    return Record(counter=1, contents=contents)  # noqa: B023

            with self.subTest(contents=contents), self.assertRaises(DeviceError.Record):
                await self.client(own(Broken())).wallet(wallet)

    async def test_a_device_that_calls_back_in(self):
        class Calls(OwnDevice):
            client: twoshare.Client

            async def wallets(self) -> list[str]:
                # About something else, it may.
                await self.client.wallets()
                return await super().wallets()

            async def load(self, wallet: str) -> Record | None:
                # About the same wallet it may not: the client waits for this.
                await self.client.resume(wallet)
                return await super().load(wallet)

        state = Calls()
        state.client = self.client(own(state))
        self.assertEqual(await state.client.wallets_here(), [])
        wallet = (await self.client().create_wallet([CurveId.ED25519])).id()
        with self.assertRaises(DeviceError):
            await state.client.wallet(wallet)
        # It is over, and others go on.
        self.assertEqual(await state.client.wallets_here(), [])

    async def test_a_transport_that_throws(self):
        class Throws(HttpTransport):
            async def send(self, request):
                raise ValueError("no route")

        http = self.http(transport=Throws(), retry=ONE_ATTEMPT)
        await self.assert_state_error(self.client(http=http), Outage.UNREACHABLE)

    async def test_a_transport_that_hangs(self):
        class Hangs(HttpTransport):
            async def send(self, request):
                await asyncio.Event().wait()

        http = self.http(transport=Hangs(), retry=ONE_ATTEMPT, request_timeout=SOON)
        await self.assert_state_error(self.client(http=http), Outage.UNREACHABLE)

    async def test_a_transport_that_returns_nonsense(self):
        for nonsense, outage in [
            (7, Outage.UNREACHABLE),
            (None, Outage.UNREACHABLE),
            (HttpResponse(status=200, body="text"), Outage.NOT_UNDERSTOOD),
            (HttpResponse(status=99_999, body=b""), Outage.UNREACHABLE),
            (HttpResponse(status=200, body=b"\xff\xff"), Outage.NOT_UNDERSTOOD),
            (HttpResponse(status=302, body=b"elsewhere"), Outage.NOT_UNDERSTOOD),
            (HttpResponse(status=200, body=bytes(64 * 1024 * 1024)), Outage.NOT_UNDERSTOOD),
        ]:

            class Nonsense(HttpTransport):
                async def send(self, request):
                    return nonsense  # noqa: B023

            with self.subTest(nonsense=str(nonsense)[:60]):
                http = self.http(transport=Nonsense(), retry=ONE_ATTEMPT)
                await self.assert_state_error(self.client(http=http), outage)

    async def test_a_transport_that_calls_back_in(self):
        class Calls(HttpTransport):
            client: twoshare.Client
            real = twoshare.StandardTransport()

            async def send(self, request):
                await self.client.wallets_here()
                return await self.real.send(request)

        transport = Calls()
        transport.client = client = self.client(http=self.http(transport=transport))
        wallet = await client.create_wallet([CurveId.ED25519])
        self.assertEqual(await client.wallets(), [wallet.id()])

    async def test_a_transport_is_told_everything_that_is_to_be_sent(self):
        class Asked(HttpTransport):
            real = twoshare.StandardTransport()
            requests = []

            async def send(self, request):
                self.requests.append(request)
                return await self.real.send(request)

        await self.client(http=self.http(transport=Asked())).wallets()
        [request] = Asked.requests
        headers = {header.name.lower(): header.value for header in request.headers}
        self.assertEqual(headers["authorization"], f"Bearer {self.token}")
        self.assertEqual(headers["x-request-id"], request.id)
        self.assertTrue(request.url.startswith(self.custodian.url + "/"))

    async def test_tokens_that_are_none(self):
        class Throws(TokenProvider):
            async def token(self, refused):
                raise ValueError("the backend is away")

        class Hangs(TokenProvider):
            async def token(self, refused):
                await asyncio.Event().wait()

        class SignedOut(TokenProvider):
            async def token(self, refused):
                raise twoshare.TokenError.NotSignedIn()

        for tokens, outage in [
            (Throws(), Outage.UNREACHABLE),
            (Hangs(), Outage.UNREACHABLE),
            (Tokens("two words"), Outage.UNREACHABLE),
            (Tokens(7), Outage.UNREACHABLE),
            (SignedOut(), Outage.NOT_SIGNED_IN),
        ]:
            with self.subTest(type(tokens).__name__):
                http = self.http(tokens=tokens, token_timeout=SOON, retry=ONE_ATTEMPT)
                await self.assert_state_error(self.client(http=http), outage)

    async def test_a_refused_token_is_asked_for_anew(self):
        class Renewed(TokenProvider):
            def __init__(self, tokens):
                self.tokens, self.refused = tokens, []

            async def token(self, refused):
                self.refused.append(refused)
                return self.tokens.pop(0)

        tokens = Renewed(["over", self.token])
        self.assertEqual(await self.client(http=self.http(tokens=tokens)).wallets(), [])
        self.assertEqual(tokens.refused, [None, "over"])

    async def test_a_listener_that_throws_or_hangs_holds_nobody_up(self):
        class Throws(twoshare.ProgressListener):
            def step(self, at):
                raise ValueError("the bar is broken")

        self.addCleanup(setattr, release := Released(), "now", True)

        class Hangs(twoshare.ProgressListener):
            def step(self, at):
                release.wait()

        for listener in (Throws(), Hangs()):
            with self.subTest(type(listener).__name__):
                client = self.client().with_progress(listener)
                wallet = await client.create_wallet([CurveId.ED25519])
                await client.backup(wallet.id(), [Method.password(PASSWORD)])
                drill = await client.drill(wallet.id(), Method.password(PASSWORD))
                self.assertEqual(drill.level, Level.MATCHES)
        # And those of others are told as before.
        steps = Steps()
        await self.client().with_progress(steps).create_wallet([CurveId.ED25519])
        self.assertEqual(steps.heard[-1], twoshare.Step.DONE)


class OwnStore(EnvelopeStore):
    """A store of the app's own, which keeps the contract."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, name: str, bytes: bytes) -> None:
        if name in self.objects:
            raise twoshare.PutError.AlreadyExists()
        self.objects[name] = bytes

    async def get(self, name: str) -> bytes:
        if name not in self.objects:
            raise twoshare.GetError.NotFound()
        return self.objects[name]

    async def list(self, wallet: str) -> list[str]:
        return [name for name in self.objects if twoshare.object_envelope(name).wallet == wallet]

    async def delete(self, name: str) -> None:
        self.objects.pop(name, None)


class Stores(Case):
    def with_store(self, store: EnvelopeStore, device: Device | None = None) -> twoshare.Client:
        mine = Place.OWN(store=store, operator=Operator.USER, timeout=SOON)
        return self.client(device, stores=[NamedPlace(id="mine", place=mine)])

    async def test_a_store_of_the_apps_own_keeps_the_backup(self):
        store = OwnStore()
        client = self.with_store(store)
        wallet = await client.create_wallet(BOTH_CURVES)
        backup = await client.backup(wallet.id(), [Method.password(PASSWORD)])
        names = [twoshare.object_envelope(name) for name in store.objects]
        self.assertEqual(names, [backup.envelope] * 2)  # And the receipt.
        self.assert_same(await self.recovered(self.with_store(store), wallet.id()), wallet)

    async def test_stores_that_fail(self):
        class Throws(OwnStore):
            async def put(self, name, bytes):
                raise ValueError("no bucket")

        class Hangs(OwnStore):
            async def put(self, name, bytes):
                await asyncio.Event().wait()

        class Full(OwnStore):
            async def put(self, name, bytes):
                raise twoshare.PutError.Full()

        class Forgets(OwnStore):
            async def put(self, name, bytes):
                pass

        class Alters(OwnStore):
            async def get(self, name):
                return (await super().get(name))[:-1]

        class Nonsense(OwnStore):
            async def get(self, name):
                return 7

        class Calls(OwnStore):
            client: twoshare.Client

            async def put(self, name, bytes):
                await self.client.wallets()
                await super().put(name, bytes)

        for store in (Throws(), Hangs(), Full(), Forgets(), Alters(), Nonsense()):
            with self.subTest(type(store).__name__):
                device = memory()
                client = self.with_store(store, device)
                wallet = await client.create_wallet([CurveId.ED25519])
                with self.assertRaises(twoshare.BackupError.Run) as refused:
                    await client.backup(wallet.id(), [Method.password(PASSWORD)])
                publish = refused.exception.source
                self.assertIs(type(publish), twoshare.RunError.Publish)
                self.assertIs(type(publish.source), twoshare.PublishError.Stores)
                # Nothing is committed, and the wallet is free.
                self.assertIsNone((await client.wallet(wallet.id())).backup())
                good = self.with_store(OwnStore(), device)
                await good.backup(wallet.id(), [Method.password(PASSWORD)])

        store = Calls()
        store.client = client = self.with_store(store)
        wallet = await client.create_wallet([CurveId.ED25519])
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        self.assertEqual(len(store.objects), 2)


class Logs(Case):
    async def test_a_log_has_what_happens_and_nothing_secret(self):
        class Kept(LogSink):
            def __init__(self):
                self.entries = []

            def log(self, entry):
                self.entries.append(entry)

            def lines(self):
                return [twoshare.log_text(entry) for entry in self.entries]

        class Throws(LogSink):
            def log(self, entry):
                raise ValueError("the disk is full")

        kept = Kept()
        client = self.client(log=kept)
        wallet = await client.create_wallet(BOTH_CURVES)
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        await self.client(log=Throws()).wallets()
        with self.assertRaises(twoshare.RefreshError):
            await client.refresh(wallet.id(), Method.password("wrong-one-93-lantern"))
        # Nobody waits for a log, and so this does.
        while not any("] refresh " in line and "failed: Open" in line for line in kept.lines()):
            await asyncio.sleep(0.01)
        lines = kept.lines()
        self.assertTrue(any("] backup " in line and " done, after " in line for line in lines), lines)
        everything = repr(kept.entries) + repr(lines)
        for secret in (PASSWORD, "wrong-one-93-lantern", self.token):
            self.assertNotIn(secret, everything)


class Released:
    """Lets a listener go at the end of its test."""

    now = False

    def wait(self) -> None:
        while not self.now:
            time.sleep(0.01)
