import Testing

@testable import HTTPServer

@Suite struct `Output` {
    private let pieces: [[UInt8]] = [10, 200_000, 7, 65_536, 65_537, 1, 300_000].enumerated().map {
        [UInt8](repeating: UInt8($0.offset), count: $0.element)
    }

    @Test(arguments: [1_000, 65_536, 1 << 30])
    func `is the same however it is taken`(atMost: Int) throws {
        var output = OutputBuffer()
        var taken: [UInt8] = []
        var appended = 0
        for (index, piece) in pieces.enumerated() {
            if index % 2 == 0 { output.append(piece) } else { output.append { $0 += piece } }
            appended += piece.count
            #expect(output.count == appended - taken.count)
            output.take(atMost: atMost) { taken += $0 }
        }
        while !output.isEmpty { output.take(atMost: atMost) { taken += $0 } }
        #expect(taken == Array(pieces.joined()))
        #expect(output.count == 0 && !output.holdsBody)
    }

    @Test func `does not copy a large body`() throws {
        let body = [UInt8](repeating: 7, count: 1 << 20)
        let address = body.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        var output = OutputBuffer()
        output.append { $0 += [1, 2, 3] }
        output.append(body)
        #expect(output.count == 3 + body.count && output.holdsBody)
        var taken: [UInt8] = []
        var isShared = false
        while !output.isEmpty {
            output.take(atMost: 65_536) { bytes in
                taken += bytes
                let start = UInt(bitPattern: bytes.baseAddress)
                if start > address, start < address + UInt(body.count) { isShared = true }
            }
        }
        #expect(taken == [1, 2, 3] + body)
        #expect(isShared)
    }
}
