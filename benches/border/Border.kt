package io.twoshare.border

import io.twoshare.*
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking

// The calls of the border benchmark, as Kotlin makes them. border.rs has them in Rust and says what is printed.

/** How many calls are timed at once. */
private const val BATCH = 100

fun main(args: Array<String>) = runBlocking(Dispatchers.Default) {
    val time = (args.single().toDouble() * 1e9).toLong()
    val device = MemoryDevice()
    val client = client(Device.Memory(device))
    val wallet = client.importWallet(listOf(Import.Key(SigningKey.make())))
    val id = wallet.id()
    val absent = client(Device.Memory(MemoryDevice())).importWallet(listOf(Import.Key(SigningKey.make()))).id()
    val text = id.text
    val cancellation = Cancellation()
    val own = client(Device.Own(Own(id), null))

    measure("is_cancelled", time) { cancellation.isCancelled() }
    measure("parse", time) { WalletId.parse(text) }
    measure("records", time) { wallet.verifyingKeys() }
    measure("wallets_here", time) { client.walletsHere() }
    measure("object", time) { client.wallet(id).close() }
    measure("error", time) { fails { client.wallet(absent) } }
    measure("long", time) { fails { client.importWallet(emptyList(), null) } }
    measure("own", time) { own.walletsHere() }
}

/** The median of the batches, after as long a time that does not count. */
private suspend fun measure(name: String, time: Long, call: suspend () -> Unit) {
    batches(time, call)
    val batches = batches(time, call).sorted()
    println("$name ${batches[batches.size / 2].toDouble() / BATCH}")
}

private suspend fun batches(time: Long, call: suspend () -> Unit): List<Long> {
    val start = System.nanoTime()
    return buildList {
        do {
            val began = System.nanoTime()
            repeat(BATCH) { call() }
            add(System.nanoTime() - began)
        } while (System.nanoTime() - start < time)
    }
}

private inline fun fails(call: () -> Unit) {
    try {
        call()
    } catch (_: Exception) {
        return
    }
    error("it did not fail")
}

private fun client(device: Device): Client {
    val tokens = object : TokenProvider {
        override suspend fun token(refused: String?): String = "none"
    }
    val custodian = HttpCustodian(HttpConfig("https://custodian.example", UrlTransport(), tokens))
    return Client(ClientConfig(custodian, null, "alice", device))
}

/** Storage of the app's own, with a wallet in it. */
private class Own(val wallet: WalletId) : DeviceState {
    override suspend fun wallets(): List<WalletId> = listOf(wallet)

    override suspend fun load(wallet: WalletId): Record? = null

    override suspend fun save(wallet: WalletId, contents: ByteArray, expected: ULong?): ULong =
        throw SaveException.Full()

    override suspend fun delete(wallet: WalletId, expected: ULong) = Unit

    override suspend fun discard(wallet: WalletId) = Unit
}
