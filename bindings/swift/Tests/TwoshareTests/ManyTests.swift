// Many calls at once, many objects one after another, and who is not held up meanwhile.

import Foundation
import Twoshare
import XCTest

#if canImport(Glibc)
import Glibc
#endif

final class ManyTests: XCTestCase {
    func testFiftyOperationsAtOnce() async throws {
        let user = try User()
        let phone = try user.phone()
        // Ten wallets, and five calls about each: those about one wait for each other.
        let codes = try await withThrowingTaskGroup(of: (WalletId, CheckCode).self) { group in
            for _ in 0..<10 {
                group.addTask {
                    let wallet = try await phone.createWallet(curves: [.secp256k1, .ed25519])
                    let code = RecoveryCode.make()
                    let method = Method.recoveryCode(code: code)
                    let id = wallet.id()
                    _ = try await phone.backup(wallet: id, methods: [method])
                    try await withThrowingTaskGroup(of: Void.self) { calls in
                        for _ in 0..<2 {
                            calls.addTask { _ = try await phone.drill(wallet: id, method: method) }
                            calls.addTask { _ = try await phone.refresh(wallet: id, method: method) }
                        }
                        calls.addTask { _ = try await phone.status(wallet: id) }
                        try await calls.waitForAll()
                    }
                    return (id, wallet.checkCode())
                }
            }
            var codes: [WalletId: CheckCode] = [:]
            for try await (id, code) in group { codes[id] = code }
            return codes
        }
        XCTAssertEqual(codes.count, 10)
        for (id, code) in codes {
            let status = try await phone.status(wallet: id)
            XCTAssertEqual(status.checkCode, code)
            XCTAssertEqual(status.epoch, 3)
            XCTAssertEqual(status.keys.map(\.backup), [.complete, .complete])
        }
    }

    /// The calls are made on the main actor and need it in their middle, where the app's own code is called: one
    /// that held the main thread up would wait for itself.
    @MainActor
    func testNoCallHoldsTheMainThreadUp() async throws {
        let user = try User()
        let needsMain = NeedsMain()
        let phone = try user.phone(login: user.login(transport: needsMain))
        let wallet = try await phone.createWallet(curves: [.secp256k1])
        _ = try await phone.backup(wallet: wallet.id(), methods: [password()])
        _ = try await phone.drill(wallet: wallet.id(), method: password())
        _ = try await phone.status(wallet: wallet.id())
        XCTAssertGreaterThan(needsMain.seen.now, 8)
    }

    /// Passwords are stretched on threads of the library's own: however many are, the few that Swift runs all
    /// tasks on are free meanwhile, and a listener hears of each step on none of those either.
    func testPasswordsAreStretchedAside() async throws {
        let user = try User()
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        let heard = Guarded<Set<String>>([])
        let listened = phone.withProgress(
            listener: Listener { _ in
                let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
                heard.with { _ = $0.insert(name ?? "") }
            })
        let drills = (0..<8).map { _ in Task { try await listened.drill(wallet: id, method: password()) } }
        for drill in drills {
            let drilled = try await drill.value
            XCTAssertEqual(drilled.level, .matches)
        }
        XCTAssertFalse(heard.now.isEmpty)
        XCTAssertTrue(heard.now.allSatisfy { $0.hasPrefix("twoshare") }, "\(heard.now)")
    }

    /// Objects that are made and dropped leave nothing behind. A leak of 100 bytes in each cycle would be 1 MB.
    func testTenThousandCyclesWithoutGrowth() async throws {
        let user = try User()
        let login = try user.login()
        let device = MemoryDevice()
        let phone = try user.phone(.memory(device: device))
        let wallet = try await phone.createWallet(curves: [.secp256k1]).id()
        func cycle() async throws {
            let transport = Quiet()
            let custodian = try HttpCustodian(
                config: HttpConfig(url: "http://127.0.0.1:1", transport: transport, tokens: FixedToken("token")))
            let own = try user.phone(.own(state: Absent(), timeout: 1), login: custodian)
            _ = try await own.walletsHere()
            let client = try user.phone(.memory(device: device), login: login)
            let listened = client.withProgress(listener: Listener { _ in })
            _ = try await listened.wallet(wallet: wallet).verifyingKeys()
            _ = Cancellation()
            _ = Method.recoveryCode(code: RecoveryCode.make(label: "label"))
            _ = try password(label: "label")
            _ = try WalletId(wallet.text)
            do { _ = try WalletId("none") } catch is IdError {}
            _ = MemoryDevice()
        }
        for _ in 0..<2_000 { try await cycle() }
        let before = resident()
        for _ in 0..<10_000 { try await cycle() }
        let grown = resident() - before
        print("ten thousand cycles: \(grown) bytes more")
        XCTAssertLessThan(grown, 900_000)
    }
}

/// Gives what is free back to the system; it is not in Swift's module of the C library.
@_silgen_name("malloc_trim")
private func trim(_ pad: Int) -> Int32

/// Bytes of memory that the process has, of Swift's and of the library's.
private func resident() -> Int {
    _ = trim(0)
    let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (pages.flatMap { Int($0[1]) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// Hears of each step.
final class Listener: ProgressListener {
    private let heard: @Sendable (Progressed) -> Void
    init(_ heard: @escaping @Sendable (Progressed) -> Void) { self.heard = heard }
    func step(at: Progressed) { heard(at) }
}

private final class NeedsMain: HttpTransport {
    private let inner = URLSessionTransport()
    let seen = Guarded(0)

    func send(request: HttpRequest) async throws -> HttpResponse {
        await MainActor.run {
            XCTAssertTrue(Thread.isMainThread)
            seen.with { $0 += 1 }
        }
        return try await inner.send(request: request)
    }
}

/// Is never asked.
private final class Quiet: HttpTransport {
    func send(request: HttpRequest) async throws -> HttpResponse {
        throw TransportError.Unreachable(source: .Cancelled)
    }
}

/// A device with nothing on it.
private final class Absent: DeviceState {
    func wallets() async throws -> [WalletId] { [] }
    func load(wallet: WalletId) async throws -> Record? { nil }
    func save(wallet: WalletId, contents: Data, expected: UInt64?) async throws -> UInt64 {
        throw SaveError.Full
    }
    func delete(wallet: WalletId, expected: UInt64) async throws {}
    func discard(wallet: WalletId) async throws {}
}
