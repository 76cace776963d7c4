package io.twoshare

import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Many calls at once, and a main thread that goes on. */
class ConcurrencyTest {
    @Test
    fun `fifty operations at once`() = test {
        val password = Method.password(PASSWORD)
        // Ten users with a wallet each, and five calls of different kinds at once on every wallet: they take turns, and none
        // is lost.
        val clients = List(10) { User().client() }
        val wallets = clients.map { async { it.backedUp(listOf(CurveId.SECP256K1)) } }.awaitAll()
        assertEquals(10, wallets.toSet().size)
        val calls =
            clients.zip(wallets).flatMap { (client, wallet) ->
                listOf<suspend () -> Unit>(
                    { client.refresh(wallet, password) },
                    { client.drill(wallet, password) },
                    { client.status(wallet) },
                    { client.resume(wallet) },
                    { client.refresh(wallet, password) },
                )
            }
        assertEquals(50, calls.size)
        calls.map { async { it() } }.awaitAll()
        for ((client, wallet) in clients.zip(wallets)) {
            val status = client.status(wallet)
            assertEquals(3UL, status.epoch)
            assertEquals(BackupState.Complete, status.keys.single().backup)
        }
    }

    @Test
    fun `no call holds its thread up`() = test {
        // What a main thread is: one, which everything else wants too.
        val executor = Executors.newSingleThreadExecutor { Thread(it, "main-like") }
        val user = User()
        executor.asCoroutineDispatcher().use { main ->
            withContext(main) {
                val turns = AtomicInteger()
                val others = launch { while (true) { turns.incrementAndGet(); yield() } }
                // No answer is given before the main thread has had a turn since the request was sent: a call
                // that held it up would wait for itself.
                val transport = object : HttpTransport {
                    val inner = UrlTransport()

                    override suspend fun send(request: HttpRequest): HttpResponse {
                        val turn = CompletableDeferred<Unit>()
                        executor.execute { turn.complete(Unit) }
                        turn.await()
                        return inner.send(request)
                    }
                }
                val client = user.client(custodian = user.custodian(transport))
                val password = Method.password(PASSWORD)
                val wallet = client.createWallet(BOTH_CURVES).id()
                suspend fun during(work: suspend () -> Unit): Int {
                    val before = turns.get()
                    work()
                    return turns.get() - before
                }
                // Stretching a password is the longest computation: a thread that did it would have had no turn.
                assertTrue(during { client.backup(wallet, listOf(password)) } > 100)
                assertTrue(during { client.drill(wallet, password) } > 100)
                assertTrue(during { client.recover(wallet, Recovery(password)) } > 100)
                others.cancel()
            }
        }
    }

    @Test
    fun `threads of the library are known once, and hold no virtual machine up`() = test {
        val client = User().client()
        repeat(100) { client.walletsHere() }
        // Those that wait and compute, and those that write files. One that was made known for each call would have no name.
        val known = Thread.getAllStackTraces().keys.filter { it.name == "twoshare" }
        assertTrue(known.size in 1..6, "$known")
        assertTrue(known.all { it.isDaemon }, "$known")
    }
}
