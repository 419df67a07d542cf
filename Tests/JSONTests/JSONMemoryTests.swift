import CTestSupport
import JSON
import Posix
import Testing

/// A text of `count` small objects, and what it holds added up.
private struct Sample {
    let text: [UInt8]
    let sum: Int64

    init(_ count: Int, from first: Int64) {
        let numbers = (0..<Int64(count)).map { first + $0 }
        let objects = numbers.map { #"{"name":"n\#($0)","value":\#($0),"tags":["a\n",true]}"# }
        text = Array("[\(objects.joined(separator: ","))]".utf8)
        sum = numbers.reduce(0, +)
    }

    /// Expects `document` to be this sample, to its last leaf.
    func check(_ document: borrowing JSONDocument) {
        let found = document.withRoot { root -> Int64? in
            (0..<root.count).reduce(0) { sum, index in
                guard let sum, let object = root[index], let value = object["value"]?.integer,
                    object["name"]?.string == "n\(value)", object["tags"]?[0]?.string == "a\n"
                else { return nil }
                return sum + value
            }
        }
        #expect(found == sum)
    }
}

/// Parses and forgets.
private func parse(_ text: [UInt8]) { _ = try? JSONDocument(parsing: text) }

@Suite struct JSONMemoryTests {
    @Test(.enabled(if: test_counts_allocations(), "a sanitizer has its own malloc"))
    func `after its first text a thread parses small ones without malloc`() throws {
        let sample = Sample(3, from: 1)
        _ = try JSONDocument(parsing: sample.text)
        let before = test_allocations()
        for _ in 0..<10 { _ = try JSONDocument(parsing: sample.text) }
        #expect(test_allocations() == before)
    }

    @Test func `a document alive is left alone by what is parsed after it`() throws {
        let samples = [Sample(1, from: 1), Sample(400, from: 2), Sample(2, from: 3)]
        let first = try JSONDocument(parsing: samples[0].text)
        let second = try JSONDocument(parsing: samples[1].text)
        #expect(throws: JSONFault.self) {
            _ = try JSONDocument(parsing: Array(samples[1].text.dropLast()))
        }
        let third = try JSONDocument(parsing: samples[2].text)
        samples[2].check(third)
        _ = consume third
        samples[0].check(first)
        _ = consume first
        let fourth = try JSONDocument(parsing: samples[2].text)
        samples[1].check(second)
        samples[2].check(fourth)
    }

    @Test func `sizes may follow in any order`() throws {
        for count in [1, 20_000 / 2 - 1, 1, 0, 37, 5_000, 2, 100] {
            let sample = Sample(count, from: Int64(count))
            let document = try JSONDocument(parsing: sample.text)
            sample.check(document)
        }
    }

    @Test func `strings and names of any length come out whole`() throws {
        for length in [0, 1, 7, 8, 4_079, 4_096, 16_351, 16_384, 100_000] {
            let long = String(repeating: "x", count: length)
            let document = try JSONDocument(parsing: Array(#"{"a":"\#(long)","\#(long)b":1}"#.utf8))
            document.withRoot { root in
                #expect(root["a"]?.string == long)
                #expect(root[long + "b"]?.integer == 1)
                #expect(root.count == 2)
            }
        }
    }

    @Test func `threads parse at once, each its own`() {
        let threads = (0..<4).map { seed in
            PosixThread(name: "parse", stackBytes: 1 << 18) {
                var random = SeededGenerator(seed: UInt64(seed))
                for _ in 0..<50 {
                    let sample = Sample(.random(in: 0..<60, using: &random), from: 7)
                    do {
                        let document = try JSONDocument(parsing: sample.text)
                        sample.check(document)
                    } catch {
                        Issue.record(error)
                    }
                }
            }
        }
        for thread in threads { thread.join() }
    }

    /// In a process of its own, where all that malloc gave out is this test's.
    @Test func `nothing stays of documents, of texts that fail, and of threads`() async {
        await #expect(processExitsWith: .success) {
            let texts = [Sample(1, from: 1), Sample(500, from: 1)].map(\.text)
            let long = Array("\"\(String(repeating: "x", count: 50_000))\"".utf8)
            func round() {
                for text in texts + [long] {
                    parse(text)
                    parse(Array(text.dropLast()))
                    PosixThread(name: "once", stackBytes: 1 << 18) { parse(text) }.join()
                }
            }
            for _ in 0..<10 { round() }
            let before = test_bytes_in_use()
            for _ in 0..<100 { round() }
            let after = test_bytes_in_use()
            #expect(after < before + (64 << 10), "\(after) bytes in use, after \(before)")
        }
    }
}
