// What an operation is refused with, beyond `ErrorTests`: its case, its fields and its text; and that what comes after it
// works.

import Foundation
import Twoshare
import XCTest

final class RefusalTests: XCTestCase {
    private let code = Method.recoveryCode(code: RecoveryCode.make())

    /// A wallet that is backed up with the code.
    private func backedUp(_ phone: Client) async throws -> WalletId {
        let id = try await phone.createWallet(curves: [.ed25519]).id()
        _ = try await phone.backup(wallet: id, methods: [code])
        return id
    }

    // MARK: What the user gives

    func testTheWrongSecretAndTheWrongMethodEverywhere() async throws {
        let user = try User()
        let phone = try user.phone()
        let id = try await backedUp(phone)
        let other = Method.recoveryCode(code: RecoveryCode.make())
        let wrong = OpenBackupError.Open(source: .WrongSecret(kind: .recoveryCode))
        let none = OpenBackupError.Open(source: .NoSlot(kind: .password))
        for (method, open, text) in [
            (other, wrong, "the backup did not open with this method: wrong recovery_code"),
            (
                try password(), none, "the backup did not open with this method: the envelope has no password slot"
            ),
        ] {
            await refused(DrillError.Open(source: open), text) { try await phone.drill(wallet: id, method: method) }
            await refused(open, text) { try await phone.open(wallet: id, method: method) }
            await refused(RefreshError.Open(source: open), text) { try await phone.refresh(wallet: id, method: method) }
            await refused(RefreshError.Open(source: open), text) {
                try await phone.changeMethods(wallet: id, method: method, changes: [.add(method: other)])
            }
            await refused(EjectError.Open(source: open), text) { try await phone.eject(wallet: id, method: method) }
            await refused(RecoverError.Open(source: open), text) {
                try await user.phone().recover(wallet: id, recovery: Recovery(method: method))
            }
            await refused(MoveError.Open(source: open), text) {
                try await phone.moveWallet(
                    wallet: id, method: method,
                    to: Destination(custodian: user.login(), identity: CustodianIdentity(user.custodian.key)))
            }
        }
        let drill = try await phone.drill(wallet: id, method: code)
        XCTAssertEqual(drill.level, .matches)
    }

    func testAnotherWalletsCheckCodeIsNotThisOnes() async throws {
        let user = try User()
        let phone = try user.phone()
        let id = try await backedUp(phone)
        let mine = try await phone.wallet(wallet: id).checkCode()
        let others = try await phone.createWallet(curves: [.ed25519]).checkCode()
        await refused(
            RecoverError.Open(source: .Open(source: .Substituted)),
            "the backup did not open with this method: the wallet was substituted"
        ) {
            try await user.phone().recover(
                wallet: id, recovery: Recovery(method: code, vouchedBy: .checkCode(code: others)))
        }
        let recovered = try await user.phone().recover(
            wallet: id, recovery: Recovery(method: code, vouchedBy: .checkCode(code: mine)))
        guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
        XCTAssertEqual(back.checkCode(), mine)
    }

    func testMethodsThatAreNoneOrTooMany() async throws {
        let phone = try User().phone()
        let id = try await phone.createWallet(curves: [.ed25519]).id()
        await refused(
            BackupError.Run(source: .Publish(source: .Seal(source: .NoSlots))),
            "the envelope cannot be sealed: there are no slots"
        ) { try await phone.backup(wallet: id, methods: []) }
        let many = (0..<17).map { _ in Method.recoveryCode(code: RecoveryCode.make()) }
        await refused(
            BackupError.Methods(source: .Table(source: .Full(cap: 16))),
            "the method does not fit the envelope: 16 slots are there already"
        ) { try await phone.backup(wallet: id, methods: many) }
        let policy = PasswordPolicy().atLeastCharacters(count: 30)
        await refused(PasswordError.TooShort(found: 23, min: 30), "the password has 23 characters, fewer than 30") {
            try await policy.check(password: entered)
        }
        let strict = try Method.password(entered: entered, policy: policy)
        await refused(
            BackupError.Methods(
                source: .Slot(source: .Method(source: .Password(source: .TooShort(found: 23, min: 30))))),
            "a backup method could not be set up: the method failed: the password is refused: the password has 23 characters, fewer than 30"
        ) { try await phone.backup(wallet: id, methods: [strict]) }
        let forbidding = PasswordPolicy().forbidding(words: [entered])
        let weak = await thrown(PasswordError.self) { try await forbidding.check(password: entered) }
        guard case .TooWeak(let score, let min, _) = weak else { return XCTFail("\(String(describing: weak))") }
        XCTAssertLessThan(score, min)
    }

