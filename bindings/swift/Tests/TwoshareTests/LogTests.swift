// What an app's log is told: everything, in order, and nothing secret.

import Foundation
import Twoshare
import XCTest

final class LogTests: XCTestCase {
    private func phone(
        of user: User, _ sink: LogSink, login: HttpCustodian? = nil, device: Device = .memory(device: MemoryDevice())
    ) throws -> Client {
        try Client(
            config: ClientConfig(
                custodian: login ?? user.login(), pinned: user.custodian.identity, user: user.name, device: device,
                log: sink))
    }

    func testALogHasEveryCallInOrder() async throws {
        let user = try User()
        let sink = Kept()
        let phone = try phone(of: user, sink)
        let id = try await phone.createWallet(curves: [.secp256k1]).id()
        _ = try await phone.backup(wallet: id, methods: [password()])
        _ = try await phone.drill(wallet: id, method: password())
        _ = try? await phone.drill(wallet: id, method: password("another-password-93"))
        _ = try await phone.walletsHere()
        try await sink.has(calls: 5)
        let entries = sink.entries.now

        // One call after the other: each begins, has its steps and requests, and ends.
        XCTAssertEqual(entries.map(\.lost).max(), 0)
        XCTAssertEqual(entries.map(\.at), entries.map(\.at).sorted())
        XCTAssertEqual(entries.map(\.call), entries.map(\.call).sorted())
        let calls = Dictionary(grouping: entries, by: \.call).sorted { $0.key < $1.key }.map(\.value)
        var told: [String] = []
        for call in calls {
            guard case .began(let name, let about) = call.first?.event,
                case .ended(name, let ended, _, let outcome) = call.last?.event
            else { return XCTFail("\(call)") }
            XCTAssertEqual(about, ["create_wallet", "wallets_here"].contains(name) ? nil : id)
            XCTAssertEqual(ended, about)
            switch outcome {
            case .done: told.append("\(name) done")
            case .failed(let error): told.append("\(name) \(error)")
            }
        }
        XCTAssertEqual(
            told,
            [
                "create_wallet done", "backup done", "drill done", "drill Open.Open.WrongSecret", "wallets_here done",
            ])
        let steps = calls[1].compactMap { entry -> Step? in
            if case .step(call: .backup, let step) = entry.event { step } else { nil }
        }
        XCTAssertEqual(steps, [.methods, .state, .exchange, .store, .commit, .tidy, .done])
        let requests = calls[0].compactMap { entry -> String? in
            guard case .http(let method, let path, let request, _, let status) = entry.event else { return nil }
            XCTAssertFalse(request.isEmpty)
            return "\(method) \(path) \(status ?? 0)"
        }
        XCTAssertEqual(requests, ["post /v1/begin 200", "post /v1/prepare 200", "post /v1/commit 200"])
        let line = try XCTUnwrap(calls[3].last.map(logText(entry:)))
        XCTAssertTrue(line.hasPrefix("[\(calls[3][0].call)] drill \(id) failed: Open.Open.WrongSecret, after "), line)
    }

    func testALogHasNothingSecret() async throws {
        let user = try User()
        let sink = Kept()
        let reason = "the app's own words"
        let transport = Failing()
        let phone = try phone(of: user, sink, login: user.login(transport: transport, retry: once))
        let code = RecoveryCode.make(label: "in the safe")
        let key = SigningKey.make(), seed = Data((0..<32).map { UInt8(200 - $0) })
        let wallet = try await phone.importWallet(
            imports: [
                .key(key: key), .secret(secret: WalletSecret(kind: .ed25519Seed, label: "cold", bytes: seed)),
            ], name: "for the boat")
        let id = wallet.id()
        _ = try await phone.backup(wallet: id, methods: [password(label: "the usual"), .recoveryCode(code: code)])
        _ = try? await phone.drill(wallet: id, method: password("another-password-93"))
        transport.reason.with { $0 = reason }
        _ = try? await phone.wallets()
        transport.reason.with { $0 = nil }
        let next = try self.phone(of: user, sink)
        _ = try await next.recover(wallet: id, recovery: Recovery(method: .recoveryCode(code: code)))
        let shares = try await self.phone(of: user, sink).createWallet(curves: [.ed25519]).signingShares()
        try await sink.has(calls: 6)

        let entries = sink.entries.now
        var threw: [String] = []
        for entry in entries {
            if case .app(let name, .threw(let error)) = entry.event { threw.append("\(name) \(error)") }
        }
        XCTAssertEqual(threw, ["HttpTransport.send Unreachable.Threw"])
        let everything = entries.map { "\($0)\n\(logText(entry: $0))" }.joined(separator: "\n")
        func inText(_ bytes: Data) -> [String] {
            let list = bytes.map(String.init).joined(separator: ", ")
            return [bytes.map { String(format: "%02x", $0) }.joined(), bytes.base64EncodedString(), list]
        }
        var secrets = [
            entered, "another-password-93", code.toText(), code.toText().replacingOccurrences(of: "-", with: ""),
            String(user.token.suffix(user.token.count / 2)), "Bearer", reason, "in the safe", "the usual", "for the boat", "cold", user.name, user.custodian.url,
        ]
        secrets += inText(key.exposeSecret()) + inText(seed) + shares.flatMap { inText($0.exposeSecret()) }
        for secret in secrets {
            XCTAssertFalse(everything.range(of: secret, options: .caseInsensitive) != nil, secret)
        }
        // That it would have been found: what is no secret is there.
        XCTAssertTrue(everything.contains(id.text))
    }

