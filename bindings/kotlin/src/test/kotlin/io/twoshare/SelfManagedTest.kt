package io.twoshare

import java.time.Duration
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A store in the app's own backend, over HTTP. */
class SelfManagedTest {
    private val user = User()
    private val code = makeCode()
    private val server = StoreServer("hers", "his")

    @AfterEach
    fun close() = server.close()

    private fun tokens(vararg given: String) = object : TokenProvider {
        val left = given.toMutableList()

        override suspend fun token(refused: String?) = if (left.size > 1) left.removeFirst() else left.first()
    }

    private fun on(
        token: TokenProvider = tokens("hers"),
        others: List<NamedPlace> = emptyList(),
    ): Client {
        val store = SelfManagedStore(HttpConfig(server.url, UrlTransport(), token, ONCE))
        assertEquals(server.url, store.url())
        val place = NamedPlace(StoreId.parse(server.url), Place.SelfManaged(store, Operator.CUSTODIAN))
        return user.client(stores = listOf(place) + others)
    }

    @Test
    fun `a backup lives in it, for its own user`() = test {
        val client = on()
        val wallet = client.createWallet(BOTH_CURVES)
        val backup = client.backup(wallet.id(), listOf(code))
        val names = server.names("hers").map { ObjectName.parse(it) }
        assertEquals(setOf(Part.ENVELOPE, Part.RECEIPT), names.map { objectPart(it) }.toSet())
        assertTrue(names.all { objectEnvelope(it) == backup.envelope })
        assertEquals(names.toSet(), client.stores().list(wallet.id()).objects.map { it.name }.toSet())
        client.refresh(wallet.id(), code)
        // What was replaced stays as long as an old copy of the custodian may ask for it.
        assertEquals(4, server.names("hers").size)
        assertEquals(Level.MATCHES, client.drill(wallet.id(), code).level)
        val recovered = on().recover(wallet.id(), Recovery(code)) as Recovered.Done
        assertEquals(wallet.keys, recovered.wallet.keys)
        val error = fails<RecoverException.Open> { on(tokens("his")).recover(wallet.id(), Recovery(code)) }
        assertTrue(error.source is OpenBackupException.NotFound, describe(error))
        assertEquals(emptySet<String>(), server.names("his"))
    }

    @Test
    fun `a token that is over is asked for anew`() = test {
        val client = on(tokens("over", "hers"))
        client.backedUp(code)
        assertEquals(2, server.names("hers").size)
    }

    @Test
    fun `an answer that was lost is no other object`() = test {
        // It is there when it is put again.
        server.afterwards = { if (it == "PUT") 500.also { server.afterwards = { null } } else null }
        val retry = defaultRetry().copy(first = Duration.ofMillis(1))
        val store = SelfManagedStore(HttpConfig(server.url, UrlTransport(), tokens("hers"), retry))
        val client =
            user.client(stores = listOf(NamedPlace(StoreId.parse("app"), Place.SelfManaged(store, Operator.INDEPENDENT))))
        val wallet = client.backedUp(code)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `what it answers instead is said, and nothing is committed`() = test {
        val cases = Cases()
        val wrapped = "BackupException.Run(source=RunException.Publish(source=PublishException.Stores(source=" +
            "WriteStoresException.Policy(needed=1, kept=[], missing=[${server.url}: "
        suspend fun refused(token: TokenProvider = tokens("hers"), instead: (String) -> Int?) {
            server.instead = { null }
            val client = on(token)
            val wallet = client.createWallet(listOf(CurveId.ED25519)).id()
            server.instead = instead
            client.backup(wallet, listOf(code))
        }
        val put = "KeepException.Write(source=WriteException.Put(source="
        val text = "0 stores have the envelope where 1 are needed"
        fun case(said: String, call: suspend () -> Unit) = cases.add("$wrapped$said]))))", text) { call() }
        fun putting(status: Int, said: String) = case(put + said) { refused { if (it == "PUT") status else null } }
        fun failing(status: Int, fault: String) = putting(status, "PutException.Fault(source=StoreFault.$fault)))")
        fun because(outage: Outage) = "source=SourceException.Custodian(outage=$outage, retryAfter=null))"
        case("${put}PutException.Fault(source=StoreFault.NotSignedIn)))") { refused(tokens("nobody's")) { null } }
        putting(507, "PutException.Full))")
        putting(413, "PutException.TooLarge(len=798, cap=8388654)))")
        failing(403, "Denied(scope=${server.url})")
        failing(500, "Broken(${because(Outage.FAILED)}")
        failing(503, "Unavailable(retryAfter=null, ${because(Outage.BUSY)}")
        failing(418, "Broken(${because(Outage.NOT_UNDERSTOOD)}")
        failing(428, "Broken(${because(Outage.NOT_UNDERSTOOD)}")
        // It says that something is there, and has nothing.
        putting(412, "PutException.Exists))")
        // It says that it has taken it.
        case("KeepException.ReadBack(source=FetchException.Get(source=GetException.NotFound))") {
            refused { if (it == "PUT") 201 else null }
        }
        cases.check()
    }

    @Test
    fun `what is damaged there is replaced`() = test {
        val memory = NamedPlace(StoreId.parse("memory"), Place.Memory(MemoryStore(), Operator.USER))
        val client = on(others = listOf(memory))
        val wallet = client.backedUp(code)
        server.damage()
        // Alone it would be lost.
        fails<DrillException> { on().drill(wallet, null) }
        assertEquals(listOf(StoreId.parse(server.url)), client.drill(wallet, null).mended)
        assertTrue(on().recover(wallet, Recovery(code)) is Recovered.Done)
    }
}
