/// An array that only grows, in pages: no append moves what is there.
///
/// An ordinary array of a million elements grows by a copy that takes tens of milliseconds, for
/// which whoever holds the lock around it stops all others.
@safe
struct PagedArray<Element>: ~Copyable {
    private static var pageBits: Int { 12 }
    private static var pageCount: Int { 1 << pageBits }

    // SAFETY: each page has room for `pageCount` elements; those below `count` are initialised.
    private var pages: [UnsafeMutablePointer<Element>] = unsafe []
    private(set) var count = 0

    init() {}

    deinit {
        for unsafe(number, page) in unsafe pages.enumerated() {
            let filled = min(count - number * Self.pageCount, Self.pageCount)
            unsafe page.deinitialize(count: filled)
            unsafe page.deallocate()
        }
    }

    mutating func append(_ element: Element) {
        if unsafe count == pages.count << Self.pageBits {
            unsafe pages.append(.allocate(capacity: Self.pageCount))
        }
        unsafe (pages[count >> Self.pageBits] + (count & (Self.pageCount - 1)))
            .initialize(to: element)
        count += 1
    }

    subscript(_ index: Int) -> Element {
        unsafeAddress { unsafe UnsafePointer(address(index)) }
        unsafeMutableAddress { unsafe address(index) }
    }

    private func address(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < count, "the index is one that was appended")
        return unsafe pages[index >> Self.pageBits] + (index & (Self.pageCount - 1))
    }
}
