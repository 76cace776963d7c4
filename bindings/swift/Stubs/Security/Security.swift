// Stands for Apple's module of this name where there is none: the calls that `Keychain` makes, with the
// same names and types as seen from Swift, over a dictionary in memory. It keeps nothing, and is in no app.

import Foundation

public typealias CFString = String
public typealias CFDictionary = [String: Any]
public typealias CFTypeRef = Any
public typealias OSStatus = Int32

public struct SecRandomRef: Sendable {}

public let kSecRandomDefault: SecRandomRef? = nil

public let kSecClass: CFString = "class"
public let kSecClassGenericPassword: CFString = "genp"
public let kSecAttrService: CFString = "svce"
public let kSecAttrAccount: CFString = "acct"
public let kSecAttrAccessible: CFString = "pdmn"
public let kSecAttrAccessibleWhenUnlockedThisDeviceOnly: CFString = "aku"
public let kSecAttrSynchronizable: CFString = "sync"
public let kSecUseDataProtectionKeychain: CFString = "nleg"
public let kSecReturnData: CFString = "r_Data"
public let kSecMatchLimit: CFString = "m_Limit"
public let kSecMatchLimitOne: CFString = "m_LimitOne"
public let kSecValueData: CFString = "v_Data"

public let errSecSuccess: OSStatus = 0
public let errSecParam: OSStatus = -50
public let errSecItemNotFound: OSStatus = -25300
public let errSecDuplicateItem: OSStatus = -25299
public let errSecInteractionNotAllowed: OSStatus = -25308
public let errSecMissingEntitlement: OSStatus = -34018

/// What the stub has, and how it is to answer: for tests.
public final class KeychainStub: @unchecked Sendable {
    public static let shared = KeychainStub()

    private let lock = NSLock()
    private var items: [[String: Any]] = []
    private var answers: [OSStatus] = []

    /// Every item, with all that it was added with.
    public var contents: [[String: Any]] { lock.withLock { items } }

    /// Has the next calls answer this instead of doing anything.
    public func answer(_ statuses: OSStatus...) { lock.withLock { answers = statuses } }

    /// Puts an item there as somebody else would have, in the place of all others.
    public func replace(with item: [String: Any]?) { lock.withLock { items = item.map { [$0] } ?? [] } }

    fileprivate func add(_ attributes: [String: Any]) -> OSStatus {
        lock.withLock {
            if !answers.isEmpty { return answers.removeFirst() }
            guard attributes[kSecValueData] is Data else { return errSecParam }
            if items.contains(where: { same($0, attributes) }) { return errSecDuplicateItem }
            items.append(attributes)
            return errSecSuccess
        }
    }

    fileprivate func find(_ query: [String: Any]) -> (OSStatus, Any?) {
        lock.withLock {
            if !answers.isEmpty { return (answers.removeFirst(), nil) }
            guard let item = items.first(where: { same($0, query) }) else {
                return (errSecItemNotFound, nil)
            }
            return (errSecSuccess, query[kSecReturnData] as? Bool == true ? item[kSecValueData] : nil)
        }
    }

    fileprivate func delete(_ query: [String: Any]) -> OSStatus {
        lock.withLock {
            if !answers.isEmpty { return answers.removeFirst() }
            let before = items.count
            items.removeAll { same($0, query) }
            return items.count == before ? errSecItemNotFound : errSecSuccess
        }
    }

    /// What makes two items the same one: as on the platform, class, service, account and whether it is
    /// synchronised.
    private func same(_ item: [String: Any], _ query: [String: Any]) -> Bool {
        [kSecClass, kSecAttrService, kSecAttrAccount].allSatisfy { key in
            item[key] as? String == query[key] as? String
        } && (item[kSecAttrSynchronizable] as? Bool ?? false)
            == (query[kSecAttrSynchronizable] as? Bool ?? false)
    }
}

public func SecItemAdd(
    _ attributes: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?
) -> OSStatus {
    KeychainStub.shared.add(attributes)
}

public func SecItemCopyMatching(
    _ query: CFDictionary, _ result: UnsafeMutablePointer<CFTypeRef?>?
) -> OSStatus {
    let (status, found) = KeychainStub.shared.find(query)
    result?.pointee = found
    return status
}

public func SecItemDelete(_ query: CFDictionary) -> OSStatus {
    KeychainStub.shared.delete(query)
}

public func SecRandomCopyBytes(
    _ random: SecRandomRef?, _ count: Int, _ bytes: UnsafeMutableRawPointer
) -> Int32 {
    var system = SystemRandomNumberGenerator()
    for at in 0..<count {
        bytes.storeBytes(of: UInt8.random(in: .min ... .max, using: &system), toByteOffset: at, as: UInt8.self)
    }
    return errSecSuccess
}
