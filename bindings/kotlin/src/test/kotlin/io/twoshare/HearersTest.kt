package io.twoshare

import java.util.Base64
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Who is told what the library does: how far a call has got, and the app's log. */
class HearersTest {
    private val user = User()
    private val password = Method.password(PASSWORD)
    private val code = makeCode()

    private fun logged(
        sink: LogSink,
        device: Device = Device.Memory(MemoryDevice()),
        custodian: HttpCustodian = user.custodian(),
        stores: List<NamedPlace> = emptyList(),
    ) = Client(ClientConfig(custodian, user.custodian.identity, user.name, device, stores, log = sink))

    private fun listener(hear: (Progressed) -> Unit) = object : ProgressListener {
        override fun step(at: Progressed) = hear(at)
    }

    private fun sink(hear: (LogEntry) -> Unit) = object : LogSink {
        override fun log(entry: LogEntry) = hear(entry)
    }

    /** Keeps what it is told; whoever wants to see the end of a call waits for it, since nobody waits for a log. */
    private class Kept : LogSink {
        private val coming = LinkedBlockingQueue<LogEntry>()
        val entries = CopyOnWriteArrayList<LogEntry>()

        override fun log(entry: LogEntry) {
            entries.add(entry)
            coming.add(entry)
        }

        suspend fun until(wanted: (LogEvent) -> Boolean): LogEntry =
            runInterruptible(Dispatchers.IO) { generateSequence { coming.take() }.first { wanted(it.event) } }

        suspend fun ended(name: String): LogEvent.Ended =
            until { it is LogEvent.Ended && it.name == name }.event as LogEvent.Ended
    }

    @Test
    fun `a listener that throws whatever there is is told the next step all the same`() = test {
        for ((make, _) in THROWN) {
            val heard = CopyOnWriteArrayList<Step>()
            val client = user.client().withProgress(listener { heard.add(it.step); throw make() })
            val wallet = client.createWallet(listOf(CurveId.ED25519)).id()
            assertEquals(listOf(Step.EXCHANGE, Step.COMMIT, Step.DONE), heard)
            assertEquals(wallet, client.wallet(wallet).id())
        }
    }

    @Test
    fun `a listener that hangs holds nobody up, and hears the rest afterwards`() = test {
        val release = CountDownLatch(1)
        val heard = LinkedBlockingQueue<Step>()
        val client = user.client().withProgress(listener { release.await(); heard.add(it.step) })
        val wallet = client.backedUp(code, listOf(CurveId.ED25519))
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        assertTrue(heard.isEmpty())
        release.countDown()
        // A wallet was made, backed up, drilled.
        repeat(3) { while (runInterruptible(Dispatchers.IO) { heard.take() } != Step.DONE) continue }
    }

    @Test
    fun `a listener may call the client`() = test {
        val client = user.client()
        val other = client.backedUp(code, listOf(CurveId.ED25519))
        val seen = LinkedBlockingQueue<Triple<WalletId, Step, Recoverable>>()
        val told =
            client.withProgress(
                listener { at ->
                    val (about, self) = runBlocking { client.status(other) to client.wallet(at.wallet).id() }
                    seen.add(Triple(self, at.step, about.recoverable))
                },
            )
        val wallet = client.createWallet(listOf(CurveId.ED25519)).id()
        told.backup(wallet, listOf(code))
        val done = Triple(wallet, Step.DONE, Recoverable.YES)
        while (runInterruptible(Dispatchers.IO) { seen.take() } != done) continue
    }

