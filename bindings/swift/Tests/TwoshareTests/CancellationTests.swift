// A call that is cancelled ends as cancelled, wherever it is, and has harmed nothing.

import Foundation
import Twoshare
import XCTest

final class CancellationTests: XCTestCase {
    /// How a backup is ended in the middle of it.
    private enum By { case task, cancellation, following }

    /// Cancels a backup when its n-th request begins, for every n there is.
    private func cancelEverywhere(by: By, _ user: User) async throws {
        var interrupted = 0
        for n in 1... {
            let gate = Gate()
            let device = MemoryDevice()
            let phone = try user.phone(.memory(device: device), login: user.login(transport: gate))
            let wallet = try await phone.createWallet(curves: [.secp256k1])
            let id = wallet.id()
            _ = try await phone.backup(wallet: id, methods: [password()])
            gate.close(at: n)
            defer { gate.open() }
            let cancellation = Cancellation()
            let task = Task {
                switch by {
                case .task: return try await phone.refresh(wallet: id, method: password())
                case .cancellation:
                    return try await phone.refresh(wallet: id, method: password(), cancellation: cancellation)
                case .following:
                    var refreshed: Backup?
                    for try await event in phone.following({ try await $0.refresh(wallet: id, method: password()) }) {
                        if case .done(let backup) = event { refreshed = backup }
                    }
                    guard let refreshed else { throw CancellationError() }
                    return refreshed
                }
            }
            guard await gate.isReached(orEnded: task) else {
                XCTAssertGreaterThan(interrupted, 5, "a refresh has more requests than that")
                return
            }
            interrupted += 1
            if by == .cancellation { cancellation.cancel() } else { task.cancel() }
            do {
                let backup = try await soon(task)
                XCTFail("it went on to \(backup) past request \(n)")
            } catch RefreshError.Cancelled {
                XCTAssertEqual(RefreshError.Cancelled.localizedDescription, "the call was cancelled")
            } catch is CancellationError where by == .following {
                // Whoever is cancelled while reading a sequence reads its end.
            }
            // The reader of a sequence does not wait for the call: whoever asks for the wallet does.
            _ = try await soon(Task { try await phone.wallet(wallet: id) })
            gate.open()

            // The last backup is as it was, for whoever has never heard of the other.
            let copy = try user.phone(.memory(device: device.snapshot()))
            let drilled = try await copy.drill(wallet: id, method: password())
            XCTAssertEqual(drilled.level, .matches, "after request \(n)")
            XCTAssertTrue([1, 2].contains(drilled.epoch), "after request \(n)")

            // And the device goes on from there.
            switch try await phone.resume(wallet: id) {
            case .finished(let operation), .givenUp(let operation, _): XCTAssertEqual(operation, .refresh)
            case .nothing: break
            case .revoked: XCTFail("revoked after request \(n)")
            }
            _ = try await phone.refresh(wallet: id, method: password())
            let after = try await phone.drill(wallet: id, method: password())
            XCTAssertEqual(after.level, .matches, "after request \(n)")
        }
    }

    func testATaskIsCancelledAtEveryRequestOfARefresh() async throws {
        try await cancelEverywhere(by: .task, User())
    }

    func testACancellationIsUsedAtEveryRequestOfARefresh() async throws {
        try await cancelEverywhere(by: .cancellation, User())
    }

    func testAReaderOfTheStepsIsCancelledAtEveryRequestOfARefresh() async throws {
        try await cancelEverywhere(by: .following, User())
    }

