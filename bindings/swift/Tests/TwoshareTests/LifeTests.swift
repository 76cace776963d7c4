// The whole life of a wallet, on the real custodian.

import Foundation
import Twoshare
import XCTest

final class LifeTests: XCTestCase {
    func testAnMpcWalletIsBackedUpDrilledLostAndRecovered() async throws {
        let user = try User()
        let phone = try user.phone()
        let wallet = try await phone.createWallet(curves: [.secp256k1, .ed25519], name: "savings")
        let id = wallet.id()
        XCTAssertEqual(wallet.kind(), .mpc)
        XCTAssertEqual(wallet.name(), "savings")
        XCTAssertEqual(wallet.verifyingKeys().map(\.curve), [.secp256k1, .ed25519])
        XCTAssertEqual(wallet.verifyingKeys().map(\.bytes.count), [33, 32])
        XCTAssertEqual(wallet.signingShares().count, 2)
        XCTAssertNil(wallet.backup())
        var status = try await phone.status(wallet: id)
        XCTAssertEqual(status.onDevice, .here)
        XCTAssertEqual(status.recoverable, .no)
        XCTAssertEqual(status.keys.map(\.backup), [.none, .none])

        let code = RecoveryCode.make(label: "paper")
        let methods = [try password(label: "mine"), Method.recoveryCode(code: code)]
        let backup = try await phone.backup(wallet: id, methods: methods)
        XCTAssertEqual(backup.envelope.wallet, id)
        XCTAssertEqual(backup.envelope.epoch, 1)
        XCTAssertEqual(backup.missing, [])
        for method in methods {
            let drill = try await phone.drill(wallet: id, method: method)
            XCTAssertEqual(drill.level, .matches)
            XCTAssertEqual(drill.epoch, 1)
        }
        status = try await phone.status(wallet: id)
        XCTAssertEqual(status.keys.map(\.backup), [.complete, .complete])
        XCTAssertEqual(status.methods.map(\.label), ["mine", "paper"])
        XCTAssertEqual(status.methods.map(\.kind), [.password, .recoveryCode])
        XCTAssertEqual(status.lastDrill?.level, .matches)
        XCTAssertEqual(status.hazards, [])
        let present = try await phone.drill(wallet: id, method: nil)
        XCTAssertEqual(present.level, .present)

        // The phone is lost: the code is typed on the next one, as people type.
        let next = try user.phone()
        let known = try await next.wallets()
        XCTAssertEqual(known, [id])
        let typed = try RecoveryCode.fromText(typed: " " + code.toText().lowercased())
        let recovered = try await next.recover(
            wallet: id, recovery: Recovery(method: .recoveryCode(code: typed)))
        guard case .done(let back) = recovered else { return XCTFail("\(recovered)") }
        XCTAssertEqual(back.verifyingKeys(), wallet.verifyingKeys())
        XCTAssertEqual(back.checkCode(), wallet.checkCode())
        XCTAssertNotEqual(
            back.signingShares().map { $0.exposeSecret() }, wallet.signingShares().map { $0.exposeSecret() })
        let again = try await next.drill(wallet: id, method: password())
        XCTAssertEqual(again.level, .matches)
        XCTAssertEqual(again.epoch, 2)

        // And can do nothing any more.
        guard case .revoked = try await phone.resume(wallet: id) else { return XCTFail("not revoked") }
        let text = "another device has recovered or converted the wallet \(id)"
        let revoked = await thrown(RefreshError.self, text) {
            try await phone.refresh(wallet: id, method: password())
        }
        guard case .Device(source: .Revoked(wallet: id)) = revoked else {
            return XCTFail("\(String(describing: revoked))")
        }
        try await phone.forget(wallet: id)
        let here = try await phone.walletsHere()
        XCTAssertEqual(here, [])
    }

