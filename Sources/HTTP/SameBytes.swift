/// Whether the bytes are the same, one by one: as names, hosts and paths are compared.
package func sameBytes(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    for index in left.indices where left[index] != right[index] { return false }
    return true
}
