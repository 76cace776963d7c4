// What the platform keeps of a device: a key in the Keychain, and a folder that stays on this device.

import Foundation
import Security

/// The key that this device's files are sealed under: 32 random bytes in the Keychain, on this device only,
/// which can be read while it is unlocked. It is in no backup and goes to no other device.
public struct DeviceKey: Sendable {
    /// What the Keychain has it under.
    public let service: String
    /// Which of several it is.
    public let account: String

    public init(service: String = "twoshare", account: String = "device") {
        self.service = service
        self.account = account
    }

    /// The key, which is made if there is none. What keeps it may be locked: ask again when the user has
    /// unlocked the phone. A new key is never made in the place of one that only could not be read.
    public func readOrMake() throws -> Data {
        if let key = try read() { return key }
        var key = Data(count: 32)
        let status = key.withUnsafeMutableBytes { bytes in
            // 32 bytes have an address.
            SecRandomCopyBytes(kSecRandomDefault, bytes.count, bytes.baseAddress!)
        }
        guard status == errSecSuccess else { throw DeviceKeyError.failed(status: status) }
        var item = query
        item[kSecAttrAccessible as String] = kSecAttrAccessibleWhenUnlockedThisDeviceOnly
        item[kSecValueData as String] = key
        switch SecItemAdd(item as CFDictionary, nil) {
        case errSecSuccess:
            return key
        case errSecDuplicateItem:
            // Somebody else has made it in between: theirs counts.
            guard let theirs = try read() else {
                throw DeviceKeyError.failed(status: errSecItemNotFound)
            }
            return theirs
        case let status:
            throw DeviceKeyError(status: status)
        }
    }

    /// Forgets the key, and with it whatever is sealed under it. For an app whose user leaves.
    public func delete() throws {
        let status = SecItemDelete(query as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else {
            throw DeviceKeyError(status: status)
        }
    }

    private func read() throws -> Data? {
        var wanted = query
        wanted[kSecReturnData as String] = true
        wanted[kSecMatchLimit as String] = kSecMatchLimitOne
        var found: CFTypeRef?
        switch SecItemCopyMatching(wanted as CFDictionary, &found) {
        case errSecSuccess:
            guard let key = found as? Data, key.count == 32 else { throw DeviceKeyError.damaged }
            return key
        case errSecItemNotFound:
            return nil
        case let status:
            throw DeviceKeyError(status: status)
        }
    }

    private var query: [String: Any] {
        [
            kSecClass as String: kSecClassGenericPassword,
            kSecAttrService as String: service,
            kSecAttrAccount as String: account,
            // Never to iCloud; and on a Mac, the Keychain that knows these rules.
            kSecAttrSynchronizable as String: false,
            kSecUseDataProtectionKeychain as String: true,
        ]
    }
}

/// Why there is no device key.
public enum DeviceKeyError: Error, Equatable, Sendable {
    /// The phone is locked: ask again when the user has unlocked it.
    case locked
    /// The app is not allowed to use the Keychain: its entitlements are missing.
    case denied
    /// What the Keychain has is no such key: something else uses its name. Choose another `account`.
    case damaged
    /// The Keychain failed otherwise: `SecCopyErrorMessageString` says what the number means.
    case failed(status: Int32)

    init(status: OSStatus) {
        switch status {
        case errSecInteractionNotAllowed: self = .locked
        case errSecMissingEntitlement: self = .denied
        default: self = .failed(status: status)
        }
    }
}

extension DeviceKeyError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .locked: "the Keychain is locked"
        case .denied: "the app is not allowed to use the Keychain"
        case .damaged: "what the Keychain has is no device key"
        case .failed(let status): "the Keychain failed with status \(status)"
        }
    }
}

/// A folder that stays on this device: it is made if there is none, left out of every backup, and its files
/// can be read while the phone is unlocked.
func makeDeviceFolder(_ folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.setAttributes(
        [.protectionKey: FileProtectionType.complete], ofItemAtPath: folder.path)
    var excluded = URLResourceValues()
    excluded.isExcludedFromBackup = true
    var folder = folder
    try folder.setResourceValues(excluded)
}

extension FileDevice {
    /// The device state of a phone: sealed files in a folder that stays on this device (without one, `twoshare` in
    /// Application Support), under a key that the Keychain has for this device only.
    ///
    /// Throws `DeviceKeyError` while the phone is locked, and `OpenDeviceError`. One at a time has the folder.
    public static func onThisPhone(
        in folder: URL? = nil, key: DeviceKey = DeviceKey()
    ) async throws -> FileDevice {
        let folder =
            try folder
            ?? FileManager.default.url(
                for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true
            ).appendingPathComponent("twoshare", isDirectory: true)
        try makeDeviceFolder(folder)
        var bytes = try key.readOrMake()
        defer { bytes.resetBytes(in: 0..<bytes.count) }
        return try await FileDevice.openWithPlatformKey(
            path: folder.path, key: PlatformKey.fromBytes(bytes: bytes))
    }
}
