// Every error that can be brought about from outside: its case, its fields and its text.

import Foundation
import Twoshare
import XCTest

final class ErrorTests: XCTestCase {
    // MARK: Texts and secrets that an app gives

    private func fails<Thrown: Error, Value>(
        _ text: String, line: UInt = #line, _ call: () throws -> Value, _ matches: (Thrown) -> Bool
    ) {
        XCTAssertThrowsError(try call(), line: line) { error in
            XCTAssertEqual(error.localizedDescription, text, line: line)
            guard let error = error as? Thrown, matches(error) else {
                return XCTFail("\(error)", line: line)
            }
        }
    }

    func testTextsThatAreNone() throws {
        let id = "not an id: 26 letters and digits are expected, dashes and spaces aside"
        fails(id, { try WalletId("") }, { (error: IdError) in error == .Malformed })
        fails(id, { try OperationId("!") }, { (error: IdError) in error == .Malformed })
        fails(
            "not a slot: 16 letters and digits are expected, dashes and spaces aside", { try SlotId("") },
            { (error: SlotIdError) in error == .Malformed })
        fails(
            "not a digest: 64 hexadecimal digits are expected", { try Digest("12") },
            { (error: DigestError) in error == .Malformed })
        fails(
            "not the name of an envelope or receipt", { try ObjectName("holiday.jpg") },
            { (error: ObjectNameError) in error == .Malformed })
        let store = "a store is named custodian, dir:PATH, https://…, s3://…, webdav://… or by a short name"
        fails(store, { try StoreId("My Store") }, { (error: StoreIdError) in error == .Form })
        fails("a path or an address is missing", { try StoreId("dir:") }, { (error: StoreIdError) in error == .Missing })
        fails(
            "an address of a store has no user or password in it", { try StoreId("https://me:secret@example.com") },
            { (error: StoreIdError) in error == .Credentials })
        fails(
            "a store's name is at most 4,096 bytes, without control characters", { try StoreId("dir:a\nb") },
            { (error: StoreIdError) in error == .Characters })
        fails(
            "a check code has 20 characters, this has 3", { try CheckCode("ABC") },
            { (error: CheckCodeError) in error == .Length(found: 3) })
        fails(
            "character 2 does not belong to a check code", { try CheckCode("A!" + String(repeating: "A", count: 18)) },
            { (error: CheckCodeError) in error == .Character(position: 2) })
        let key = Custodian.shared.key
        fails(
            "not a custodian's key: letters and digits are expected", { try CustodianIdentity("?" + key.dropFirst()) },
            { (error: IdentityError) in error == .Text })
        let other: Character = key.last == "A" ? "B" : "A"
        fails(
            "a character of the custodian's key is mistyped", { try CustodianIdentity(key.dropLast() + String(other)) },
            { (error: IdentityError) in error == .Mistyped })
        XCTAssertThrowsError(try CustodianIdentity("AAAAAAAA")) { error in
            guard case IdentityError.Length(found: 5) = error else { return XCTFail("\(error)") }
        }
    }

    func testIdsAreCheckedInJsonToo() throws {
        let wallet = try WalletId(String(repeating: "0", count: 26))
        let json = try JSONEncoder().encode([wallet])
        XCTAssertEqual(String(decoding: json, as: UTF8.self), "[\"\(wallet)\"]")
        XCTAssertEqual(try JSONDecoder().decode([WalletId].self, from: json), [wallet])
        XCTAssertThrowsError(try JSONDecoder().decode([WalletId].self, from: Data("[\"none\"]".utf8))) { error in
            XCTAssertEqual(error as? IdError, .Malformed)
        }
    }

    func testPasswordsThatAreNone() throws {
        fails("the password is empty", { try password("") }, { (error: PasswordError) in error == .Empty })
        fails(
            "the password has 1025 bytes, more than 1024", { try password(String(repeating: "a", count: 1025)) },
            { (error: PasswordError) in error == .TooLong(found: 1025, max: 1024) })
        fails(
            "the password has characters that cannot be used", { try password("bell\u{7}") },
            { (error: PasswordError) in error == .Characters })
    }

