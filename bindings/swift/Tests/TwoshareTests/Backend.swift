// The server of an app that keeps its users' envelopes: in memory, and otherwise as
// `docs/self-managed-store.openapi.json` says. It notes whatever of a request or an answer is not in that document.

import Foundation

final class Backend: @unchecked Sendable {
    /// A status, and how long to wait.
    typealias Refusal = (status: Int, retryAfter: String?)

    let contract: Contract
    /// By their names.
    let objects = Guarded<[String: Data]>([:])
    /// What it answers instead of doing anything.
    let instead = Guarded<((Server.Request) -> Refusal?)?>(nil)
    /// Whether other bytes are there under every name that is asked for.
    let squatting = Guarded(false)
    let breaches = Guarded<[String]>([])
    /// What of the document was asked for.
    let asked = Guarded<Set<String>>([])
    let tokens = Guarded<Set<String>>([])
    private var server: Server?

    init() throws {
        contract = try Contract()
        server = try Server(Server.Handler { [weak self] in self?.answer($0) })
    }

    var url: String { (server?.url ?? "") + "/backups" }

    func stop() { server?.stop() }

    private func answer(_ request: Server.Request) -> Data {
        let asked = contract.operation(of: request)
        let (status, type, body, retryAfter) = reply(request)
        self.asked.with { _ = $0.insert(asked) }
        if !contract.statuses(of: asked).contains(status) {
            breaches.with { $0.append("\(asked) is not answered with \(status)") }
        }
        if contract.body(of: asked) != request.headers["content-type"].map({ [$0] }) ?? [] {
            breaches.with { $0.append("\(asked) has no body of \(request.headers["content-type"] ?? "none")") }
        }
        for header in contract.headers(of: asked) where request.headers[header.name.lowercased()] != header.value {
            breaches.with { $0.append("\(asked) needs \(header.name): \(header.value)") }
        }
        var head = "HTTP/1.1 \(status) .\r\nContent-Length: \(body.count)\r\n"
        if let type { head += "Content-Type: \(type)\r\n" }
        if let retryAfter { head += "Retry-After: \(retryAfter)\r\n" }
        return Data((head + "\r\n").utf8) + body
    }

    private func reply(_ request: Server.Request) -> (Int, String?, Data, String?) {
        let token = request.headers["authorization"].map { String($0.dropFirst("Bearer ".count)) } ?? ""
        tokens.with { _ = $0.insert(token) }
        guard token == "good" else { return (401, nil, Data(), nil) }
        if let refusal = instead.now?(request) { return (refusal.status, nil, Data(), refusal.retryAfter) }
        let target = request.target.dropFirst("/backups/objects".count)
        if target.hasPrefix("?wallet=") {
            let prefix = target.dropFirst("?wallet=".count) + "-"
            let names = objects.now.keys.filter { $0.hasPrefix(prefix) }
            let list = try? JSONSerialization.data(withJSONObject: ["objects": names])
            return (200, "application/json", list ?? Data(), nil)
        }
        let name = String(target.dropFirst())
        return objects.with { objects in
            switch request.method {
            case "PUT":
                if squatting.now { objects[name] = Data("something else".utf8) }
                guard objects[name] == nil else { return (412, nil, Data(), nil) }
                objects[name] = request.body
                return (201, nil, Data(), nil)
            case "DELETE":
                objects[name] = nil
                return (204, nil, Data(), nil)
            default:
                guard let object = objects[name] else { return (404, nil, Data(), nil) }
                return (200, "application/octet-stream", object, nil)
            }
        }
    }
}

/// The document, as far as a server of it is held to it.
struct Contract {
    private let paths: [String: [String: Any]]

    init() throws {
        let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../../docs/self-managed-store.openapi.json").standardized
        let document = try JSONSerialization.jsonObject(with: Data(contentsOf: project)) as? [String: Any]
        guard let paths = document?["paths"] as? [String: [String: Any]] else { throw Failed("no paths") }
        self.paths = paths
    }

    /// What of the document a request asks for, such as `PUT /objects/{name}`.
    func operation(of request: Server.Request) -> String {
        let target = request.target.components(separatedBy: "?")[0].dropFirst("/backups".count)
        let path = target.hasPrefix("/objects/") ? "/objects/{name}" : String(target)
        return "\(request.method) \(path)"
    }

    private func described(_ operation: String) -> [String: Any] {
        let words = operation.components(separatedBy: " ")
        return paths[words[1]]?[words[0].lowercased()] as? [String: Any] ?? [:]
    }

    func statuses(of operation: String) -> Set<Int> {
        Set((described(operation)["responses"] as? [String: Any] ?? [:]).keys.compactMap(Int.init))
    }

    /// The types that a request's body may have.
    func body(of operation: String) -> [String] {
        let body = described(operation)["requestBody"] as? [String: Any]
        return (body?["content"] as? [String: Any]).map { Array($0.keys) } ?? []
    }

    func headers(of operation: String) -> [(name: String, value: String)] {
        let parameters = described(operation)["parameters"] as? [[String: Any]] ?? []
        return parameters.filter { $0["in"] as? String == "header" }.compactMap { header in
            let schema = header["schema"] as? [String: Any]
            guard let name = header["name"] as? String, let value = schema?["const"] as? String else { return nil }
            return (name, value)
        }
    }
}