    // MARK: What the wallet is in

    func testAReplacedBackupIsContested() async throws {
        let user = try User()
        let phone = try user.phone()
        let id = try await backedUp(phone)
        try user.custodian.operate(["eject-window", "--user", user.name, "--wallet", id.text])
        _ = try await phone.replace(wallet: id, methods: [code, password()])
        // Opened with what opens the older one too: whoever replaced it may have been a thief.
        let contested = OpenBackupError.Contested(restorable: 1)
        await refused(
            RefreshError.Open(source: contested), "the backup of epoch 1 was replaced, and this method opens it too"
        ) { try await phone.refresh(wallet: id, method: code) }
        // No second replace before the first is settled.
        let again = await thrown(BackupError.self) { try await phone.replace(wallet: id, methods: [code]) }
        guard case .Run(.Exchange(.Prepare(.Refused(.GraceRunning(let left))))) = again else {
            return XCTFail("\(String(describing: again))")
        }
        XCTAssertTrue((1...72 * 3600).contains(left), "\(left)")
        XCTAssertEqual(
            again?.localizedDescription.hasPrefix("the custodian did not prepare the new epoch: "), true)
        // Nor an eject, although the window is open.
        let eject = await thrown(EjectError.self) { try await phone.eject(wallet: id, method: password()) }
        guard case .Refused(.Refused(.GraceRunning)) = eject else { return XCTFail("\(String(describing: eject))") }
        // A recovery settles it.
        let recovered = try await phone.recover(wallet: id, recovery: Recovery(method: code))
        guard case .done = recovered else { return XCTFail("\(recovered)") }
        _ = try await phone.refresh(wallet: id, method: code)

        let single = try await phone.importWallet(imports: [.key(key: SigningKey.make())]).id()
        _ = try await phone.backup(wallet: single, methods: [code])
        _ = try await phone.replace(wallet: single, methods: [password()])
        let convert = await thrown(ConvertError.self) { try await phone.convert(wallet: single, method: password()) }
        guard case .GraceRunning(let rest) = convert else { return XCTFail("\(String(describing: convert))") }
        XCTAssertTrue((1...72 * 3600).contains(rest), "\(rest)")
    }

    /// Two phones of one wallet, one of which has begun something.
    func testASecondDeviceIsInConflict() async throws {
        let user = try User()
        let device = MemoryDevice(), gate = Gate()
        let phone = try user.phone(.memory(device: device), login: user.login(transport: gate))
        let id = try await backedUp(phone)
        let copy = try user.phone(.memory(device: device.snapshot()))
        // State, envelope, begin, prepare: the next is the commit, after the envelope's upload.
        let task = try await stopped(gate, at: "/commit") { try await phone.refresh(wallet: id, method: self.code) }
        let conflict = await thrown(RefreshError.self) { try await copy.refresh(wallet: id, method: code) }
        guard case .Run(.Exchange(.Prepare(.Refused(.Conflict(operation: .refresh, let until))))) = conflict else {
            return XCTFail("\(String(describing: conflict))")
        }
        let pending = try await copy.status(wallet: id).pending
        XCTAssertEqual(pending?.operation, .refresh)
        XCTAssertEqual(pending?.expires, until)
        gate.open()
        let refreshed = try await task.value
        XCTAssertEqual(refreshed.envelope.epoch, 2)
        // A copy of the device learns of it, and goes on.
        let drill = try await copy.drill(wallet: id, method: code)
        XCTAssertEqual(drill.epoch, 2)
    }