    func testRecoveryCodesThatAreMistyped() throws {
        let code = RecoveryCode.make().toText()
        fails(
            "the recovery code has 3 characters instead of 35", { try RecoveryCode.fromText(typed: "ABC") },
            { (error: CodeError) in
                if case .Length(found: 3, expected: 35, _) = error { true } else { false }
            })
        let wrong = (code.first == "Z" ? "Y" : "Z") + code.dropFirst()
        fails(
            "the recovery code is mistyped", { try RecoveryCode.fromText(typed: wrong) },
            { (error: CodeError) in
                if case .Mistyped(group: 1) = error { true } else { false }
            })
    }

    func testSecretsThatAreNone() throws {
        func secret(_ kind: SecretKind, _ bytes: Data, label: String = "") throws -> WalletSecret {
            try WalletSecret(kind: kind, label: label, bytes: bytes)
        }
        fails("the secret is empty", { try secret(.opaque, Data()) }, { (error: WalletSecretError) in error == .Empty })
        fails(
            "an Ed25519 seed has 32 bytes, not 31", { try secret(.ed25519Seed, Data(count: 31)) },
            { (error: WalletSecretError) in error == .SeedLength(found: 31) })
        XCTAssertThrowsError(try secret(.opaque, Data(count: (1 << 20) + 1))) { error in
            XCTAssertEqual(error as? WalletSecretError, .TooLarge(found: (1 << 20) + 1))
        }
        let words = "legal winner thank year wave sausage worth useful legal winner thank "
        for (text, fault) in [
            ("one", MnemonicFault.WordCount(found: 1)), (words + "twoshare", .UnknownWord(position: 12)),
            (words + "thank", .Checksum),
        ] {
            XCTAssertThrowsError(try secret(.mnemonic, Data(text.utf8))) { error in
                XCTAssertEqual(error as? WalletSecretError, .Mnemonic(source: fault))
                XCTAssertTrue(error.localizedDescription.hasPrefix("not a BIP-39 mnemonic: "))
            }
        }
        for bytes in [Data(), Data(count: 32), Data(repeating: 0xFF, count: 32)] {
            XCTAssertThrowsError(try SigningKey.fromBytes(bytes: bytes)) { XCTAssertTrue($0 is SigningKeyError) }
        }
        for count in [0, 31, 33] {
            XCTAssertThrowsError(try PlatformKey.fromBytes(bytes: Data(count: count))) { error in
                guard case PlatformKeyError.Length(found: UInt64(count)) = error else { return XCTFail("\(error)") }
            }
        }
    }

    func testAddressesAndStoresThatAreNotUsed() throws {
        func custodian(_ url: String) throws -> HttpCustodian {
            try HttpCustodian(
                config: HttpConfig(url: url, transport: URLSessionTransport(), tokens: FixedToken("token")))
        }
        for url in ["", "custodian", "ftp://example.com", "https://me@example.com", "https://example.com/?a=b"] {
            fails("not the address of a server", { try custodian(url) }, { (error: UrlError) in error == .Malformed })
        }
        fails(
            "a server is spoken to with TLS, unless it is on this machine", { try custodian("http://example.com") },
            { (error: UrlError) in error == .Plain })
        let user = try User()
        func client(_ names: [String], _ policy: StorePolicy? = nil) throws -> Client {
            try Client(
                config: ClientConfig(
                    custodian: user.login(), pinned: nil, user: user.name, device: .memory(device: MemoryDevice()),
                    stores: names.map { NamedPlace(id: try StoreId($0), place: .custodian) }, storePolicy: policy))
        }
        let store = try StoreId("mine")
        fails(
            "the store mine is named twice", { try client(["mine", "mine"]) },
            { (error: StoresError) in error == .Twice(store: store) })
        fails(
            "3 stores are asked for, and there are 1", { try client(["mine"], .atLeast(count: 3)) },
            { (error: StoresError) in error == .TooFew(needed: 3, stores: 1) })
    }

