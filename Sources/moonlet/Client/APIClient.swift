// The blocking HTTP/1.1 client behind the commands: one request, one connection, one answer.

import HTTP

/// A whole answer of the server.
struct Answer {
    var status: Int
    var body: [UInt8]

    /// The body as JSON.
    func json() throws(CommandFailure) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw CommandFailure(
                code: .refused,
                message: "the server's answer is not JSON (\(error)); is it a moonlet server?"
            )
        }
    }
}

struct APIClient {
    /// What the server may take on top of the time a request asks it to wait.
    private static let patienceMilliseconds = 10_000

    let address: ServerAddress
    let token: String?
    /// A PEM file with the authorities to trust; nil for the system's.
    let authoritiesFile: String?

    /// Sends a request and returns the answer.
    ///
    /// The path's segments and the query's values are percent-encoded here. `patience` is how long
    /// the server was asked to wait. Fails with the sentence and the exit code of the problem where
    /// the status is 400 or above, and where no server answers.
    func request(
        _ method: String,
        _ path: [String],
        query: [(String, String)] = [],
        body: JSONBody? = nil,
        patience: CommandDuration = CommandDuration(milliseconds: 0)
    ) throws(CommandFailure) -> Answer {
        let connection = try Connection(to: address, trusting: authoritiesFile)
        try connection.write(
            head(method, path, query: query, accept: "*/*", body: body, last: true)
        )
        let (wait, overflow) = patience.milliseconds
            .addingReportingOverflow(Self.patienceMilliseconds)
        let milliseconds = overflow ? Int.max : wait
        var reader = ResponseReader()
        var content: [UInt8] = []
        while !reader.isDone {
            let bytes = try connection.read(within: milliseconds)
            try feed(bytes, to: &reader, into: &content)
        }
        let answer = Answer(status: reader.head?.status ?? 0, body: content)
        guard answer.status < 400 else { throw answer.failure(from: address) }
        return answer
    }

    /// Feeds what was read; no bytes mean that the server closed.
    func feed(
        _ bytes: [UInt8],
        to reader: inout ResponseReader,
        into content: inout [UInt8]
    ) throws(CommandFailure) {
        do throws(ResponseError) {
            if bytes.isEmpty {
                try reader.close()
            } else {
                try reader.feed(bytes, into: &content)
            }
        } catch .cutShort {
            throw .unreachable(address, "it closed the connection")
        } catch {
            throw .unreachable(address, "what answers there is no HTTP server")
        }
    }

    /// The request's bytes, its body included.
    ///
    /// Source: RFC 9112, 3 and 6.
    func head(
        _ method: String,
        _ path: [String],
        query: [(String, String)],
        accept: String,
        fields: [(String, String)] = [],
        body: JSONBody? = nil,
        last: Bool
    ) -> [UInt8] {
        var target = "/" + path.map { PercentCoding.encode($0) }.joined(separator: "/")
        if !query.isEmpty {
            let pairs = query.map { "\($0)=\(PercentCoding.encode($1))" }
            target += "?" + pairs.joined(separator: "&")
        }
        var lines = ["\(method) \(target) HTTP/1.1", "Host: \(address.authority)"]
        lines.append("User-Agent: moonlet/\(Version.current)")
        lines.append("Accept: \(accept)")
        if let token { lines.append("Authorization: Bearer \(token)") }
        lines += fields.map { "\($0): \($1)" }
        if last { lines.append("Connection: close") }
        let content = body.map { Array($0.text.utf8) } ?? []
        if body != nil {
            lines.append("Content-Type: application/json")
            lines.append("Content-Length: \(content.count)")
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + content
    }
}
