package io.twoshare

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URL
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/**
 * An [HttpTransport] over [HttpURLConnection], which the JVM and Android both have. It trusts whom the platform
 * trusts, and uses its proxy.
 *
 * An app with an HTTP client of its own writes the same over that: one function.
 *
 * @param connectTimeoutMillis how long a connection may take to be made.
 * @param readTimeoutMillis how long the server may say nothing. The library's own limit is on the whole request.
 */
public class UrlTransport(
    private val connectTimeoutMillis: Int = 10_000,
    private val readTimeoutMillis: Int = 30_000,
) : HttpTransport {
    override suspend fun send(request: HttpRequest): HttpResponse =
        try {
            withContext(Dispatchers.IO) { exchange(request) }
        } catch (error: IOException) {
            throw TransportException.Unreachable(SourceException.Io(null, error.toString()))
        }

    private suspend fun exchange(request: HttpRequest): HttpResponse = coroutineScope {
        val connection = URL(request.url).openConnection() as HttpURLConnection
        // Reading does not hear of a cancellation; closing the connection ends it.
        val watch =
            launch {
                try {
                    awaitCancellation()
                } finally {
                    connection.disconnect()
                }
            }
        try {
            ask(connection, request)
            answer(connection, request.maxAnswer)
        } finally {
            watch.cancel()
        }
    }

    private fun ask(connection: HttpURLConnection, request: HttpRequest) {
        connection.requestMethod = request.method.name
        connection.connectTimeout = connectTimeoutMillis
        connection.readTimeout = readTimeoutMillis
        // The token is for this server.
        connection.instanceFollowRedirects = false
        connection.useCaches = false
        for (header in request.headers) connection.setRequestProperty(header.name, header.value)
        val body = request.body ?: return
        connection.doOutput = true
        connection.outputStream.use { it.write(body) }
    }

    private fun answer(connection: HttpURLConnection, maxAnswer: ULong): HttpResponse {
        val status = connection.responseCode
        if (status < 100) throw IOException("no HTTP")
        val stream = if (status < 400) connection.inputStream else connection.errorStream
        return HttpResponse(
            status = status.toUShort(),
            contentType = connection.contentType,
            retryAfter = connection.getHeaderField("Retry-After"),
            body = stream?.use { read(it, maxAnswer) } ?: ByteArray(0),
        )
    }

    private fun read(stream: InputStream, maxAnswer: ULong): ByteArray {
        val body = ByteArrayOutputStream()
        val chunk = ByteArray(16 * 1024)
        while (true) {
            val count = stream.read(chunk)
            if (count < 0) return body.toByteArray()
            if (body.size().toULong() + count.toULong() > maxAnswer) throw TransportException.TooLong(maxAnswer)
            body.write(chunk, 0, count)
        }
    }
}
