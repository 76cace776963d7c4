package io.twoshare

import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred

/** A transport that can be made to hold requests back, to lose answers, and to count. */
class Gate(private val inner: HttpTransport = UrlTransport()) : HttpTransport {
    @Volatile private var holds: (HttpRequest) -> Boolean = { false }
    @Volatile private var loses: (HttpRequest) -> Boolean = { false }
    @Volatile private var opened = CompletableDeferred<Unit>()
    @Volatile private var reached = CompletableDeferred<Unit>()
    @Volatile private var letGo = CompletableDeferred<Unit>()
    val sent = AtomicInteger()

    /** From now on these requests wait until it is opened. */
    fun close(which: (HttpRequest) -> Boolean) {
        opened = CompletableDeferred()
        reached = CompletableDeferred()
        letGo = CompletableDeferred()
        holds = which
    }

    fun open() {
        holds = { false }
        opened.complete(Unit)
    }

    /** Until a request waits. */
    suspend fun reached() = reached.await()

    /** Until a request that waited was given up, without the gate having been opened. */
    suspend fun letGo() = letGo.await()

    /** From now on these are sent, and their answers are lost. */
    fun lose(which: (HttpRequest) -> Boolean) {
        loses = which
    }

    override suspend fun send(request: HttpRequest): HttpResponse {
        sent.incrementAndGet()
        if (holds(request)) {
            reached.complete(Unit)
            try {
                opened.await()
            } catch (cancelled: CancellationException) {
                letGo.complete(Unit)
                throw cancelled
            }
        }
        val answer = inner.send(request)
        if (loses(request)) throw TransportException.Unreachable(SourceException.Other("lost"))
        return answer
    }
}
