/// The one of `candidates` that `word` is most likely a slip of the keyboard for, or nil.
func nearest<Words: Sequence<String>>(to word: String, among candidates: Words) -> String? {
    let slipsMax = word.utf8.count < 4 ? 1 : 2
    return
        candidates
        .map { (slips: editDistance(word, $0), candidate: $0) }
        .filter { $0.slips <= slipsMax && $0.slips < $0.candidate.utf8.count }
        .min { ($0.slips, $0.candidate) < ($1.slips, $1.candidate) }?
        .candidate
}

/// `, did you mean "..."?` where there is a likely candidate, else nothing.
func suggestion<Words: Sequence<String>>(for word: String, among candidates: Words) -> String {
    nearest(to: word, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ""
}

/// How many bytes to insert, delete, replace or swap with a neighbour to get from one to the other.
///
/// Words whose lengths differ by more than a slip are simply far apart.
private func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    guard abs(left.count - right.count) <= 2, left.count <= 256 else { return .max }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, byte) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var best = min(last[column + 1] + 1, current[column] + 1)
            best = min(best, last[column] + (byte == other ? 0 : 1))
            if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
