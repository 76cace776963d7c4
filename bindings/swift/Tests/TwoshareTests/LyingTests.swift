// A custodian that lies, or somebody between it and the phone who changes what is said: nothing of it is believed, and
// nothing is lost by it.

import Foundation
import Twoshare
import XCTest

final class LyingTests: XCTestCase {
    private func phone(
        of user: User, _ between: Between, _ device: MemoryDevice = MemoryDevice()
    ) throws -> Client {
        try user.phone(.memory(device: device), login: user.login(transport: between, retry: once))
    }

    func testAStateOfSomebodyElsesIsNotBelieved() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let (_, wallet) = try await user.backedUp(phone)
        let id = wallet.id()
        let forged = "the state is not signed by the wallet's custodian: the custodian did not sign this"
        let wrong = StateError.WrongCustodian(source: .Invalid)
        // The last byte is the signature's.
        between.change(at: "/state") { $0.flipped(at: $0.count - 1) }
        await refused(wrong, forged) { try await phone.state(wallet: id) }
        await refused(DrillError.Open(source: .State(source: wrong)), forged) {
            try await phone.drill(wallet: id, method: password())
        }
        await refused(RefreshError.Open(source: .State(source: wrong)), forged) {
            try await phone.refresh(wallet: id, method: password())
        }
        await refused(EjectError.Open(source: .State(source: wrong)), forged) {
            try await phone.eject(wallet: id, method: password())
        }
        await refused(RecoverError.Open(source: .State(source: wrong)), forged) {
            try await self.phone(of: user, between).recover(wallet: id, recovery: Recovery(method: password()))
        }
        // What the phone itself knows, it still says.
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.asked, .unheard(why: wrong))
        XCTAssertEqual(status.checkCode, wallet.checkCode())

        // Changed anywhere it is somebody else's, or about something else, or none.
        let none = StateError.Read(source: .Unavailable(outage: .notUnderstood, retryAfter: nil))
        var seen: Set<StateError> = []
        for place in 0..<40 {
            between.change(at: "/state") { $0.flipped(at: $0.count * place / 40) }
            let error = await thrown(StateError.self) { try await phone.state(wallet: id) }
            if let error { seen.insert(error) }
        }
        XCTAssertTrue(seen.isSubset(of: [wrong, none, .OtherState]), "\(seen)")
        XCTAssertTrue(seen.contains(wrong))
        between.change(at: "/state") { $0.dropLast(10) }
        await refused(
            none, "the custodian did not give the wallet's state: the custodian is unavailable: its answer is not understood"
        ) { try await phone.state(wallet: id) }
        between.change(at: "/state", nil)
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testAnOldStateAndAnotherWalletsAreNotBelieved() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let id = try await user.backedUp(phone).1.id()
        let text = "the state is not the one that was asked for"
        _ = try await phone.state(wallet: id)
        let old = try XCTUnwrap(between.answers(at: "/state").last)
        _ = try await phone.refresh(wallet: id, method: password())
        between.change(at: "/state") { _ in old }
        await refused(StateError.OtherState, text) { try await phone.state(wallet: id) }
        await refused(DrillError.Open(source: .State(source: .OtherState)), text) {
            try await phone.drill(wallet: id, method: password())
        }
        between.change(at: "/state", nil)
        // Asked about one wallet, with that question's own nonce, it tells of another.
        let from = try XCTUnwrap(between.walletAsked)
        let other = try await user.backedUp(phone).1.id()
        _ = try await phone.state(wallet: other)
        let to = try XCTUnwrap(between.walletAsked)
        XCTAssertNotEqual(from, to)
        between.instead.with { $0 = { $0.url.replacingOccurrences(of: from, with: to) } }
        await refused(StateError.OtherState, text) { try await phone.state(wallet: id) }
        between.instead.with { $0 = nil }
        let epoch = try await phone.state(wallet: id).backup?.epoch
        XCTAssertEqual(epoch, 2)
    }

    func testAChangedEnvelopeIsNotOpened() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let id = try await user.backedUp(phone).1.id()
        _ = try await phone.drill(wallet: id, method: password())
        let first = try XCTUnwrap(between.answers(at: "/envelopes/").last)
        _ = try await phone.refresh(wallet: id, method: password())
        let store = try StoreId("custodian")
        let text = "no store has the backup's envelope intact"
        let changes: [@Sendable (Data) -> Data] = [
            { $0.flipped(at: $0.count / 2) }, { $0.flipped(at: $0.count - 1) }, { $0.dropLast() }, { $0 + [0] },
            // That of the epoch before, which is whole.
            { _ in first },
        ]
        for change in changes {
            between.change(at: "/envelopes/", change)
            let drill = await thrown(DrillError.self, text) { try await phone.drill(wallet: id, method: password()) }
            guard case .Open(.NotFound(let stores)) = drill else { return XCTFail("\(String(describing: drill))") }
            XCTAssertEqual(stores.map(\.store), [store])
            switch stores.first?.error {
            case .Envelope, .OtherEnvelope, .Container: break
            case let other: XCTFail("\(String(describing: other))")
            }
            let recover = await thrown(RecoverError.self, text) {
                try await self.phone(of: user, between).recover(wallet: id, recovery: Recovery(method: password()))
            }
            guard case .Open(.NotFound) = recover else { return XCTFail("\(String(describing: recover))") }
        }
        between.change(at: "/envelopes/", nil)
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testAProofOfAnotherDrillProvesNothing() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let id = try await user.backedUp(phone).1.id()
        _ = try await phone.drill(wallet: id, method: password())
        let old = try XCTUnwrap(between.answers(at: "/drill").last)
        between.change(at: "/drill") { _ in old }
        await refused(
            DrillError.NotHeld(source: .NotHeld(key: 0)),
            "the custodian's proof of its half does not hold: the custodian has not proven that it holds its share of key 0"
        ) { try await phone.drill(wallet: id, method: password()) }
        between.change(at: "/drill") { $0.flipped(at: $0.count - 1) }
        let altered = await thrown(DrillError.self) { try await phone.drill(wallet: id, method: password()) }
        guard case .NotHeld = altered else { return XCTFail("\(String(describing: altered))") }
        // What failed is remembered.
        let failed = try await phone.status(wallet: id).keys.map(\.backup)
        guard case .unverified(_, .some) = failed.first else { return XCTFail("\(failed)") }
        between.change(at: "/drill", nil)
        _ = try await phone.drill(wallet: id, method: password())
        let mended = try await phone.status(wallet: id).keys.map(\.backup)
        XCTAssertEqual(mended, [.complete])
    }

    func testAReceiptThatIsChangedIsNone() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let id = try await phone.createWallet(curves: [.secp256k1]).id()
        between.change(at: "/commit") { $0.flipped(at: $0.count - 1) }
        await refused(
            BackupError.Run(source: .Publish(source: .Receipt(source: .WrongCustodian(source: .Invalid)))),
            "the custodian's receipt does not hold: the answer is not signed by the pinned custodian: the custodian did not sign this"
        ) { try await phone.backup(wallet: id, methods: [password()]) }
        let backup = try await phone.wallet(wallet: id).backup()
        XCTAssertNil(backup)
        // Whether it is committed the custodian says, once it can be believed again.
        between.change(at: "/commit", nil)
        let resumed = try await phone.resume(wallet: id)
        XCTAssertEqual(resumed, .finished(operation: .firstBackup))
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testAnExchangeThatIsChangedIsGivenUp() async throws {
        let user = try User()
        let between = Between()
        let phone = try phone(of: user, between)
        let id = try await user.backedUp(phone).1.id()
        let why = "the answer is not signed by the pinned custodian: the custodian did not sign this"
        let (part, answer) = ("the custodian's part does not hold: \(why)", "the custodian's answer does not hold: \(why)")
        between.change(at: "/begin") { $0.flipped(at: $0.count - 1) }
        let session = SessionError.WrongCustodian(source: .Invalid)
        await refused(RefreshError.Run(source: .Exchange(source: .Session(source: session))), part) {
            try await phone.refresh(wallet: id, method: password())
        }
        await refused(CreateError.Run(source: .Exchange(source: .Session(source: session))), part) {
            try await phone.createWallet(curves: [.ed25519])
        }
        try user.custodian.operate(["eject-window", "--user", user.name, "--wallet", id.text])
        await refused(EjectError.Session(source: session), answer) {
            try await phone.eject(wallet: id, method: password())
        }
        await refused(CancelError.Session(source: session), answer) {
            try await phone.cancel(wallet: id, request: makeOperationId())
        }
        between.change(at: "/begin", nil)
        // A key that is released is sealed for this phone, and is what it has to be.
        between.change(at: "/eject") { $0.flipped(at: $0.count - 1) }
        let eject = await thrown(EjectError.self) { try await phone.eject(wallet: id, method: password()) }
        guard case .Session = eject else { return XCTFail("\(String(describing: eject))") }
        between.change(at: "/eject", nil)
        guard case .done = try await phone.eject(wallet: id, method: password()) else { return XCTFail("it waits") }
    }

    /// Every answer of a recovery is changed, one at a time and at several places. It fails, and says so, or what was
    /// changed was of no importance; it never gives another wallet, and nobody has lost anything afterwards.
    func testNoChangedAnswerGivesAnotherWallet() async throws {
        let user = try User()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        let phone = try user.phone()
        let wallet = try await phone.createWallet(curves: [.secp256k1, .ed25519])
        let id = wallet.id()
        _ = try await phone.backup(wallet: id, methods: [code])
        var failed = 0
        for n in 1... {
            var answers = 0
            for place in 0..<3 {
                let between = Between()
                let device = MemoryDevice()
                between.change(number: n) { body in body.flipped(at: (body.count - 1) * place / 2) }
                let empty = try self.phone(of: user, between, device)
                do {
                    let recovered = try await empty.recover(wallet: id, recovery: Recovery(method: code))
                    guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
                    XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys(), "answer \(n), place \(place)")
                } catch is RecoverError {
                    failed += 1
                }
                answers = between.answered
                // The same device, once nobody is in between; and then one that has nothing.
                for device in [device, MemoryDevice()] {
                    let honest = try user.phone(.memory(device: device))
                    if try await honest.walletsHere().contains(id) { _ = try await honest.resume(wallet: id) }
                    let recovered = try await honest.recover(wallet: id, recovery: Recovery(method: code))
                    guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
                    XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys(), "answer \(n), place \(place)")
                    XCTAssertEqual(back.checkCode(), wallet.checkCode())
                }
            }
            if answers < n {
                XCTAssertGreaterThan(n, 5, "a recovery has more answers than that")
                break
            }
        }
        XCTAssertGreaterThan(failed, 10)
    }
}