    @Test
    fun `a log has every call from its beginning to its end, in order`() = test {
        val kept = Kept()
        val client = logged(kept)
        val wallet = client.createWallet(BOTH_CURVES).id()
        client.backup(wallet, listOf(password))
        fails<DrillException.Open> { client.drill(wallet, Method.password(OTHER_PASSWORD)) }
        val ended = kept.ended("drill")
        assertEquals(Outcome.Failed("Open.Open.WrongSecret"), ended.outcome)
        assertEquals(wallet, ended.wallet)

        val calls = kept.entries.groupBy { it.call }.toSortedMap().values.toList()
        val names = calls.map { (it.first().event as LogEvent.Began).name }
        assertEquals(listOf("create_wallet", "backup", "drill"), names)
        for (call in calls) {
            assertTrue(call.last().event is LogEvent.Ended, "$call")
            assertEquals(call.map { it.at }.sorted(), call.map { it.at })
            assertTrue(call.all { it.lost == 0UL })
        }
        // What is not interleaved comes one after the other.
        assertEquals(calls.flatten(), kept.entries.toList())
        val backup = calls[1].map { it.event }
        val steps = backup.filterIsInstance<LogEvent.Step>().map { it.step }
        val order = listOf(Step.METHODS, Step.EXCHANGE, Step.STORE, Step.COMMIT, Step.DONE)
        assertEquals(order, steps.filter { it in order })
        val requests = backup.filterIsInstance<LogEvent.Http>()
        assertTrue(requests.any { it.method == HttpMethod.POST && it.path == "/v1/commit" && it.status == 200u.toUShort() })
        assertTrue(requests.all { '?' !in it.path && "127.0.0.1" !in it.path && it.id.isNotEmpty() })
        val commit = backup.indexOfFirst { it is LogEvent.Step && it.step == Step.COMMIT }
        assertTrue(backup.indexOf(requests.first { it.path == "/v1/commit" }) > commit)

        val lines = kept.entries.map { logText(it) }
        assertEquals("[${calls[1].first().call}] backup $wallet began", lines[calls[0].size])
        assertTrue(lines.last().startsWith("[${calls[2].first().call}] drill $wallet failed: Open.Open.WrongSecret, after "))
    }

    @Test
    fun `a log has what the app's own code did not do`() = test {
        val kept = Kept()
        val device = object : OwnDevice() {
            override suspend fun load(wallet: WalletId): Record? = throw LoadException.Damaged()
        }
        val wallet = user.client().use { it.createWallet(BOTH_CURVES).id() }
        fails<DeviceException> { logged(kept, Device.Own(device, null)).wallet(wallet) }
        val threw = kept.until { it is LogEvent.App }
        assertEquals(LogEvent.App("DeviceState.load", Answer.Threw("Damaged")), threw.event)
        assertEquals("[${threw.call}] DeviceState.load threw Damaged", logText(threw))
    }

    @Test
    fun `nothing secret is in a log`() = test {
        val kept = Kept()
        val store = object : OwnStore() {
            var fails = false

            override suspend fun put(name: ObjectName, bytes: ByteArray) =
                if (fails) throw IllegalStateException("SECRET-of-the-app") else super.put(name, bytes)
        }
        val client = logged(kept, stores = listOf(store.named("mine")))
        val paper = RecoveryCode.make("LABEL-of-a-code")
        val key = SigningKey.make()
        val wallet = client.createWallet(BOTH_CURVES, "NAME-of-a-wallet")
        client.backup(wallet.id(), listOf(password, Method.recoveryCode(paper)))
        client.drill(wallet.id(), Method.recoveryCode(paper))
        fails<DrillException> { client.drill(wallet.id(), Method.password(OTHER_PASSWORD)) }
        store.fails = true
        fails<RefreshException> { client.refresh(wallet.id(), password) }
        store.fails = false
        fails<BackupException> { client.backup(client.createWallet(BOTH_CURVES).id(), listOf(Method.password("WEAK1234"))) }
        user.custodian.operator("eject-window", "--user", user.name, "--wallet", wallet.id().text)
        val whole = (client.eject(wallet.id(), password) as Ejected.Done).keys.map { it.exposeSecret() }
        val next = logged(kept, stores = listOf(store.named("mine")))
        val recovered = (next.recover(wallet.id(), Recovery(password)) as Recovered.Done).wallet
        val secret = WalletSecret(SecretKind.OPAQUE, "LABEL-of-a-secret", "SEALED-of-a-secret".toByteArray())
        val imported = next.importWallet(listOf(Import.Key(key), Import.Secret(secret))).id()
        next.backup(imported, listOf(password))
        next.forget(imported)
        kept.ended("forget")
        // The other client has a queue of its own.
        logEnd(client, kept)

        val said = kept.entries.joinToString("\n") { "$it\n${logText(it)}" }
        val texts =
            listOf(
                PASSWORD, OTHER_PASSWORD, "WEAK1234", paper.toText(), paper.toText().replace("-", ""),
                user.tokens.token(null), "LABEL-of-a-code", "NAME-of-a-wallet", "SECRET-of-the-app",
                "LABEL-of-a-secret", "SEALED-of-a-secret", "Bearer", "nonce",
            )
        val shares = (wallet.signingShares() + recovered.signingShares()).map { it.exposeSecret() }
        val bytes = whole + shares + listOf(key.exposeSecret(), paper.toText().toByteArray())
        for (text in texts + bytes.flatMap { written(it) }) assertFalse(text in said, text)
        // It is what was looked through, and what is no secret is in it.
        assertTrue(wallet.id().text in said && "EnvelopeStore.put" in said && "eject" in said)
    }

