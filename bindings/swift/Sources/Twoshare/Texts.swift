// The checked texts. Each is made by parsing only, so that what is none is an error there and not somewhere
// later; the library makes them without.

import Foundation

/// A text that was checked. It is written to JSON as the text that it is, and checked when it is read.
public protocol CheckedText: Hashable, Codable, Sendable, CustomStringConvertible {
    /// The text itself.
    var text: String { get }

    /// What this text is. Throws what is wrong with it.
    init(_ text: String) throws
}

extension CheckedText {
    public var description: String { text }

    public init(from decoder: Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Names a wallet, the same on every device and at the custodian.
public struct WalletId: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The id that this text is. Throws `IdError`.
    public init(_ text: String) throws { self = try parseWalletId(text: text) }
}

/// Names one operation, such as a recovery that waits.
public struct OperationId: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The id that this text is. Throws `IdError`.
    public init(_ text: String) throws { self = try parseOperationId(text: text) }
}

/// Names one of a backup's methods, the same in every epoch.
public struct SlotId: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The id that this text is. Throws `SlotIdError`.
    public init(_ text: String) throws { self = try parseSlotId(text: text) }
}

/// Names a store: `custodian`; `dir:PATH`; `https://…` for the app's own backend; or a name of the app's own,
/// of lower-case letters, digits, `-`, `_` and `.`. It is shown to users and holds no secret.
public struct StoreId: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The name that this text is. Throws `StoreIdError`.
    public init(_ text: String) throws { self = try parseStoreId(text: text) }
}

/// A custodian's public identity, which the app's configuration has: `twoshare-custodian serve` prints it.
public struct CustodianIdentity: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The identity that this text is; line breaks, spaces and changed case do not matter. Throws
    /// `IdentityTextError`.
    public init(_ text: String) throws { self = try parseCustodianIdentity(text: text) }
}

/// The code that every device of a wallet shows, and that the user keeps: it stands for the wallet and its
/// public keys.
public struct CheckCode: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The code that a user has typed. Throws `CheckCodeError`.
    public init(_ text: String) throws { self = try parseCheckCode(text: text) }
}

/// A SHA-256 digest: 64 hexadecimal digits.
public struct Digest: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The digest that this text is. Throws `DigestError`.
    public init(_ text: String) throws { self = try parseDigest(text: text) }
}

/// What an object in a store is called: `WALLET-EPOCH-DIGEST.envelope` or `.receipt`. It is a valid file name
/// and object key everywhere.
public struct ObjectName: CheckedText {
    public let text: String
    init(lifted text: String) { self.text = text }

    /// The name that this text is. Throws `ObjectNameError`.
    public init(_ text: String) throws { self = try parseObjectName(text: text) }
}
