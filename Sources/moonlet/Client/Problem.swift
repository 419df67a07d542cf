// What the server's refusals mean to a command: RFC 9457 problems as sentences and exit codes.

extension Answer {
    /// The failure this answer stands for; call it for statuses of 400 and above.
    ///
    /// `detail` is the sentence, `code` follows in parentheses, and each pointer error is a line.
    func failure(from address: ServerAddress) -> CommandFailure {
        guard let json = try? json(), let code = json["code"]?.string else {
            return CommandFailure(
                code: Self.exitCode(status: status, code: ""),
                message: "\(address) answered \(status) without saying why; "
                    + "is it a moonlet server?"
            )
        }
        let sentence = json["detail"]?.string ?? json["title"]?.string ?? "the server refused"
        var message = Table.oneLine("\(sentence) (\(code))")
        for error in json["errors"]?.array ?? [] {
            let pointer = Table.oneLine(error["pointer"]?.string ?? "")
            message += "\n  \(pointer.isEmpty ? "the body" : pointer): \(cell(error["detail"]))"
        }
        return CommandFailure(code: Self.exitCode(status: status, code: code), message: message)
    }

    /// The exit code for a refusal; `entry-not-found` in a spawn body is a 422 and not found too.
    static func exitCode(status: Int, code: String) -> CommandFailure.Code {
        if status == 504 { return .timeout }
        return status == 404 || code.hasSuffix("-not-found") ? .notFound : .refused
    }
}
