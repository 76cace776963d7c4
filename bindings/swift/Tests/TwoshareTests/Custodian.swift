// The real custodian: the command that people run, in a folder of its own, operated by its own commands.

import Foundation
import Twoshare
import XCTest

/// A started `twoshare-custodian`.
final class Custodian: @unchecked Sendable {
    let data: URL
    private(set) var url = ""
    private(set) var key = ""
    private let options: [String]
    private var process: Process?

    /// The one that most tests share: each with a user of its own.
    static let shared: Custodian = {
        do { return try Custodian().untilTheEnd() } catch { fatalError("the custodian did not start: \(error)") }
    }()

    /// Has it end with the tests, whoever still has it: they wait for whatever writes to their output.
    func untilTheEnd() -> Custodian {
        XCTestObservationCenter.shared.addTestObserver(StopsAtTheEnd(self))
        return self
    }

    init(options: String...) throws {
        self.data = try makeFolder()
        self.options = options
        try start(listening: "127.0.0.1:0")
    }

    deinit { kill() }

    private func start(listening address: String, _ more: [String] = []) throws {
        let process = Process()
        process.executableURL = commands.appendingPathComponent("twoshare-custodian")
        process.arguments = ["serve", "--data", data.path, "--listen", address, "--log", "error"] + options + more
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        self.process = process
        var line = Data()
        while !line.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { throw Failed("the custodian ended before it listened") }
            line += more
        }
        struct Ready: Decodable { let listening: String, identity: String }
        let ready = try JSONDecoder().decode(Ready.self, from: line)
        (url, key) = (ready.listening, ready.identity)
    }

    /// Starts it again where it was.
    func restart(_ more: String...) throws {
        kill()
        try start(listening: String(url.dropFirst("http://".count)), more)
    }

    /// A copy of its database and keys as they are now, as its operator keeps one.
    func copy() throws -> URL {
        kill()
        let copy = try makeFolder().appendingPathComponent("copy")
        try FileManager.default.copyItem(at: data, to: copy)
        try restart()
        return copy
    }

    /// Puts a copy in the place of what it has; with `--restored`, as its operator is told to.
    func putBack(_ copy: URL, _ more: String...) throws {
        kill()
        try FileManager.default.removeItem(at: data)
        try FileManager.default.copyItem(at: copy, to: data)
        try start(listening: String(url.dropFirst("http://".count)), more)
    }

    /// Ends it at once, in the middle of whatever it does.
    func kill() {
        guard let process, process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Has it stand still, or go on.
    func signal(_ number: Int32) {
        if let process { Foundation.kill(process.processIdentifier, number) }
    }

    var identity: CustodianIdentity {
        get throws { try CustodianIdentity(key) }
    }

    /// A token, as an app's backend asks for it.
    func token(of user: String, _ options: String...) throws -> String {
        try operate(["session", "--user", user] + options).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What the operator does.
    @discardableResult
    func operate(_ arguments: [String]) throws -> String {
        try runCommand("twoshare-custodian", arguments.prefix(1) + ["--data", data.path] + arguments.dropFirst())
    }
}

/// The folder of the commands and the library. It is set by `cargo xtask swift`: without it nothing can run.
let commands: URL = {
    guard let folder = ProcessInfo.processInfo.environment["TWOSHARE_BIN_DIR"] else {
        fatalError("TWOSHARE_BIN_DIR is not set: run this by `cargo xtask swift`")
    }
    return URL(fileURLWithPath: folder, isDirectory: true)
}()

struct Failed: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a command prints. Throws what it says on its standard error unless it succeeds.
@discardableResult
func runCommand(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = commands.appendingPathComponent(name)
    process.arguments = Array(arguments)
    let output = Pipe(), said = Pipe()
    (process.standardOutput, process.standardError) = (output, said)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // Both are short: neither fills its pipe before the other is read.
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    let errors = said.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw Failed(String(decoding: errors, as: UTF8.self))
    }
    return String(decoding: printed, as: UTF8.self)
}

/// A new folder, which is there until the end of the tests.
func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("twoshare-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    Folders.shared.add(folder)
    return folder
}

private final class Folders: @unchecked Sendable {
    static let shared = Folders()
    private let lock = NSLock()
    private var made: [URL] = []

    func add(_ folder: URL) { lock.withLock { made.append(folder) } }
    func remove() { lock.withLock { made.forEach { try? FileManager.default.removeItem(at: $0) } } }
}

private final class StopsAtTheEnd: NSObject, XCTestObservation {
    private let custodian: Custodian
    init(_ custodian: Custodian) { self.custodian = custodian }

    func testBundleDidFinish(_ testBundle: Bundle) {
        custodian.kill()
        Folders.shared.remove()
    }
}
