import Testing

@testable import JSON

@Suite struct JSONOwnershipTests {
    @Test func `every value of a tree has the document as its only owner`() throws {
        let document = try JSONDocument(parsing: Array(#"[{"a":"b"},[1.5],12]"#.utf8))
        document.withRoot { root in
            for _ in root.members {}
            _ = root[0]?["a"]?.string
            #expect(root.ownerCount == 1)
            #expect(root[0]?.ownerCount == 1)
            #expect(root[0]?["a"]?.ownerCount == 1)
            #expect(root[1]?[0]?.ownerCount == 1)
            #expect(root[2]?.ownerCount == 1)
        }
    }
}
