// Where a socket is or goes: an IPv4 or IPv6 address with a port.

import Glibc

/// An Internet address with a port.
package struct SocketAddress: Sendable, Equatable, Hashable, CustomStringConvertible {
    /// The address's bytes in network order: 4 or 16 of them.
    package let bytes: [UInt8]
    package let port: UInt16
    /// The zone of a link-local IPv6 address, else 0.
    package let scope: UInt32

    package var isIPv6: Bool { bytes.count == 16 }

    /// Whether only this machine can reach it (127.0.0.0/8, ::1, and the former mapped to IPv6).
    package var isLoopback: Bool {
        switch unmapped.count {
        case 4: unmapped[0] == 127
        default: bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
    }

    /// The bytes with an IPv4 address out of its IPv6 wrapping (::ffff:a.b.c.d).
    ///
    /// Source: RFC 4291, 2.5.5.2.
    package var unmapped: [UInt8] {
        guard isIPv6, bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 255, bytes[11] == 255
        else { return bytes }
        return Array(bytes.suffix(4))
    }

    /// The address without the port, as text: `127.0.0.1`, `::1`.
    package var host: String { SocketAddress.text(bytes) }

    /// As `host`, an IPv4 address out of its IPv6 wrapping.
    package var unmappedHost: String { SocketAddress.text(unmapped) }

    private static func text(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        // SAFETY: the text buffer is larger than INET6_ADDRSTRLEN (46), and the source holds the
        // family's number of bytes.
        return unsafe bytes.withUnsafeBytes { source in
            unsafe text.withUnsafeMutableBufferPointer { target in
                let result = unsafe inet_ntop(
                    bytes.count == 16 ? AF_INET6 : AF_INET,
                    source.baseAddress,
                    target.baseAddress,
                    socklen_t(target.count)
                )
                guard let result = unsafe result else { return "?" }
                return unsafe String(cString: result)
            }
        }
    }

    /// `127.0.0.1:7070` or `[::1]:7070`.
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Resolves a host name or a numeric address; brackets around IPv6 are allowed.
    ///
    /// Blocks while a name server answers. The preferred address comes first. Throws `hostNotFound`
    /// when there is none. Source: getaddrinfo(3), RFC 6724.
    package static func resolve(host: String, port: UInt16) throws(Errno) -> [SocketAddress] {
        var name = host
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        guard !name.isEmpty, !name.utf8.contains(0) else { throw .hostNotFound }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        // SAFETY: the list is freed once, after the copies were made.
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { throw .hostNotFound }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe SocketAddress(entry.pointee.ai_addr, port: port) {
                found.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        guard !found.isEmpty else { throw .hostNotFound }
        return found
    }

    /// Reads a kernel address; nil for a null pointer or another family.
    init?(_ address: UnsafePointer<sockaddr>?, port replacement: UInt16? = nil) {
        guard let address = unsafe address else { return nil }
        // SAFETY: the kernel and getaddrinfo answer whole sockaddr_in or sockaddr_in6 structs for
        // these families.
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            let raw = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
            bytes = unsafe withUnsafeBytes(of: raw.sin_addr) { unsafe Array($0) }
            port = replacement ?? UInt16(bigEndian: raw.sin_port)
            scope = 0
        case AF_INET6:
            let raw = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
            bytes = unsafe withUnsafeBytes(of: raw.sin6_addr) { unsafe Array($0) }
            port = replacement ?? UInt16(bigEndian: raw.sin6_port)
            scope = raw.sin6_scope_id
        default:
            return nil
        }
    }

    /// Runs `body` with the address in the kernel's form.
    func withKernelForm<Value>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Value
    ) throws(Errno) -> Value {
        // SAFETY: the source holds the family's number of bytes, and each struct begins as every
        // sockaddr does; the pointer lives as long as the call.
        if isIPv6 {
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &raw.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
            return try unsafe withUnsafePointer(to: raw) { pointer throws(Errno) in
                let address = unsafe UnsafeRawPointer(pointer)
                    .assumingMemoryBound(to: sockaddr.self)
                return try unsafe body(address, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &raw.sin_addr) { unsafe $0.copyBytes(from: bytes) }
        return try unsafe withUnsafePointer(to: raw) { pointer throws(Errno) in
            let address = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return try unsafe body(address, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