/// Whoever is between the phone and its custodian: hears everything, and changes what comes back.
private final class Between: HttpTransport {
    typealias Change = @Sendable (Data) -> Data

    private let inner = URLSessionTransport()
    private let heard = Guarded<[(path: String, body: Data)]>([])
    private let changes = Guarded<[String: Change]>([:])
    private let changed = Guarded<(number: Int, change: Change)?>(nil)
    /// Where a request goes instead of where it was to go.
    let instead = Guarded<(@Sendable (HttpRequest) -> String)?>(nil)

    /// Changes each answer of requests whose path has this in it.
    func change(at path: String, _ change: Change?) { changes.with { $0[path] = change } }

    /// Changes the n-th answer.
    func change(number: Int, _ change: @escaping Change) { changed.with { $0 = (number, change) } }

    /// The answers of such requests as they were.
    func answers(at path: String) -> [Data] { heard.now.filter { $0.path.contains(path) }.map(\.body) }

    var answered: Int { heard.now.count }

    /// Whose state was asked for last, as an address has it.
    var walletAsked: String? {
        heard.now.last { $0.path.contains("/state") }?.path.components(separatedBy: "/wallets/").last?
            .components(separatedBy: "/").first
    }

    func send(request: HttpRequest) async throws -> HttpResponse {
        var asked = request
        if let instead = instead.now {
            asked = HttpRequest(
                method: request.method, url: instead(request), headers: request.headers, body: request.body,
                maxAnswer: request.maxAnswer, id: request.id)
        }
        let answer = try await inner.send(request: asked)
        let number = heard.with { heard in
            heard.append((request.url, answer.body))
            return heard.count
        }
        var body = answer.body
        for (path, change) in changes.now where request.url.contains(path) { body = change(body) }
        if let changed = changed.now, changed.number == number { body = changed.change(body) }
        return HttpResponse(
            status: answer.status, contentType: answer.contentType, retryAfter: answer.retryAfter, body: body)
    }
}

extension Data {
    /// With one bit changed.
    fileprivate func flipped(at place: Int) -> Data {
        guard !isEmpty else { return self }
        var copy = Data(self)
        copy[place] ^= 1
        return copy
    }
}
