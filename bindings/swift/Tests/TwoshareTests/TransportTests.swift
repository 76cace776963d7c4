// The platform's HTTP client as the library's: against a server that answers what a test wants.

import Foundation
import Twoshare
import XCTest

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
#if canImport(Glibc)
import Glibc
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

/// A server of one answer, over plain sockets; `nil` is none at all.
final class Server: @unchecked Sendable {
    private let socket: Int32
    private let requests = Guarded<[String]>([])
    let port: UInt16

    var received: [String] { requests.now }
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (String) -> String?) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (socket, bound) = withUnsafeMutablePointer(to: &address) { [socket] address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let bound = bind(socket, address, length) == 0 && listen(socket, 16) == 0
                return (socket, bound && getsockname(socket, address, &length) == 0)
            }
        }
        guard bound else { throw Failed("no port to listen at: \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
        let requests = requests
        Thread.detachNewThread {
            while true {
                let peer = accept(socket, nil, nil)
                if peer < 0 { return }
                Thread.detachNewThread {
                    while let request = Self.read(peer) {
                        requests.with { $0.append(request) }
                        // Held open until the other end has enough.
                        guard let answer = answer(request) else { continue }
                        _ = answer.withCString { send(peer, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                        if answer.contains("Connection: close") { break }
                    }
                    close(peer)
                }
            }
        }
    }

    deinit { stop() }

    func stop() { shutdown(socket, Int32(SHUT_RDWR)); close(socket) }

    /// One request: its head, and as much of a body as it says.
    private static func read(_ peer: Int32) -> String? {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: data, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].lowercased()
                let length = head.components(separatedBy: "content-length: ").dropFirst().first.flatMap {
                    Int($0.prefix { $0.isNumber })
                }
                if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
            }
            let count = recv(peer, &buffer, buffer.count, 0)
            if count <= 0 { return nil }
            data += buffer[..<count]
        }
    }
}
