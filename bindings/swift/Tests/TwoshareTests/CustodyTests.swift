// Which custodian has a wallet's other half: it moves to another, it was there before, it comes back from an old copy.

import Foundation
import Twoshare
import XCTest

final class CustodyTests: XCTestCase {
    // MARK: Moving

    /// A user of two custodians, the first of which lets its wallets go to the second.
    private struct Between {
        static let custodians: Result<(Custodian, Custodian), Error> = Result {
            let (old, new) = (try Custodian().untilTheEnd(), try Custodian().untilTheEnd())
            try old.operate(["trust-custodian", "--identity", new.key, "--url", new.url])
            return (old, new)
        }

        let old: User
        let new: User
        let device = MemoryDevice()

        init() throws {
            let (old, new) = try Self.custodians.get()
            self.old = try User(at: old)
            // Another name there.
            self.new = try User(at: new)
        }

        /// This device's client of the custodian that the wallet leaves, and of the one that it goes to.
        func here(_ transport: HttpTransport = URLSessionTransport(), on device: MemoryDevice? = nil) throws -> Client {
            try old.phone(.memory(device: device ?? self.device), login: old.login(transport: transport))
        }

        func there(on device: MemoryDevice? = nil) throws -> Client {
            try new.phone(.memory(device: device ?? self.device))
        }

        func destination(_ transport: HttpTransport = URLSessionTransport()) throws -> Destination {
            try Destination(custodian: new.login(transport: transport), identity: new.custodian.identity, user: new.name)
        }

        func origin() throws -> Destination {
            try Destination(custodian: old.login(), identity: old.custodian.identity, user: old.name)
        }

        func openWindow(for wallet: WalletId) throws {
            try old.custodian.operate(["eject-window", "--user", old.name, "--wallet", wallet.text])
        }
    }

