package io.twoshare

import io.twoshare.example.Screen
import io.twoshare.example.WalletModel
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What the Android sample does, without its views. */
class SampleTest {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val user = User()

    @AfterEach
    fun end() = scope.cancel()

    private suspend fun started(gate: Gate = Gate()): WalletModel {
        val model = WalletModel(scope) { user.client(custodian = user.custodian(gate)) }
        model.start()!!.join()
        return model
    }

    @Test
    fun `back up, drill, and recover on the next phone`() = test {
        val phone = started()
        assertEquals(Screen(said = "Ready"), phone.screen.value)
        phone.backUp(PASSWORD)!!.join()
        val shown = phone.screen.value
        assertEquals("Backed up. Keep the check code.", shown.said)
        phone.drill(PASSWORD)!!.join()
        assertEquals("The backup can be recovered.", phone.screen.value.said)

        val next = started()
        assertNull(next.screen.value.wallet)
        assertEquals(shown.wallet, next.screen.value.recoverable)
        next.recover(PASSWORD)!!.join()
        assertEquals("Recovered. Compare the check code.", next.screen.value.said)
        assertEquals(shown.checkCode, next.screen.value.checkCode)
        assertNull(next.screen.value.recoverable)
    }

    @Test
    fun `what goes wrong is said, and the screen goes on`() = test {
        val phone = started()
        phone.backUp("password")!!.join()
        assertTrue("too easy to guess" in phone.screen.value.said, phone.screen.value.said)
        assertNull(phone.screen.value.busy)
        phone.backUp(PASSWORD)!!.join()
        phone.drill(OTHER_PASSWORD)!!.join()
        assertTrue("wrong" in phone.screen.value.said, phone.screen.value.said)
    }

    @Test
    fun `one thing at a time, and it can be cancelled`() = test {
        val gate = Gate()
        val phone = started(gate)
        gate.close { it.url.endsWith("/commit") }
        val backup = phone.backUp(PASSWORD)!!
        gate.reached()
        assertNull(phone.drill(PASSWORD))
        phone.cancel()
        backup.join()
        assertEquals("Cancelled", phone.screen.value.said)
        assertNull(phone.screen.value.busy)
        gate.open()
        phone.start()!!.join()
        phone.backUp(PASSWORD)!!.join()
        assertEquals("Backed up. Keep the check code.", phone.screen.value.said)
    }
}
