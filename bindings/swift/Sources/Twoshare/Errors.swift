// Every error of the library says in words what happened, as Rust does: `localizedDescription` is that text.

import Foundation

/// An error of the library. Each operation has an enum of its own, whose cases say what to do; this is what all
/// of them have in common.
public protocol TwoshareError: LocalizedError, Sendable {
    /// What happened, and because of what: for a log, or where an app has no words of its own.
    func text() -> String
}

extension TwoshareError {
    public var errorDescription: String? { text() }
}
