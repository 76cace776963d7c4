package io.twoshare

import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import kotlinx.coroutines.CancellationException

/** A device in memory that an app could have written, with the contract's counters. */
open class OwnDevice : DeviceState {
    protected val records = ConcurrentHashMap<WalletId, Record>()
    private val counters = ConcurrentHashMap<WalletId, ULong>()

    override suspend fun wallets(): List<WalletId> = records.keys.toList()

    override suspend fun load(wallet: WalletId): Record? = records[wallet]

    override suspend fun save(wallet: WalletId, contents: ByteArray, expected: Counter?): Counter =
        synchronized(this) {
            val found = records[wallet]?.counter
            if (found != expected) throw SaveException.Conflict(found)
            val counter = (counters[wallet] ?: 0UL) + 1UL
            counters[wallet] = counter
            records[wallet] = Record(counter, contents)
            counter
        }

    override suspend fun delete(wallet: WalletId, expected: Counter): Unit =
        synchronized(this) {
            val found = records[wallet]?.counter ?: return
            if (found != expected) throw DeleteException.Conflict(found)
            records.remove(wallet)
        }

    override suspend fun discard(wallet: WalletId) {
        records[wallet]?.let { throw DiscardException.Intact(it.counter) }
    }
}

/** A store in memory that an app could have written. */
open class OwnStore : EnvelopeStore {
    val objects = ConcurrentHashMap<ObjectName, ByteArray>()

    override suspend fun put(name: ObjectName, bytes: ByteArray) {
        val there = objects.putIfAbsent(name, bytes) ?: return
        if (!there.contentEquals(bytes)) throw PutException.Exists()
    }

    override suspend fun get(name: ObjectName): ByteArray = objects[name] ?: throw GetException.NotFound()

    override suspend fun list(wallet: WalletId): List<ObjectName> =
        objects.keys.filter { objectEnvelope(it).wallet == wallet }

    override suspend fun delete(name: ObjectName) {
        objects.remove(name)
    }
}

/** It, as a store of the user's own. */
fun EnvelopeStore.named(name: String, timeout: Duration? = null, operator: Operator = Operator.USER) =
    NamedPlace(StoreId.parse(name), Place.Own(this, operator, timeout))

/** Whatever can be thrown, with what is to be found of it in the error's text. */
val THROWN: List<Pair<() -> Throwable, String>> =
    listOf(
        { IllegalStateException("the app's own") } to "the app's own",
        { Exception() } to "java.lang.Exception",
        { NotImplementedError("a TODO") } to "a TODO",
        { OutOfMemoryError("of the machine") } to "of the machine",
        { StackOverflowError() } to "StackOverflowError",
        { CancellationException("of its own") } to "of its own",
        { InterruptedException("as it is") } to "as it is",
    )

/** Nothing is asked for again. */
val ONCE = Retry(Duration.ofMillis(1), Duration.ofMillis(1), Duration.ofSeconds(1), 1u)
