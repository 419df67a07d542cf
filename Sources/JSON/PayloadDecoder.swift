internal import Payload

/// The way from a parsed document to a payload.
struct PayloadDecoder {
    let dialect: PayloadJSON.Dialect

    func write(
        _ view: JSONView,
        _ writer: inout PayloadWriter,
        depth: Int
    ) throws(PathFault) {
        switch view.kind {
        case .null: writer.writeNull()
        case .boolean: writer.write(view.bool ?? false)
        case .integer: writer.write(view.integer ?? 0)
        case .real: writer.write(view.double ?? 0)
        case .string: unsafe view.withStringBytes { unsafe writer.writeString($0) }
        case .array: try writeArray(view, &writer, depth: try deeper(depth))
        case .object: try writeObject(view, &writer, depth: try deeper(depth))
        }
    }

    private func deeper(_ depth: Int) throws(PathFault) -> Int {
        guard depth < payloadDepthMax else {
            throw PathFault("nested deeper than \(payloadDepthMax)")
        }
        return depth + 1
    }

    private func writeArray(
        _ view: JSONView,
        _ writer: inout PayloadWriter,
        depth: Int
    ) throws(PathFault) {
        let position = writer.beginTable(.array)
        var count = 0
        while let element = view[count] {
            count += 1
            do {
                try write(element, &writer, depth: depth)
            } catch {
                throw error.inside(.index(Int64(count)))
            }
        }
        writer.endTable(position, sequence: count, pairs: 0)
    }

    private func writeObject(
        _ view: JSONView,
        _ writer: inout PayloadWriter,
        depth: Int
    ) throws(PathFault) {
        if dialect == .wire, view.count == 1, let code = view[PayloadJSON.base64Name] {
            try writeBytes(code, &writer)
            return
        }
        let position = writer.beginTable(.object)
        var pairs = 0
        for member in view.members where !member.value.isNull {
            unsafe writer.writeString(member.nameBytes)
            pairs += 1
            do {
                try write(member.value, &writer, depth: depth)
            } catch {
                throw unsafe error.inside(key: member.nameBytes)
            }
        }
        writer.endTable(position, sequence: 0, pairs: pairs)
    }

    private func writeBytes(_ code: JSONView, _ writer: inout PayloadWriter) throws(PathFault) {
        let bytes = unsafe code.withStringBytes { unsafe Base64.decode($0) }
        guard let bytes, let bytes else {
            let fault = PathFault("expected base64 with padding (RFC 4648)")
            throw fault.inside(.key(PayloadJSON.base64Name))
        }
        writer.writeString(bytes)
    }
}