    func testAWalletMovesToAnotherCustodian() async throws {
        let between = try Between()
        let here = try between.here()
        let wallet = try await here.createWallet(curves: [.secp256k1, .ed25519], name: "savings")
        let id = wallet.id()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        _ = try await here.backup(wallet: id, methods: [code, password()])

        // Not without its custodian's operator.
        await refused(
            MoveError.Refused(source: .Refused(source: .WindowClosed)),
            "the custodian does not let the wallet leave: the operator has not opened a window"
        ) { try await here.moveWallet(wallet: id, method: code, to: between.destination()) }
        try between.openWindow(for: id)
        let stranger = try Custodian()
        let elsewhere = try User(at: stranger)
        await refused(
            MoveError.Refused(source: .Untrusted),
            "the custodian does not let the wallet leave: the operator does not trust that custodian"
        ) {
            try await here.moveWallet(
                wallet: id, method: code,
                to: Destination(custodian: elsewhere.login(), identity: stranger.identity, user: elsewhere.name))
        }
        await refused(MoveError.SameCustodian, "the wallet is with that custodian already") {
            try await here.moveWallet(wallet: id, method: code, to: between.origin())
        }

        var steps: [Step] = []
        var moved: Moved?
        let to = try between.destination()
        XCTAssertEqual(to.identity(), try between.new.custodian.identity)
        for try await event in here.following({ try await $0.moveWallet(wallet: id, method: code, to: to) }) {
            switch event {
            case .step(let at):
                XCTAssertEqual(at.call, .move)
                steps.append(at.step)
            case .done(let value): moved = value
            }
        }
        guard case .done(let there) = moved else { return XCTFail("\(String(describing: moved))") }
        XCTAssertEqual(there.verifyingKeys(), wallet.verifyingKeys())
        XCTAssertEqual(there.checkCode(), wallet.checkCode())
        let expected: [Step] = [.open, .leave, .store, .commit, .handOver]
        XCTAssertEqual(steps.filter(expected.contains), expected)

        // The client of before says where it is, whatever is asked.
        let identity = try between.new.custodian.identity
        let text = "the wallet has moved to another custodian"
        await refused(StateError.Moved(to: identity), text) { try await here.state(wallet: id) }
        await refused(DrillError.Open(source: .State(source: .Moved(to: identity))), text) {
            try await here.drill(wallet: id, method: code)
        }
        await refused(ResumeError.State(source: .Moved(to: identity)), text) { try await here.resume(wallet: id) }
        await refused(RecoverError.Open(source: .State(source: .Moved(to: identity))), text) {
            try await between.here(on: MemoryDevice()).recover(wallet: id, recovery: Recovery(method: code))
        }
        let known = try await here.wallets()
        XCTAssertEqual(known, [id])

        // And the other one has it, for this device and for an empty one.
        let next = try between.there()
        guard case .nothing = try await next.resume(wallet: id) else { return XCTFail("something is left to do") }
        let drill = try await next.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
        _ = try await next.refresh(wallet: id, method: code)
        let empty = try between.there(on: MemoryDevice())
        guard case .done(let back) = try await empty.recover(wallet: id, recovery: Recovery(method: code)) else {
            return XCTFail("it waits")
        }
        XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys())
        XCTAssertEqual(back.name(), "savings")
    }

    /// The move ends at each of its requests, as if the app had been killed; it is then gone on with from what is on the
    /// device, with the client of either custodian. It ends with one of them, and never with none.
    func testAnInterruptedMoveEndsWithOneCustodian() async throws {
        var ends: Set<String> = []
        for n in 1... {
            let between = try Between()
            let gate = Gate()
            let here = try between.here(gate)
            let code = Method.recoveryCode(code: RecoveryCode.make())
            let wallet = try await here.createWallet(curves: [.ed25519])
            let id = wallet.id()
            _ = try await here.backup(wallet: id, methods: [code])
            try between.openWindow(for: id)
            let to = try between.destination(gate)
            gate.close(at: n)
            let task = Task { try await here.moveWallet(wallet: id, method: code, to: to) }
            guard await gate.isReached(orEnded: task) else {
                _ = try await task.value
                XCTAssertGreaterThan(n, 8, "a move has more requests than that")
                break
            }
            task.cancel()
            await refused(MoveError.Cancelled, "the call was cancelled") { try await soon(task) }

            // The next start of the app, which knows of this custodian or of that one.
            let device = between.device.snapshot()
            let asks = n % 2 == 0
            let next = try asks ? between.here(on: device) : between.there(on: device)
            let other = try asks ? between.destination() : between.origin()
            var resumed: Resumed?
            do {
                resumed = try await next.resume(wallet: id)
                ends.insert("resume")
            } catch ResumeError.NeedsCustodian(let identity) {
                XCTAssertEqual(identity, other.identity(), "at request \(n)")
                ends.insert("needs \(asks ? "the new" : "the old")")
            } catch ResumeError.Device(.OtherUser) where !asks {
                // Nothing had begun: the wallet is with the other one.
                ends.insert("not there")
            }
            if resumed == nil { resumed = try? await next.resumeMove(wallet: id, other: other) }
            switch resumed {
            case .finished(.move): ends.insert("finished")
            case .givenUp(.move, _): ends.insert("given up")
            default: ends.insert("nothing")
            }
            var with: [String] = []
            for (name, client) in [("old", try between.here(on: device)), ("new", try between.there(on: device))] {
                if let drill = try? await client.drill(wallet: id, method: code), drill.level == .matches {
                    with.append(name)
                    // Nobody has lost anything: also not who has nothing but the method.
                    let empty = try name == "old" ? between.here(on: MemoryDevice()) : between.there(on: MemoryDevice())
                    let recovered = try await empty.recover(wallet: id, recovery: Recovery(method: code))
                    guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
                    XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys())
                }
            }
            XCTAssertEqual(with.count, 1, "at request \(n): \(with)")
            ends.formUnion(with)
        }
        XCTAssertEqual(
            ends,
            [
                "nothing", "not there", "resume", "needs the old", "needs the new", "given up", "finished", "old", "new",
            ])
    }

    // MARK: Adopting

    /// Both halves of the signing pair of a wallet with one key, as another library had generated them: `f(1)` and `f(2)`
    /// of a line whose value at 0 is the key.
    private struct Before {
        let wallet: WalletId
        let mine: ClientShare
        let theirs: Data

        init(key: UInt8 = 5, slope: UInt8 = 7, epoch: UInt64 = 1, wallet: WalletId? = nil) throws {
            // An id is 26 letters and digits: any will do.
            let wallet = try wallet ?? WalletId(makeOperationId().text)
            func scalar(_ value: UInt8) -> Data { Data(count: 31) + [value] }
            func point(_ value: UInt8) throws -> Data {
                try SigningKey.fromBytes(bytes: scalar(value)).verifyingKey().bytes
            }
            let id = ShareId(wallet: wallet, purpose: .signing, epoch: epoch, index: 0)
            mine = try ClientShare(
                id: id, curve: .secp256k1, commitment: point(key) + point(slope), value: scalar(key + slope))
            self.wallet = wallet
            // The custodian's is written the same way, of the role 2 and with its own value.
            var theirs = mine.toBytes()
            XCTAssertEqual([UInt8](theirs.prefix(3)), [0x89, 1, 1])
            theirs[2] = 2
            theirs[theirs.count - 1] = key + slope + slope
            self.theirs = theirs
        }

        /// Gives the custodian its half.
        func give(to user: User) throws {
            let file = try makeFolder().appendingPathComponent("share")
            try theirs.write(to: file)
            try user.custodian.operate(["adopt", "--user", user.name, "--share-file", file.path])
        }
    }

    func testAWalletThatExistedBeforeIsAdopted() async throws {
        let user = try User(at: Custodian())
        let before = try Before()
        let phone = try user.phone()
        let id = before.wallet
        await refused(
            AdoptError.State(source: .Read(source: .NotFound)),
            "the custodian did not give the wallet's state: not found"
        ) { try await phone.adoptWallet(wallet: id, shares: [before.mine]) }
        await refused(AdoptError.Half(source: .Empty), "a wallet has at least one key") {
            try await phone.adoptWallet(wallet: id, shares: [])
        }
        let other = try Before(key: 6)
        await refused(
            AdoptError.Half(source: .OtherWallet(index: 0, found: other.wallet)),
            "share 0 is of the wallet \(other.wallet)"
        ) { try await phone.adoptWallet(wallet: id, shares: [other.mine]) }
        await refused(
            AdoptError.Half(source: .OutOfOrder(index: 1, found: 0)), "share 1 is of key 0"
        ) { try await phone.adoptWallet(wallet: id, shares: [before.mine, before.mine]) }

        try before.give(to: user)
        await refused(
            AdoptError.OtherSharing(index: 0), "the custodian's half of key 0 belongs to another sharing"
        ) { try await phone.adoptWallet(wallet: id, shares: [Before(slope: 9, wallet: id).mine]) }
        await refused(
            AdoptError.OtherEpoch(epoch: 2, custodian: 1), "the custodian's signing epoch is another than 2"
        ) { try await phone.adoptWallet(wallet: id, shares: [Before(epoch: 2, wallet: id).mine]) }
        let here = try await phone.walletsHere()
        XCTAssertEqual(here, [])

        let wallet = try await phone.adoptWallet(wallet: id, shares: [before.mine], name: "from before")
        XCTAssertEqual(wallet.id(), id)
        XCTAssertEqual(wallet.name(), "from before")
        XCTAssertEqual(wallet.kind(), .mpc)
        XCTAssertEqual(wallet.verifyingKeys(), [before.mine.verifyingKey()])
        XCTAssertEqual(wallet.signingShares().map { $0.toBytes() }, [before.mine.toBytes()])
        XCTAssertNil(wallet.backup())
        await refused(AdoptError.AlreadyHere(wallet: id), "the wallet \(id) is on this device already") {
            try await phone.adoptWallet(wallet: id, shares: [before.mine])
        }

        // The first backup proves that the two fit, and a recovery ends the halves of before.
        _ = try await phone.backup(wallet: id, methods: [password()])
        let next = try user.phone()
        guard case .done(let back) = try await next.recover(wallet: id, recovery: Recovery(method: password())) else {
            return XCTFail("it waits")
        }
        XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys())
        XCTAssertEqual(back.signingShares().map { $0.id().epoch }, [2])
        await refused(
            AdoptError.OtherEpoch(epoch: 1, custodian: 2), "the custodian's signing epoch is another than 1"
        ) { try await user.phone().adoptWallet(wallet: id, shares: [before.mine]) }
        // A single-key wallet has no such half.
        let single = try await phone.importWallet(imports: [.key(key: SigningKey.make())]).id()
        _ = try await phone.backup(wallet: single, methods: [.recoveryCode(code: RecoveryCode.make())])
        await refused(AdoptError.WrongKind, "the custodian has a wallet of another kind") {
            try await user.phone().adoptWallet(wallet: single, shares: [Before(key: 8, wallet: single).mine])
        }
    }

    // MARK: Restoring

    private let own = OwnStore()

    /// A phone whose backups are in a store of the user's: what the custodian has forgotten is there.
    private func phone(of user: User) throws -> Client {
        let place = NamedPlace(id: try StoreId("mine"), place: .own(store: own, operator: .user, timeout: 5))
        return try Client(
            config: ClientConfig(
                custodian: user.login(), pinned: user.custodian.identity, user: user.name,
                device: .memory(device: MemoryDevice()), stores: [place]))
    }

    func testARestoredCustodianWaitsForAnApproval() async throws {
        let custodian = try Custodian()
        let user = try User(at: custodian)
        let phone = try phone(of: user)
        let code = Method.recoveryCode(code: RecoveryCode.make())
        let wallet = try await phone.createWallet(curves: [.secp256k1])
        let id = wallet.id()
        _ = try await phone.backup(wallet: id, methods: [code])
        let copy = try custodian.copy()
        _ = try await phone.refresh(wallet: id, method: code)

        // The operator says that it is a copy: nothing happens before somebody has shown who they are.
        try custodian.putBack(copy, "--restored")
        await refused(
            RecoverError.Open(source: .Restored(custodian: 1)),
            "the custodian was restored from a copy, which has epoch 1"
        ) { try await self.phone(of: user).recover(wallet: id, recovery: Recovery(method: code)) }
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.recoverable, .byOperator)
        XCTAssertEqual(status.frozen?.restored, .awaitsApproval)
        XCTAssertTrue(status.hazards.contains(.custodianRolledBack(custodian: 1, seen: 2)), "\(status.hazards)")

        // One operation is approved, and no other.
        let approved = makeOperationId(), other = makeOperationId()
        try custodian.operate(["approve", "--user", user.name, "--wallet", id.text, "--operation", approved.text])
        let next = try self.phone(of: user)
        let unasked = await thrown(RecoverError.self) {
            try await next.recover(wallet: id, recovery: Recovery(method: code, approved: other))
        }
        guard case .Run(.Exchange(.Prepare(.Refused(.Frozen(let freezes))))) = unasked else {
            return XCTFail("\(String(describing: unasked))")
        }
        XCTAssertEqual(freezes.restored, .approved)
        let recovered = try await next.recover(wallet: id, recovery: Recovery(method: code, approved: approved))
        guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
        XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys())
        // Above every number that was given out once.
        let epoch = try await next.status(wallet: id).epoch
        XCTAssertGreaterThan(try XCTUnwrap(epoch), 2)
        let drill = try await next.drill(wallet: id, method: code)
        XCTAssertEqual(drill.level, .matches)
    }

    func testAReplaceIsApprovedWhereEveryMethodIsForgotten() async throws {
        let custodian = try Custodian()
        let user = try User(at: custodian)
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        try custodian.putBack(custodian.copy(), "--restored")
        let method = Method.recoveryCode(code: RecoveryCode.make())
        let frozen = await thrown(BackupError.self) { try await phone.replace(wallet: id, methods: [method]) }
        guard case .Run(.Exchange(.Prepare(.Refused(.Frozen(let freezes))))) = frozen else {
            return XCTFail("\(String(describing: frozen))")
        }
        XCTAssertEqual(freezes.restored, .awaitsApproval)
        let approved = makeOperationId()
        try custodian.operate(["approve", "--user", user.name, "--wallet", id.text, "--operation", approved.text])
        let backup = try await phone.replaceApproved(wallet: id, methods: [method], approved: approved)
        XCTAssertGreaterThan(backup.envelope.epoch, 1)
        let drill = try await phone.drill(wallet: id, method: method)
        XCTAssertEqual(drill.level, .matches)
    }

    /// A copy that nobody says is one: who has seen more does not believe it, and says so.
    func testACustodianThatHasForgottenIsFoundOut() async throws {
        let custodian = try Custodian()
        let user = try User(at: custodian)
        let (mine, wallet) = try await user.backedUp(phone(of: user))
        let id = wallet.id()
        let copy = try custodian.copy()
        _ = try await mine.refresh(wallet: id, method: password())
        try custodian.putBack(copy)
        let text = "the custodian has gone back to epoch 1; this device has seen 2"
        await refused(RefreshError.Open(source: .RolledBack(custodian: 1, seen: 2)), text) {
            try await mine.refresh(wallet: id, method: password())
        }
        await refused(DrillError.Open(source: .RolledBack(custodian: 1, seen: 2)), text) {
            try await mine.drill(wallet: id, method: password())
        }
        // An empty device sees the receipt in the store.
        await refused(RecoverError.Open(source: .RolledBack(custodian: 1, seen: 2)), text) {
            try await self.phone(of: user).recover(wallet: id, recovery: Recovery(method: password()))
        }
        let hazards = try await mine.status(wallet: id).hazards
        XCTAssertTrue(hazards.contains(.custodianRolledBack(custodian: 1, seen: 2)), "\(hazards)")
    }

    // MARK: Converting

    func testASingleKeyWalletIsConverted() async throws {
        let user = try User()
        let phone = try user.phone()
        let key = SigningKey.make()
        let wallet = try await phone.importWallet(imports: [.key(key: key)], name: "cold")
        let id = wallet.id()
        _ = try await phone.backup(wallet: id, methods: [password(), .recoveryCode(code: RecoveryCode.make())])
        await refused(
            ConvertError.Open(source: .Open(source: .WrongSecret(kind: .password))),
            "the backup did not open with this method: wrong password"
        ) { try await phone.convert(wallet: id, method: password("another-password-93")) }
        let unchanged = try await phone.wallet(wallet: id).kind()
        XCTAssertEqual(unchanged, .singleKey)

        let converted = try await phone.convert(wallet: id, method: password())
        guard case .done(let mpc) = converted else { return XCTFail("\(converted)") }
        XCTAssertEqual(mpc.id(), id)
        XCTAssertEqual(mpc.kind(), .mpc)
        XCTAssertEqual(mpc.verifyingKeys(), [key.verifyingKey()])
        XCTAssertEqual(mpc.checkCode(), wallet.checkCode())
        XCTAssertEqual(mpc.signingShares().count, 1)
        // The whole key is not here any more, and that it was is not forgotten.
        let exported = try await phone.wallet(wallet: id).export()
        XCTAssertEqual(exported.count, 0)
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.kind, .mpc)
        XCTAssertEqual(status.methods.map(\.kind), [.password, .recoveryCode])
        XCTAssertTrue(status.hazards.contains { if case .keyWasWhole = $0 { true } else { false } }, "\(status.hazards)")
        let next = try user.phone()
        guard case .done(let back) = try await next.recover(wallet: id, recovery: Recovery(method: password())) else {
            return XCTFail("it waits")
        }
        XCTAssertEqual(back.verifyingKeys(), [key.verifyingKey()])
        XCTAssertEqual(back.kind(), .mpc)
    }

    func testAConversionWaitsWhereRecoveriesDo() async throws {
        let custodian = try Custodian(options: "--recovery-wait", "1h")
        let user = try User(at: custodian)
        let phone = try user.phone()
        let id = try await phone.importWallet(imports: [.key(key: SigningKey.make())]).id()
        _ = try await phone.backup(wallet: id, methods: [password()])
        let converted = try await phone.convert(wallet: id, method: password())
        guard case .waiting(let waiting) = converted else { return XCTFail("\(converted)") }
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.waiting, WaitingRequest(request: waiting, operation: .convert))
        XCTAssertEqual(status.kind, .singleKey)
    }
}
