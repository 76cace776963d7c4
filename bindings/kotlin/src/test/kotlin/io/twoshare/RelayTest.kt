package io.twoshare

import io.twoshare.readme.android
import io.twoshare.readme.walk
import io.twoshare.relay.relay
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test

/** The command line that other languages meet this one by. */
class RelayTest {
    @Test
    fun `what is made on one device is recovered on the next`() = test {
        val user = User()
        val folder = temporary("relay")
        val token = File(folder, "token").apply { writeText(user.custodian.token(user.name) + "\n") }
        val password = File(folder, "password").apply { writeText(PASSWORD + "\n") }
        fun arguments(verb: String, device: String) =
            listOf(verb, "--custodian", user.custodian.url, "--custodian-key", user.custodian.identity.text) +
                listOf("--token-file", token.path, "--password-file", password.path) +
                listOf("--device", File(folder, device).path)
        val made = relay(arguments("make", "one"))
        val recovered = relay(arguments("recover", "two") + listOf("--wallet", member(made, "wallet")))
        assertEquals(made, recovered)
    }
}

/** The code of README.md, on the custodian. */
class ReadmeTest {
    @BeforeEach
    fun unpack() = FakeKeystore.reset()

    @Test
    fun `from nothing to a drilled backup, and to the next phone`() = test {
        val custodian = Custodian.shared
        walk(custodian.url, custodian.identity.text, custodian.token("alice"), temporary("readme"))
    }

    @Test
    fun `on a phone`() = test {
        val custodian = Custodian.shared
        android(custodian.url, custodian.identity.text, custodian.token("alice"), FakeContext())
    }
}
