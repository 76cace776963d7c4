// The sample of examples/ios without its screen, and the code of the README: on the real custodian.

import Foundation
import Security
import XCTest

@testable import Twoshare

#if canImport(Glibc)
import Glibc
#endif

@MainActor
final class SampleTests: XCTestCase {
    func testTheSampleBacksUpDrillsAndRecovers() async throws {
        let user = try User()
        let sample = WalletModel(client: try user.phone())
        var screens: [WalletModel.Screen] = []
        sample.changed = { screens.append($0) }
        await sample.start()
        XCTAssertEqual(sample.screen, WalletModel.Screen(backup: "no wallet yet"))

        await sample.backUp(password: "12345678")
        XCTAssertEqual(sample.screen.problem?.contains("the password is too easy to guess"), true)
        XCTAssertEqual(sample.screen.backup, "not backed up")
        let code = try XCTUnwrap(sample.screen.checkCode)

        screens = []
        await sample.backUp(password: entered)
        XCTAssertEqual(sample.screen, WalletModel.Screen(checkCode: code, backup: "backed up"))
        let bars = screens.compactMap(\.bar)
        XCTAssertEqual(bars, bars.sorted())
        XCTAssertEqual(bars.last, 1)
        XCTAssertGreaterThan(bars.count, 4)

        await sample.drill(password: "another-password-93")
        XCTAssertEqual(
            sample.screen.problem, "the backup did not open with this method: wrong password")
        await sample.drill(password: entered)
        XCTAssertEqual(sample.screen, WalletModel.Screen(checkCode: code, backup: "backed up and drilled"))

        // The phone is lost.
        let next = WalletModel(client: try user.phone())
        await next.start()
        XCTAssertTrue(next.screen.canRecover)
        await next.recover(password: entered)
        XCTAssertEqual(next.screen.checkCode, code)
        XCTAssertNil(next.screen.problem)
        XCTAssertFalse(next.screen.canRecover)
        XCTAssertEqual(next.screen.backup, "backed up")
    }

    func testTheSampleCancels() async throws {
        let user = try User()
        let gate = Gate()
        let sample = WalletModel(client: try user.phone(login: user.login(transport: gate)))
        await sample.start()
        await sample.backUp(password: entered)
        gate.close(at: 2)
        let drill = Task { await sample.drill(password: entered) }
        let ended = Task { () async throws -> Void in await drill.value }
        let reached = await gate.isReached(orEnded: ended)
        XCTAssertTrue(reached)
        sample.cancel()
        gate.open()
        await drill.value
        XCTAssertNil(sample.screen.bar)
        XCTAssertEqual(sample.screen.backup, "backed up")
    }

    func testTheCodeOfTheReadmeRuns() async throws {
        KeychainStub.shared.replace(with: nil)
        defer { KeychainStub.shared.replace(with: nil) }
        let user = try User()
        func newPhone() throws { setenv("XDG_DATA_HOME", try makeFolder().path, 1) }
        func client() async throws -> Client {
            try await openClient(
                url: user.custodian.url, identity: user.custodian.key, user: user.name, token: user.token)
        }
        try newPhone()
        var code = ""
        var made: Wallet?
        do {
            let client = try await client()
            let empty = try await recover(with: client, typed: RecoveryCode.make().toText())
            XCTAssertNil(empty)
            (made, code) = try await firstBackup(with: client, password: entered)
            let wallet = try XCTUnwrap(made)
            var bars: [Double] = []
            let refreshed = try await refresh(
                wallet.id(), with: client, method: password(), bar: { bars.append($0) })
            XCTAssertEqual(refreshed?.envelope.epoch, 2)
            XCTAssertEqual(bars.last, 1)
            do {
                _ = try await client.drill(wallet: wallet.id(), method: password("another-password-93"))
                XCTFail("it opened with another password")
            } catch let error as DrillError {
                XCTAssertEqual(words(for: error), "That is not the password of this backup.")
            }
        }
        // The next start of the app.
        try await resumeEverything(with: client())
        // The next phone.
        try newPhone()
        KeychainStub.shared.replace(with: nil)
        let next = try await client()
        let back = try await recover(with: next, typed: code)
        XCTAssertEqual(back?.checkCode(), made?.checkCode())
        try await resumeEverything(with: next)
    }
}