    func testALogThatHangsHoldsNobodyUp() async throws {
        let user = try User()
        let stuck = DispatchSemaphore(value: 0)
        let sink = Kept(before: { stuck.wait() })
        let phone = try phone(of: user, sink)
        let wallet = try await phone.createWallet(curves: [.ed25519])
        _ = try await phone.backup(wallet: wallet.id(), methods: [.recoveryCode(code: RecoveryCode.make())])
        let calls = 700
        for _ in 0..<calls { _ = try await phone.walletsHere() }
        XCTAssertEqual(sink.entries.now.count, 0)
        // Then it goes on: each entry is there, or was counted.
        for _ in 0..<5_000 { stuck.signal() }
        try await sink.isTold(of: "wallet") { _ = try await phone.wallet(wallet: wallet.id()) }
        let entries = sink.entries.now
        let lost = entries.reduce(0) { $0 + Int($1.lost) }
        XCTAssertGreaterThan(lost, 2 * calls - 1024 - 64)
        XCTAssertEqual(entries.map(\.call), entries.map(\.call).sorted())
        XCTAssertGreaterThanOrEqual(entries.count + lost, 2 * (calls + 3))
        XCTAssertTrue(entries.contains { logText(entry: $0).hasSuffix(" (\($0.lost) entries before this were lost)") })
    }

    func testALogMayCallBackIn() async throws {
        let user = try User()
        let client = Guarded<Client?>(nil)
        let inside = Guarded<[Task<[WalletId], Error>]>([])
        let sink = Kept(before: {
            inside.with { inside in
                guard inside.isEmpty, let client = client.now else { return }
                inside.append(Task { try await client.wallets() })
            }
        })
        let phone = try phone(of: user, sink)
        client.with { $0 = phone }
        _ = try await phone.walletsHere()
        try await sink.has(calls: 2)
        let wallets = try await XCTUnwrap(inside.now.first).value
        XCTAssertEqual(wallets, [])
        client.with { $0 = nil }
    }

    func testEachClientHasALogOfItsOwn() async throws {
        let user = try User()
        let one = Kept(), other = Kept()
        let first = try phone(of: user, one), second = try phone(of: user, other)
        _ = try await first.walletsHere()
        _ = try await second.wallets()
        try await one.has(calls: 1)
        try await other.has(calls: 1)
        XCTAssertEqual(one.begun, ["wallets_here"])
        XCTAssertEqual(other.begun, ["wallets"])
        // Of what is cancelled it is told too.
        let cancellation = Cancellation()
        cancellation.cancel()
        _ = try? await first.createWallet(curves: [.ed25519], cancellation: cancellation)
        try await one.has(calls: 2)
        guard case .ended("create_wallet", nil, _, .failed("Cancelled")) = one.entries.now.last?.event else {
            return XCTFail("\(one.entries.now)")
        }
    }
}

/// Keeps what it is told.
private final class Kept: LogSink {
    let entries = Guarded<[LogEntry]>([])
    private let before: @Sendable () -> Void
    init(before: @escaping @Sendable () -> Void = {}) { self.before = before }

    func log(entry: LogEntry) {
        before()
        entries.with { $0.append(entry) }
    }

    /// What began, in order.
    var begun: [String] {
        entries.now.compactMap { if case .began(let name, _) = $0.event { name } else { nil } }
    }

    /// Waits until so many calls have ended: nobody waits for a log, and so this does.
    func has(calls: Int) async throws {
        try await eventually("\(calls) calls have ended in the log") {
            self.entries.now.filter { if case .ended = $0.event { true } else { false } }.count >= calls
        }
    }

    /// Makes this call until it was told of its end: what came before may have been lost.
    func isTold(of name: String, _ call: () async throws -> Void) async throws {
        try await eventually("a call of \(name) is in the log") {
            try await call()
            return self.entries.now.contains { if case .ended(name, _, _, _) = $0.event { true } else { false } }
        }
    }
}

/// Throws what a test says instead of sending anything.
private final class Failing: HttpTransport {
    let reason = Guarded<String?>(nil)
    private let inner = URLSessionTransport()

    func send(request: HttpRequest) async throws -> HttpResponse {
        if let reason = reason.now { throw Failed(reason) }
        return try await inner.send(request: request)
    }
}
