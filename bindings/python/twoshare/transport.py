"""HTTP over the standard library, for whoever has no HTTP stack of their own."""

import asyncio
import http.client
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ._generated.twoshare import (
    HttpRequest,
    HttpResponse,
    HttpTransport,
    SourceError,
    TransportError,
)

# So many requests at once; the others wait for their turn.
_AT_ONCE = 32


class StandardTransport(HttpTransport):
    """Sends each request once, on a thread and a connection of its own; no redirects and no proxies.

    `connect` and `idle` are seconds to wait for a connection, and for the next bytes of an answer. `context` is
    how TLS is done, the platform's way without one.
    """

    def __init__(
        self, *, connect: float = 10, idle: float = 20, context: ssl.SSLContext | None = None
    ) -> None:
        self._connect, self._idle, self._context = connect, idle, context
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="twoshare-http")

    async def send(self, request: HttpRequest) -> HttpResponse:
        connection = self._connection(request.url)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._ask, connection, request)
        except asyncio.CancelledError:
            # Nobody waits for the answer any more, and so the thread does not either.
            _hang_up(connection)
            raise

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._connect)
        if self._context is None:
            self._context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=self._connect, context=self._context
        )

    def _ask(
        self, connection: http.client.HTTPConnection, request: HttpRequest
    ) -> HttpResponse:
        try:
            connection.connect()
            connection.sock.settimeout(self._idle)
            headers = {header.name: header.value for header in request.headers}
            path = urlsplit(request.url)._replace(scheme="", netloc="").geturl() or "/"
            connection.request(request.method.name, path, body=request.body, headers=headers)
            answer = connection.getresponse()
            body = answer.read(request.max_answer + 1)
            if len(body) > request.max_answer:
                raise TransportError.TooLong(cap=request.max_answer)
            return HttpResponse(
                status=answer.status,
                content_type=answer.headers.get("Content-Type"),
                retry_after=answer.headers.get("Retry-After"),
                body=body,
            )
        except (OSError, http.client.HTTPException) as error:
            raise TransportError.Unreachable(SourceError.Other(str(error))) from error
        finally:
            connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It is over already.