    func testWhatIsInterruptedIsInTheWayWhileItCannotEnd() async throws {
        let custodian = try Custodian()
        let user = try User(at: custodian)
        let device = MemoryDevice(), gate = Gate()
        let phone = try user.phone(.memory(device: device), login: user.login(transport: gate, retry: once))
        let id = try await backedUp(phone)
        let task = try await stopped(gate, at: "/commit") { try await phone.refresh(wallet: id, method: self.code) }
        task.cancel()
        await refused(RefreshError.Cancelled, "the call was cancelled") { try await soon(task) }
        gate.open()
        let interrupted = try await phone.wallet(wallet: id)
        XCTAssertEqual(interrupted.id(), id)
        let onDevice = try await phone.status(wallet: id).onDevice
        XCTAssertEqual(onDevice, .interrupted(operation: .refresh))

        // It stands still, by the operator's order.
        try custodian.operate(["freeze", "--user", user.name, "--wallet", id.text])
        let freezes = Freezes(dispute: nil, operator: true, restored: nil)
        let frozen = ResumeError.Frozen(freezes: freezes)
        let stands = "the wallet is frozen; ask the operator of the custodian"
        let first = "an interrupted operation has to end first: "
        await refused(frozen, stands) { try await phone.resume(wallet: id) }
        await refused(frozen, stands) { try await phone.forget(wallet: id) }
        await refused(BackupError.Unsettled(source: frozen), first + stands) {
            try await phone.replace(wallet: id, methods: [code])
        }
        await refused(RefreshError.Unsettled(source: frozen), first + stands) { try await phone.refresh(wallet: id, method: code) }
        await refused(RecoverError.Unsettled(source: frozen), first + stands) {
            try await phone.recover(wallet: id, recovery: Recovery(method: code))
        }
        await refused(EjectError.Unsettled(source: frozen), first + stands) { try await phone.eject(wallet: id, method: code) }
        await refused(MoveError.Unsettled(source: frozen), first + stands) {
            try await phone.moveWallet(
                wallet: id, method: code, to: Destination(custodian: user.login(), identity: custodian.identity))
        }
        // Or nobody can be asked.
        custodian.kill()
        let gone = ResumeError.State(source: .Read(source: .Unavailable(outage: .unreachable, retryAfter: nil)))
        let text = "the custodian did not give the wallet's state: the custodian is unavailable: it cannot be reached"
        await refused(gone, text) { try await phone.resume(wallet: id) }
        await refused(RefreshError.Unsettled(source: gone), first + text) { try await phone.refresh(wallet: id, method: code) }
        try custodian.restart()
        try custodian.operate(["unfreeze", "--user", user.name, "--wallet", id.text])
        let resumed = try await phone.resume(wallet: id)
        XCTAssertEqual(resumed, .finished(operation: .refresh))
    }

    /// The operator's order comes between the preparation and the commit.
    func testAFrozenWalletCommitsNothing() async throws {
        let user = try User()
        let gate = Gate()
        let phone = try user.phone(login: user.login(transport: gate))
        let id = try await backedUp(phone)
        let task = try await stopped(gate, at: "/commit") { try await phone.refresh(wallet: id, method: self.code) }
        try user.custodian.operate(["freeze", "--user", user.name, "--wallet", id.text])
        gate.open()
        let freezes = Freezes(dispute: nil, operator: true, restored: nil)
        await refused(
            RefreshError.Run(source: .Publish(source: .Commit(source: .Refused(source: .Frozen(freezes: freezes))))),
            "the custodian did not say that the epoch is committed: the wallet is frozen; ask the operator of the custodian"
        ) { try await task.value }
        let recover = RecoverError.Run(
            source: .Exchange(source: .Prepare(source: .Refused(source: .Frozen(freezes: freezes)))))
        await refused(
            recover, "the custodian did not prepare the new epoch: the wallet is frozen; ask the operator of the custodian"
        ) {
            try await user.phone().recover(wallet: id, recovery: Recovery(method: self.code))
        }
        try user.custodian.operate(["unfreeze", "--user", user.name, "--wallet", id.text])
        let resumed = try await phone.resume(wallet: id)
        XCTAssertEqual(resumed, .finished(operation: .refresh))
    }

