"""Many at once, and many after each other."""

import asyncio
import gc
import os
import weakref
from pathlib import Path

import twoshare
from support import PASSWORD, Case, Tokens, memory
from twoshare import CurveId, HttpConfig, Level, Method

MIB = 1024 * 1024


def resident() -> int:
    """How much memory the process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Many(Case):
    async def test_fifty_operations_run_at_once(self):
        client = self.client()
        wallets = await asyncio.gather(
            *(client.create_wallet([CurveId.ED25519], name=str(number)) for number in range(50))
        )
        self.assertEqual([wallet.name() for wallet in wallets], [str(number) for number in range(50)])
        ids = sorted(wallet.id() for wallet in wallets)
        self.assertEqual(len(set(ids)), 50)
        self.assertEqual(sorted(await client.wallets_here()), ids)
        self.assertEqual(sorted(await client.wallets()), ids)

    async def test_calls_about_one_wallet_wait_for_each_other(self):
        client = self.client()
        wallet = await client.create_wallet([CurveId.ED25519])
        await client.backup(wallet.id(), [Method.password(PASSWORD)])
        calls = [client.refresh(wallet.id(), Method.password(PASSWORD)) for _ in range(5)]
        epochs = [backup.envelope.epoch for backup in await asyncio.gather(*calls)]
        self.assertEqual(sorted(epochs), [2, 3, 4, 5, 6])
        drill = await client.drill(wallet.id(), Method.password(PASSWORD))
        self.assertEqual((drill.level, drill.epoch), (Level.MATCHES, 6))

    async def test_ten_thousand_clients_leave_nothing_behind(self):
        transport = twoshare.StandardTransport()
        alive = weakref.WeakSet()

        def cycle() -> None:
            tokens = Tokens(self.token)
            alive.add(tokens)
            config = HttpConfig(url=self.custodian.url, transport=transport, tokens=tokens)
            http = twoshare.HttpCustodian(config)
            client = self.client(memory(), http=http)
            client.with_progress(Silent())
            self.assertEqual(client.user(), self.user)

        for _ in range(2_000):
            cycle()
        gc.collect()
        before = resident()
        for _ in range(8_000):
            cycle()
        gc.collect()
        self.assertEqual(len(alive), 0)
        # One kilobyte kept by each would be twice this.
        self.assertLess(resident() - before, 4 * MIB)

    async def test_calls_leave_nothing_behind(self):
        client = self.client()
        wallet = await client.create_wallet([CurveId.ED25519])

        async def cycle() -> None:
            await client.wallets_here()
            await client.wallet(wallet.id())

        for _ in range(500):
            await cycle()
        gc.collect()
        before = resident()
        for _ in range(2_000):
            await cycle()
        gc.collect()
        self.assertLess(resident() - before, 2 * MIB)


class Silent(twoshare.ProgressListener):
    def step(self, at: twoshare.Progressed) -> None:
        pass
