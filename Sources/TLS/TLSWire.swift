// The library's end of the network: it reads what we were lent and appends to what we lend it.
//
// A session moves bytes only inside a call of ours, so nothing is kept here between calls, and sealed
// bytes go straight into the buffer that is sent.

import COpenSSL

/// The sealed bytes in both directions, lent for one call of the library.
@safe
final class TLSWire {
    var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    var output: [UInt8] = []

    /// A BIO over this wire, owned by whoever takes it; the wire must outlive it.
    func makeBIO() -> OpaquePointer? {
        guard let bio = unsafe BIO_new(Self.method) else { return nil }
        // SAFETY: `TLSSession` owns the wire, and frees the BIO with its handle before.
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    private static func of(_ bio: OpaquePointer?) -> TLSWire? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        // SAFETY: set in `makeBIO`.
        return unsafe Unmanaged<TLSWire>.fromOpaque(data).takeUnretainedValue()
    }

    /// Moves up to `count` bytes of the input to `target`.
    private func read(_ target: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let moved = unsafe min(count, input.count)
        // SAFETY: the library's buffer has room for `count` bytes.
        unsafe UnsafeMutableRawBufferPointer(start: target, count: moved)
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<moved]))
        unsafe input = UnsafeRawBufferPointer(rebasing: input[moved...])
        return moved
    }

    /// Made once and never freed; BIO_meth_new(3).
    // SAFETY: nothing changes it after it was made.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        let method = unsafe BIO_meth_new(BIO_get_new_index(), "moonlet")
        unsafe BIO_meth_set_read_ex(method) { bio, target, count, moved in
            unsafe co_clear_retry(bio)
            guard let wire = unsafe TLSWire.of(bio), unsafe wire.input.count > 0 else {
                // No end: whoever feeds us may have more later.
                unsafe co_set_retry_read(bio)
                return 0
            }
            unsafe moved?.pointee = unsafe wire.read(target, count)
            return 1
        }
        unsafe BIO_meth_set_write_ex(method) { bio, source, count, moved in
            guard let wire = unsafe TLSWire.of(bio) else { return 0 }
            // SAFETY: the library lends `count` bytes for the call.
            unsafe wire.output.append(
                contentsOf: UnsafeRawBufferPointer(start: source, count: count)
            )
            unsafe moved?.pointee = count
            return 1
        }
        // Flushing is all that is asked of us with success; everything else is answered "no".
        unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return unsafe method
    }()
}
