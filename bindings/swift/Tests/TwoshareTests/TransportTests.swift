// The platform's HTTP client as the library's: against a server that answers what a test wants.

import Foundation
import Twoshare
import XCTest

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

final class TransportTests: XCTestCase {
    private func get(_ server: Server, atMost: UInt64 = 1024, headers: [HttpHeader] = []) -> HttpRequest {
        HttpRequest(method: .get, url: server.url, headers: headers, body: nil, maxAnswer: atMost, id: "test")
    }

    func testAnAnswerOfAnyStatusIsAnAnswer() async throws {
        let server = try Server { _ in
            "HTTP/1.1 429 Slow\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"
        }
        let answer = try await URLSessionTransport().send(request: get(server))
        XCTAssertEqual(answer.status, 429)
        XCTAssertEqual(answer.contentType, "application/json; charset=utf-8")
        XCTAssertEqual(answer.retryAfter, "7")
        XCTAssertEqual(answer.body, Data("{}".utf8))
    }

    func testMethodHeadersAndBodyAreSentAsTheyAre() async throws {
        let server = try Server { _ in "HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n" }
        for (method, name) in [(HttpMethod.post, "POST"), (.put, "PUT"), (.delete, "DELETE"), (.get, "GET")] {
            let header = HttpHeader(name: "X-Request-Id", value: "seven")
            let body = method == .get ? nil : Data("body".utf8)
            let request = HttpRequest(
                method: method, url: server.url + "/path", headers: [header], body: body, maxAnswer: 0, id: "seven")
            let answer = try await URLSessionTransport().send(request: request)
            XCTAssertEqual(answer.status, 204)
            let sent = try XCTUnwrap(server.received.last)
            XCTAssertTrue(sent.hasPrefix("\(name) /path HTTP/1.1\r\n"), sent)
            XCTAssertTrue(sent.lowercased().contains("\r\nx-request-id: seven\r\n"), sent)
            XCTAssertEqual(sent.hasSuffix("\r\n\r\nbody"), body != nil, sent)
        }
    }

    func testNoRedirectIsFollowed() async throws {
        let server = try Server { request in
            request.hasPrefix("GET /elsewhere")
                ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        }
        let answer = try await URLSessionTransport().send(request: get(server))
        XCTAssertEqual(answer.status, 307)
        XCTAssertEqual(server.received.count, 1)
    }

    func testNoCookieIsKept() async throws {
        let server = try Server { _ in "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n" }
        let transport = URLSessionTransport(configuration: .default)
        for _ in 0..<2 { _ = try await transport.send(request: get(server)) }
        XCTAssertEqual(server.received.count, 2)
        XCTAssertFalse(server.received.contains { $0.lowercased().contains("cookie") })
    }

    func testAnAnswerIsReadNoFurtherThanItMay() async throws {
        let said = try Server { _ in
            "HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + String(repeating: "a", count: 1025)
        }
        let unsaid = try Server { _ in
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + String(repeating: "a", count: 1025)
        }
        for server in [said, unsaid] {
            let error = await thrown(TransportError.self) {
                try await URLSessionTransport().send(request: self.get(server))
            }
            guard case .TooLong(let cap) = error else { return XCTFail("\(String(describing: error))") }
            XCTAssertEqual(cap, 1024)
            let answer = try await URLSessionTransport().send(request: get(server, atMost: 1025))
            XCTAssertEqual(answer.body.count, 1025)
        }
    }

    func testACancelledRequestEnds() async throws {
        let server = try Server { _ in nil }
        let transport = URLSessionTransport()
        let request = get(server)
        let task = Task { try await transport.send(request: request) }
        while server.received.isEmpty { try await Task.sleep(nanoseconds: 1_000_000) }
        task.cancel()
        let error = await thrown(URLError.self) { try await task.value }
        XCTAssertEqual(error?.code, .cancelled)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await transport.send(request: request)
        }
        late.cancel()
        let before = await thrown(URLError.self) { try await late.value }
        XCTAssertEqual(before?.code, .cancelled)
    }

    func testNobodyThereIsAnError() async throws {
        let server = try Server { _ in nil }
        server.stop()
        let error = await thrown(URLError.self) { try await URLSessionTransport().send(request: self.get(server)) }
        XCTAssertEqual(error?.code, .cannotConnectToHost)
    }
}
