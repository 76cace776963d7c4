// A task that is cancelled cancels the calls that it waits for: what UniFFI leaves to us in Swift.

import Foundation

/// Runs a call with a cancellation of its own, which is cancelled when the task is. Every call of `Client` that
/// takes a `Cancellation` last has a form without one, which is this: they are written by `cargo xtask swift`.
func cancelling<Value>(_ call: (Cancellation) async throws -> Value) async throws -> Value {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
        try await call(cancellation)
    } onCancel: {
        cancellation.cancel()
    }
}