    /// Runs a call until its request for this path begins, which is held.
    private func stopped<Value: Sendable>(
        _ gate: Gate, at path: String, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Task<Value, Error> {
        gate.close(at: path)
        let task = Task { try await call() }
        let reached = await gate.isReached(orEnded: task)
        guard reached else { throw Failed("\(path) was not asked for") }
        return task
    }

    // MARK: What does not answer

    func testARequestThatIsLostSaysWhichItWas() async throws {
        let user = try User()
        let losing = Losing()
        let phone = try user.phone(login: user.login(transport: losing, retry: once))
        let id = try await backedUp(phone)
        let text = "the custodian is unavailable: it cannot be reached"
        losing.path.with { $0 = "/drill" }
        await refused(
            DrillError.Read(source: .Unavailable(outage: .unreachable, retryAfter: nil)),
            "the custodian gave no proof of its half: " + text
        ) { try await phone.drill(wallet: id, method: code) }
        losing.path.with { $0 = "/begin" }
        let begin = BeginError.Unavailable(outage: .unreachable, retryAfter: nil)
        await refused(EjectError.Begin(source: begin), "the custodian did not begin: " + text) {
            try await phone.eject(wallet: id, method: code)
        }
        await refused(CancelError.Begin(source: begin), "the custodian did not begin: " + text) {
            try await phone.cancel(wallet: id, request: makeOperationId())
        }
        await refused(
            RefreshError.Run(source: .Exchange(source: .Begin(source: begin))), "the custodian did not begin: " + text
        ) { try await phone.refresh(wallet: id, method: code) }
        losing.path.with { $0 = "/state" }
        let state = StateError.Read(source: .Unavailable(outage: .unreachable, retryAfter: nil))
        let unheard = "the custodian did not give the wallet's state: " + text
        losing.path.with { $0 = nil }
        let other = try await phone.createWallet(curves: [.ed25519]).id()
        losing.path.with { $0 = "/state" }
        await refused(BackupError.State(source: state), unheard) { try await phone.backup(wallet: other, methods: [code]) }
        losing.path.with { $0 = "/prepare" }
        let prepare = await thrown(BackupError.self) { try await phone.backup(wallet: other, methods: [code]) }
        guard case .Run(.Exchange(.Prepare(.Unavailable(outage: .unreachable, retryAfter: nil)))) = prepare else {
            return XCTFail("\(String(describing: prepare))")
        }
        losing.path.with { $0 = "/commit" }
        // What was prepared is gone on with, and stops again.
        let commit = RunError.Publish(source: .Commit(source: .Unavailable(outage: .unreachable, retryAfter: nil)))
        let lost = "the custodian did not say that the epoch is committed: " + text
        let stopped = ResumeError.Run(operation: .firstBackup, source: commit)
        let unfinished = "the interrupted first_backup could not be finished: " + lost
        await refused(stopped, unfinished) { try await phone.resume(wallet: other) }
        await refused(BackupError.Unsettled(source: stopped), "an interrupted operation has to end first: " + unfinished) {
            try await phone.backup(wallet: other, methods: [code])
        }
        // Or was committed, and its answer lost.
        await refused(RefreshError.Run(source: commit), lost) { try await phone.refresh(wallet: id, method: code) }
        losing.path.with { $0 = nil }
        let resumed = try await phone.resume(wallet: other)
        XCTAssertEqual(resumed, .finished(operation: .firstBackup))
    }

    func testTokensThatAreRefusedInEveryOperation() async throws {
        let user = try User()
        let id = try await backedUp(user.phone())
        let phone = try user.phone(login: user.login(tokens: FixedToken("not-a-session")))
        let read = ReadError.Unavailable(outage: .notSignedIn, retryAfter: nil)
        let text = "the custodian did not give the wallet's state: the custodian is unavailable: the user is not signed in"
        await refused(StateError.Read(source: read), text) { try await phone.wallets() }
        await refused(RecoverError.Open(source: .State(source: .Read(source: read))), text) {
            try await phone.recover(wallet: id, recovery: Recovery(method: self.code))
        }
        await refused(
            CreateError.Run(source: .Exchange(source: .Begin(source: .Unavailable(outage: .notSignedIn, retryAfter: nil)))),
            "the custodian did not begin: the custodian is unavailable: the user is not signed in"
        ) { try await phone.createWallet(curves: [.ed25519]) }
        // A token of somebody else's opens nobody else's wallet.
        let mallory = try User()
        await refused(
            RecoverError.Open(source: .State(source: .Read(source: .NotFound))),
            "the custodian did not give the wallet's state: not found"
        ) { try await mallory.phone().recover(wallet: id, recovery: Recovery(method: self.code)) }
    }

    func testWhatACustodianAnswersInsteadIsAnOutage() async throws {
        let user = try User()
        let answering = Losing()
        let phone = try user.phone(login: user.login(transport: answering, retry: once))
        let unavailable = "the custodian did not give the wallet's state: the custodian is unavailable: "
        let cases: [(UInt16, String?, Outage, UInt64?, String)] = [
            (429, "7", .busy, 7, "it is busy"), (503, "9", .busy, 9, "it is busy"), (500, nil, .failed, nil, "it failed"),
            (302, nil, .notUnderstood, nil, "its answer is not understood"), (404, nil, .notUnderstood, nil, "its answer is not understood"),
        ]
        for (status, retryAfter, outage, seconds, text) in cases {
            answering.answer.with {
                $0 = HttpResponse(status: status, contentType: nil, retryAfter: retryAfter, body: Data())
            }
            await refused(
                StateError.Read(source: .Unavailable(outage: outage, retryAfter: seconds)), unavailable + text
            ) { try await phone.wallets() }
        }
        answering.answer.with { $0 = nil }
        let wallets = try await phone.wallets()
        XCTAssertEqual(wallets, [])
    }

    func testAWalletOfAnotherCustodianThanThePinnedOne() async throws {
        let user = try User()
        let device = MemoryDevice()
        let id = try await backedUp(user.phone(.memory(device: device)))
        let other = try Custodian()
        let phone = try Client(
            config: ClientConfig(
                custodian: user.login(), pinned: other.identity, user: user.name, device: .memory(device: device)))
        let state = StateError.OtherCustodian
        let text = "the wallet is with another custodian than the pinned one"
        await refused(BackupError.State(source: state), text) { try await phone.replace(wallet: id, methods: [self.code]) }
        await refused(RefreshError.Open(source: .State(source: state)), text) {
            try await phone.refresh(wallet: id, method: self.code)
        }
        await refused(ResumeError.State(source: state), text) { try await phone.resume(wallet: id) }
        await refused(EjectError.Open(source: .State(source: state)), text) {
            try await phone.eject(wallet: id, method: self.code)
        }
        await refused(CancelError.State(source: state), text) {
            try await phone.cancel(wallet: id, request: makeOperationId())
        }
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.asked, .unheard(why: state))
    }