    private suspend fun logEnd(client: Client, kept: Kept) {
        client.walletsHere()
        if (kept.entries.none { (it.event as? LogEvent.Ended)?.name == "wallets_here" }) kept.ended("wallets_here")
    }

    /** Bytes in every way in which somebody could have written them. */
    private fun written(bytes: ByteArray): List<String> {
        val hex = bytes.joinToString("") { "%02x".format(it) }
        val base64 = Base64.getEncoder().withoutPadding().encodeToString(bytes)
        val url = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)
        val list = bytes.joinToString(", ") { it.toUByte().toString() }
        return listOf(hex, hex.uppercase(), base64, url, list)
    }

    @Test
    fun `a sink that throws or hangs harms nothing`() = test {
        for ((make, _) in THROWN) {
            val told = LinkedBlockingQueue<LogEvent>()
            val throws = sink { entry ->
                told.add(entry.event)
                throw make()
            }
            assertEquals(emptyList<WalletId>(), logged(throws).walletsHere())
            // It is told of what comes after what it threw at.
            assertTrue(runInterruptible(Dispatchers.IO) { told.take() } is LogEvent.Began)
            assertTrue(runInterruptible(Dispatchers.IO) { told.take() } is LogEvent.Ended)
        }
        val forever = CountDownLatch(1)
        val client = logged(sink { forever.await() })
        val wallet = client.backedUp(code)
        // More than what is kept for a sink that does not take it.
        repeat(600) { assertEquals(listOf(wallet), client.walletsHere()) }
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        val kept = Kept()
        assertEquals(listOf(wallet), logged(kept).wallets())
        kept.ended("wallets")
        forever.countDown()
    }

    @Test
    fun `what a slow sink has lost is counted`() = test {
        val release = CountDownLatch(1)
        val kept = Kept()
        val client = logged(sink { release.await(); kept.log(it) })
        repeat(1_000) { client.walletsHere() }
        release.countDown()
        // Two entries a call, of which some were not kept; the next one that is kept tells, once there is room.
        while (kept.entries.none { it.lost > 0UL }) {
            client.walletsHere()
            delay(1)
        }
        val first = kept.until { true }
        assertEquals(0UL, first.lost)
        val lossy = kept.entries.first { it.lost > 0UL }
        assertTrue(logText(lossy).endsWith("(${lossy.lost} entries before this were lost)"))
        val before = kept.entries.takeWhile { it != lossy }.size.toULong()
        val calls = kept.entries[before.toInt()].call - kept.entries.first().call
        assertTrue(before + lossy.lost >= 2UL * (calls - 1UL), "$before and ${lossy.lost} of $calls calls")
    }
}
