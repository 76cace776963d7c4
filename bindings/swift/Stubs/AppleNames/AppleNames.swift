// Stands for Apple's frameworks where there are none: the names in them that a type of this package has too, as far
// as is known. The tests compile every name of the package beside these. It is in no app.

/// ObjectiveC's, which Foundation exports there.
public typealias Method = OpaquePointer

/// SwiftUI's.
@propertyWrapper public struct State<Value> {
    public var wrappedValue: Value
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

/// Combine's.
public struct Record<Output, Failure: Error> {}

/// CryptoKit's.
public protocol Digest {}

/// That of Swift Testing, which an app's tests import.
public struct Attachment<Value> {}