    func testDevicesThatDoNotOpen() async throws {
        let folder = try makeFolder()
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        func fails(
            _ text: String, line: UInt = #line, _ open: () async throws -> FileDevice,
            _ matches: (OpenDeviceError) -> Bool
        ) async {
            let error = await thrown(OpenDeviceError.self, text, line: line, open)
            XCTAssertTrue(error.map(matches) ?? false, "\(String(describing: error))", line: line)
        }
        do {
            let device = try await FileDevice.open(path: path("a"), password: entered)
            await fails("the device in \(path("a")) is in use", { try await .open(path: path("a"), password: entered) }) {
                $0 == .InUse(path: path("a"))
            }
            withExtendedLifetime(device) {}
        }
        await fails("the device has a password", { try await .open(path: path("a")) }) { $0 == .PasswordNeeded }
        await fails("wrong device password", { try await .open(path: path("a"), password: "other") }) {
            $0 == .WrongPassword
        }
        do { _ = try await FileDevice.open(path: path("b")) }
        await fails("the device has no password", { try await .open(path: path("b"), password: entered) }) {
            $0 == .NoPassword
        }
        let key = PlatformKey.make()
        await fails(
            "the device is under no key of the platform",
            { try await .openWithPlatformKey(path: path("b"), key: key) }
        ) { $0 == .NoPlatformKey }
        do { _ = try await FileDevice.openWithPlatformKey(path: path("c"), key: key) }
        await fails("the device is under a key of the platform", { try await .open(path: path("c")) }) {
            $0 == .PlatformKeyNeeded
        }
        await fails(
            "wrong platform key", { try await .openWithPlatformKey(path: path("c"), key: PlatformKey.make()) }
        ) { $0 == .WrongPlatformKey }
        try Data("a file".utf8).write(to: folder.appendingPathComponent("d"))
        let failed = await thrown(OpenDeviceError.self) { try await FileDevice.open(path: path("d")) }
        guard case .Failed(path("d"), source: .Io) = failed else {
            return XCTFail("\(String(describing: failed))")
        }
    }

    // MARK: Operations

    func testWhatIsNotThere() async throws {
        let user = try User()
        let phone = try user.phone()
        let none = try WalletId(String(repeating: "0", count: 26))
        let text = "the wallet \(none) is not on this device"
        func isNotHere(_ error: DeviceError) -> Bool {
            if case .NotHere(wallet: none) = error { true } else { false }
        }
        let device = await thrown(DeviceError.self, text) { try await phone.wallet(wallet: none) }
        XCTAssertTrue(device.map(isNotHere) ?? false)
        let status = await thrown(DeviceError.self, text) { try await phone.status(wallet: none) }
        XCTAssertTrue(status.map(isNotHere) ?? false)
        let backup = await thrown(BackupError.self, text) {
            try await phone.backup(wallet: none, methods: [password()])
        }
        guard case .Device(source: .NotHere(wallet: none)) = backup else {
            return XCTFail("\(String(describing: backup))")
        }
        let eject = await thrown(EjectError.self, text) { try await phone.eject(wallet: none, method: password()) }
        guard case .Device(source: .NotHere(wallet: none)) = eject else {
            return XCTFail("\(String(describing: eject))")
        }
        let convert = await thrown(ConvertError.self, text) {
            try await phone.convert(wallet: none, method: password())
        }
        guard case .Device(source: .NotHere(wallet: none)) = convert else {
            return XCTFail("\(String(describing: convert))")
        }
        let cancel = await thrown(CancelError.self, text) {
            try await phone.cancel(wallet: none, request: makeOperationId())
        }
        guard case .Device(source: .NotHere(wallet: none)) = cancel else {
            return XCTFail("\(String(describing: cancel))")
        }
        let state = await thrown(StateError.self, "the custodian did not give the wallet's state: not found") {
            try await phone.state(wallet: none)
        }
        guard case .Read(source: .NotFound) = state else { return XCTFail("\(String(describing: state))") }
        let recover = await thrown(RecoverError.self, "the custodian did not give the wallet's state: not found") {
            try await phone.recover(wallet: none, recovery: Recovery(method: password()))
        }
        guard case .Open(source: .State(source: .Read(source: .NotFound))) = recover else {
            return XCTFail("\(String(describing: recover))")
        }
        let wallet = try await phone.createWallet(curves: [.secp256k1]).id()
        let bare = "the wallet \(wallet) has no backup"
        let drill = await thrown(DrillError.self, bare) { try await phone.drill(wallet: wallet, method: password()) }
        guard case .Open(source: .NotBackedUp(wallet: wallet)) = drill else {
            return XCTFail("\(String(describing: drill))")
        }
        let refresh = await thrown(RefreshError.self, bare) {
            try await phone.refresh(wallet: wallet, method: password())
        }
        guard case .Open(source: .NotBackedUp(wallet: wallet)) = refresh else {
            return XCTFail("\(String(describing: refresh))")
        }
    }

