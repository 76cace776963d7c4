// An HTTP server of the tests' own, over plain sockets: it answers what a test wants.

import Foundation

#if canImport(Glibc)
import Glibc
#endif
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

final class Server: @unchecked Sendable {
    /// A request, as it arrived.
    struct Request {
        let method: String, target: String
        /// By names in lower case.
        let headers: [String: String]
        let body: Data
        /// All of it, as text.
        let text: String
    }

    /// What is answered, byte for byte; `nil` is no answer at all.
    struct Handler: Sendable {
        let answer: @Sendable (Request) -> Data?
    }

    private let socket: Int32
    private let requests = Guarded<[Request]>([])
    private let peers = Guarded<Set<Int32>>([])
    private let listens = Guarded(true)
    let port: UInt16

    var received: [String] { requests.now.map(\.text) }
    var url: String { "http://127.0.0.1:\(port)" }

    /// Answers with this text.
    convenience init(_ answer: @escaping @Sendable (String) -> String?) throws {
        try self.init(Handler { answer($0.text).map { Data($0.utf8) } })
    }

    init(_ handler: Handler) throws {
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
        let (requests, peers) = (requests, peers)
        Thread.detachNewThread {
            while true {
                let peer = accept(socket, nil, nil)
                if peer < 0 { return }
                peers.with { _ = $0.insert(peer) }
                Thread.detachNewThread {
                    while let request = Self.read(peer) {
                        requests.with { $0.append(request) }
                        // Held open until the other end has enough.
                        guard let answer = handler.answer(request) else { continue }
                        guard Self.write(peer, answer) else { break }
                        if String(decoding: answer.prefix(1024), as: UTF8.self).contains("Connection: close") { break }
                    }
                    peers.with { $0.remove(peer) }
                    close(peer)
                }
            }
        }
    }

    deinit { stop() }

    /// Listens no more, and speaks with nobody any more.
    func stop() {
        // Once: by then the number may be that of another file.
        let first = listens.with { listens in
            defer { listens = false }
            return listens
        }
        guard first else { return }
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
        peers.with { for peer in $0 { shutdown(peer, Int32(SHUT_RDWR)) } }
    }

    /// One request: its head, and as much of a body as it says.
    private static func read(_ peer: Int32) -> Request? {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let end = data.range(of: Data("\r\n\r\n".utf8)) {
                let head = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in head.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                }
                let body = data[end.upperBound...]
                if body.count >= headers["content-length"].flatMap(Int.init) ?? 0 {
                    let asked = head[0].components(separatedBy: " ")
                    return Request(
                        method: asked[0], target: asked.count > 1 ? asked[1] : "", headers: headers, body: Data(body),
                        text: String(decoding: data, as: UTF8.self))
                }
            }
            let count = recv(peer, &buffer, buffer.count, 0)
            if count <= 0 { return nil }
            data += buffer[..<count]
        }
    }

    private static func write(_ peer: Int32, _ data: Data) -> Bool {
        var rest = data
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent <= 0 { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}

/// Stands before a custodian, and holds one request for good: on its way there, or its answer on the way back.
final class Proxy: Sendable {
    /// What was asked for by the request that is held.
    let held: Guarded<String?>
    private let server: Server

    var url: String { server.url }

    init(to custodian: Custodian, holding n: Int, arrives: Bool) throws {
        let (held, passed, target) = (Guarded<String?>(nil), Guarded(0), custodian.url)
        self.held = held
        server = try Server(
            Server.Handler { request in
                let number = passed.with { passed in
                    passed += 1
                    return passed
                }
                if number > n { return nil }
                if number == n && !arrives {
                    held.with { $0 = request.target }
                    return nil
                }
                let answer = Self.forward(request, to: target)
                guard number == n else { return answer }
                held.with { $0 = request.target }
                return nil
            })
    }

    private static func forward(_ request: Server.Request, to target: String) -> Data? {
        guard let url = URL(string: target + request.target) else { return nil }
        var asked = URLRequest(url: url)
        asked.httpMethod = request.method
        for (name, value) in request.headers where !["host", "content-length", "connection"].contains(name) {
            asked.setValue(value, forHTTPHeaderField: name)
        }
        asked.httpBody = request.body.isEmpty ? nil : request.body
        let answered = DispatchSemaphore(value: 0)
        let answer = Guarded<Data?>(nil)
        URLSession.shared.dataTask(with: asked) { body, response, _ in
            if let response = response as? HTTPURLResponse {
                let body = body ?? Data()
                var head = "HTTP/1.1 \(response.statusCode) .\r\nContent-Length: \(body.count)\r\n"
                for name in ["Content-Type", "Retry-After"] {
                    if let value = response.value(forHTTPHeaderField: name) { head += "\(name): \(value)\r\n" }
                }
                answer.with { $0 = Data((head + "\r\n").utf8) + body }
            }
            answered.signal()
        }.resume()
        answered.wait()
        return answer.now
    }
}
