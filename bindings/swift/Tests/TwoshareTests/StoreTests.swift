// The app's own backend as a store: a server that keeps to `docs/self-managed-store.openapi.json`, and what becomes of
// each answer that it may give.

import Foundation
import Twoshare
import XCTest

final class StoreTests: XCTestCase {
    private let mine = try! StoreId("https://api.example/backups")

    private func phone(
        of user: User, _ backend: Backend, tokens: TokenProvider = FixedToken("good"), retry: Retry? = once,
        beside others: [NamedPlace] = [], policy: StorePolicy? = nil
    ) throws -> Client {
        let store = try SelfManagedStore(
            config: HttpConfig(url: backend.url, transport: URLSessionTransport(), tokens: tokens, retry: retry))
        XCTAssertEqual(store.url(), backend.url)
        return try Client(
            config: ClientConfig(
                custodian: user.login(), pinned: user.custodian.identity, user: user.name,
                device: .memory(device: MemoryDevice()),
                stores: [NamedPlace(id: mine, place: .selfManaged(store: store, operator: .custodian))] + others,
                storePolicy: policy))
    }

    private func envelope(of wallet: WalletId, on phone: Client) async throws -> EnvelopeName {
        let backup = try await phone.wallet(wallet: wallet).backup()
        return try XCTUnwrap(backup).envelope
    }

    func testABackupInTheAppsBackendHasAWholeLife() async throws {
        let user = try User()
        let backend = try Backend()
        let phone = try phone(of: user, backend)
        let wallet = try await phone.createWallet(curves: [.secp256k1, .ed25519])
        let id = wallet.id()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        _ = try await phone.backup(wallet: id, methods: [code])
        let drill = try await phone.drill(wallet: id, method: code)
        XCTAssertEqual(drill.level, .matches)
        _ = try await phone.refresh(wallet: id, method: code)

        // The envelopes and their receipts are there, and what is read is what was written.
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.stores, [StoreStatus(store: mine, has: .everything)])
        let listing = try await phone.stores().list(wallet: id)
        XCTAssertEqual(listing.failed, [])
        XCTAssertEqual(Set(listing.objects.map(\.name.text)), Set(backend.objects.now.keys))
        XCTAssertEqual(Set(listing.objects.map { objectEnvelope(name: $0.name).epoch }), [1, 2])
        let last = try await envelope(of: id, on: phone)
        let envelope = try await phone.stores().read(name: last)
        XCTAssertEqual(envelope.name(), last)
        let again = try Envelope.fromBytes(bytes: envelope.toBytes())
        XCTAssertEqual(again.name(), last)

        // An empty device has nothing else.
        let next = try self.phone(of: user, backend)
        let recovered = try await next.recover(wallet: id, recovery: Recovery(method: code))
        guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
        XCTAssertEqual(back.checkCode(), wallet.checkCode())