    func testMethodsAreRefreshedAndChanged() async throws {
        let user = try User()
        let (phone, wallet) = try await user.backedUp()
        let id = wallet.id()
        let refreshed = try await phone.refresh(wallet: id, method: password())
        XCTAssertEqual(refreshed.envelope.epoch, 2)
        let slot = try await phone.status(wallet: id).methods[0].slot

        let code = Method.recoveryCode(code: RecoveryCode.make())
        _ = try await phone.changeMethods(
            wallet: id, method: password(),
            changes: [.add(method: code), .replace(slot: slot, method: password("velvet-orbit-39-lantern"))])
        let status = try await phone.status(wallet: id)
        XCTAssertEqual(Set(status.methods.map(\.kind)), [.password, .recoveryCode])
        XCTAssertEqual(status.epoch, 3)
        let old = await thrown(DrillError.self, "the backup did not open with this method: wrong password") {
            try await phone.drill(wallet: id, method: password())
        }
        guard case .Open(source: .Open(source: .WrongSecret(kind: .password))) = old else {
            return XCTFail("\(String(describing: old))")
        }
        let newSlot = try XCTUnwrap(status.methods.first { $0.kind == .password }).slot
        _ = try await phone.changeMethods(wallet: id, method: code, changes: [.remove(slot: newSlot)])
        let gone = await thrown(DrillError.self, "the backup did not open with this method: the envelope has no password slot") {
            try await phone.drill(wallet: id, method: password())
        }
        guard case .Open(source: .Open(source: .NoSlot(kind: .password))) = gone else {
            return XCTFail("\(String(describing: gone))")
        }

        // When every method is forgotten, the device that has the wallet makes a new backup.
        let replaced = try await phone.replace(wallet: id, methods: [password()])
        XCTAssertEqual(replaced.envelope.epoch, 5)
        let drill = try await phone.drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
        let contested = try await phone.status(wallet: id).contested
        XCTAssertEqual(contested?.restorable, 4)
    }

    func testAKeyIsEjectedInTheOperatorsWindow() async throws {
        let user = try User()
        let phone = try user.phone()
        let wallet = try await phone.createWallet(curves: [.secp256k1, .ed25519])
        let id = wallet.id()
        _ = try await phone.backup(wallet: id, methods: [password()])
        let closed = await thrown(
            EjectError.self, "the custodian released nothing: the operator has not opened a window"
        ) { try await phone.eject(wallet: id, method: password()) }
        guard case .Refused(source: .Refused(source: .WindowClosed)) = closed else {
            return XCTFail("\(String(describing: closed))")
        }
        try user.custodian.operate(["eject-window", "--user", user.name, "--wallet", id.text])
        let ejected = try await phone.eject(wallet: id, method: password())
        guard case .done(let keys) = ejected else { return XCTFail("\(ejected)") }
        XCTAssertEqual(keys.map { $0.verifyingKey() }, wallet.verifyingKeys())
        XCTAssertEqual(keys.map { $0.curve() }, [.secp256k1, .ed25519])
        let scalar = try SigningKey.fromBytes(bytes: keys[0].exposeSecret())
        XCTAssertEqual(scalar.verifyingKey(), wallet.verifyingKeys()[0])
        XCTAssertEqual(keys[0].exposeHex(), keys[0].exposeSecret().map { String(format: "%02x", $0) }.joined())
        XCTAssertNil(keys[0].note())
        XCTAssertEqual(keys[1].note()?.contains("It is not the 32-byte seed"), true)
        let hazards = try await phone.status(wallet: id).hazards
        XCTAssertTrue(hazards.contains { if case .ejected = $0 { true } else { false } }, "\(hazards)")
    }

    func testWhatIsImportedComesBackByteForByte() async throws {
        let user = try User()
        let phone = try user.phone()
        let key = SigningKey.make()
        let seed = Data((0..<32).map { UInt8($0) })
        let words = Data("legal winner thank year wave sausage worth useful legal winner thank yellow".utf8)
        let opaque = Data([0, 255, 1, 254])
        let wallet = try await phone.importWallet(imports: [
            .key(key: key),
            .secret(secret: WalletSecret(kind: .ed25519Seed, label: "solana", bytes: seed)),
            .secret(secret: WalletSecret(kind: .mnemonic, label: "words", bytes: words)),
            .secret(secret: WalletSecret(kind: .opaque, label: "pin", bytes: opaque)),
        ])
        let id = wallet.id()
        XCTAssertEqual(wallet.kind(), .singleKey)
        XCTAssertEqual(wallet.verifyingKeys()[0], key.verifyingKey())
        let code = Method.recoveryCode(code: RecoveryCode.make())
        _ = try await phone.backup(wallet: id, methods: [code])
        let next = try user.phone()
        guard case .done(let back) = try await next.recover(wallet: id, recovery: Recovery(method: code)) else {
            return XCTFail("it waits")
        }
        for wallet in [wallet, back] {
            let exported = try await wallet.export()
            let bytes = exported.map { exported -> Data in
                switch exported {
                case .key(let key): key.exposeSecret()
                case .secret(let secret): secret.exposeSecret()
                }
            }
            XCTAssertEqual(bytes, [key.exposeSecret(), seed, words, opaque])
            let labels = exported.map { exported -> String? in
                if case .secret(let secret) = exported { secret.label() } else { nil }
            }
            XCTAssertEqual(labels, [nil, "solana", "words", "pin"])
        }
        let hazards = try await next.status(wallet: id).hazards
        XCTAssertEqual(hazards, [.lostDeviceKnowsKey])
    }