    func testWhichCustodian() async throws {
        let user = try User()
        let (_, wallet) = try await user.backedUp()
        let unpinned = try user.phone(pinned: false)
        let create = await thrown(CreateError.self, "the custodian's identity is not known: pin it") {
            try await unpinned.createWallet(curves: [.secp256k1])
        }
        guard case .State(source: .Unpinned) = create else { return XCTFail("\(String(describing: create))") }
        // An empty device takes it from the backup.
        guard case .done = try await unpinned.recover(wallet: wallet.id(), recovery: Recovery(method: password()))
        else { return XCTFail("it waits") }

        let other = try Custodian()
        func phone(pinned: CustodianIdentity, _ device: MemoryDevice) throws -> Client {
            try Client(
                config: ClientConfig(
                    custodian: user.login(), pinned: pinned, user: user.name, device: .memory(device: device)))
        }
        let wrong = try phone(pinned: other.identity, MemoryDevice())
        let state = await thrown(StateError.self) { try await wrong.state(wallet: wallet.id()) }
        guard case .WrongCustodian = state else { return XCTFail("\(String(describing: state))") }
        XCTAssertEqual(
            state?.localizedDescription.hasPrefix("the state is not signed by the wallet's custodian: "), true)
        // A phone whose app was configured for another one.
        let device = MemoryDevice()
        let mine = try await user.backedUp(phone(pinned: user.custodian.identity, device)).1.id()
        let elsewhere = try phone(pinned: other.identity, device)
        let moved = await thrown(DrillError.self, "the wallet is with another custodian than the pinned one") {
            try await elsewhere.drill(wallet: mine, method: password())
        }
        guard case .Open(source: .State(source: .OtherCustodian)) = moved else {
            return XCTFail("\(String(describing: moved))")
        }
    }

    func testAnotherUsersRecord() async throws {
        let device = MemoryDevice()
        let user = try User()
        let id = try await user.backedUp(user.phone(.memory(device: device))).1.id()
        let mallory = try User().phone(.memory(device: device))
        let error = await thrown(DeviceError.self, "the device's record is another user's") {
            try await mallory.wallet(wallet: id)
        }
        guard case .OtherUser = error else { return XCTFail("\(String(describing: error))") }
    }

    func testBackupsThatAreNotMade() async throws {
        let user = try User()
        let phone = try user.phone()
        let id = try await phone.createWallet(curves: [.secp256k1]).id()
        let weak = await thrown(BackupError.self) { try await phone.backup(wallet: id, methods: [password("12345678")]) }
        guard
            case .Methods(source: .Slot(source: .Method(source: .Password(source: .TooWeak(let score, let min, _))))) = weak
        else { return XCTFail("\(String(describing: weak))") }
        XCTAssertLessThan(score, min)
        XCTAssertEqual(
            weak?.localizedDescription.hasPrefix(
                "a backup method could not be set up: the method failed: the password is refused: the password is too easy to guess"),
            true)
        let short = await thrown(BackupError.self) { try await phone.backup(wallet: id, methods: [password("x9$k")]) }
        guard case .Methods(source: .Slot(source: .Method(source: .Password(source: .TooShort(found: 4, _))))) = short
        else { return XCTFail("\(String(describing: short))") }
        let long = await thrown(BackupError.self) {
            try await phone.backup(
                wallet: id,
                methods: [.recoveryCode(code: RecoveryCode.make(label: String(repeating: "a", count: 257)))])
        }
        guard case .Methods(source: .Slot(source: .TooLarge)) = long else {
            return XCTFail("\(String(describing: long))")
        }
        _ = try await phone.backup(wallet: id, methods: [password()])
        let again = await thrown(BackupError.self) { try await phone.backup(wallet: id, methods: [password()]) }
        guard case .Run(source: .Exchange(source: .Prepare(source: .Refused(source: .AlreadyBackedUp)))) = again else {
            return XCTFail("\(String(describing: again))")
        }
        XCTAssertEqual(
            again?.localizedDescription,
            "the custodian did not prepare the new epoch: the wallet is already backed up")
        let slot = try SlotId(String(repeating: "0", count: 16))
        let none = await thrown(RefreshError.self, "there is no method \(slot)") {
            try await phone.changeMethods(wallet: id, method: password(), changes: [.remove(slot: slot)])
        }
        guard case .Methods(source: .NoSuchSlot(slot: slot)) = none else {
            return XCTFail("\(String(describing: none))")
        }
    }

