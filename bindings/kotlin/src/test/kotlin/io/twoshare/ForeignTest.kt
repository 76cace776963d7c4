package io.twoshare

import java.time.Duration
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What an app's own code can do to the library: throw, hang, talk nonsense, call back. None of it harms the app. */
class ForeignTest {
    private val user = User()
    private val password = Method.password(PASSWORD)

    private fun on(device: DeviceState, timeout: Duration? = null) = user.client(Device.Own(device, timeout))

    @Test
    fun `a device of the app's own keeps a wallet through its life`() = test {
        val device = OwnDevice()
        val wallet = on(device).use { it.backedUp() }
        on(device).use { client ->
            assertEquals(listOf(wallet), client.walletsHere())
            client.refresh(wallet, password)
            assertEquals(Level.MATCHES, client.drill(wallet, password).level)
            client.forget(wallet)
            assertEquals(emptyList<WalletId>(), client.walletsHere())
        }
    }

    @Test
    fun `a device that throws whatever there is`() = test {
        val wallet = on(OwnDevice()).use { it.backedUp() }
        for ((make, text) in THROWN) {
            val device = object : OwnDevice() {
                override suspend fun load(wallet: WalletId): Record? = throw make()
            }
            val error = fails<DeviceException.Load> { on(device).wallet(wallet) }
            assertTrue(error.source is LoadException.Fault, "$error")
            assertTrue(text in error.message, error.message)
        }
    }

    @Test
    fun `a device's own errors are those of its signature`() = test {
        val wallet = on(OwnDevice()).use { it.backedUp() }
        suspend fun loading(error: LoadException): DeviceException {
            val device = object : OwnDevice() {
                override suspend fun load(wallet: WalletId): Record? = throw error
            }
            return fails { on(device).wallet(wallet) }
        }
        val damaged = loading(LoadException.Damaged()) as DeviceException.Load
        assertTrue(damaged.source is LoadException.Damaged)
        assertEquals(
            "the device's record was not loaded: the device's record of the wallet is damaged",
            damaged.message,
        )
        val newer = loading(LoadException.NewerVersion(9u)) as DeviceException.Load
        assertEquals(9u.toUByte(), (newer.source as LoadException.NewerVersion).version)
        val locked = loading(LoadException.Fault(DeviceFault.Locked())) as DeviceException.Load
        assertTrue((locked.source as LoadException.Fault).source is DeviceFault.Locked)
    }

    @Test
    fun `a save that fails in the middle leaves the last backup`() = test {
        for ((make, _) in THROWN) {
            var left = Int.MAX_VALUE
            val device = object : OwnDevice() {
                override suspend fun save(wallet: WalletId, contents: ByteArray, expected: Counter?): Counter {
                    if (left-- <= 0) throw make()
                    return super.save(wallet, contents, expected)
                }
            }
            val client = on(device)
            val wallet = client.createWallet(listOf(CurveId.ED25519)).id()
            client.backup(wallet, listOf(password))
            left = 1
            fails<RefreshException> { client.refresh(wallet, password) }
            left = Int.MAX_VALUE
            client.resume(wallet)
            assertEquals(Level.MATCHES, client.drill(wallet, password).level)
        }
    }

    @Test
    fun `a device that hangs is not waited for`() = test {
        val cancelled = CompletableDeferred<Unit>()
        val device = object : OwnDevice() {
            override suspend fun load(wallet: WalletId): Record? =
                try {
                    awaitCancellation()
                } finally {
                    cancelled.complete(Unit)
                }
        }
        val wallet = on(OwnDevice()).use { it.backedUp() }
        val client = on(device, Duration.ofMillis(50))
        val error = fails<DeviceException.Load> { client.wallet(wallet) }
        assertTrue(error.source is LoadException.Fault, "$error")
        // What hangs is told.
        cancelled.await()
    }

    @Test
    fun `a device that blocks its thread is not waited for`() = test {
        val wallet = on(OwnDevice()).use { it.backedUp() }
        val forever = java.util.concurrent.CountDownLatch(1)
        val device = object : OwnDevice() {
            override suspend fun load(wallet: WalletId): Record? {
                forever.await()
                return null
            }
        }
        fails<DeviceException.Load> { on(device, Duration.ofMillis(50)).wallet(wallet) }
        forever.countDown()
    }

    @Test
    fun `a device that gives back something else`() = test {
        val client = on(OwnDevice())
        val wallet = client.backedUp()
        val other = client.createWallet(BOTH_CURVES).id()
        val nonsense =
            listOf(
                Record(1u, ByteArray(0)),
                Record(1u, ByteArray(100_000) { 0x5a }),
                Record(ULong.MAX_VALUE, byteArrayOf(1, 2, 3)),
            )
        for (record in nonsense) {
            val device = object : OwnDevice() {
                override suspend fun load(wallet: WalletId) = record
            }
            fails<DeviceException.Record> { on(device).wallet(wallet) }
        }
        // A record that is intact, and another wallet's.
        val mixed = object : OwnDevice() {
            override suspend fun wallets() = listOf(wallet, wallet, other)

            override suspend fun load(wallet: WalletId): Record? {
                val device = OwnDevice()
                val own = on(device).use { it.createWallet(BOTH_CURVES).id() }
                return device.load(own)
            }
        }
        fails<DeviceException.OtherWallet> { on(mixed).wallet(wallet) }
        assertEquals(setOf(wallet, other), on(mixed).walletsHere().toSet())
    }

    @Test
    fun `a counter that no record has`() = test {
        val device = object : OwnDevice() {
            override suspend fun save(wallet: WalletId, contents: ByteArray, expected: Counter?): Counter = 0u
        }
        fails<CreateException> { on(device).createWallet(BOTH_CURVES) }
    }

