// The calls of the border benchmark, as Swift makes them. border.rs has them in Rust and says what is printed.

import Foundation
import Twoshare

/// How many calls are timed at once.
private let batch = 100

@main
struct Border {
    let time: UInt64

    static func main() async throws {
        let seconds = CommandLine.arguments.dropFirst().first.flatMap(Double.init)
        guard let seconds else { fatalError("seconds for each call") }
        try await Border(time: UInt64(seconds * 1e9)).calls()
    }

    func calls() async throws {
        let client = try client(.memory(device: MemoryDevice()))
        let wallet = try await client.importWallet(imports: [.key(key: SigningKey.make())], name: nil)
        let id = wallet.id()
        let other = try self.client(.memory(device: MemoryDevice()))
        let absent = try await other.importWallet(imports: [.key(key: SigningKey.make())], name: nil).id()
        let text = id.text
        let cancellation = Cancellation()
        let own = try self.client(.own(state: Own(wallet: id), timeout: nil))

        try await measure("is_cancelled") { _ = cancellation.isCancelled() }
        try await measure("parse") { _ = try WalletId(text) }
        try await measure("records") { _ = wallet.verifyingKeys() }
        try await measure("wallets_here") { _ = try await client.walletsHere() }
        try await measure("object") { _ = try await client.wallet(wallet: id) }
        try await measure("error") { try await fails { try await client.wallet(wallet: absent) } }
        try await measure("long") { try await fails { try await client.importWallet(imports: [], name: nil) } }
        try await measure("own") { _ = try await own.walletsHere() }
    }

    /// The median of the batches, after as long a time that does not count.
    private func measure(_ name: String, _ call: () async throws -> Void) async throws {
        _ = try await batches(call)
        let batches = try await batches(call).sorted()
        print(name, Double(batches[batches.count / 2]) / Double(batch))
    }

    private func batches(_ call: () async throws -> Void) async throws -> [UInt64] {
        var batches: [UInt64] = []
        let start = DispatchTime.now().uptimeNanoseconds
        repeat {
            let began = DispatchTime.now().uptimeNanoseconds
            for _ in 0..<batch { try await call() }
            batches.append(DispatchTime.now().uptimeNanoseconds - began)
        } while DispatchTime.now().uptimeNanoseconds - start < time
        return batches
    }

    private func fails<Value>(_ call: () async throws -> Value) async throws {
        do { _ = try await call() } catch { return }
        fatalError("it did not fail")
    }

    private func client(_ device: Device) throws -> Client {
        let custodian = try HttpCustodian(
            config: HttpConfig(
                url: "https://custodian.example", transport: URLSessionTransport(), tokens: NoTokens()))
        return try Client(
            config: ClientConfig(custodian: custodian, pinned: nil, user: "alice", device: device))
    }
}

private final class NoTokens: TokenProvider {
    func token(refused: String?) async throws -> String { "none" }
}

/// Storage of the app's own, with a wallet in it.
private final class Own: DeviceState {
    private let wallet: WalletId
    init(wallet: WalletId) { self.wallet = wallet }

    func wallets() async throws -> [WalletId] { [wallet] }
    func load(wallet: WalletId) async throws -> Record? { nil }
    func save(wallet: WalletId, contents: Data, expected: UInt64?) async throws -> UInt64 {
        throw SaveError.Full
    }
    func delete(wallet: WalletId, expected: UInt64) async throws {}
    func discard(wallet: WalletId) async throws {}
}
