// Makes a wallet and backs it up, or brings one back: run in turns with the relays of the other languages, it
// shows that what one of them has backed up every other recovers.
//
//   relay make|recover --custodian URL --custodian-key KEY --token-file F --device DIR --password-file F
//                      [--wallet ID]

import Foundation
import Twoshare

struct Misuse: LocalizedError {
    let errorDescription: String?
}

/// Every option, each once and with a value.
func options(_ arguments: ArraySlice<String>) throws -> [String: String] {
    var options: [String: String] = [:]
    var rest = arguments
    while let name = rest.popFirst() {
        guard name.hasPrefix("--"), let value = rest.popFirst(), options[name] == nil else {
            throw Misuse(errorDescription: "\(name) is not understood")
        }
        options[name] = value
    }
    return options
}

func text(of path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
}

final class FileToken: TokenProvider {
    let path: String
    init(path: String) { self.path = path }

    func token(refused: String?) async throws -> String {
        guard refused == nil else { throw TokenError.NotSignedIn }
        do { return try text(of: path) } catch { throw TokenError.Unavailable }
    }
}

struct Line: Encodable {
    let wallet: WalletId
    let check_code: CheckCode
    let keys: [String]

    init(_ wallet: Wallet) {
        self.wallet = wallet.id()
        check_code = wallet.checkCode()
        keys = wallet.verifyingKeys().map { key in key.bytes.map { String(format: "%02x", $0) }.joined() }
    }
}

func relay(_ arguments: [String]) async throws {
    let options = try options(arguments.dropFirst(2))
    func option(_ name: String) throws -> String {
        guard let value = options[name] else { throw Misuse(errorDescription: "\(name) is missing") }
        return value
    }
    let custodian = try HttpCustodian(
        config: HttpConfig(
            url: option("--custodian"), transport: URLSessionTransport(),
            tokens: FileToken(path: option("--token-file"))))
    let device = try await FileDevice.open(path: option("--device"))
    let client = try await Client(
        config: ClientConfig(
            custodian: custodian, pinned: CustodianIdentity(option("--custodian-key")),
            user: custodian.user().user, device: .file(device: device)))
    let method = try Method.password(entered: text(of: option("--password-file")))

    let wallet: Wallet
    switch arguments.dropFirst().first {
    case "make":
        wallet = try await client.createWallet(curves: [.secp256k1, .ed25519])
        _ = try await client.backup(wallet: wallet.id(), methods: [method])
    case "recover":
        let known = try await client.wallets().first
        guard let id = try options["--wallet"].map(WalletId.init) ?? known else {
            throw Misuse(errorDescription: "the custodian knows no wallet of this user")
        }
        switch try await client.recover(wallet: id, recovery: Recovery(method: method)) {
        case .done(let recovered): wallet = recovered
        case .waiting(let waiting):
            throw Misuse(errorDescription: "the recovery waits until \(waiting.readyAt)")
        }
    default:
        throw Misuse(errorDescription: "`make` or `recover` is expected")
    }
    let line = JSONEncoder()
    line.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try line.encode(Line(wallet)), as: UTF8.self))
}

do {
    try await relay(CommandLine.arguments)
} catch {
    FileHandle.standardError.write(Data("relay: \(error.localizedDescription)\n".utf8))
    exit(1)
}
