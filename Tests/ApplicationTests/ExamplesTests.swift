import Application
import Foundation
import Testing

@Suite struct ExamplesTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("examples").path

    private static var examples: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
                FileManager.default.fileExists(atPath: "\(folder)/\(name)/_index.yaml")
            }
        }
    }

    @Test func `every example loads without a warning`() throws {
        let examples = try ExamplesTests.examples
        #expect(examples.count >= 6)
        for example in examples {
            do throws(AppProblems) {
                let path = "\(ExamplesTests.folder)/\(example)"
                let app = try AppLoader.load(folder: path)
                #expect(app.warnings.isEmpty, "\(example): \(app.warnings)")
                #expect(!app.entries.isEmpty)
                #expect(!app.hosts.isEmpty)
            } catch {
                Issue.record("\(example): \(error)")
            }
        }
    }
}