    /// The process is killed at each of its requests: before it arrives at the custodian, and, of a commit, when it has.
    /// What is on its disk then goes on here.
    func testAKilledOperationIsResumed() async throws {
        var ends: Set<String> = []
        var n = 0, isKilled = true
        while isKilled {
            n += 1
            var wasCommit = false
            for arrives in [false, true] where !arrives || wasCommit {
                let user = try User()
                let folder = try makeFolder()
                let device = folder.appendingPathComponent("device")
                let proxy = try Proxy(to: user.custodian, holding: n, arrives: arrives)
                let relay = try startRelay(
                    "make", user: user, at: proxy.url, device: device, password: entered, in: folder, discarding: true)
                try await eventually("the relay is at request \(n), or has ended") {
                    proxy.held.now != nil || !relay.isRunning
                }
                kill(relay.processIdentifier, SIGKILL)
                relay.waitUntilExit()
                guard let held = proxy.held.now else {
                    isKilled = false
                    break
                }
                wasCommit = held.hasSuffix("/commit")

                let phone = try user.phone(.file(device: await FileDevice.open(path: device.path)))
                var wallet: WalletId?
                for id in try await phone.walletsHere() {
                    switch try await phone.resume(wallet: id) {
                    case .finished(let operation): ends.insert("finished \(operation)")
                    case .givenUp(let operation, _): ends.insert("given up \(operation)")
                    case .nothing: ends.insert("nothing")
                    case .revoked: XCTFail("revoked at \(held)")
                    }
                    if case .here = try await phone.status(wallet: id).onDevice { wallet = id }
                }
                let here = try await phone.walletsHere()
                let id: WalletId
                if let wallet { id = wallet } else {
                    XCTAssertEqual(here, [], "what was given up is gone")
                    id = try await phone.createWallet(curves: [.secp256k1]).id()
                }
                if try await phone.status(wallet: id).epoch == nil {
                    _ = try await phone.backup(wallet: id, methods: [password()])
                }
                let drill = try await phone.drill(wallet: id, method: password())
                XCTAssertEqual(drill.level, .matches, "after \(held)")
            }
        }
        XCTAssertGreaterThan(n, 9, "the relay has more requests than that")
        XCTAssertEqual(ends, ["nothing", "finished keygen", "finished firstBackup"])
    }

    /// The same with the device as it was at every request of an operation: whatever a kill leaves on disk.
    func testAnOperationIsResumedFromEveryMoment() async throws {
        let user = try User()
        let code = Method.recoveryCode(code: RecoveryCode.make())
        var operations: Set<String> = []
        for n in 1... {
            let gate = Gate()
            let device = MemoryDevice()
            let phone = try user.phone(.memory(device: device), login: user.login(transport: gate))
            let id = try await phone.createWallet(curves: [.secp256k1]).id()
            gate.close(at: n)
            let task = Task { try await phone.backup(wallet: id, methods: [code]) }
            guard await gate.isReached(orEnded: task) else { break }
            let next = try user.phone(.memory(device: device.snapshot()))
            task.cancel()
            switch try await next.resume(wallet: id) {
            case .finished(let operation): operations.insert("finished \(operation)")
            case .givenUp(let operation, _): operations.insert("given up \(operation)")
            case .nothing: operations.insert("nothing")
            case .revoked: XCTFail("revoked at request \(n)")
            }
            if try await next.status(wallet: id).epoch == nil {
                _ = try await next.backup(wallet: id, methods: [code])
            }
            let drill = try await next.drill(wallet: id, method: code)
            XCTAssertEqual(drill.level, .matches, "at request \(n)")
        }
        XCTAssertTrue(operations.isSuperset(of: ["nothing", "finished firstBackup"]), "\(operations)")
    }

