// The relay, which other languages' tests run, and the `twoshare` command: what one backs up the other recovers.

import Foundation
import Twoshare
import XCTest

/// Starts the relay, which was built beside the tests.
func startRelay(
    _ verb: String, user: User, at url: String? = nil, device: URL, password: String, in folder: URL,
    discarding: Bool = false
) throws -> Process {
    let token = folder.appendingPathComponent("token"), file = folder.appendingPathComponent("password")
    try Data(user.token.utf8).write(to: token)
    try Data((password + "\n").utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        .deletingLastPathComponent().appendingPathComponent("relay")
    process.arguments = [
        verb, "--custodian", url ?? user.custodian.url, "--custodian-key", user.custodian.key, "--token-file", token.path,
        "--device", device.path, "--password-file", file.path,
    ]
    process.standardOutput = discarding ? FileHandle.nullDevice : Pipe()
    process.standardError = discarding ? FileHandle.nullDevice : Pipe()
    try process.run()
    return process
}

final class RelayTests: XCTestCase {
    private struct Line: Decodable, Equatable {
        let wallet: String, check_code: String, keys: [String]
    }

    private func relay(_ verb: String, _ user: User, password: String = entered) throws -> (Int32, Data, String) {
        let folder = try makeFolder()
        let process = try startRelay(
            verb, user: user, device: folder.appendingPathComponent("device"), password: password, in: folder)
        let printed = (process.standardOutput as! Pipe).fileHandleForReading.readDataToEndOfFile()
        let said = (process.standardError as! Pipe).fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, printed, String(decoding: said, as: UTF8.self))
    }

    func testTheRelayAndTheCommandRecoverFromEachOther() throws {
        let user = try User()
        let (status, printed, said) = try relay("make", user)
        XCTAssertEqual(status, 0, said)
        let made = try JSONDecoder().decode(Line.self, from: printed)
        XCTAssertEqual(made.keys.map(\.count), [66, 64])
        let folder = try makeFolder()
        let phone = folder.appendingPathComponent("phone").path
        for (name, text) in [("token", user.token), ("password", entered)] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        func file(_ name: String) -> String { folder.appendingPathComponent(name).path }
        let device = ["--device", phone, "--json"]
        try runCommand(
            "twoshare",
            device + [
                "login", "--custodian", user.custodian.url, "--custodian-key", user.custodian.key, "--token-file",
                file("token"),
            ])
        try runCommand(
            "twoshare",
            device + [
                "recover", "--wallet", made.wallet, "--method", "password", "--password-file", file("password"),
            ])
        struct Shown: Decodable {
            struct Key: Decodable { let public_key: String }
            let wallet: String, check_code: String, keys: [Key]
        }
        let shown = try JSONDecoder().decode(
            Shown.self, from: Data(runCommand("twoshare", device + ["wallet", "show"]).utf8))
        XCTAssertEqual(shown.check_code, made.check_code)
        XCTAssertEqual(shown.keys.map(\.public_key), made.keys)

        let (again, back, why) = try relay("recover", user)
        XCTAssertEqual(again, 0, why)
        XCTAssertEqual(try JSONDecoder().decode(Line.self, from: back), made)
    }

    func testTheRelaySaysWhatWentWrong() throws {
        let user = try User()
        var (status, printed, said) = try relay("recover", user)
        XCTAssertEqual([status, Int32(printed.count)], [1, 0])
        XCTAssertEqual(said, "relay: the custodian knows no wallet of this user\n")
        _ = try relay("make", user)
        (status, printed, said) = try relay("recover", user, password: "another-password-93")
        XCTAssertEqual([status, Int32(printed.count)], [1, 0])
        XCTAssertEqual(said, "relay: the backup did not open with this method: wrong password\n")
    }
}
