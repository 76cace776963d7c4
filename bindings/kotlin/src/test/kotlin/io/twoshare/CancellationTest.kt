package io.twoshare

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import org.junit.jupiter.api.Test

/** Calls that are cancelled in the middle. The last good backup is as it was, and the wallet goes on. */
class CancellationTest {
    private val user = User()
    private val gate = Gate()
    private val client = user.client(custodian = user.custodian(gate))
    private val password = Method.password(PASSWORD)

    /** The call has ended in the library too: what it was waiting for is let go of while the gate is closed. */
    private suspend fun ended() {
        gate.letGo()
    }

    /** The last backup opens, on this phone and on an empty one, and everything goes on. */
    private suspend fun goesOn(wallet: WalletId, keys: List<String>) {
        gate.open()
        assertEquals(Recoverable.YES, client.status(wallet).recoverable)
        // A request that was on its way may still arrive.
        client.resume(wallet)
        assertEquals(Level.MATCHES, client.drill(wallet, password).level)
        client.refresh(wallet, password)
        val next = user.client().recover(wallet, Recovery(password)) as Recovered.Done
        assertEquals(keys, next.wallet.keys)
    }

    @ParameterizedTest
    @ValueSource(strings = ["/begin", "/prepare", "/envelopes/", "/commit", "/state"])
    fun `a coroutine that is cancelled in the middle of a backup`(where: String) = test {
        val wallet = client.backedUp()
        val keys = client.wallet(wallet).use { it.keys }
        gate.close { where in it.url }
        val backup = launch { client.refresh(wallet, password) }
        gate.reached()
        backup.cancelAndJoin()
        ended()
        goesOn(wallet, keys)
    }

    @ParameterizedTest
    @ValueSource(strings = ["/begin", "/prepare", "/envelopes/", "/commit", "/state"])
    fun `a backup that is cancelled by its Cancellation`(where: String) = test {
        val wallet = client.backedUp()
        val keys = client.wallet(wallet).use { it.keys }
        gate.close { where in it.url }
        val cancellation = Cancellation()
        supervisorScope {
            val backup = async { client.refresh(wallet, password, cancellation) }
            gate.reached()
            cancellation.cancel()
            val ended = fails<RefreshException.Cancelled> { backup.await() }
            assertEquals("the call was cancelled", ended.message)
        }
        assertTrue(cancellation.isCancelled())
        ended()
        goesOn(wallet, keys)
    }

    @Test
    fun `the first backup, cancelled at its commit, is finished or given up by resume`() = test {
        val wallet = client.createWallet(BOTH_CURVES).id()
        gate.close { it.url.endsWith("/commit") }
        val backup = launch { client.backup(wallet, listOf(password)) }
        gate.reached()
        backup.cancelAndJoin()
        ended()
        gate.open()
        val status = client.status(wallet)
        assertEquals(OnDevice.Interrupted(Operation.FIRST_BACKUP), status.onDevice)
        val resumed = client.resume(wallet)
        assertTrue(
            resumed == Resumed.Finished(Operation.FIRST_BACKUP) ||
                (resumed as Resumed.GivenUp).operation == Operation.FIRST_BACKUP,
        )
        if (resumed is Resumed.GivenUp) client.backup(wallet, listOf(password))
        assertEquals(Level.MATCHES, client.drill(wallet, password).level)
    }

    @Test
    fun `what is cancelled before it begins does not begin`() = test {
        val wallet = client.backedUp()
        val before = gate.sent.get()
        val cancellation = Cancellation()
        cancellation.cancel()
        fails<RefreshException.Cancelled> { client.refresh(wallet, password, cancellation) }
        fails<DrillException.Cancelled> { client.drill(wallet, password, cancellation) }
        fails<CreateException.Cancelled> { client.createWallet(BOTH_CURVES, cancellation = cancellation) }
        assertEquals(before, gate.sent.get())
    }

    @Test
    fun `one Cancellation ends every call that it was given to and no other`() = test {
        val wallets = List(3) { client.backedUp(listOf(CurveId.SECP256K1)) }
        gate.close { it.url.endsWith("/prepare") }
        val cancellation = Cancellation()
        supervisorScope {
            val ended = wallets.take(2).map { async { client.refresh(it, password, cancellation) } }
            val other = async { client.refresh(wallets.last(), password) }
            gate.reached()
            cancellation.cancel()
            for (call in ended) fails<RefreshException.Cancelled> { call.await() }
            assertTrue(other.isActive)
            gate.open()
            other.await()
        }
    }

    @Test
    fun `a coroutine that is cancelled throws what coroutines throw`() = test {
        val wallet = client.backedUp()
        gate.close { it.url.endsWith("/prepare") }
        supervisorScope {
            val call = async { client.refresh(wallet, password) }
            gate.reached()
            call.cancel()
            fails<CancellationException> { call.await() }
            ended()
        }
    }
}
