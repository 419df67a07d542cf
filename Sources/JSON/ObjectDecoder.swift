package import Payload

/// One thing wrong with a request's body, and where.
package struct BodyError: Sendable, Equatable {
    /// The place as a JSON pointer; empty for the whole body (RFC 6901).
    package let pointer: String
    /// What is wrong, in words a client's author can act on.
    package let detail: String

    package init(pointer: String, detail: String) {
        self.pointer = pointer
        self.detail = detail
    }
}

/// A body that is JSON but not what was asked for: all that was found wrong with it, in order.
package struct InvalidBody: Error, Sendable, Equatable {
    package let errors: [BodyError]

    package init(errors: [BodyError]) {
        self.errors = errors
    }
}

/// Reads the members of one object of a request's body by name and type.
///
/// Each read answers with a usable value even where it finds a mistake, and notes the mistake; the
/// outermost `decode` throws if there was one, so stand-ins never get out. Members nobody asked for
/// are mistakes too. `null` counts as left out.
///
///     let spawn = try ObjectDecoder.decode(root) { body in
///         SpawnBody(entry: body.requiredString("entry"), host: body.string("host"))
///     }
package final class ObjectDecoder {
    private let object: JSONView
    private let pointer: String
    /// The whole body's decoder, which collects the mistakes; nil where this is it.
    private let outermost: ObjectDecoder?
    /// What was found wrong with the whole body, in order.
    private var errors: [BodyError] = []
    /// The names asked for, each once: a dozen at most, so a scan beats a hash.
    private var asked: [String] = []
    /// How many of them the object has.
    private var foundCount = 0

    /// A body of mistakes answers with so many; reading on finds no client's author more.
    private static let errorsMax = 32

    private init(_ object: JSONView, at pointer: String, within outermost: ObjectDecoder?) {
        self.object = object
        self.pointer = pointer
        self.outermost = outermost
        asked.reserveCapacity(8)
        if object.kind != .object { expected("an object", at: pointer, found: object) }
    }

    /// Reads a whole body with `read`; throws everything that was wrong with it.
    package static func decode<T>(
        _ root: JSONView,
        _ read: (ObjectDecoder) -> T
    ) throws(InvalidBody) -> T {
        let decoder = ObjectDecoder(root, at: "", within: nil)
        let value = read(decoder)
        decoder.refuseUnknown()
        guard decoder.errors.isEmpty else { throw InvalidBody(errors: decoder.errors) }
        return value
    }

    /// Notes a mistake in a member, for a caller that finds its value wrong by rules of its own.
    package func fault(_ name: String, _ detail: String) {
        note(place(name), detail)
    }

    // MARK: Scalars

    package func string(_ name: String) -> String? {
        read(name, "a string") { $0.string }
    }

    package func requiredString(_ name: String) -> String {
        require(name, string(name)) ?? ""
    }

    /// An integer within `range`.
    package func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = read(name, "an integer", { $0.integer }) else { return nil }
        guard range.contains(value) else {
            fault(name, "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
            return nil
        }
        return value
    }

    /// One of `words`.
    package func word(_ name: String, oneOf words: [String]) -> String? {
        guard let value = string(name) else { return nil }
        guard words.contains(value) else {
            fault(name, "expected one of \(words.joined(separator: ", "))")
            return nil
        }
        return value
    }

    // MARK: Structure

    /// An object of its own fields.
    package func object<T>(
        _ name: String,
        _ read: (ObjectDecoder) -> T
    ) -> T? {
        guard let view = self.read(name, "an object", { $0.kind == .object ? $0 : nil }) else {
            return nil
        }
        return nested(view, place(name), read)
    }

    /// An array of objects; an element that is none is left out.
    package func objects<T>(
        _ name: String,
        _ read: (ObjectDecoder) -> T
    ) -> [T]? {
        elements(name, "an array of objects") { element, place in
            nested(element, place, read)
        }
    }

    /// Any value, as a payload.
    package func payload(_ name: String) -> Payload? {
        guard let view = member(name) else { return nil }
        return payload(of: view, place(name))
    }

    /// An array of any values, each as a payload; `null` among them is nil.
    ///
    /// Of more than `countMax` none is read; `whenMore` says so of their number.
    package func payloads(
        _ name: String,
        atMost countMax: Int = .max,
        _ whenMore: (Int) -> String = { "too many: \($0)" }
    ) -> [Payload]? {
        if let view = member(name), view.kind == .array, view.count > countMax {
            fault(name, whenMore(view.count))
            return nil
        }
        return elements(name, "an array") { element, place in
            element.isNull ? .nothing : payload(of: element, place)
        }
    }

    /// An object of any names and values, each value as a payload.
    package func payloadsByName(_ name: String) -> [(name: String, value: Payload)]? {
        guard let view = read(name, "an object", { $0.kind == .object ? $0 : nil }) else {
            return nil
        }
        let place = place(name)
        return view.members.filter { !$0.value.isNull }.compactMap { member in
            if isFull { return nil }
            let name = member.name
            return payload(of: member.value, place + "/" + JSONPointer.escaped(name))
                .map { (name, $0) }
        }
    }

    // MARK: Inside

    private func place(_ name: String) -> String { pointer + "/" + JSONPointer.escaped(name) }

    private func member(_ name: String) -> JSONView? {
        let view = object[name]
        if !asked.contains(name) {
            asked.append(name)
            if view != nil { foundCount += 1 }
        }
        return view.flatMap { $0.isNull ? nil : $0 }
    }

    private func read<T>(
        _ name: String,
        _ expected: String,
        _ read: (JSONView) -> T?
    ) -> T? {
        guard let view = member(name) else { return nil }
        let value = read(view)
        if value == nil { self.expected(expected, at: place(name), found: view) }
        return value
    }

    private func require<T>(_ name: String, _ value: T?) -> T? {
        if value == nil, object.kind == .object, object[name]?.isNull ?? true {
            fault(name, "required")
        }
        return value
    }

    private func elements<T>(
        _ name: String,
        _ expected: String,
        _ read: (JSONView, String) -> T?
    ) -> [T]? {
        guard let view = self.read(name, expected, { $0.kind == .array ? $0 : nil }) else {
            return nil
        }
        let place = place(name)
        var values: [T] = []
        // With the list full the rest changes nothing, and there may be a megabyte of it.
        for index in 0..<view.count {
            guard !isFull, let element = view[index] else { break }
            if let value = read(element, "\(place)/\(index)") { values.append(value) }
        }
        return values
    }

    private func nested<T>(
        _ view: JSONView,
        _ pointer: String,
        _ read: (ObjectDecoder) -> T
    ) -> T {
        let decoder = ObjectDecoder(view, at: pointer, within: outermost ?? self)
        let value = read(decoder)
        decoder.refuseUnknown()
        return value
    }

    /// `place` is made only where it is needed: most values are right.
    private func payload(of view: JSONView, _ place: @autoclosure () -> String) -> Payload? {
        do {
            return try PayloadJSON.decode(view, .wire)
        } catch {
            note(error.pointer(root: place()), error.detail)
            return nil
        }
    }

    private func refuseUnknown() {
        guard foundCount < object.count else { return }
        for member in object.members {
            if isFull { return }
            if !asked.contains(member.name) { fault(member.name, "unknown field") }
        }
    }

    private func expected(_ what: String, at pointer: String, found view: JSONView) {
        note(pointer, "expected \(what), found \(view.kind.inWords)")
    }

    /// Whether no mistake would be noted any more.
    private var isFull: Bool { (outermost ?? self).errors.count >= ObjectDecoder.errorsMax }

    private func note(_ pointer: String, _ detail: String) {
        if isFull { return }
        (outermost ?? self).errors.append(BodyError(pointer: pointer, detail: detail))
    }
}

extension JSONView.Kind {
    /// The kind with its article, for messages.
    package var inWords: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer: "an integer"
        case .real: "a number that is no integer"
        case .boolean: "a boolean"
        case .null: "null"
        }
    }
}
