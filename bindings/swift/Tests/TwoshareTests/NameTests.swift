// What the package's types are called where an app imports Apple's frameworks too. That every other name is nobody
// else's is seen when `EveryName` is compiled.

import AppleNames
import Foundation
import Twoshare
import XCTest

final class NameTests: XCTestCase {
    /// As a screen of SwiftUI has it: nothing of the package's is in its way.
    private struct Screen {
        @State var password = ""
    }

    func testEachTypeHasANameThatIsNobodyElses() throws {
        XCTAssertTrue(TwoshareMethod.self == Twoshare.Method.self)
        XCTAssertTrue(TwoshareOperation.self == Twoshare.Operation.self)
        XCTAssertTrue(TwoshareRecord.self == Twoshare.Record.self)
        XCTAssertTrue(TwoshareDigest.self == Twoshare.Digest.self)
        XCTAssertTrue(TwoshareAttachment.self == Twoshare.Attachment.self)
        let method: TwoshareMethod = try .password(entered: Screen(password: entered).password)
        XCTAssertTrue(type(of: method) == Twoshare.Method.self)
        XCTAssertEqual(TwoshareOperation.refresh, Resumed.finished(operation: .refresh).operation)
    }
}

extension Resumed {
    /// What was gone on with.
    fileprivate var operation: TwoshareOperation? {
        if case .finished(let operation) = self { operation } else { nil }
    }
}
