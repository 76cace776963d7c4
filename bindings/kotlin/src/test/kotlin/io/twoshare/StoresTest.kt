package io.twoshare

import java.time.Duration
import java.util.concurrent.CountDownLatch
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Stores of the app's own, good ones and others. */
class StoresTest {
    private val user = User()
    private val code = makeCode()

    private fun on(store: EnvelopeStore, device: MemoryDevice = MemoryDevice(), timeout: Duration? = null) =
        user.client(Device.Memory(device), stores = listOf(store.named("mine", timeout)))

    @Test
    fun `a store of the app's own keeps the backup and its receipt`() = test {
        val store = OwnStore()
        val client = on(store)
        val wallet = client.createWallet(BOTH_CURVES)
        val backup = client.backup(wallet.id(), listOf(code))
        assertEquals(setOf(Part.ENVELOPE, Part.RECEIPT), store.objects.keys.map { objectPart(it) }.toSet())
        assertEquals(setOf(backup.envelope), store.objects.keys.map { objectEnvelope(it) }.toSet())
        val status = client.status(wallet.id()).stores.single()
        assertEquals(StoreStatus(StoreId.parse("mine"), StoreHas.EVERYTHING), status)
        val recovered = on(store).recover(wallet.id(), Recovery(code)) as Recovered.Done
        assertEquals(wallet.keys, recovered.wallet.keys)
        // Where the custodian has no envelope, nobody else's store will do.
        val error = fails<RecoverException.Open> { on(OwnStore()).recover(wallet.id(), Recovery(code)) }
        val none = error.source as OpenBackupException.NotFound
        assertEquals(
            "OpenBackupException.NotFound(stores=[mine: FetchException.Get(source=GetException.NotFound)])",
            describe(none),
        )
        assertEquals("no store has the backup's envelope intact", none.message)
    }

    /** Why the backup into the one store is refused; nothing is committed, and another store takes it. */
    private suspend fun refused(store: EnvelopeStore, timeout: Duration? = null): KeepException {
        val device = MemoryDevice()
        val client = on(store, device, timeout)
        val wallet = client.createWallet(listOf(CurveId.ED25519)).id()
        val error = fails<BackupException.Run> { client.backup(wallet, listOf(code)) }
        val stores = ((error.source as RunException.Publish).source as PublishException.Stores).source
        val policy = stores as WriteStoresException.Policy
        assertEquals(1UL, policy.needed)
        assertEquals(emptyList<StoreId>(), policy.kept)
        assertEquals("0 stores have the envelope where 1 are needed", policy.message)
        assertNull(client.wallet(wallet).backup())
        on(OwnStore(), device).backup(wallet, listOf(code))
        return policy.missing.single().error
    }

    @Test
    fun `a store that throws whatever there is`() = test {
        for ((make, text) in THROWN) {
            val store = object : OwnStore() {
                override suspend fun put(name: ObjectName, bytes: ByteArray) = throw make()
            }
            val put = ((refused(store) as KeepException.Write).source as WriteException.Put).source
            val fault = ((put as PutException.Fault).source as StoreFault.Broken).source
            assertTrue(text in (fault as SourceException.Threw).reason, "$put")
        }
    }

