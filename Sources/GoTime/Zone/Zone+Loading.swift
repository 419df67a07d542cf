/// Finding zones by name; the caller does the reading.
extension Zone {
    /// Loads an IANA zone such as `Europe/Zurich`; `""` and `UTC` are UTC.
    ///
    /// `read` gets a checked, relative file name below the zoneinfo folder and returns the file's
    /// bytes, or nil when there is none. Throws when the name is not one (it never reaches `read`),
    /// when there is no file, or when the file is not TZif. A caller that must tell the cases apart
    /// asks `isValidName` first.
    package static func load(
        _ name: String,
        read: (String) -> [UInt8]?
    ) throws(TimeFault) -> Zone {
        guard !name.isEmpty, name != "UTC" else { return .utc }
        guard isValidName(name) else {
            throw TimeFault("time: \(quoted(name.utf8)) cannot be the name of a location")
        }
        guard let bytes = read(name) else {
            throw TimeFault("time: unknown location \(quoted(name.utf8))")
        }
        return try Zone(name: name, tzif: bytes)
    }

    /// Whether a name may be looked for: letters, digits, `_ + -`, in parts divided by `/`.
    ///
    /// So it is relative, holds no dot, and has no empty part. At most 255 bytes.
    package static func isValidName(_ name: String) -> Bool {
        name.utf8.count <= 255
            && name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                .allSatisfy { part in
                    !part.isEmpty
                        && part.allSatisfy {
                            $0.isDigit || $0.isUpper || $0.isLower || "_+-".utf8.contains($0)
                        }
                }
    }

    /// The zone of this machine: the variable TZ if it is set, else the bytes of `/etc/localtime`.
    ///
    /// TZ may be a zone's name or a POSIX rule, either with a leading colon. What cannot be read
    /// or understood is UTC, as in C. Source: POSIX.1-2017 section 8.3, "TZ".
    package static func local(
        variable: String?,
        localtime: [UInt8]?,
        read: (String) -> [UInt8]?
    ) -> Zone {
        guard let variable else {
            return localtime.flatMap { try? Zone(name: "Local", tzif: $0) } ?? .utc
        }
        let text = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
        if let zone = try? load(text, read: read) { return zone }
        guard let rule = PosixRule(parsing: text.utf8) else { return .utc }
        return Zone(name: text, types: [rule.standard], rule: rule)
    }
}
