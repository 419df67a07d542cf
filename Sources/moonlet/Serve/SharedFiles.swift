import Glibc
import Logging
import Posix

/// The files that come with the program: the web page and the contract.
///
/// Looked for in the working directory, then beside the binary and in the folders above it (a
/// checkout's build folder), then in `share/moonlet` beside `bin`.
enum SharedFiles {
    static func publicFolder() -> String? {
        candidates("public/index.html").first { exists($0) }
            .map { String($0.dropLast("/index.html".count)) }
    }

    /// The bytes of openapi.yaml, empty where it is not found.
    static func contract(_ logger: Logger) -> [UInt8] {
        for path in candidates("openapi.yaml") where exists(path) {
            if let bytes = read(path) { return bytes }
        }
        logger.warning("openapi.yaml was not found: /openapi.yaml will be 404")
        return []
    }

    private static func candidates(_ name: String) -> [String] {
        var folders = ["."]
        var path = executable()
        for _ in 0..<5 {
            guard let slash = path.lastIndex(of: "/") else { break }
            path = String(path[..<slash])
            folders.append(path.isEmpty ? "/" : path)
            folders.append(path + "/share/moonlet")
        }
        return folders.map { $0 + "/" + name }
    }

    private static func executable() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return "" }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func exists(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let file = FileDescriptor(taking: descriptor)
        return try? file.readToEnd(bytesMax: 4 << 20)
    }
}

/// The environment as a dictionary.
enum Environment {
    static var all: [String: String] {
        var result: [String: String] = [:]
        var cursor = unsafe environ
        // SAFETY: nothing in this program changes the environment, which ends with a null pointer.
        while let entry = unsafe cursor.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe cursor += 1
        }
        return result
    }
}
