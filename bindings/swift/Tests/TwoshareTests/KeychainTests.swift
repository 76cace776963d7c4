// The key of a phone and its folder, on a stub of the Keychain: what is asked of the platform, and what is made
// of its answers. That the platform does as it is asked is not shown here.

import Foundation
import Security
import XCTest

@testable import Twoshare

final class KeychainTests: XCTestCase {
    override func setUp() { KeychainStub.shared.replace(with: nil) }
    override func tearDown() { KeychainStub.shared.replace(with: nil) }

    func testTheKeyIsMadeOnceAndStays() throws {
        let key = try DeviceKey().readOrMake()
        XCTAssertEqual(key.count, 32)
        XCTAssertNotEqual(key, Data(count: 32))
        XCTAssertEqual(try DeviceKey().readOrMake(), key)
        XCTAssertNotEqual(try DeviceKey(account: "another").readOrMake(), key)
    }

    func testTheKeyStaysOnThisDeviceAndIsReadWhileItIsUnlocked() throws {
        _ = try DeviceKey(service: "app", account: "phone").readOrMake()
        let item = try XCTUnwrap(KeychainStub.shared.contents.first)
        XCTAssertEqual(item[kSecAttrAccessible] as? String, kSecAttrAccessibleWhenUnlockedThisDeviceOnly)
        XCTAssertEqual(item[kSecAttrSynchronizable] as? Bool, false)
        XCTAssertEqual(item[kSecUseDataProtectionKeychain] as? Bool, true)
        XCTAssertEqual(item[kSecClass] as? String, kSecClassGenericPassword)
        XCTAssertEqual(item[kSecAttrService] as? String, "app")
        XCTAssertEqual(item[kSecAttrAccount] as? String, "phone")
        XCTAssertEqual((item[kSecValueData] as? Data)?.count, 32)
        XCTAssertEqual(item.count, 7, "what else is said of it is to be looked at here")
    }

    func testAKeyThatCannotBeReadIsNotReplaced() throws {
        let key = try DeviceKey().readOrMake()
        for (status, error, text) in [
            (errSecInteractionNotAllowed, DeviceKeyError.locked, "the Keychain is locked"),
            (errSecMissingEntitlement, .denied, "the app is not allowed to use the Keychain"),
            (-909, .failed(status: -909), "the Keychain failed with status -909"),
        ] {
            KeychainStub.shared.answer(status)
            XCTAssertThrowsError(try DeviceKey().readOrMake()) { thrown in
                XCTAssertEqual(thrown as? DeviceKeyError, error)
                XCTAssertEqual(thrown.localizedDescription, text)
            }
        }
        XCTAssertEqual(try DeviceKey().readOrMake(), key)
    }

    func testAKeyThatCannotBeKeptIsNotUsed() throws {
        KeychainStub.shared.answer(errSecItemNotFound, errSecInteractionNotAllowed)
        XCTAssertThrowsError(try DeviceKey().readOrMake()) { XCTAssertEqual($0 as? DeviceKeyError, .locked) }
        XCTAssertTrue(KeychainStub.shared.contents.isEmpty)
    }

    func testOfTwoWhoMakeTheKeyTheFirstCounts() throws {
        let theirs = try DeviceKey().readOrMake()
        // Not there yet when it is read, and there when it is added.
        KeychainStub.shared.answer(errSecItemNotFound)
        XCTAssertEqual(try DeviceKey().readOrMake(), theirs)
    }

    func testWhatIsNoKeyIsNotUsed() throws {
        _ = try DeviceKey().readOrMake()
        var item = try XCTUnwrap(KeychainStub.shared.contents.first)
        item[kSecValueData] = Data(count: 31)
        KeychainStub.shared.replace(with: item)
        XCTAssertThrowsError(try DeviceKey().readOrMake()) { thrown in
            XCTAssertEqual(thrown as? DeviceKeyError, .damaged)
            XCTAssertEqual(thrown.localizedDescription, "what the Keychain has is no device key")
        }
    }

    func testAForgottenKeyIsGone() throws {
        let key = try DeviceKey().readOrMake()
        try DeviceKey().delete()
        try DeviceKey().delete()
        XCTAssertNotEqual(try DeviceKey().readOrMake(), key)
        KeychainStub.shared.answer(errSecInteractionNotAllowed)
        XCTAssertThrowsError(try DeviceKey().delete()) { XCTAssertEqual($0 as? DeviceKeyError, .locked) }
    }
}
