// What an app's configuration and its backend give it. For the sample, paste them here.

import Foundation
import Twoshare

/// What `twoshare-custodian serve` prints. Whoever could choose the identity would be the custodian.
let custodianUrl = "http://127.0.0.1:8420"
let custodianIdentity = "PASTE THE IDENTITY"
let user = "alice"

/// Where session tokens come from: an app asks its backend. The sample has one pasted, of
/// `twoshare-custodian session`, which is over after an hour.
struct PastedToken {
    static let text = "PASTE THE TOKEN"
}

final class Tokens: TokenProvider {
    func token(refused: String?) async throws -> String {
        guard refused == nil else { throw TokenError.NotSignedIn }
        return PastedToken.text
    }
}

func openClient() async throws -> Client {
    let custodian = try HttpCustodian(
        config: HttpConfig(url: custodianUrl, transport: URLSessionTransport(), tokens: Tokens()))
    return try Client(
        config: ClientConfig(
            custodian: custodian, pinned: CustodianIdentity(custodianIdentity), user: user,
            device: .file(device: await FileDevice.onThisPhone())))
}
