// The sample without its screen: what its buttons do, and what there is to show. It knows neither SwiftUI nor
// UIKit, so that tests run it.

import Foundation
import Twoshare

@MainActor
final class WalletModel {
    /// Everything that the screen shows.
    struct Screen: Equatable, Sendable {
        /// The code that every device of the wallet shows.
        var checkCode: String?
        /// Whether the wallet is backed up, in words.
        var backup = "…"
        /// Whether there is a wallet at the custodian that this phone does not have.
        var canRecover = false
        /// How far the running call is, from 0 to 1.
        var bar: Double?
        /// What went wrong last.
        var problem: String?
    }

    private(set) var screen = Screen() { didSet { changed(screen) } }
    /// Hears of every change of the screen.
    var changed: (Screen) -> Void = { _ in }

    private let client: Client
    private var wallet: WalletId?
    private var running: Task<Void, Never>?

    init(client: Client) { self.client = client }

    /// When the app starts: finishes or gives up what was interrupted, and looks which wallet there is.
    func start() async {
        await run { client in
            for wallet in try await client.walletsHere() { _ = try await client.resume(wallet: wallet) }
        }
    }

    /// Makes a wallet where there is none, and backs it up.
    func backUp(password: String) async {
        let known = wallet
        await run { client in
            let method = try Method.password(entered: password)
            var wallet = known
            if wallet == nil { wallet = try await client.createWallet(curves: [.secp256k1, .ed25519]).id() }
            guard let wallet else { return }
            _ = try await client.backup(wallet: wallet, methods: [method])
        }
    }

    /// Shows that the password would bring the wallet back, without doing it.
    func drill(password: String) async {
        guard let wallet else { return }
        await run { client in
            _ = try await client.drill(wallet: wallet, method: Method.password(entered: password))
        }
    }

    /// Brings the wallet back on this phone, which has none.
    func recover(password: String) async {
        guard let wallet else { return }
        await run { client in
            let recovery = Recovery(method: try Method.password(entered: password))
            _ = try await client.recover(wallet: wallet, recovery: recovery)
        }
    }

    /// Ends what is running. The last backup is as it was.
    func cancel() { running?.cancel() }

    private func run(_ call: @escaping @Sendable (Client) async throws -> Void) async {
        guard running == nil else { return }
        screen.problem = nil
        let client = client
        let task = Task {
            do {
                for try await event in client.following(call) {
                    if case .step(let at) = event { screen.bar = Double(at.done) / Double(at.total) }
                }
            } catch {
                screen.problem = error.localizedDescription
            }
        }
        running = task
        await task.value
        running = nil
        screen.bar = nil
        await look()
    }

    /// What there is to show now.
    private func look() async {
        do {
            let here = try await client.walletsHere()
            let known = try await client.wallets()
            wallet = here.first ?? known.first
            screen.canRecover = here.isEmpty && wallet != nil
            guard let wallet else {
                screen.backup = "no wallet yet"
                return
            }
            let status = try await client.status(wallet: wallet)
            screen.checkCode = status.checkCode.text
            screen.backup = switch status.keys.first?.backup {
            case .none?, nil: "not backed up"
            case .complete: status.lastDrill == nil ? "backed up" : "backed up and drilled"
            case .partial: "backed up, and not in every store"
            case .stale: "backed up long ago: refresh it"
            case .unverified: "backed up: drill it"
            }
        } catch {
            screen.problem = error.localizedDescription
        }
    }
}
