import GoTime
import Posix
import ProcessRuntime
import Synchronization

/// The zones that all processes share, each read from disk once.
///
/// A zone, once here, stays: so a number means the same zone for ever, and what processes keep is
/// the number. The time zone database has about 450 names, thrice with its folders `posix` and
/// `right`; unknown names are not kept, so scripts cannot fill the store with others.
enum ZoneStore {
    private static let zonesMax = 2_000
    /// The largest file of the database has 4 KiB.
    private static let fileBytesMax = 64 * 1_024
    private static let folder = "/usr/share/zoneinfo"

    private static let utcNumber: Int32 = 0
    private static let localNumber: Int32 = 1
    private static let firstLoaded: Int32 = 2

    private struct Loaded {
        /// At their number less `firstLoaded`.
        var zones: [Zone] = []
        var numbers: [String: Int32] = [:]
    }

    private static let loaded = Mutex(Loaded())

    /// The zone of this machine: `TZ`, else `/etc/localtime`, else UTC; read once.
    static let local = Zone.local(
        variable: Environment.value("TZ"),
        localtime: try? FileDescriptor.reading(path: "/etc/localtime")
            .readToEnd(bytesMax: fileBytesMax),
        read: read
    )

    /// Why there is no such location.
    struct LoadFault: Error {
        let kind: ErrorKind
        let message: String
    }

    /// The zone of a name; "" and "UTC" are UTC, "Local" is the local zone.
    ///
    /// Throws INVALID for what cannot be a name and for files that are no zones, NOT_FOUND for
    /// unknown ones, RATE_LIMITED when the store is full.
    static func load(_ name: String) throws(LoadFault) -> Zone {
        if name == "Local" { return local }
        let known = loaded.withLock { loaded in
            loaded.numbers[name].map { loaded.zones[Int($0 - firstLoaded)] }
        }
        if let known { return known }
        var isUnknown = false
        let zone: Zone
        do throws(TimeFault) {
            // Outside the lock: two processes may read the same file; the first one's is kept.
            zone = try Zone.load(name) { file in
                let bytes = read(file)
                isUnknown = bytes == nil
                return bytes
            }
        } catch {
            throw LoadFault(kind: isUnknown ? .notFound : .invalid, message: error.message)
        }
        return zone === Zone.utc ? zone : try keep(zone)
    }

    private static func keep(_ zone: Zone) throws(LoadFault) -> Zone {
        let kept = loaded.withLock { loaded -> Zone? in
            if let number = loaded.numbers[zone.name] {
                return loaded.zones[Int(number - firstLoaded)]
            }
            guard loaded.zones.count < zonesMax else { return nil }
            loaded.numbers[zone.name] = Int32(loaded.zones.count) + firstLoaded
            loaded.zones.append(zone)
            return zone
        }
        guard let kept else {
            throw LoadFault(
                kind: .rateLimited,
                message: "time: more than \(zonesMax) locations were loaded"
            )
        }
        return kept
    }

    /// The number of a shared zone; nil for a zone of some process's own.
    static func number(of zone: Zone) -> Int32? {
        if zone === Zone.utc { return utcNumber }
        if zone === local { return localNumber }
        return loaded.withLock { loaded in
            guard let number = loaded.numbers[zone.name],
                loaded.zones[Int(number - firstLoaded)] === zone
            else { return nil }
            return number
        }
    }

    /// The shared zone with a number that `number(of:)` gave.
    static func zone(_ number: Int32) -> Zone {
        switch number {
        case utcNumber: .utc
        case localNumber: local
        default: loaded.withLock { $0.zones[Int(number - firstLoaded)] }
        }
    }

    /// The bytes of a file of the database; nil where there is none.
    ///
    /// GoTime asks only for relative names without dots; `Directory` lets none leave the folder.
    private static func read(_ file: String) -> [UInt8]? {
        try? Directory(path: folder).open(beneath: file).readToEnd(bytesMax: fileBytesMax)
    }
}
