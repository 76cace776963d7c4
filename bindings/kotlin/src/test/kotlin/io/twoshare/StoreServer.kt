package io.twoshare

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Executors

/**
 * A store in an app's own backend, on a socket, as `docs/self-managed-store.openapi.json` asks for: an object is there
 * whole or not at all, is never written over, and belongs to the user whose token it was put with.
 */
class StoreServer(private vararg val tokens: String) : AutoCloseable {
    private val objects = ConcurrentHashMap<String, ByteArray>()
    private val threads = Executors.newCachedThreadPool { Thread(it, "store").apply { isDaemon = true } }
    private val server =
        HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0).apply {
            executor = threads
            createContext("/backups/") { exchange -> exchange.use { handle(it) } }
            start()
        }
    val url = "http://127.0.0.1:${server.address.port}/backups"

    /** What it answers instead, and does nothing: a status. */
    @Volatile var instead: (String) -> Int? = { null }

    /** What it answers after it has done what was asked, as a proxy on the way would. */
    @Volatile var afterwards: (String) -> Int? = { null }

    /** What each user has, by the user's token. */
    fun names(token: String): Set<String> =
        objects.keys.filter { it.startsWith("$token/") }.map { it.removePrefix("$token/") }.toSet()

    /** Other bytes under all names. */
    fun damage() = objects.replaceAll { _, bytes -> bytes.clone().apply { this[size / 2] = (this[size / 2] + 1).toByte() } }

    private fun HttpExchange.use(work: (HttpExchange) -> Pair<Int, ByteArray>) {
        val method = requestMethod
        val (status, body) = instead(method)?.let { it to ByteArray(0) } ?: work(this)
        val last = afterwards(method)
        if (status == 200 && last == null && requestURI.path == "/backups/objects") {
            responseHeaders.add("Content-Type", "application/json")
        }
        val said = if (last == null) body else ByteArray(0)
        sendResponseHeaders(last ?: status, if (said.isEmpty()) -1 else said.size.toLong())
        responseBody.use { it.write(said) }
    }

    private fun handle(exchange: HttpExchange): Pair<Int, ByteArray> {
        val nothing = ByteArray(0)
        val body = exchange.requestBody.readAllBytes()
        val token = exchange.requestHeaders.getFirst("Authorization")?.removePrefix("Bearer ")
        if (token !in tokens) return 401 to nothing
        val path = exchange.requestURI.path.removePrefix("/backups/objects")
        if (path.isEmpty()) {
            val wallet = exchange.requestURI.query?.removePrefix("wallet=") ?: return 400 to nothing
            val list = names(checkNotNull(token)).filter { it.startsWith("$wallet-") }.joinToString { "\"$it\"" }
            return 200 to "{\"objects\":[$list]}".toByteArray()
        }
        val name = path.removePrefix("/")
        runCatching { ObjectName.parse(name) }.getOrNull() ?: return 400 to nothing
        val key = "$token/$name"
        return when (exchange.requestMethod) {
            "PUT" ->
                when {
                    exchange.requestHeaders.getFirst("If-None-Match") != "*" -> 428 to nothing
                    objects.putIfAbsent(key, body) == null -> 201 to nothing
                    else -> 412 to nothing
                }
            "GET" -> objects[key]?.let { 200 to it } ?: (404 to nothing)
            "DELETE" -> 204 to nothing.also { objects.remove(key) }
            else -> 405 to nothing
        }
    }

    override fun close() {
        server.stop(0)
        threads.shutdownNow()
    }
}
