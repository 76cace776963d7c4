// What the app's own code can do wrong: throw, hang, return nonsense, call back in. Each ends as a typed error
// that says which it was, and what comes after it works.

import Foundation
import Twoshare
import XCTest

/// An error of the app's own, which the library cannot know.
private struct Stray: LocalizedError, CustomStringConvertible {
    let description = "a stray error of the app"
    var errorDescription: String? { description }
}

/// A pause that ends when its task is cancelled, and is longer than any test.
private func hang() async throws {
    try await Task.sleep(nanoseconds: 3_600_000_000_000)
}

/// A pause that does not even end then.
private func hangForGood() async {
    await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
}

final class ForeignTests: XCTestCase {
    // MARK: HTTP

    private func unreachable(
        _ transport: OwnTransport, timeout: TimeInterval = 30, _ text: String, line: UInt = #line
    ) async throws -> StateError? {
        let user = try User()
        let phone = try user.phone(
            login: user.login(transport: transport, retry: once, requestTimeout: timeout))
        let error = await thrown(StateError.self, text, line: line) { try await phone.wallets() }
        // What comes after it works, of the same client.
        transport.act.with { $0 = OwnTransport.honest }
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [], line: line)
        return error
    }

    func testATransportThatThrowsIsNotReached() async throws {
        let error = try await unreachable(
            OwnTransport { _ in throw Stray() },
            "the custodian did not give the wallet's state: the custodian is unavailable: it cannot be reached")
        guard case .Read(source: .Unavailable(outage: .unreachable, retryAfter: nil)) = error else {
            return XCTFail("\(String(describing: error))")
        }
    }

    func testATransportThatThrowsItsOwnErrorIsNotReached() async throws {
        let error = try await unreachable(
            OwnTransport { _ in throw TransportError.Unreachable(source: .Other(reason: "the cable is out")) },
            "the custodian did not give the wallet's state: the custodian is unavailable: it cannot be reached")
        guard case .Read(source: .Unavailable(outage: .unreachable, _)) = error else {
            return XCTFail("\(String(describing: error))")
        }
    }

    func testATransportThatHangsIsGivenUp() async throws {
        for hang in [{ try await hang() }, { await hangForGood() }] as [@Sendable () async throws -> Void] {
            let transport = OwnTransport { request in
                try await hang()
                return try await OwnTransport.honest(request)
            }
            // What may be waited for grows with the answer: this is a short one.
            let login = try User().login(transport: transport, retry: once, requestTimeout: 0.1)
            let error = await thrown(ReadError.self, "the custodian is unavailable: it cannot be reached") {
                try await login.user()
            }
            guard case .Unavailable(outage: .unreachable, retryAfter: nil) = error else {
                return XCTFail("\(String(describing: error))")
            }
            transport.act.with { $0 = OwnTransport.honest }
            _ = try await login.user()
        }
    }

    func testATransportThatReturnsNonsenseIsNoCustodian() async throws {
        let nonsense: [HttpResponse] = [
            HttpResponse(status: 200, contentType: nil, retryAfter: nil, body: Data()),
            HttpResponse(
                status: 200, contentType: "application/cbor", retryAfter: "never", body: Data(repeating: 0xFF, count: 99)),
            HttpResponse(status: 0, contentType: "\u{0}", retryAfter: nil, body: Data([1])),
            HttpResponse(status: 65535, contentType: "text/html", retryAfter: nil, body: Data("<html>".utf8)),
            // More than may be read.
            HttpResponse(status: 200, contentType: nil, retryAfter: nil, body: Data(count: 8 << 20)),
        ]
        for answer in nonsense {
            let user = try User()
            let transport = OwnTransport { _ in answer }
            let phone = try user.phone(login: user.login(transport: transport, retry: once))
            let error = await thrown(StateError.self) { try await phone.wallets() }
            guard case .Read(source: .Unavailable) = error else {
                return XCTFail("\(String(describing: error)) for \(answer)")
            }
            transport.act.with { $0 = OwnTransport.honest }
            let wallets = try await phone.wallets()
            XCTAssertEqual(wallets, [])
        }
    }

    func testATransportMayCallBackIn() async throws {
        let user = try User()
        let transport = OwnTransport(OwnTransport.honest)
        let phone = try user.phone(login: user.login(transport: transport))
        let calls = Guarded(0)
        transport.act.with {
            $0 = { request in
                let call = calls.with { calls in
                    calls += 1
                    return calls
                }
                // The call inside makes a request of its own, which does not call back again.
                if call == 1 {
                    let wallets = try await phone.wallets()
                    XCTAssertEqual(wallets, [])
                    let here = try await phone.walletsHere()
                    XCTAssertEqual(here, [])
                }
                return try await OwnTransport.honest(request)
            }
        }
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [])
        XCTAssertEqual(calls.now, 2)
    }

    // MARK: Tokens

    private func withoutToken(
        _ tokens: OwnTokens, timeout: TimeInterval = 30, line: UInt = #line
    ) async throws -> StateError? {
        let user = try User()
        let phone = try user.phone(login: user.login(tokens: tokens, retry: once, tokenTimeout: timeout))
        let error = await thrown(StateError.self, line: line) { try await phone.wallets() }
        let token = user.token
        tokens.act.with { $0 = { _ in token } }
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [], line: line)
        return error
    }

    func testTokensThatThrowHangOrAreNone() async throws {
        let bad: [@Sendable (String?) async throws -> String] = [
            { _ in throw Stray() },
            { _ in throw TokenError.Unavailable },
            { _ in
                try await hang()
                return "late"
            },
            { _ in
                await hangForGood()
                return "never"
            },
            { _ in "" }, { _ in "two words" }, { _ in "line\r\nX-Injected: header" },
            { _ in String(repeating: "a", count: 9 << 10) }, { _ in "tokén" },
        ]
        for act in bad {
            let error = try await withoutToken(OwnTokens(act), timeout: 0.1)
            guard case .Read(source: .Unavailable(outage: .unreachable, _)) = error else {
                return XCTFail("\(String(describing: error))")
            }
        }
    }

    func testWhoIsNotSignedInIsTold() async throws {
        let asked = Guarded<[String?]>([])
        for act in [
            { _ in throw TokenError.NotSignedIn },
            // Refused by the custodian, and then there is none.
            { refused in
                asked.with { $0.append(refused) }
                guard refused == nil else { throw TokenError.NotSignedIn }
                return "stale"
            },
        ] as [@Sendable (String?) async throws -> String] {
            let error = try await withoutToken(OwnTokens(act))
            guard case .Read(source: .Unavailable(outage: .notSignedIn, _)) = error else {
                return XCTFail("\(String(describing: error))")
            }
            XCTAssertEqual(
                error?.localizedDescription, "the custodian did not give the wallet's state: the custodian is unavailable: the user is not signed in")
        }
        XCTAssertEqual(asked.now, [nil, "stale"])
    }

    func testAFreshTokenTakesTheRefusedOnesPlace() async throws {
        let user = try User()
        let token = user.token
        let phone = try user.phone(login: user.login(tokens: OwnTokens { $0 == "stale" ? token : "stale" }))
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [])
    }

    func testTokensMayCallBackIn() async throws {
        let user = try User()
        let tokens = OwnTokens { _ in "" }
        let phone = try user.phone(login: user.login(tokens: tokens))
        let calls = Guarded(0)
        let token = user.token
        tokens.act.with {
            $0 = { _ in
                let call = calls.with { calls in
                    calls += 1
                    return calls
                }
                if call == 1 { _ = try await phone.wallets() }
                return token
            }
        }
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [])
        XCTAssertEqual(calls.now, 2)
    }

    // MARK: The device

    func testADeviceOfTheAppsOwnHasAWholeLife() async throws {
        let user = try User()
        let state = OwnDevice()
        let (_, wallet) = try await user.backedUp(user.phone(.own(state: state, timeout: 5)))
        // Another start of the app.
        let phone = try user.phone(.own(state: state, timeout: 5))
        let drill = try await phone.drill(wallet: wallet.id(), method: password())
        XCTAssertEqual(drill.level, .matches)
        _ = try await phone.refresh(wallet: wallet.id(), method: password())
        let status = try await phone.status(wallet: wallet.id())
        XCTAssertEqual(status.epoch, 2)
    }

    func testADeviceThatThrows() async throws {
        let user = try User()
        let state = OwnDevice()
        let (phone, wallet) = try await user.backedUp(user.phone(.own(state: state, timeout: 0.1)))
        let id = wallet.id()
        typealias Case = (@Sendable () async throws -> Void, (DeviceError) -> Bool, String)
        let locked = "the device's storage is locked"
        let cases: [Case] = [
            (
                { throw LoadError.Fault(source: .Locked) },
                { if case .Load(source: .Fault(source: .Locked)) = $0 { true } else { false } },
                "the device's record was not loaded: \(locked)"
            ),
            (
                { throw LoadError.Damaged },
                { if case .Load(source: .Damaged) = $0 { true } else { false } },
                "the device's record was not loaded: the device's record of the wallet is damaged"
            ),
            (
                { throw LoadError.NewerVersion(version: 9) },
                { if case .Load(source: .NewerVersion(version: 9)) = $0 { true } else { false } },
                "the device's record was not loaded: the device's record has version 9, which is newer than this software"
            ),
            (
                { throw LoadError.Fault(source: .Denied(scope: "files")) },
                { if case .Load(source: .Fault(source: .Denied(scope: "files"))) = $0 { true } else { false } },
                "the device's record was not loaded: permission is missing: files"
            ),
            (
                { throw Stray() },
                {
                    if case .Load(source: .Fault(source: .Failed(source: .Threw(let reason)))) = $0 {
                        reason.contains("a stray error of the app")
                    } else { false }
                },
                "the device's record was not loaded: the device's storage failed: the app's code failed: a stray error of the app"
            ),
            (
                { try await hang() },
                {
                    if case .Load(source: .Fault(source: .Failed(source: .TimedOut(after: 0.1)))) = $0 { true } else { false }
                },
                "the device's record was not loaded: the device's storage failed: no answer within 0 seconds"
            ),
            (
                { await hangForGood() },
                {
                    if case .Load(source: .Fault(source: .Failed(source: .TimedOut(after: 0.1)))) = $0 { true } else { false }
                },
                "the device's record was not loaded: the device's storage failed: no answer within 0 seconds"
            ),
        ]
        for (act, isExpected, text) in cases {
            state.beforeLoad.with { $0 = act }
            let error = await thrown(DeviceError.self, text) { try await phone.wallet(wallet: id) }
            XCTAssertTrue(error.map(isExpected) ?? false, "\(String(describing: error))")
        }
        state.beforeLoad.with { $0 = nil }
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testADeviceThatDoesNotSave() async throws {
        let user = try User()
        let state = OwnDevice()
        let (phone, wallet) = try await user.backedUp(user.phone(.own(state: state, timeout: 0.1)))
        let id = wallet.id()
        typealias Case = (@Sendable () async throws -> Void, (SaveError) -> Bool)
        let cases: [Case] = [
            ({ throw SaveError.Full }, { if case .Full = $0 { true } else { false } }),
            (
                { throw SaveError.TooLarge(len: 9, cap: 8) },
                { if case .TooLarge(len: 9, cap: 8) = $0 { true } else { false } }
            ),
            (
                { throw SaveError.Conflict(found: 77) },
                { if case .Conflict(found: 77) = $0 { true } else { false } }
            ),
            (
                { throw Stray() },
                { if case .Fault(source: .Failed(source: .Threw)) = $0 { true } else { false } }
            ),
            (
                { try await hang() },
                { if case .Fault(source: .Failed(source: .TimedOut)) = $0 { true } else { false } }
            ),
        ]
        for (act, isExpected) in cases {
            state.beforeSave.with { $0 = act }
            let error = await thrown(RefreshError.self) { try await phone.refresh(wallet: id, method: password()) }
            let save: SaveError? =
                switch error {
                case .Device(source: .Save(let save)): save
                case .Run(source: .Device(source: .Save(let save))): save
                default: nil
                }
            XCTAssertTrue(save.map(isExpected) ?? false, "\(String(describing: error))")
            state.beforeSave.with { $0 = nil }
            let drill = try await phone.drill(wallet: id, method: password())
            XCTAssertEqual(drill.level, .matches)
        }
    }

    func testADeviceThatReturnsNonsense() async throws {
        let user = try User()
        let state = OwnDevice()
        let (phone, wallet) = try await user.backedUp(user.phone(.own(state: state, timeout: 5)))
        let id = wallet.id()
        let good = state.records.now[id]
        for contents in [Data(), Data([0xFF]), Data(repeating: 7, count: 1 << 20), good!.contents.dropLast()] {
            state.records.with { $0[id] = Record(counter: 9, contents: Data(contents)) }
            let error = await thrown(DeviceError.self) { try await phone.wallet(wallet: id) }
            guard case .Record = error else { return XCTFail("\(String(describing: error))") }
        }
        // A record of another wallet.
        let other = try await phone.createWallet(curves: [.ed25519]).id()
        state.records.with { $0[id] = $0[other] }
        let error = await thrown(DeviceError.self, "the device's record is another wallet's") {
            try await phone.wallet(wallet: id)
        }
        guard case .OtherWallet = error else { return XCTFail("\(String(describing: error))") }
        state.records.with { $0[id] = good }
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testADeviceThatCallsBackInAboutTheSameWalletTimesOut() async throws {
        let user = try User()
        let state = OwnDevice()
        let (phone, wallet) = try await user.backedUp(user.phone(.own(state: state, timeout: 0.1)))
        let id = wallet.id()
        let inside = Guarded<Task<Void, Never>?>(nil)
        state.beforeLoad.with {
            $0 = {
                // The call outside has the wallet's turn and waits for this, which waits for that turn.
                state.beforeLoad.with { $0 = nil }
                let task = Task { _ = try? await phone.refresh(wallet: id, method: password()) }
                inside.with { $0 = task }
                await task.value
            }
        }
        let error = await thrown(RefreshError.self) { try await phone.refresh(wallet: id, method: password()) }
        guard case .Device(source: .Load(source: .Fault(source: .Failed(source: .TimedOut)))) = error else {
            return XCTFail("\(String(describing: error))")
        }
        // The one inside had its turn then.
        await inside.now?.value
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.epoch, 2)
    }

    // MARK: Listeners

    func testAListenerThatHangsHoldsNobodyUp() async throws {
        let user = try User()
        let (phone, wallet) = try await user.backedUp()
        let stuck = DispatchSemaphore(value: 0)
        let listened = phone.withProgress(listener: Listener { _ in stuck.wait() })
        let drill = try await listened.drill(wallet: wallet.id(), method: password())
        XCTAssertEqual(drill.level, .matches)
        for _ in 0..<1000 { stuck.signal() }
    }

    func testAListenerMayCallBackIn() async throws {
        let user = try User()
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        let inside = Guarded<[Task<Status, Error>]>([])
        let listened = phone.withProgress(
            listener: Listener { _ in
                let task = Task { try await phone.status(wallet: id) }
                inside.with { $0.append(task) }
            })
        _ = try await listened.refresh(wallet: id, method: password())
        XCTAssertFalse(inside.now.isEmpty)
        for task in inside.now {
            let status = try await task.value
            XCTAssertEqual(status.wallet, id)
        }
    }
}

