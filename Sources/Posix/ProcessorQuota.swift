/// How many processors' worth of time the control groups around this program let it use.
///
/// A container that may use "2 CPUs" of a machine of 64 usually still sees all 64; the limit is a
/// quota of CPU time in each period, kept by a control group (cgroup v2). Workers beyond it would
/// use the quota up early in a period and then all stand still for the rest of it.
///
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst, `cpu.max`; cgroups(7).
enum ProcessorQuota {
    private static let mount = "/sys/fs/cgroup"

    /// The smallest quota of all groups around us, rounded up to whole processors and at least one;
    /// nil with none.
    ///
    /// `read` gives a file's text, or nil where there is no such file.
    static func processors(_ read: (String) -> String?) -> Int? {
        guard let membership = read("/proc/self/cgroup"), let own = group(in: membership) else {
            return nil
        }
        return folders(of: own).compactMap { folder in
            read(mount + folder + "/cpu.max").flatMap(processors(cpuMax:))
        }.min()
    }

    /// Our group's path in `/proc/self/cgroup`, of lines `number:controllers:path`.
    ///
    /// The line of version 2 has number 0 and no controllers. Nil without one, as where only version
    /// 1 is in use.
    static func group(in text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix("0::/") {
            return String(line.dropFirst(3))
        }
        return nil
    }

    /// The folders of a group and of those around it, from the innermost to the mount itself ("").
    ///
    /// A path that begins outside of what is mounted here (`/../other`) has only the mount.
    static func folders(of group: String) -> [String] {
        let names = group.split(separator: "/")
        if names.contains("..") { return [""] }
        return (0...names.count).reversed().map { count in
            names.prefix(count).map { "/" + $0 }.joined()
        }
    }

    /// What the text of a `cpu.max` file allows: `QUOTA PERIOD` or `max PERIOD`, in microseconds.
    ///
    /// Nil for no limit, and for a text that is none of these.
    static func processors(cpuMax text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]),
            quota > 0, period > 0
        else { return nil }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }
}
