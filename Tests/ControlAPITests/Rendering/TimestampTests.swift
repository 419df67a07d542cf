import Foundation
import Testing

@testable import ControlAPI

struct TimestampTests {
    @Test func `known times read as they should`() {
        let known: [(UInt64, String)] = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_608_130_120_999_999, "2026-01-05T10:15:30.120Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999_000_000, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
        ]
        for (nanoseconds, text) in known { #expect(Timestamp.text(nanoseconds) == text) }
    }

    @Test func `every day for a century agrees with Foundation`() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        for day in stride(from: 0, to: 36_525, by: 1) {
            let seconds = day * 86_400 + (day * 7_919) % 86_400
            let date = Date(timeIntervalSince1970: Double(seconds))
            let text = Timestamp.text(UInt64(seconds) * 1_000_000_000)
            guard text == formatter.string(from: date) else {
                Issue.record("\(text) at \(seconds)")
                return
            }
        }
    }
}