/// A transport that does as a test says.
private final class OwnTransport: HttpTransport {
    typealias Act = @Sendable (HttpRequest) async throws -> HttpResponse
    static let honest: Act = { try await URLSessionTransport().send(request: $0) }
    let act: Guarded<Act>
    init(_ act: @escaping Act) { self.act = Guarded(act) }

    func send(request: HttpRequest) async throws -> HttpResponse { try await act.now(request) }
}

private final class OwnTokens: TokenProvider {
    typealias Act = @Sendable (String?) async throws -> String
    let act: Guarded<Act>
    init(_ act: @escaping Act) { self.act = Guarded(act) }

    func token(refused: String?) async throws -> String { try await act.now(refused) }
}

/// A device in memory as an app would write it, with what is to happen before a record is loaded or saved.
final class OwnDevice: DeviceState {
    typealias Act = @Sendable () async throws -> Void
    let beforeLoad = Guarded<Act?>(nil)
    let beforeSave = Guarded<Act?>(nil)
    let records = Guarded<[WalletId: Record]>([:])
    private let last = Guarded<[WalletId: UInt64]>([:])

    func wallets() async throws -> [WalletId] { Array(records.now.keys) }

    func load(wallet: WalletId) async throws -> Record? {
        try await beforeLoad.now?()
        return records.now[wallet]
    }

    func save(wallet: WalletId, contents: Data, expected: UInt64?) async throws -> UInt64 {
        try await beforeSave.now?()
        return try records.with { records in
            let found = records[wallet]?.counter
            guard found == expected else { throw SaveError.Conflict(found: found) }
            let counter = last.with { last in
                last[wallet, default: 0] += 1
                return last[wallet]!
            }
            records[wallet] = Record(counter: counter, contents: contents)
            return counter
        }
    }

    func delete(wallet: WalletId, expected: UInt64) async throws {
        try records.with { records in
            guard let found = records[wallet]?.counter else { return }
            guard found == expected else { throw DeleteError.Conflict(found: found) }
            records[wallet] = nil
        }
    }

    func discard(wallet: WalletId) async throws {
        if let found = records.now[wallet]?.counter { throw DiscardError.Intact(found: found) }
    }
}