        // Both sides have kept to the contract.
        XCTAssertEqual(backend.breaches.now, [])
        XCTAssertEqual(
            backend.asked.now, ["GET /objects", "GET /objects/{name}", "PUT /objects/{name}"])
    }

    func testABackendsTokensAreItsOwn() async throws {
        let user = try User()
        let backend = try Backend()
        let tokens = Renewed(["stale", "good"])
        let phone = try phone(of: user, backend, tokens: tokens)
        _ = try await user.backedUp(phone)
        XCTAssertEqual(tokens.refused.now.first, .some(nil))
        XCTAssertTrue(tokens.refused.now.contains("stale"), "\(tokens.refused.now)")
        // The custodian's is not shown there.
        XCTAssertFalse(backend.tokens.now.contains(user.token))
        XCTAssertEqual(backend.tokens.now, ["stale", "good"])
        XCTAssertEqual(backend.breaches.now, [])
    }

    /// Every answer of the contract that is not a success, as the error of a backup.
    func testEveryRefusalOfABackendSaysWhatToDo() async throws {
        let user = try User()
        let backend = try Backend()
        let phone = try phone(of: user, backend)
        let id = try await phone.createWallet(curves: [.ed25519]).id()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        func put(_ error: PutError) -> KeepError { .Write(source: .Put(source: error)) }
        let cases: [(Int, String?, (KeepError) -> Bool)] = [
            (400, nil, { if case .Write(.Put(.Fault(.Broken))) = $0 { true } else { false } }),
            (401, nil, { $0 == put(.Fault(source: .NotSignedIn)) }),
            (403, nil, { [url = backend.url] in $0 == put(.Fault(source: .Denied(scope: url))) }),
            (413, nil, { if case .Write(.Put(.TooLarge(let len, _))) = $0 { len > 500 } else { false } }),
            (428, nil, { if case .Write(.Put(.Fault(.Broken))) = $0 { true } else { false } }),
            (429, "7", { if case .Write(.Put(.Fault(.Unavailable(retryAfter: 7, _)))) = $0 { true } else { false } }),
            (
                500, nil,
                { $0 == put(.Fault(source: .Broken(source: .Custodian(outage: .failed, retryAfter: nil)))) }
            ),
            (503, "9", { if case .Write(.Put(.Fault(.Unavailable(retryAfter: 9, _)))) = $0 { true } else { false } }),
            (507, nil, { $0 == put(.Full) }),
        ]
        let declared = backend.contract.statuses(of: "PUT /objects/{name}")
        XCTAssertEqual(Set(cases.map(\.0)).union([201, 412]), declared)
        for (status, retryAfter, matches) in cases {
            backend.instead.with { $0 = { $0.method == "PUT" ? (status, retryAfter) : nil } }
            let error = await thrown(BackupError.self, "0 stores have the envelope where 1 are needed") {
                try await phone.backup(wallet: id, methods: [code])
            }
            guard case .Run(.Publish(.Stores(.Policy(needed: 1, kept: [], let missing)))) = error else {
                return XCTFail("\(status): \(String(describing: error))")
            }
            XCTAssertEqual(missing.map(\.store), [mine])
            XCTAssertTrue(missing.first.map { matches($0.error) } ?? false, "\(status): \(missing)")
            XCTAssertEqual(backend.objects.now.count, 0)
        }
        // 412: something else is there under the name of every object.
        backend.instead.with { $0 = nil }
        backend.squatting.with { $0 = true }
        let there = await thrown(BackupError.self) { try await phone.backup(wallet: id, methods: [code]) }
        guard case .Run(.Publish(.Stores(.Policy(_, _, let missing)))) = there else {
            return XCTFail("\(String(describing: there))")
        }
        XCTAssertEqual(missing.map(\.error), [put(.Exists)])
        backend.squatting.with { $0 = false }
        backend.objects.with { $0 = [:] }
        _ = try await phone.backup(wallet: id, methods: [code])
        XCTAssertEqual(backend.breaches.now, [])
    }

    func testABackendThatCannotBeReadIsSaidToBe() async throws {
        let user = try User()
        let backend = try Backend()
        let (phone, wallet) = try await user.backedUp(phone(of: user, backend))
        let id = wallet.id()
        let text = "no store has the backup's envelope intact"
        let declared = backend.contract.statuses(of: "GET /objects/{name}")
        let cases: [(Int, (FetchError) -> Bool)] = [
            (400, { if case .Get(.Fault(.Broken)) = $0 { true } else { false } }),
            (401, { $0 == .Get(source: .Fault(source: .NotSignedIn)) }),
            (403, { [url = backend.url] in $0 == .Get(source: .Fault(source: .Denied(scope: url))) }),
            (404, { $0 == .Get(source: .NotFound) }),
            (429, { if case .Get(.Fault(.Unavailable)) = $0 { true } else { false } }),
            (500, { if case .Get(.Fault(.Broken(.Custodian(.failed, _)))) = $0 { true } else { false } }),
            (503, { if case .Get(.Fault(.Unavailable)) = $0 { true } else { false } }),
        ]
        XCTAssertEqual(Set(cases.map(\.0)).union([200]), declared)
        for (status, matches) in cases {
            backend.instead.with { $0 = { $0.method == "GET" && !$0.target.contains("?") ? (status, nil) : nil } }
            let error = await thrown(DrillError.self, text) { try await phone.drill(wallet: id, method: password()) }
            guard case .Open(.NotFound(let stores)) = error else {
                return XCTFail("\(status): \(String(describing: error))")
            }
            XCTAssertEqual(stores.map(\.store), [mine])
            XCTAssertTrue(stores.first.map { matches($0.error) } ?? false, "\(status): \(stores)")
        }
        backend.instead.with { $0 = nil }

        // What is cut, changed or another's is no envelope of this name.
        let good = backend.objects.now
        let damages: [(Data) -> Data] = [
            { $0.dropLast() }, { Data($0.map { $0 ^ 1 }) },
            { Data($0.enumerated().map { $0.offset == 200 ? $0.element ^ 1 : $0.element }) }, { $0 + [0] }, { _ in Data() },
        ]
        for damage in damages {
            backend.objects.with { $0 = good.mapValues(damage) }
            let error = await thrown(DrillError.self, text) { try await phone.drill(wallet: id, method: password()) }
            guard case .Open(.NotFound(let stores)) = error, case .Container = stores.first?.error else {
                return XCTFail("\(String(describing: error))")
            }
        }
        backend.objects.with { $0 = good }
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testWhatABackendHasLostIsMendedFromAnotherStore() async throws {
        let user = try User()
        let backend = try Backend()
        let own = OwnStore()
        let other = NamedPlace(id: try StoreId("mine"), place: .own(store: own, operator: .user, timeout: 5))
        let (phone, wallet) = try await user.backedUp(
            phone(of: user, backend, beside: [other], policy: .atLeast(count: 1)))
        let id = wallet.id()
        let name = try await envelope(of: id, on: phone)
        let good = backend.objects.now
        backend.objects.with { $0 = $0.mapValues { _ in Data("damaged".utf8) } }
        let survey = try await phone.stores().survey(name: name)
        XCTAssertEqual(survey.intact.map(\.text), ["mine"])
        XCTAssertEqual(survey.failed.map(\.store), [mine])
        // An envelope that the user has kept.
        let kept = try await Envelope.fromBytes(bytes: phone.stores().read(name: name).toBytes())
        let mending = try await phone.stores().mend(envelope: kept)
        XCTAssertEqual(mending.mended, [mine])
        XCTAssertEqual(mending.intact.map(\.text), ["mine"])
        let envelopes = good.filter { $0.key.hasSuffix(".envelope") }
        XCTAssertEqual(backend.objects.now.filter { envelopes.keys.contains($0.key) }, envelopes)
        // Neither has it.
        backend.objects.with { $0 = [:] }
        own.objects.with { $0 = [:] }
        let none = await thrown(NoEnvelopeError.self) { try await phone.stores().read(name: name) }
        guard case .NotFound(let stores) = none else { return XCTFail("\(String(describing: none))") }
        XCTAssertEqual(stores.map(\.error), [.Get(source: .NotFound), .Get(source: .NotFound)])
        // The user's copy brings it back to both.
        let brought = try await phone.stores().mend(envelope: kept)
        XCTAssertEqual(Set(brought.mended.map(\.text)), ["mine", mine.text])
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testABackendThatIsNotThereIsWaitedForByNobody() async throws {
        let user = try User()
        let backend = try Backend()
        let (phone, wallet) = try await user.backedUp(phone(of: user, backend))
        backend.stop()
        let error = await thrown(DrillError.self) { try await phone.drill(wallet: wallet.id(), method: password()) }
        guard case .Open(.NotFound(let stores)) = error,
            case .Get(.Fault(.Unavailable(nil, source: .Custodian(outage: .unreachable, _)))) = stores.first?.error
        else { return XCTFail("\(String(describing: error))") }
        let listing = try await phone.stores().list(wallet: wallet.id())
        XCTAssertEqual(listing.objects, [])
        XCTAssertEqual(listing.failed.map(\.store), [mine])
    }
}

/// Gives one token after the other, and the last again and again.
private final class Renewed: TokenProvider {
    let refused = Guarded<[String?]>([])
    private let tokens: Guarded<[String]>
    init(_ tokens: [String]) { self.tokens = Guarded(tokens) }

    func token(refused: String?) async throws -> String {
        self.refused.with { $0.append(refused) }
        return tokens.with { tokens in
            if refused == tokens.first, tokens.count > 1 { tokens.removeFirst() }
            return tokens[0]
        }
    }
}
