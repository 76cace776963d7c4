package io.twoshare

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** An app that is killed in the middle, and started again. */
class KilledTest {
    @ParameterizedTest
    @ValueSource(strings = ["before /prepare", "after /prepare", "before /envelopes/", "before /commit", "after /commit"])
    fun `resume finishes what was killed`(moment: String) = test {
        val user = User()
        val folder = temporary("killed")
        val token = File(folder, "token").apply { writeText(user.custodian.token(user.name)) }
        val device = File(folder, "device").path
        val wallet = FileDevice.open(device).use { kept -> user.client(Device.File(kept)).use { it.backedUp() } }

        // Another process refreshes the backup, and is killed at that moment.
        val java = File(System.getProperty("java.home"), "bin/java").path
        val options =
            listOf("jna.library.path", "jna.nosys", "java.library.path")
                .mapNotNull { name -> System.getProperty(name)?.let { "-D$name=$it" } }
        val arguments =
            listOf(user.custodian.url, user.custodian.identity.text, user.name, token.path, device, wallet.text, moment)
        val command =
            listOf(java) + options + listOf("-cp", System.getProperty("java.class.path"), "io.twoshare.VictimKt") + arguments
        val victim = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        assertEquals("now", victim.inputStream.bufferedReader().readLine())
        victim.destroyForcibly().waitFor()
        assertEquals(128 + 9, victim.exitValue())

        val password = Method.password(PASSWORD)
        FileDevice.open(device).use { kept ->
            user.client(Device.File(kept)).use { client ->
                assertEquals(OnDevice.Interrupted(Operation.REFRESH), client.status(wallet).onDevice)
                // Nothing is in its way: it goes on from where it was, and does not begin anew or give up.
                assertEquals(Resumed.Finished(Operation.REFRESH), client.resume(wallet))
                val epoch = checkNotNull(client.wallet(wallet).backup()).envelope.epoch
                assertEquals(2UL, epoch)
                assertEquals(client.state(wallet).backup?.epoch, epoch)
                assertEquals(OnDevice.Here, client.status(wallet).onDevice)
                assertEquals(Level.MATCHES, client.drill(wallet, password).level)
                client.refresh(wallet, password)
            }
        }
        assertTrue(user.client().recover(wallet, Recovery(password)) is Recovered.Done)
    }
}