    // MARK: What is kept here

    func testADeviceThatDoesNotDoItsPart() async throws {
        let user = try User()
        let state = OwnDevice()
        let phone = try user.phone(.own(state: state, timeout: 5))
        let id = try await backedUp(phone)
        // What cannot be kept is not made.
        state.beforeSave.with { $0 = { throw SaveError.Full } }
        let full = DeviceError.Save(source: .Full)
        let create = await thrown(CreateError.self) { try await phone.createWallet(curves: [.ed25519]) }
        XCTAssertTrue([.Device(source: full), .Run(source: .Device(source: full))].contains(create), "\(String(describing: create))")
        await refused(ImportError.Device(source: full), "the device's record was not saved: the device is full") {
            try await phone.importWallet(imports: [.key(key: SigningKey.make())])
        }
        await refused(full, "the device's record was not saved: the device is full") {
            try await phone.keepAttachments(wallet: id, attachments: [Attachment.perDevice(name: "paillier")])
        }
        let recover = await thrown(RecoverError.self) {
            try await user.phone(.own(state: state, timeout: 5)).recover(wallet: id, recovery: Recovery(method: self.code))
        }
        XCTAssertTrue(
            [.Device(source: full), .Run(source: .Device(source: full))].contains(recover), "\(String(describing: recover))")
        state.beforeSave.with { $0 = nil }
        state.beforeLoad.with { $0 = { throw LoadError.Damaged } }
        let damaged = DeviceError.Load(source: .Damaged)
        let text = "the device's record was not loaded: the device's record of the wallet is damaged"
        await refused(damaged, text) { try await phone.status(wallet: id) }
        await refused(BackupError.Device(source: damaged), text) { try await phone.replace(wallet: id, methods: [self.code]) }
        await refused(DrillError.Device(source: damaged), text) { try await phone.drill(wallet: id, method: self.code) }
        await refused(ResumeError.Device(source: damaged), text) { try await phone.resume(wallet: id) }
        await refused(CancelError.Device(source: damaged), text) {
            try await phone.cancel(wallet: id, request: makeOperationId())
        }
        await refused(ConvertError.Device(source: damaged), text) { try await phone.convert(wallet: id, method: self.code) }
        await refused(EjectError.Device(source: damaged), text) { try await phone.eject(wallet: id, method: self.code) }
        await refused(MoveError.Device(source: damaged), text) {
            try await phone.moveWallet(
                wallet: id, method: self.code,
                to: Destination(custodian: user.login(), identity: CustodianIdentity(user.custodian.key)))
        }
        state.beforeLoad.with { $0 = nil }
        let drill = try await phone.drill(wallet: id, method: code)
        XCTAssertEqual(drill.level, .matches)
    }