    func testWalletsThatAreNotImportedOrConverted() async throws {
        let (phone, wallet) = try await User().backedUp()
        let empty = await thrown(ImportError.self, "there is nothing to import") {
            try await phone.importWallet(imports: [])
        }
        guard case .Empty = empty else { return XCTFail("\(String(describing: empty))") }
        let many = await thrown(ImportError.self, "17 keys and secrets are more than a wallet's 16") {
            try await phone.importWallet(imports: (0..<17).map { _ in .key(key: SigningKey.make()) })
        }
        guard case .TooMany(count: 17, cap: 16) = many else { return XCTFail("\(String(describing: many))") }
        let mpc = await thrown(ConvertError.self, "the wallet is an MPC wallet already") {
            try await phone.convert(wallet: wallet.id(), method: password())
        }
        guard case .AlreadyMpc = mpc else { return XCTFail("\(String(describing: mpc))") }
        let seed = try WalletSecret(kind: .ed25519Seed, label: "solana", bytes: Data(count: 32))
        let sealed = try await phone.importWallet(imports: [.secret(secret: seed)]).id()
        _ = try await phone.backup(wallet: sealed, methods: [password()])
        let error = await thrown(
            ConvertError.self, "1 of the wallet's secrets are not scalars: make a new wallet and move the funds"
        ) { try await phone.convert(wallet: sealed, method: password()) }
        guard case .SealedSecrets(let secrets) = error else { return XCTFail("\(String(describing: error))") }
        XCTAssertEqual(secrets.map(\.label), ["solana"])
        XCTAssertEqual(secrets.map(\.kind), [.ed25519Seed])
    }

    func testWhatTheOperatorHoldsUp() async throws {
        let user = try User()
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        try user.custodian.operate(["freeze", "--user", user.name, "--wallet", id.text])
        let frozen = await thrown(RefreshError.self) { try await phone.refresh(wallet: id, method: password()) }
        guard case .Run(source: .Exchange(source: .Prepare(source: .Refused(source: .Frozen(let freezes))))) = frozen
        else { return XCTFail("\(String(describing: frozen))") }
        XCTAssertTrue(freezes.operator)
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(status.frozen?.operator, true)
        XCTAssertEqual(status.recoverable, .byOperator)
        try user.custodian.operate(["unfreeze", "--user", user.name, "--wallet", id.text])
        _ = try await phone.refresh(wallet: id, method: password())
        let request = await thrown(CancelError.self) { try await phone.cancel(wallet: id, request: makeOperationId()) }
        guard case .Refused(source: .Refused(source: .NoSuchRequest)) = request else {
            return XCTFail("\(String(describing: request))")
        }
    }

    func testARecoveryThatWaitsIsCancelledByThePhone() async throws {
        let custodian = try Custodian(options: "--recovery-wait", "1h")
        let user = try User(at: custodian)
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        let thief = try user.phone()
        let recovered = try await thief.recover(wallet: id, recovery: Recovery(method: password()))
        guard case .waiting(let waiting) = recovered else { return XCTFail("\(recovered)") }
        let seen = try await phone.status(wallet: id).waiting
        XCTAssertEqual(seen?.request, waiting)
        XCTAssertEqual(seen?.operation, .recover)
        try await phone.cancel(wallet: id, request: waiting.request)
        // The two disagree: the operator says who is right, and nothing happens before that.
        let disputed = try await phone.status(wallet: id)
        XCTAssertEqual(disputed.frozen?.dispute, waiting.request)
        let frozen = await thrown(RefreshError.self) { try await phone.refresh(wallet: id, method: password()) }
        guard case .Run(source: .Exchange(source: .Prepare(source: .Refused(source: .Frozen(let freezes))))) = frozen
        else { return XCTFail("\(String(describing: frozen))") }
        XCTAssertEqual(freezes.dispute, waiting.request)
        try custodian.operate(["unfreeze", "--user", user.name, "--wallet", id.text, "--for", "device"])
        let after = try await phone.status(wallet: id)
        XCTAssertNil(after.waiting)
        XCTAssertNil(after.frozen)
    }

