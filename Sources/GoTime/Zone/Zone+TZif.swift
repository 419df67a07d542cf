/// Reading compiled zone files.
///
/// The bytes are not trusted: every count is checked against what is there before it is used, and
/// every index against its table. Leap seconds are skipped: our seconds have none.
extension Zone {
    /// Reads a TZif file of version 1 to 4; from version 2 on the 64-bit block and footer count.
    ///
    /// Throws when the bytes are not such a file. Source: RFC 8536 section 3.
    package convenience init(name: String, tzif bytes: [UInt8]) throws(TimeFault) {
        guard let zone = TZifReader(rest: bytes[...]).read() else {
            throw TimeFault("time: the zone file of \(quoted(name.utf8)) is damaged")
        }
        self.init(
            name: name,
            transitions: zone.transitions,
            kinds: zone.kinds,
            types: zone.types,
            rule: zone.rule
        )
    }
}

private struct TZifReader {
    struct Contents {
        var transitions: [Int64] = []
        var kinds: [UInt8] = []
        var types: [LocalTimeType] = []
        var rule: PosixRule?
    }

    /// The header: how many records of each kind the block holds.
    ///
    /// Source: RFC 8536 section 3.1.
    struct Header {
        let version: UInt8
        let utcFlags: Int
        let standardFlags: Int
        let leapSeconds: Int
        let transitions: Int
        let types: Int
        let abbreviationBytes: Int
    }

    var rest: ArraySlice<UInt8>

    /// Nil when the bytes are no TZif file.
    consuming func read() -> Contents? {
        guard let first = takeHeader() else { return nil }
        guard first.version > 0 else { return takeBlock(first, timeBytes: 4) }
        // The first block repeats the second for readers of version 1.
        guard
            take(blockBytes(first, timeBytes: 4)) != nil,
            let second = takeHeader(),
            var contents = takeBlock(second, timeBytes: 8),
            let footer = takeFooter()
        else { return nil }
        if !footer.isEmpty {
            guard let rule = PosixRule(parsing: footer) else { return nil }
            contents.rule = rule
        }
        return contents
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func takeHeader() -> Header? {
        guard
            let magic = take(4), magic.elementsEqual("TZif".utf8),
            let version = take(1)?.first, [0, 0x32, 0x33, 0x34].contains(version),
            take(15) != nil,
            let numbers = take(24)
        else { return nil }
        let counts = bigEndian(numbers, bytes: 4).map(Int.init)
        let header = Header(
            version: version,
            utcFlags: counts[0],
            standardFlags: counts[1],
            leapSeconds: counts[2],
            transitions: counts[3],
            types: counts[4],
            abbreviationBytes: counts[5]
        )
        guard
            (1...256).contains(header.types),
            header.abbreviationBytes > 0,
            header.utcFlags == 0 || header.utcFlags == header.types,
            header.standardFlags == 0 || header.standardFlags == header.types
        else { return nil }
        return header
    }

    /// The length of a block; 32-bit counts cannot overflow it.
    private func blockBytes(_ header: Header, timeBytes: Int) -> Int {
        header.transitions * (timeBytes + 1) + header.types * 6 + header.abbreviationBytes
            + header.leapSeconds * (timeBytes + 4) + header.standardFlags + header.utcFlags
    }

    /// Source: RFC 8536 section 3.2.
    private mutating func takeBlock(_ header: Header, timeBytes: Int) -> Contents? {
        guard blockBytes(header, timeBytes: timeBytes) <= rest.count else { return nil }
        guard
            let times = take(header.transitions * timeBytes),
            let kinds = take(header.transitions),
            let records = take(header.types * 6),
            let abbreviations = take(header.abbreviationBytes),
            take(
                header.leapSeconds * (timeBytes + 4) + header.standardFlags + header.utcFlags
            ) != nil
        else { return nil }

        var contents = Contents(kinds: Array(kinds))
        contents.transitions = bigEndian(times, bytes: timeBytes).map {
            timeBytes == 8 ? Int64(bitPattern: $0) : Int64(Int32(truncatingIfNeeded: $0))
        }
        guard
            zip(contents.transitions, contents.transitions.dropFirst()).allSatisfy({ $0 < $1 }),
            contents.kinds.allSatisfy({ Int($0) < header.types })
        else { return nil }
        for record in 0..<header.types {
            let bytes = records.dropFirst(record * 6).prefix(6)
            guard let type = localType(Array(bytes), abbreviations) else { return nil }
            contents.types.append(type)
        }
        return contents
    }

    /// One record: 4 bytes of offset, 1 of daylight flag, 1 of index into the abbreviations.
    private func localType(
        _ record: [UInt8],
        _ abbreviations: ArraySlice<UInt8>
    ) -> LocalTimeType? {
        let offset = Int(Int32(truncatingIfNeeded: bigEndian(record[..<4], bytes: 4)[0]))
        guard LocalTimeType.offsets.contains(offset), record[4] <= 1 else { return nil }
        // An index past the abbreviations leaves no tail, and so no end of a name.
        let tail = abbreviations.dropFirst(Int(record[5]))
        let name = tail.prefix { $0 != 0 }
        // Sixteen bytes are generous (tzdata's longest has five), and bound what a layout prints.
        guard name.count < tail.count, name.count <= 16 else { return nil }
        return LocalTimeType(
            offsetSeconds: offset,
            abbreviation: String(decoding: name, as: UTF8.self),
            isDST: record[4] == 1
        )
    }

    /// A rule between two newlines, perhaps empty.
    ///
    /// Source: RFC 8536 section 3.3.
    private mutating func takeFooter() -> ArraySlice<UInt8>? {
        let newline = UInt8(ascii: "\n")
        guard take(1)?.first == newline, let end = rest.firstIndex(of: newline) else { return nil }
        return rest[..<end]
    }

    /// The unsigned numbers in `slice`, each `bytes` long, most significant byte first.
    private func bigEndian(_ slice: ArraySlice<UInt8>, bytes: Int) -> [UInt64] {
        stride(from: slice.startIndex, to: slice.endIndex, by: bytes).map { start in
            slice[start..<start + bytes].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}