    func testAFirstBackupThatIsCancelledLeavesTheWalletAsItWas() async throws {
        let user = try User()
        let gate = Gate()
        let phone = try user.phone(login: user.login(transport: gate))
        let wallet = try await phone.createWallet(curves: [.ed25519])
        gate.close(at: 3)
        let task = Task { try await phone.backup(wallet: wallet.id(), methods: [password()]) }
        let reached = await gate.isReached(orEnded: task)
        XCTAssertTrue(reached)
        task.cancel()
        let error = await thrown(BackupError.self, "the call was cancelled") { try await soon(task) }
        guard case .Cancelled = error else { return XCTFail("\(String(describing: error))") }
        gate.open()
        let status = try await phone.status(wallet: wallet.id())
        XCTAssertEqual(status.keys.map(\.backup), [.none])
        // Given up or finished, as far as it had got.
        _ = try await phone.resume(wallet: wallet.id())
        if try await phone.status(wallet: wallet.id()).epoch == nil {
            _ = try await phone.backup(wallet: wallet.id(), methods: [password()])
        }
        let drill = try await phone.drill(wallet: wallet.id(), method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testWhatIsCancelledBeforeItBeginsDoesNotBegin() async throws {
        let user = try User()
        let gate = Gate()
        let phone = try user.phone(login: user.login(transport: gate))
        let cancellation = Cancellation()
        XCTAssertFalse(cancellation.isCancelled())
        cancellation.cancel()
        cancellation.cancel()
        XCTAssertTrue(cancellation.isCancelled())
        let error = await thrown(CreateError.self, "the call was cancelled") {
            try await phone.createWallet(curves: [.secp256k1], cancellation: cancellation)
        }
        guard case .Cancelled = error else { return XCTFail("\(String(describing: error))") }
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await phone.createWallet(curves: [.secp256k1])
        }
        task.cancel()
        let late = await thrown(CreateError.self, "the call was cancelled") { try await soon(task) }
        guard case .Cancelled = late else { return XCTFail("\(String(describing: late))") }
        XCTAssertEqual(gate.passed, 0)
    }

    func testOneCancellationEndsAllThatItWasGivenTo() async throws {
        let user = try User()
        let gate = Gate()
        let phone = try user.phone(login: user.login(transport: gate))
        gate.close(at: 1)
        let cancellation = Cancellation()
        let calls = (0..<8).map { _ in
            Task { try await phone.createWallet(curves: [.secp256k1], cancellation: cancellation) }
        }
        _ = await gate.isReached(orEnded: calls[0])
        cancellation.cancel()
        for call in calls {
            let error = await thrown(CreateError.self) { try await soon(call) }
            guard case .Cancelled = error else { return XCTFail("\(String(describing: error))") }
        }
        // Others are not ended by it.
        gate.open()
        _ = try await phone.createWallet(curves: [.secp256k1])
    }

    func testACallThatHasEndedIsNotCancelled() async throws {
        let phone = try User().phone()
        let cancellation = Cancellation()
        let wallet = try await phone.createWallet(curves: [.secp256k1], cancellation: cancellation)
        cancellation.cancel()
        let here = try await phone.walletsHere()
        XCTAssertEqual(here, [wallet.id()])
    }
}

/// Lets requests through to the custodian until one that it holds.
final class Gate: HttpTransport {
    private struct State {
        var passed = 0
        var closedAt: Int?
        var path: String?
        var reached = false
    }

    private let inner = URLSessionTransport()
    private let state = Guarded(State())

    /// How many requests there were.
    var passed: Int { state.now.passed }

    /// Holds the n-th request from now on, and all after it.
    func close(at n: Int) {
        state.with { ($0.closedAt, $0.path, $0.reached) = ($0.passed + n, nil, false) }
    }

    /// Holds the next request whose address has this in it, and all after it.
    func close(at path: String) {
        state.with { ($0.closedAt, $0.path, $0.reached) = (nil, path, false) }
    }

    func open() { state.with { ($0.closedAt, $0.path) = (nil, nil) } }

    /// Waits until a request is held; whether one was before the task ended.
    func isReached<Value>(orEnded task: Task<Value, Error>) async -> Bool {
        let ended = Guarded(false)
        Task {
            _ = await task.result
            ended.with { $0 = true }
        }
        while !ended.now {
            if state.now.reached { return true }
            try? await Task.sleep(nanoseconds: 1_000_000)
        }
        return false
    }

    func send(request: HttpRequest) async throws -> HttpResponse {
        let isHeld = state.with { state in
            state.passed += 1
            if let path = state.path, request.url.contains(path) { (state.closedAt, state.path) = (state.passed, nil) }
            guard let closedAt = state.closedAt, state.passed >= closedAt else { return false }
            state.reached = true
            return true
        }
        while isHeld && state.now.closedAt != nil { try await Task.sleep(nanoseconds: 1_000_000) }
        return try await inner.send(request: request)
    }
}
