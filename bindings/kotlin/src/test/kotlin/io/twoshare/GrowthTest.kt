package io.twoshare

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/**
 * What is made and dropped ten thousand times leaves nothing: neither in this process, nor in the library, nor in the
 * tables that each side has of the other's objects.
 */
class GrowthTest {
    /** What the process has in memory, in bytes: its whole heap, used or not, and once more what is used of it. */
    private fun resident(): Long {
        System.gc()
        val pages = File("/proc/self/statm").readText().split(" ")[1].toLong()
        return 4096 * pages + Runtime.getRuntime().run { totalMemory() - freeMemory() }
    }

    /** The least that it has while a thread frees what collections have found. */
    private fun settled(): Long = List(20) { Thread.sleep(100); resident() }.min()

    /** Whether it has no more than this, once that thread is done. */
    private fun settlesBelow(limit: Long): Boolean = (0..300).any { Thread.sleep(100); resident() < limit }

    /** Objects of the app that the library holds: each takes this much of a heap which has 256 MiB. */
    private class Heavy(private val inner: DeviceState = OwnDevice()) : DeviceState by inner {
        @Suppress("unused") private val weight = ByteArray(WEIGHT)
    }

    private class HeavyTransport(private val inner: HttpTransport = UrlTransport()) : HttpTransport by inner {
        @Suppress("unused") private val weight = ByteArray(WEIGHT)
    }

    private class HeavyTokens(private val inner: TokenProvider) : TokenProvider by inner {
        @Suppress("unused") private val weight = ByteArray(WEIGHT)
    }

    private val user = User()

    private fun cycle() {
        Cancellation().use { it.cancel() }
        Method.password(PASSWORD + "x".repeat(900)).close()
        RecoveryCode.make().use { code -> Method.recoveryCode(code).close() }
        MemoryDevice().use { it.snapshot().close() }
        HttpCustodian(HttpConfig(user.custodian.url, HeavyTransport(), HeavyTokens(user.tokens))).use { custodian ->
            val config = ClientConfig(custodian, user.custodian.identity, user.name, Device.Own(Heavy(), null))
            Client(config).use { client -> assertEquals(user.name, client.user()) }
        }
        fails<IdException> { WalletId.parse("no wallet") }
    }

    @Test
    fun `ten thousand clients, methods and codes`() {
        repeat(2_000) { cycle() }
        val before = settled()
        repeat(10_000) { cycle() }
        // A byte more than 800 of each cycle would be more than this.
        assertTrue(settlesBelow(before + 8_000_000), "${resident() - before} bytes more")
    }

    @Test
    fun `ten thousand calls`() = test {
        val client = user.client(Device.Own(Heavy(), null))
        val none = user.client().use { it.createWallet(BOTH_CURVES).use(Wallet::id) }
        suspend fun call() {
            fails<DeviceException.NotHere> { client.wallet(none) }
            assertEquals(emptyList<WalletId>(), client.walletsHere())
        }
        // Until then the virtual machine compiles, and its threads and the library's get memory of their own.
        repeat(8_000) { call() }
        val before = settled()
        repeat(10_000) { call() }
        assertTrue(settlesBelow(before + 8_000_000), "${resident() - before} bytes more")
        assertEquals(0, uniffiForeignFutureHandleCount())
    }

    @Test
    fun `what is not closed is dropped when nothing refers to it`() {
        repeat(10_000) { count ->
            if (count % 500 == 0) System.gc()
            val custodian = HttpCustodian(HttpConfig(user.custodian.url, HeavyTransport(), HeavyTokens(user.tokens)))
            Client(ClientConfig(custodian, user.custodian.identity, user.name, Device.Own(Heavy(), null)))
        }
        // All of them at once would not have fitted.
        assertTrue(3L * WEIGHT * 10_000 > Runtime.getRuntime().maxMemory())
    }

    private companion object {
        const val WEIGHT = 32 * 1024
    }
}
