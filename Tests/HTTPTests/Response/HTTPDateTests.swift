import HTTP
import Testing

@Suite struct HTTPDateTests {
    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"), (Int64.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)]
    )
    func `known instants are written as the RFC does`(seconds: Int64, text: String) {
        #expect(HTTPDate.imfFixdate(seconds) == text)
    }

    /// A calendar counted day by day, for every day of 1970 to 2499.
    @Test func `every day of five centuries has its date`() {
        let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let names = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        var day = 0
        for year in 1970..<2500 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, name) in names.enumerated() {
                for date in 1...(months[month] + (month == 1 && isLeap ? 1 : 0)) {
                    let two = date < 10 ? "0\(date)" : "\(date)"
                    let expected = "\(week[day % 7]), \(two) \(name) \(year) 12:34:56 GMT"
                    let seconds = Int64(day) * 86_400 + 45_296
                    if HTTPDate.imfFixdate(seconds) != expected {
                        Issue.record("\(HTTPDate.imfFixdate(seconds)) for \(expected)")
                    }
                    day += 1
                }
            }
        }
        #expect(day == 193_579)
    }
}
