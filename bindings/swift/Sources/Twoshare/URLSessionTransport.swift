// The app's HTTP: the platform's own client, so that the library brings none.

import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Sends the library's requests by a `URLSession`. It sends each once, follows no redirect, keeps no cookie and
/// no copy of an answer, and reads no more of one than it may.
public final class URLSessionTransport: HttpTransport, @unchecked Sendable {
    private let session: URLSession
    private let exchanges = Exchanges()

    /// With a session of its own. A configuration brings proxies and the like; what must not be kept is not,
    /// whatever it says.
    public init(configuration: URLSessionConfiguration = .ephemeral) {
        // What `copy` gives is one: its type is an older language's.
        let own = configuration.copy() as! URLSessionConfiguration
        own.urlCache = nil
        own.requestCachePolicy = .reloadIgnoringLocalCacheData
        own.httpCookieStorage = nil
        own.httpShouldSetCookies = false
        own.urlCredentialStorage = nil
        session = URLSession(configuration: own, delegate: exchanges, delegateQueue: nil)
    }

    deinit { session.finishTasksAndInvalidate() }

    public func send(request: HttpRequest) async throws -> HttpResponse {
        guard let url = URL(string: request.url) else { throw URLError(.badURL) }
        var sent = URLRequest(url: url)
        switch request.method {
        case .get: sent.httpMethod = "GET"
        case .post: sent.httpMethod = "POST"
        case .put: sent.httpMethod = "PUT"
        case .delete: sent.httpMethod = "DELETE"
        }
        for header in request.headers { sent.setValue(header.value, forHTTPHeaderField: header.name) }
        sent.httpBody = request.body
        let task = session.dataTask(with: sent)
        let answer = Exchange(cap: request.maxAnswer)
        exchanges.expect(answer, of: task)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.told(continuation)
                task.resume()
            }
        } onCancel: {
            task.cancel()
            answer.end(.failure(URLError(.cancelled)))
        }
    }
}

/// One answer, as it comes in. It ends once, whoever is first.
private final class Exchange: @unchecked Sendable {
    private let lock = NSLock()
    private let cap: UInt64
    private var body = Data()
    private var ended: Result<HttpResponse, Error>?
    private var waiting: CheckedContinuation<HttpResponse, Error>?

    init(cap: UInt64) { self.cap = cap }

    func told(_ continuation: CheckedContinuation<HttpResponse, Error>) {
        let ended = lock.withLock {
            if self.ended == nil { waiting = continuation }
            return self.ended
        }
        if let ended { continuation.resume(with: ended) }
    }

    func end(_ result: Result<HttpResponse, Error>) {
        let waiting = lock.withLock {
            guard ended == nil else { return nil as CheckedContinuation<HttpResponse, Error>? }
            ended = result
            body = Data()
            defer { self.waiting = nil }
            return self.waiting
        }
        waiting?.resume(with: result)
    }

    /// Takes more of the body, if it may be so long.
    func take(_ data: Data) -> Bool {
        lock.withLock {
            guard ended == nil, UInt64(body.count + data.count) <= cap else { return false }
            body.append(data)
            return true
        }
    }

    /// Whether a body of this length may be.
    func fits(_ length: Int64) -> Bool { length <= 0 || UInt64(length) <= cap }

    func endTooLong() { end(.failure(TransportError.TooLong(cap: cap))) }

    func end(_ response: URLResponse?, _ error: Error?) {
        guard error == nil, let response = response as? HTTPURLResponse else {
            return end(.failure(error ?? URLError(.badServerResponse)))
        }
        let answer = HttpResponse(
            status: UInt16(clamping: response.statusCode),
            contentType: response.value(forHTTPHeaderField: "Content-Type"),
            retryAfter: response.value(forHTTPHeaderField: "Retry-After"),
            body: lock.withLock { body })
        end(.success(answer))
    }
}

/// Which answer belongs to which task.
private final class Exchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let lock = NSLock()
    private var expected: [Int: Exchange] = [:]

    func expect(_ answer: Exchange, of task: URLSessionTask) {
        lock.withLock { expected[task.taskIdentifier] = answer }
    }

    private func answer(of task: URLSessionTask) -> Exchange? {
        lock.withLock { expected[task.taskIdentifier] }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        guard let answer = answer(of: dataTask), answer.fits(response.expectedContentLength) else {
            answer(of: dataTask)?.endTooLong()
            return completionHandler(.cancel)
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        guard let answer = answer(of: dataTask), !answer.take(data) else { return }
        answer.endTooLong()
        dataTask.cancel()
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        let answer = lock.withLock { expected.removeValue(forKey: task.taskIdentifier) }
        answer?.end(task.response, error)
    }
}
