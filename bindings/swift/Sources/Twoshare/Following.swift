// The progress of a call as a sequence, which ends with what the call gives.

/// What `Client.following` says of a call.
public enum Following<Value: Sendable>: Sendable {
    /// A step begins: `done` of `total`, for a progress bar.
    case step(Progressed)
    /// The call is over. It is the last.
    case done(Value)
}

extension Client {
    /// A call's steps while it is made, and then what it gives:
    ///
    /// ```swift
    /// for try await event in client.following({ try await $0.backup(wallet: wallet, methods: [password]) }) {
    ///     switch event {
    ///     case .step(let at): bar = Double(at.done) / Double(at.total)
    ///     case .done(let backup): show(backup)
    ///     }
    /// }
    /// ```
    ///
    /// The call begins at once. Whoever stops reading, or whose task is cancelled, cancels the call: the last
    /// backup is as it was, and `resume` goes on. What the call throws, the sequence throws.
    public func following<Value: Sendable>(
        _ call: @escaping @Sendable (Client) async throws -> Value
    ) -> AsyncThrowingStream<Following<Value>, Error> {
        AsyncThrowingStream { continuation in
            let followed = withProgress(listener: Steps { continuation.yield(.step($0)) })
            let task = Task {
                do {
                    continuation.yield(.done(try await call(followed)))
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

/// Hears of each step by a closure.
final class Steps: ProgressListener {
    private let heard: @Sendable (Progressed) -> Void

    init(_ heard: @escaping @Sendable (Progressed) -> Void) { self.heard = heard }

    func step(at: Progressed) { heard(at) }
}