    @Test
    fun `a device that calls the client back`() = test {
        // About another wallet it may; about the same one it would wait for itself, which ends in time.
        lateinit var client: Client
        var other: WalletId? = null
        var deep = false
        var same = false
        val device = object : OwnDevice() {
            override suspend fun save(wallet: WalletId, contents: ByteArray, expected: Counter?): Counter {
                if (deep && wallet != other) {
                    deep = false
                    client.status(checkNotNull(other))
                }
                if (same) {
                    same = false
                    client.refresh(wallet, password)
                }
                return super.save(wallet, contents, expected)
            }
        }
        client = on(device, Duration.ofSeconds(2))
        other = client.backedUp()
        val wallet = client.backedUp()
        deep = true
        client.refresh(wallet, password)
        same = true
        val error = fails<RefreshException.Run> { client.refresh(wallet, password) }
        val save = ((error.source as RunException.Device).source as DeviceException.Save).source
        val fault = (save as SaveException.Fault).source as DeviceFault.Failed
        assertEquals(Duration.ofSeconds(2), (fault.source as SourceException.TimedOut).after)
        client.resume(wallet)
        assertEquals(Level.MATCHES, client.drill(wallet, password).level)
    }

    private fun through(transport: HttpTransport, timeout: Duration? = null, tokens: TokenProvider = user.tokens) =
        HttpCustodian(HttpConfig(user.custodian.url, transport, tokens, ONCE, timeout, timeout))

    private fun answering(answer: suspend (HttpRequest) -> HttpResponse) =
        object : HttpTransport {
            override suspend fun send(request: HttpRequest) = answer(request)
        }

    private suspend fun outage(transport: HttpTransport, timeout: Duration? = null): Outage =
        fails<ReadException.Unavailable> { through(transport, timeout).user() }.outage

    @Test
    fun `a transport that throws, hangs or talks nonsense`() = test {
        for ((make, _) in THROWN) assertEquals(Outage.UNREACHABLE, outage(answering { throw make() }))
        assertEquals(
            Outage.UNREACHABLE,
            outage(answering { throw TransportException.Unreachable(SourceException.Other("no network")) }),
        )
        assertEquals(Outage.UNREACHABLE, outage(answering { awaitCancellation() }, Duration.ofMillis(50)))
        val nonsense =
            listOf(
                HttpResponse(200u, body = ByteArray(0)),
                HttpResponse(200u, "application/json", body = "{]".toByteArray()),
                HttpResponse(200u, "application/json", body = "{\"user\":7}".toByteArray()),
                HttpResponse(0u, body = ByteArray(0)),
                HttpResponse(418u, "text/html", "soon", "<p>".toByteArray()),
                HttpResponse(302u, body = ByteArray(0)),
            )
        for (answer in nonsense) assertEquals(Outage.NOT_UNDERSTOOD, outage(answering { answer }))
        assertEquals(
            Outage.NOT_UNDERSTOOD,
            outage(answering { HttpResponse(200u, "application/json", body = ByteArray(it.maxAnswer.toInt() + 1)) }),
        )
        assertEquals(Outage.NOT_UNDERSTOOD, outage(answering { throw TransportException.TooLong(it.maxAnswer) }))
        assertEquals(Outage.FAILED, outage(answering { HttpResponse(500u, body = ByteArray(0)) }))
        val busy = HttpResponse(503u, "text/plain", "7", "later".toByteArray())
        val error = fails<ReadException.Unavailable> { through(answering { busy }).user() }
        assertEquals(Outage.BUSY, error.outage)
        assertEquals(7UL, error.retryAfter)
    }

    @Test
    fun `a transport that calls the client back`() = test {
        val inner = UrlTransport()
        lateinit var client: Client
        val wallet = user.client().use { it.backedUp() }
        var back = false
        val transport = answering { request ->
            if (back) {
                back = false
                assertEquals(listOf(wallet), client.wallets())
            }
            inner.send(request)
        }
        client = user.client(custodian = through(transport))
        back = true
        assertTrue(client.recover(wallet, Recovery(password)) is Recovered.Done)
        assertTrue(!back)
    }

    @Test
    fun `tokens that are none`() = test {
        fun giving(give: suspend (String?) -> String) = object : TokenProvider {
            override suspend fun token(refused: String?) = give(refused)
        }
        suspend fun outage(tokens: TokenProvider, timeout: Duration? = null): Outage =
            fails<ReadException.Unavailable> { through(UrlTransport(), timeout, tokens).user() }.outage
        assertEquals(Outage.NOT_SIGNED_IN, outage(giving { throw TokenException.NotSignedIn() }))
        assertEquals(Outage.UNREACHABLE, outage(giving { throw TokenException.Unavailable() }))
        for ((make, _) in THROWN) assertEquals(Outage.UNREACHABLE, outage(giving { throw make() }))
        assertEquals(Outage.UNREACHABLE, outage(giving { awaitCancellation() }, Duration.ofMillis(50)))
        for (none in listOf("", "a b", "line\nbreak", "ü", "x".repeat(10_000))) {
            assertEquals(Outage.UNREACHABLE, outage(giving { none }))
        }
        assertEquals(Outage.NOT_SIGNED_IN, outage(giving { "a-token-that-is-over" }))
        // One that is over is asked for anew, once.
        val good = user.tokens.token(null)
        val asked = mutableListOf<String?>()
        val renewed = giving { refused -> asked.add(refused); if (refused == null) "over" else good }
        assertEquals(user.name, through(UrlTransport(), null, renewed).user().user)
        assertEquals(listOf(null, "over"), asked)
    }
}