    @Test
    fun `a store's own errors are those of its signature`() = test {
        fun putting(error: PutException) = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) = throw error
        }
        fun getting(error: GetException) = object : OwnStore() {
            override suspend fun get(name: ObjectName): ByteArray =
                if (objects.containsKey(name)) throw error else super.get(name)
        }
        val source = SourceException.Other("the bucket is closed")
        val put = "KeepException.Write(source=WriteException.Put(source="
        val get = "KeepException.ReadBack(source=FetchException.Get(source="
        for ((store, said, text) in listOf(
            Triple(
                putting(PutException.Full()),
                "${put}PutException.Full))",
                "the store did not take it: the store is full",
            ),
            Triple(
                putting(PutException.TooLarge(7u, 5u)),
                "${put}PutException.TooLarge(len=7, cap=5)))",
                "the store did not take it: 7 bytes are more than the store's 5",
            ),
            Triple(
                putting(PutException.Fault(StoreFault.NotSignedIn())),
                "${put}PutException.Fault(source=StoreFault.NotSignedIn)))",
                "the store did not take it: not signed in",
            ),
            Triple(
                putting(PutException.Fault(StoreFault.WrongAccount("a…@example.org"))),
                "${put}PutException.Fault(source=StoreFault.WrongAccount(expected=a…@example.org))))",
                "the store did not take it: signed in with another account than a…@example.org",
            ),
            Triple(
                putting(PutException.Fault(StoreFault.Denied("drive.file"))),
                "${put}PutException.Fault(source=StoreFault.Denied(scope=drive.file))))",
                "the store did not take it: permission is missing: drive.file",
            ),
            Triple(
                putting(PutException.Fault(StoreFault.Unavailable(9u, source))),
                "${put}PutException.Fault(source=StoreFault.Unavailable(retryAfter=9, " +
                    "source=SourceException.Other(reason=the bucket is closed)))))",
                "the store did not take it: the store cannot be reached: the bucket is closed",
            ),
            Triple(
                getting(GetException.Damaged()),
                "${get}GetException.Damaged))",
                "the store did not give it back: the object is damaged",
            ),
            Triple(
                getting(GetException.Fault(StoreFault.Broken(source))),
                "${get}GetException.Fault(source=StoreFault.Broken(source=SourceException.Other(" +
                    "reason=the bucket is closed)))))",
                "the store did not give it back: the store failed: the bucket is closed",
            ),
        )) {
            val error = refused(store)
            assertEquals(said to text, describe(error) to error.message)
        }
    }

    @Test
    fun `a drill says which stores lack the envelope`() = test {
        var full = false
        val second = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) =
                if (full) throw PutException.Full() else super.put(name, bytes)
        }
        val client = user.client(stores = listOf(OwnStore().named("mine"), second.named("second")))
        val wallet = client.backedUp(code)
        second.objects.clear()
        full = true
        val cases = Cases()
        cases.add(
            "DrillException.Stores(needed=2, have=[mine], missing=[second: KeepException.Write(source=" +
                "WriteException.Put(source=PutException.Full))])",
            "1 of 2 stores have the envelope",
        ) { client.drill(wallet, code) }
        cases.check()
        full = false
        assertEquals(listOf(StoreId.parse("second")), client.drill(wallet, code).mended)
    }

    @Test
    fun `a store that forgets, alters or gives back something else`() = test {
        val forgets = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) = Unit
        }
        fun giving(alter: (ByteArray) -> ByteArray) = object : OwnStore() {
            override suspend fun get(name: ObjectName) = alter(super.get(name))
        }
        val get = "KeepException.ReadBack(source=FetchException."
        val none = "what the store gave is no intact container:"
        for ((store, said, text) in listOf(
            Triple(
                forgets,
                "${get}Get(source=GetException.NotFound))",
                "no such object",
            ),
            Triple(
                giving { ByteArray(0) },
                "${get}Container(source=ContainerException.NotAContainer))",
                "$none not a backup container",
            ),
            Triple(
                giving { it.copyOf(784) },
                "${get}Container(source=ContainerException.Truncated(expected=798, found=784)))",
                "$none the container is cut off: 784 of 798 bytes",
            ),
            Triple(
                giving { it.clone().apply { this[size / 2] = (this[size / 2] + 1).toByte() } },
                "${get}Container(source=ContainerException.Damaged))",
                "$none the container is damaged",
            ),
            Triple(
                giving { ByteArray(16 shl 20) { 0x5a } },
                "${get}Container(source=ContainerException.TooLarge(len=16777216, cap=8388654)))",
                "$none 16777216 bytes are more than 8388654",
            ),
        )) {
            val error = refused(store)
            assertEquals(said to "the store did not give it back: $text", describe(error) to error.message)
        }
    }

    @Test
    fun `a store that hangs is not waited for, and told`() = test {
        val cancelled = CompletableDeferred<Unit>()
        val hangs = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) =
                try {
                    awaitCancellation()
                } finally {
                    cancelled.complete(Unit)
                }
        }
        val limit = Duration.ofSeconds(1)
        val put = ((refused(hangs, limit) as KeepException.Write).source as WriteException.Put).source
        val fault = (put as PutException.Fault).source as StoreFault.Unavailable
        assertEquals(limit, (fault.source as SourceException.TimedOut).after)
        cancelled.await()

        val forever = CountDownLatch(1)
        val blocks = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) = forever.await()
        }
        assertTrue(refused(blocks, limit) is KeepException.Write)
        forever.countDown()
    }

    @Test
    fun `a store that lists what is not its wallet's`() = test {
        val store = OwnStore()
        val client = on(store)
        val wallet = client.backedUp(code)
        val other = client.backedUp(code)
        val lies = object : OwnStore() {
            override suspend fun get(name: ObjectName) = store.get(name)

            override suspend fun list(wallet: WalletId) = store.objects.keys.toList()
        }
        val listing = on(lies).stores().list(wallet)
        assertEquals(2, listing.objects.size)
        assertTrue(listing.objects.none { objectEnvelope(it.name).wallet == other })
        val broken = object : OwnStore() {
            override suspend fun list(wallet: WalletId) = throw StoreFault.Denied("list")
        }
        val failed = on(broken).stores().list(wallet).failed.single()
        assertEquals("StoreFault.Denied(scope=list)", describe(failed.error))
    }

    @Test
    fun `a store that does not delete costs no backup`() = test {
        val keeps = object : OwnStore() {
            override suspend fun delete(name: ObjectName) = throw IllegalStateException("never")
        }
        val client = on(keeps)
        val wallet = client.backedUp(code)
        client.refresh(wallet, code)
        client.resume(wallet)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        assertTrue(on(keeps).recover(wallet, Recovery(code)) is Recovered.Done)
    }

    @Test
    fun `a store that calls the client back`() = test {
        // About another wallet it may; about the same one it would wait for itself, which ends in time.
        lateinit var client: Client
        var other: WalletId? = null
        var same = false
        val store = object : OwnStore() {
            override suspend fun put(name: ObjectName, bytes: ByteArray) {
                val wallet = objectEnvelope(name).wallet
                other?.takeIf { it != wallet }?.let { client.refresh(it, code) }
                if (same) client.drill(wallet, code)
                super.put(name, bytes)
            }
        }
        client = on(store, timeout = Duration.ofSeconds(5))
        val first = client.backedUp(code)
        other = first
        val wallet = client.backedUp(code)
        assertTrue(client.status(first).epoch!! > 1UL)
        other = null
        same = true
        val error = fails<RefreshException.Run> { client.refresh(wallet, code) }
        assertTrue("${Duration.ofSeconds(5)}" in describe(error), describe(error))
        same = false
        client.resume(wallet)
        client.refresh(wallet, code)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
    }

    @Test
    fun `what one store lacks is mended, and by hand from a file`() = test {
        val good = OwnStore()
        val bad = OwnStore()
        var fails = true
        val failing = object : EnvelopeStore by bad {
            override suspend fun put(name: ObjectName, bytes: ByteArray) =
                if (fails) throw PutException.Full() else bad.put(name, bytes)
        }
        val stores = listOf(good.named("good"), failing.named("failing"))
        fun client(device: Device) =
            Client(
                ClientConfig(
                    user.custodian(), user.custodian.identity, user.name, device, stores, StorePolicy.AtLeast(1u),
                ),
            )
        val client = client(Device.Memory(MemoryDevice()))
        val wallet = client.createWallet(BOTH_CURVES).id()
        val backup = client.backup(wallet, listOf(code))
        val mine = StoreId.parse("failing")
        assertEquals(listOf(mine), backup.missing)
        assertEquals(BackupState.Partial(listOf(mine)), client.status(wallet).keys.first().backup)
        val survey = client.stores().survey(backup.envelope)
        assertEquals(listOf(StoreId.parse("good")) to listOf(mine), survey.intact to survey.failed.map { it.store })
        fails = false
        client.resume(wallet)
        assertEquals(good.objects.keys, bad.objects.keys)
        assertEquals(BackupState.Complete, client.status(wallet).keys.first().backup)

        // What the user has in a file goes back into stores that have lost it.
        val kept = client.stores().read(backup.envelope).toBytes()
        good.objects.clear()
        bad.objects.clear()
        val none = fails<NoEnvelopeException.NotFound> { client.stores().read(backup.envelope) }
        assertEquals("no store has the envelope intact", none.message)
        assertEquals(2, none.stores.size)
        val drill = fails<DrillException.Open> { client.drill(wallet, code) }
        assertTrue(drill.source is OpenBackupException.NotFound, describe(drill))
        val mending = client.stores().mend(Envelope.fromBytes(kept))
        assertEquals(2, mending.mended.size)
        assertEquals(Level.MATCHES, client.drill(wallet, code).level)
        assertTrue(client(Device.Memory(MemoryDevice())).recover(wallet, Recovery(code)) is Recovered.Done)
    }
}
