import Access
import HTTP
import JSON
import ProcessRuntime

/// `GET /v1/processes`: filters, an order, and pages.
///
/// Pages are cut by key: a cursor holds the sort value and the pid of the last item, and the next
/// page begins after it. By `started`, which never changes, each process that lives through the
/// listing is on exactly one page; by a value that moves, a process that moved past the cursor
/// may be seen twice or not at all.
enum ProcessList {
    static let parameters = [
        "state", "entry", "host", "name_prefix", "sort", "limit", "cursor",
    ]

    /// What to sort by; the raw value is the word of the query.
    enum Order: String, CaseIterable {
        case started, memory, mailbox, cpu

        func value(_ process: ProcessSnapshot) -> UInt64 {
            switch self {
            case .started: process.startedAt
            case .memory: UInt64(clamping: process.memoryBytes)
            case .mailbox: UInt64(clamping: process.mailboxMessages)
            case .cpu: process.cpuNanoseconds
            }
        }
    }

    /// A process's place in an order; the pid decides between equals.
    struct Key: Comparable {
        let value: UInt64
        let pid: UInt64

        static func < (left: Key, right: Key) -> Bool {
            (left.value, left.pid) < (right.value, right.pid)
        }
    }

    private struct Wish {
        var state: String?
        var entry: Pattern?
        var host: String?
        var namePrefix: String?
        var order = Order.started
        var isDescending = false
        var limit = 100
        var after: Key?
        /// Which processes the client may see.
        var extent = Extent.full

        func wants(_ process: ProcessSnapshot) -> Bool {
            if extent != .full, !extent.covers(entry: process.entry, names: process.names) {
                return false
            }
            if let state, process.state != state { return false }
            if let entry, !entry.matches(process.entry) { return false }
            if let host, process.host != host { return false }
            if let namePrefix {
                return process.names.contains { $0.utf8.starts(with: namePrefix.utf8) }
            }
            return true
        }

        func precedes(_ left: Key, _ right: Key) -> Bool {
            isDescending ? right < left : left < right
        }

        /// The order's name, for cursors: pages of one order do not continue another.
        var orderName: String { (isDescending ? "-" : "") + order.rawValue }
    }

    static func get(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let wish = try wish(call)
        let position = context.position
        let (page, hasMore) = page(wish, context.runtime)
        let last = hasMore ? page.last : nil
        return .json { json in
            json.objects("items", page) { item, json in
                json.processMembers(item.process, context.runtime.pids)
            }
            json.member("next_cursor", orNull: last.map { cursor($0.key, wish) })
            json.member("position", position)
        }
    }

    private static func wish(_ call: Call) throws(Problem) -> Wish {
        var wish = Wish()
        wish.extent = call.extent
        wish.state = try call.word("state", oneOf: ["ready", "running", "waiting"])
        wish.entry = call.text("entry").map(Pattern.init)
        wish.host = call.text("host")
        wish.namePrefix = call.text("name_prefix")
        let words = Order.allCases.flatMap { [$0.rawValue, "-" + $0.rawValue] }
        if let word = try call.word("sort", oneOf: words) {
            wish.isDescending = word.hasPrefix("-")
            let name = wish.isDescending ? String(word.dropFirst()) : word
            wish.order = Order(rawValue: name) ?? .started
        }
        wish.limit = try call.integer("limit", in: 1...1_000) ?? wish.limit
        if let text = call.text("cursor") { wish.after = try key(text, wish) }
        return wish
    }

    private typealias Item = (key: Key, process: ProcessSnapshot)

    /// The first `limit` processes after the cursor, and whether there are more.
    private static func page(_ wish: Wish, _ runtime: Runtime) -> (items: [Item], hasMore: Bool) {
        var items: [Item] = []
        var hasMore = false
        func cut() {
            items.sort { wish.precedes($0.key, $1.key) }
            if items.count > wish.limit {
                hasMore = true
                items.removeLast(items.count - wish.limit)
            }
        }
        for pid in runtime.allPIDs() {
            guard let process = runtime.snapshot(pid), !process.isPort, wish.wants(process)
            else { continue }
            let key = Key(value: wish.order.value(process), pid: pid.number)
            if let after = wish.after, !wish.precedes(after, key) { continue }
            items.append((key, process))
            // Cut now and then, so that a page of a million processes holds no million of them.
            if items.count >= 4 * wish.limit { cut() }
        }
        cut()
        return (items, hasMore)
    }

    // MARK: Cursors

    private static func cursor(_ key: Key, _ wish: Wish) -> String {
        "\(wish.orderName).\(String(key.value, radix: 36)).\(String(key.pid, radix: 36))"
    }

    private static func key(_ text: String, _ wish: Wish) throws(Problem) -> Key {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let value = UInt64(parts[1], radix: 36),
            let pid = UInt64(parts[2], radix: 36)
        else { throw .invalidQuery("cursor must be a next_cursor of this list.") }
        guard parts[0] == wish.orderName else {
            throw .invalidQuery("cursor belongs to another order; keep sort as it was.")
        }
        return Key(value: value, pid: pid)
    }
}