    func testACustodianThatIsNotThere() async throws {
        let custodian = try Custodian()
        let user = try User(at: custodian)
        let (phone, wallet) = try await user.backedUp(user.phone(login: user.login(retry: once)))
        let id = wallet.id()
        custodian.kill()
        let text = "the custodian is unavailable: it cannot be reached"
        let state = await thrown(StateError.self, "the custodian did not give the wallet's state: " + text) {
            try await phone.wallets()
        }
        guard case .Read(source: .Unavailable(outage: .unreachable, retryAfter: nil)) = state else {
            return XCTFail("\(String(describing: state))")
        }
        let create = await thrown(CreateError.self, "the custodian did not begin: " + text) {
            try await phone.createWallet(curves: [.secp256k1])
        }
        guard case .Run(source: .Exchange(source: .Begin(source: .Unavailable(outage: .unreachable, _)))) = create else {
            return XCTFail("\(String(describing: create))")
        }
        // What the phone knows it still says.
        let status = try await phone.status(wallet: id)
        guard case .unheard(why: .Read(source: .Unavailable)) = status.asked else {
            return XCTFail("\(status.asked)")
        }
        XCTAssertEqual(status.checkCode, wallet.checkCode())
        try custodian.restart()
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testStoresThatDoNotKeepABackup() async throws {
        let user = try User()
        let own = OwnStore()
        let store = try StoreId("mine")
        let phone = try Client(
            config: ClientConfig(
                custodian: user.login(), pinned: user.custodian.identity, user: user.name,
                device: .memory(device: MemoryDevice()),
                stores: [NamedPlace(id: store, place: .own(store: own, operator: .user, timeout: 0.2))]))
        let id = try await phone.createWallet(curves: [.secp256k1]).id()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        struct Stray: Error {}
        let acts: [(@Sendable () async throws -> Void, (KeepError) -> Bool)] = [
            (
                { throw StoreFault.NotSignedIn },
                {
                    if case .Write(source: .Put(source: .Fault(source: .Broken(source: .Threw(reason: "NotSignedIn"))))) = $0 {
                        true
                    } else { false }
                }
            ),
            (
                { throw PutError.Fault(source: .NotSignedIn) },
                { if case .Write(source: .Put(source: .Fault(source: .NotSignedIn))) = $0 { true } else { false } }
            ),
            (
                { throw Stray() },
                {
                    if case .Write(source: .Put(source: .Fault(source: .Broken(source: .Threw)))) = $0 { true } else { false }
                }
            ),
            (
                { try await Task.sleep(nanoseconds: 3_600_000_000_000) },
                {
                    if case .Write(source: .Put(source: .Fault(source: .Unavailable(nil, source: .TimedOut(after: 0.2))))) = $0 {
                        true
                    } else { false }
                }
            ),
        ]
        for (act, matches) in acts {
            own.before.with { $0 = act }
            let error = await thrown(BackupError.self) { try await phone.backup(wallet: id, methods: [code]) }
            guard case .Run(source: .Publish(source: .Stores(source: .Policy(needed: 1, kept: [], let missing)))) = error
            else { return XCTFail("\(String(describing: error))") }
            XCTAssertEqual(error?.localizedDescription, "0 stores have the envelope where 1 are needed")
            XCTAssertEqual(missing.map(\.store), [store])
            XCTAssertTrue(missing.first.map { matches($0.error) } ?? false, "\(missing)")
        }
        own.before.with { $0 = nil }
        _ = try await phone.backup(wallet: id, methods: [code])
        let drill = try await phone.drill(wallet: id, method: code)
        XCTAssertEqual(drill.level, .matches)
        // Nonsense in the place of the backup.
        own.objects.with { objects in
            for name in objects.keys { objects[name] = Data("nonsense".utf8) }
        }
        let damaged = await thrown(DrillError.self) { try await phone.drill(wallet: id, method: code) }
        guard case .Open(source: .NotFound(let stores)) = damaged else {
            return XCTFail("\(String(describing: damaged))")
        }
        XCTAssertEqual(damaged?.localizedDescription, "no store has the backup's envelope intact")
        XCTAssertEqual(stores.map(\.store), [store])
        guard case .Container(source: .NotAContainer) = stores.first?.error else { return XCTFail("\(stores)") }
    }

    func testDirectoriesThatAreNoStores() async throws {
        let folder = try makeFolder().appendingPathComponent("none").path
        let error = await thrown(DirectoryError.self) { try await DirectoryStore.open(path: folder) }
        guard case .NotAStore(path: folder) = error else { return XCTFail("\(String(describing: error))") }
    }
}