    func testAForgottenWalletIsNotHere() async throws {
        let user = try User()
        let phone = try user.phone()
        let id = try await backedUp(phone)
        try await phone.forget(wallet: id)
        let text = "the wallet \(id) is not on this device"
        let none = DeviceError.NotHere(wallet: id)
        await refused(none, text) { try await phone.wallet(wallet: id) }
        await refused(BackupError.Device(source: none), text) { try await phone.backup(wallet: id, methods: [self.code]) }
        await refused(MoveError.Device(source: none), text) {
            try await phone.moveWallet(
                wallet: id, method: self.code,
                to: Destination(custodian: user.login(), identity: CustodianIdentity(user.custodian.key)))
        }
        let onDevice = try await phone.status(wallet: id).onDevice
        XCTAssertEqual(onDevice, .no)
        guard case .done = try await phone.recover(wallet: id, recovery: Recovery(method: code)) else {
            return XCTFail("it waits")
        }
    }

    func testADeviceInAFolderThatIsDamaged() async throws {
        let user = try User()
        let folder = try makeFolder().appendingPathComponent("device")
        await refused(OpenDeviceError.Password(source: .Empty), "the password is refused: the password is empty") {
            try await FileDevice.open(path: folder.path, password: "")
        }
        let id: WalletId
        do {
            let device = try await FileDevice.open(path: folder.path)
            id = try await backedUp(user.phone(.file(device: device)))
            await refused(PasswordChangeError.Password(source: .Empty), "the password is refused: the password is empty") {
                try await device.setPassword(password: "")
            }
            let large = await thrown(SettingsError.self) { try await device.saveSettings(settings: Data(count: (64 << 20) + 1)) }
            guard case .TooLarge(let len, let cap) = large else { return XCTFail("\(String(describing: large))") }
            XCTAssertEqual([len, cap], [(64 << 20) + 1, 64 << 20])
            let intact = await thrown(DiscardError.self) { try await device.discard(wallet: id) }
            guard case .Intact = intact else { return XCTFail("\(String(describing: intact))") }
        }
        // One bit of every file of a wallet.
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        var records = 0
        for file in files {
            let url = folder.appendingPathComponent(file)
            guard var data = try? Data(contentsOf: url), data.count > 200 else { continue }
            data[data.count / 2] ^= 1
            try data.write(to: url)
            records += 1
        }
        XCTAssertGreaterThan(records, 0, "\(files)")
        let device = try await FileDevice.open(path: folder.path)
        let phone = try user.phone(.file(device: device))
        await refused(
            DeviceError.Load(source: .Damaged),
            "the device's record was not loaded: the device's record of the wallet is damaged"
        ) { try await phone.wallet(wallet: id) }
        try await device.discard(wallet: id)
        guard case .done = try await phone.recover(wallet: id, recovery: Recovery(method: code)) else {
            return XCTFail("it waits")
        }
    }
}

/// Loses the requests for one path, or answers all of them.
private final class Losing: HttpTransport {
    let path = Guarded<String?>(nil)
    let answer = Guarded<HttpResponse?>(nil)
    private let inner = URLSessionTransport()

    func send(request: HttpRequest) async throws -> HttpResponse {
        if let path = path.now, request.url.contains(path) { throw Failed("lost") }
        if let answer = answer.now { return answer }
        return try await inner.send(request: request)
    }
}
