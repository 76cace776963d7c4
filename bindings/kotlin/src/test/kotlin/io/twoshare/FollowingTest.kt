package io.twoshare

import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Progress as a flow. */
class FollowingTest {
    @Test
    fun `the steps come in order and the value last`() = test {
        val client = User().client()
        val wallet = client.createWallet(BOTH_CURVES).id()
        val method = Method.password(PASSWORD)
        val said = client.following { backup(wallet, listOf(method)) }.toList()
        val steps = said.dropLast(1).map { (it as Following.Step).progressed }
        assertTrue(steps.all { it.wallet == wallet && it.call == Call.BACKUP })
        val order = listOf(Step.METHODS, Step.EXCHANGE, Step.STORE, Step.COMMIT, Step.DONE)
        assertEquals(order, steps.map { it.step }.distinct().filter { it in order })
        assertEquals(wallet, (said.last() as Following.Done).value.envelope.wallet)
    }

    @Test
    fun `it begins with its collector and for each one anew`() = test {
        val client = User().client()
        val wallet = client.backedUp()
        val method = Method.password(PASSWORD)
        val before = client.status(wallet).epoch
        val flow = client.following { refresh(wallet, method) }
        assertEquals(before, client.status(wallet).epoch)
        val epochs = List(2) { (flow.toList().last() as Following.Done).value.envelope.epoch }
        assertTrue(epochs[0] > before!! && epochs[1] > epochs[0])
    }

    @Test
    fun `its error is the flow's`() = test {
        val client = User().client()
        val wallet = client.backedUp()
        val flow = client.following { drill(wallet, Method.password(OTHER_PASSWORD)) }
        fails<DrillException.Open> { flow.toList() }
    }

    @Test
    fun `whoever stops collecting cancels the call`() = test {
        val user = User()
        val gate = Gate()
        val client = user.client(custodian = user.custodian(gate))
        val wallet = client.backedUp()
        val epoch = client.status(wallet).epoch
        gate.close { it.url.endsWith("/commit") }
        client.following { refresh(wallet, Method.password(PASSWORD)) }
            .first { said ->
                (said is Following.Step && said.progressed.step == Step.COMMIT).also { if (it) gate.reached() }
            }
        gate.letGo()
        gate.open()
        // Nothing holds the wallet's turn.
        client.resume(wallet)
        assertTrue(client.status(wallet).epoch!! >= epoch!!)
        assertEquals(Level.MATCHES, client.drill(wallet, Method.password(PASSWORD)).level)
    }
}
