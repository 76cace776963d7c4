// What the tests have in common: users, phones, and asking for an error.

import Foundation
import Twoshare
import XCTest

/// The password of every test that needs one: good enough for a backup.
let entered = "orbit-velvet-93-lantern"

func password(_ entered: String = entered, label: String? = nil) throws -> Method {
    try Method.password(entered: entered, label: label)
}

/// A token that is given once and for all.
final class FixedToken: TokenProvider {
    private let token: String
    init(_ token: String) { self.token = token }

    func token(refused: String?) async throws -> String {
        guard refused == nil else { throw TokenError.NotSignedIn }
        return token
    }
}

/// A user of a custodian, with a name of their own.
struct User {
    let name: String
    let custodian: Custodian
    let token: String

    init(at custodian: Custodian = .shared, name: String = "user-\(UUID().uuidString)") throws {
        (self.custodian, self.name) = (custodian, name)
        token = try custodian.token(of: name)
    }

    /// The custodian as this user's app speaks to it.
    func login(
        transport: HttpTransport = URLSessionTransport(), tokens: TokenProvider? = nil, retry: Retry? = nil,
        requestTimeout: TimeInterval? = nil, tokenTimeout: TimeInterval? = nil
    ) throws -> HttpCustodian {
        try HttpCustodian(
            config: HttpConfig(
                url: custodian.url, transport: transport, tokens: tokens ?? FixedToken(token), retry: retry,
                requestTimeout: requestTimeout, tokenTimeout: tokenTimeout))
    }

    /// A phone of this user.
    func phone(
        _ device: Device = .memory(device: MemoryDevice()), login: HttpCustodian? = nil, pinned: Bool = true
    ) throws -> Client {
        try Client(
            config: ClientConfig(
                custodian: login ?? self.login(), pinned: pinned ? custodian.identity : nil, user: name,
                device: device))
    }

    /// A phone with a wallet, backed up with the password.
    func backedUp(_ client: Client? = nil) async throws -> (Client, Wallet) {
        let client = try client ?? phone()
        let wallet = try await client.createWallet(curves: [.secp256k1])
        _ = try await client.backup(wallet: wallet.id(), methods: [password()])
        return (client, wallet)
    }
}

/// One call each, for tests whose custodian does not answer.
let once = Retry(first: 0.01, longest: 0.01, total: 1, attempts: 1)

/// What a call throws, which has to be of this type and has to be described as its texts say.
func thrown<Thrown: Error, Value>(
    _ type: Thrown.Type, _ text: String? = nil, file: StaticString = #filePath, line: UInt = #line,
    _ call: () async throws -> Value
) async -> Thrown? {
    do {
        let value = try await call()
        XCTFail("\(Thrown.self) was expected, not \(value)", file: file, line: line)
    } catch let error as Thrown {
        if let text {
            XCTAssertEqual(error.localizedDescription, text, file: file, line: line)
        }
        return error
    } catch {
        XCTFail("\(Thrown.self) was expected, not \(error)", file: file, line: line)
    }
    return nil
}

/// That a call ends with this error, field for field, and how it is described.
func refused<Refusal: Error & Equatable, Value>(
    _ expected: Refusal, _ text: String, file: StaticString = #filePath, line: UInt = #line,
    _ call: () async throws -> Value
) async {
    let error = await thrown(Refusal.self, text, file: file, line: line, call)
    if let error { XCTAssertEqual(error, expected, file: file, line: line) }
}

/// Waits for something that nothing says the end of. A minute is longer than it takes anywhere.
func eventually(_ what: String, _ holds: () async throws -> Bool) async throws {
    let late = Date(timeIntervalSinceNow: 60)
    while try await !holds() {
        if Date() > late { throw Failed("not within a minute: \(what)") }
        try await Task.sleep(nanoseconds: 1_000_000)
    }
}

/// What a task gives, where it might as well never end: then it has failed.
func soon<Value: Sendable>(_ task: Task<Value, Error>) async throws -> Value {
    let ended = Guarded(false)
    Task {
        _ = await task.result
        ended.with { $0 = true }
    }
    try await eventually("the call ends") { ended.now }
    return try await task.value
}

/// Something that more than one task changes.
final class Guarded<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value
    init(_ value: Value) { self.value = value }

    @discardableResult
    func with<Result>(_ change: (inout Value) throws -> Result) rethrows -> Result {
        try lock.withLock { try change(&value) }
    }

    var now: Value { with { $0 } }
}