    func testTheStepsOfACallAreHeardInOrder() async throws {
        let (phone, wallet) = try await User().backedUp()
        let id = wallet.id()
        var steps: [Progressed] = []
        var drilled: Drill?
        for try await event in phone.following({ try await $0.drill(wallet: id, method: password()) }) {
            switch event {
            case .step(let at):
                XCTAssertNil(drilled)
                steps.append(at)
            case .done(let drill): drilled = drill
            }
        }
        XCTAssertEqual(drilled?.level, .matches)
        XCTAssertEqual(steps.map(\.step), [.state, .open, .ask, .done])
        XCTAssertEqual(steps.map(\.done), [1, 2, 3, 4])
        XCTAssertTrue(steps.allSatisfy { $0.total == 4 && $0.call == .drill && $0.wallet == id })

        let failing = phone.following { try await $0.drill(wallet: id, method: password("another-password-93")) }
        let error = await thrown(DrillError.self) { for try await _ in failing {} }
        guard case .Open(source: .Open(source: .WrongSecret)) = error else {
            return XCTFail("\(String(describing: error))")
        }
    }

    func testAPhonesWalletsAreThereAtItsNextStart() async throws {
        let user = try User()
        let folder = try makeFolder()
        let id: WalletId
        do {
            let device = try await FileDevice.onThisPhone(in: folder)
            id = try await user.backedUp(user.phone(.file(device: device))).1.id()
        }
        let device = try await FileDevice.onThisPhone(in: folder)
        let protection = try await device.protection()
        XCTAssertEqual(protection, .platformKey)
        let drill = try await user.phone(.file(device: device)).drill(wallet: id, method: password())
        XCTAssertEqual(drill.level, .matches)
    }

    func testStoresOfEveryKindKeepABackup() async throws {
        let user = try User()
        let folder = try makeFolder().appendingPathComponent("store").path
        let directory = try await DirectoryStore.create(path: folder)
        let own = OwnStore()
        func phone(_ places: [NamedPlace]) throws -> Client {
            try Client(
                config: ClientConfig(
                    custodian: user.login(), pinned: user.custodian.identity, user: user.name,
                    device: .memory(device: MemoryDevice()), stores: places))
        }
        let places = [
            NamedPlace(id: try StoreId("mine"), place: .own(store: own, operator: .user, timeout: 5)),
            NamedPlace(id: try StoreId("dir:\(folder)"), place: .directory(store: directory, operator: .independent)),
            NamedPlace(id: try StoreId("memory"), place: .memory(store: MemoryStore(), operator: .user)),
            NamedPlace(id: try StoreId("custodian"), place: .custodian),
        ]
        for only in [0, 1, 3] {
            let (client, wallet) = try await user.backedUp(phone(places))
            let status = try await client.status(wallet: wallet.id())
            XCTAssertEqual(status.stores.map(\.has), [.everything, .everything, .everything, .everything])
            XCTAssertEqual(status.stores.map(\.store.text), ["mine", "dir:\(folder)", "memory", "custodian"])
            let next = try phone([places[only]])
            guard case .done = try await next.recover(wallet: wallet.id(), recovery: Recovery(method: password()))
            else { return XCTFail("it waits") }
        }
        // What one store has lost, a drill brings back.
        let (mender, wallet) = try await user.backedUp(phone(places))
        own.objects.with { $0 = [:] }
        let drill = try await mender.drill(wallet: wallet.id(), method: password())
        XCTAssertEqual(drill.mended.map(\.text), ["mine"])
    }
}

/// A store in memory as an app would write it, with what is to happen before each call.
final class OwnStore: EnvelopeStore {
    let before = Guarded<(@Sendable () async throws -> Void)?>(nil)
    let objects = Guarded<[ObjectName: Data]>([:])

    func put(name: ObjectName, bytes: Data) async throws {
        try await before.now?()
        try objects.with { objects in
            if let there = objects[name], there != bytes { throw PutError.Exists }
            objects[name] = bytes
        }
    }

    func get(name: ObjectName) async throws -> Data {
        try await before.now?()
        guard let bytes = objects.now[name] else { throw GetError.NotFound }
        return bytes
    }

    func list(wallet: WalletId) async throws -> [ObjectName] {
        try await before.now?()
        return objects.now.keys.filter { objectEnvelope(name: $0).wallet == wallet }
    }

    func delete(name: ObjectName) async throws {
        try await before.now?()
        objects.with { $0[name] = nil }
    }
}
