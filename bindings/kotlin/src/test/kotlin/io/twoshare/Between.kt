package io.twoshare

/** A transport with somebody in its middle, who alters what goes by. */
class Between(private val inner: HttpTransport = UrlTransport()) : HttpTransport {
    @Volatile private var does: suspend (HttpRequest) -> HttpResponse = { inner.send(it) }

    override suspend fun send(request: HttpRequest): HttpResponse = does(request)

    /** From now on none of these requests arrives. */
    fun cut(which: (HttpRequest) -> Boolean) {
        does = { request ->
            if (which(request)) throw TransportException.Unreachable(SourceException.Other("cut"))
            inner.send(request)
        }
    }

    /** Nor one to an address with this in it. */
    fun cut(where: String) = cut { where in it.url }

    /** From now on the answers from an address with this in it are lost. */
    fun lose(where: String) =
        instead(where) { inner.send(it); throw TransportException.Unreachable(SourceException.Other("lost")) }

    /** From now on requests to an address with this in it are answered by this. */
    fun instead(where: String, answer: suspend (HttpRequest) -> HttpResponse) {
        does = { if (where in it.url) answer(it) else inner.send(it) }
    }

    /** From now on the body of what is answered from there is this. */
    fun alter(where: String, body: (ByteArray) -> ByteArray) =
        instead(where) { request -> inner.send(request).let { if (it.status < 300u) it.copy(body = body(it.body)) else it } }

    fun behave() {
        does = { inner.send(it) }
    }
}
