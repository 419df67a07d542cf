import Testing

@testable import Posix

@Suite struct `A processor quota` {
    @Test(
        arguments: [
            ("max 100000\n", nil),
            ("100000 100000\n", 1),
            ("150000 100000\n", 2),
            ("200000 100000\n", 2),
            ("200001 100000\n", 3),
            ("5000 100000\n", 1),
            ("50000 10000", 5),
            ("9223372036854775807 1\n", Int.max),
            ("0 100000\n", nil),
            ("-1 100000\n", nil),
            ("100000 0\n", nil),
            ("100000\n", nil),
            ("", nil),
            ("max\n", nil),
            ("a b\n", nil),
            ("1 2 3\n", nil),
            ("99999999999999999999 100000\n", nil),
        ] as [(String, Int?)]
    )
    func `is read from cpu.max, rounded up`(text: String, expected: Int?) {
        #expect(ProcessorQuota.processors(cpuMax: text) == expected)
    }

    @Test(
        arguments: [
            ("0::/\n", "/"),
            ("0::/user.slice/app.service\n", "/user.slice/app.service"),
            ("0::/with:colon\n", "/with:colon"),
            ("12:cpu,cpuacct:/docker/ab\n1:name=systemd:/x\n0::/docker/ab\n", "/docker/ab"),
            ("0::/../outside\n", "/../outside"),
            ("12:cpu,cpuacct:/docker/ab\n1:name=systemd:/x\n", nil),
            ("10::/ten\n", nil),
            ("", nil),
        ] as [(String, String?)]
    )
    func `belongs to the group of version 2`(text: String, expected: String?) {
        #expect(ProcessorQuota.group(in: text) == expected)
    }

    @Test(arguments: [
        ("/", [""]),
        ("/a", ["/a", ""]),
        ("/a/b.slice/c", ["/a/b.slice/c", "/a/b.slice", "/a", ""]),
        ("/../outside", [""]),
        ("/a/../b", [""]),
    ])
    func `is looked for from the group outward`(group: String, expected: [String]) {
        #expect(ProcessorQuota.folders(of: group) == expected)
    }

    @Test(
        arguments: [
            // In a container: the group is the mount.
            (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n"], 2),
            // The narrowest of all counts, wherever it is.
            (
                [
                    "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                    "/sys/fs/cgroup/a/cpu.max": "100000 100000\n",
                    "/sys/fs/cgroup/cpu.max": "800000 100000\n",
                ], 1
            ),
            // Seen by the host's name for it, with only the container's own files mounted.
            (
                [
                    "/proc/self/cgroup": "0::/docker/ab\n",
                    "/sys/fs/cgroup/cpu.max": "300000 100000\n",
                ], 3
            ),
            (["/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "max 100000\n"], nil),
            // No quota at all, no version 2, no such files.
            (["/proc/self/cgroup": "0::/\n"], nil),
            (["/proc/self/cgroup": "1:cpu:/\n", "/sys/fs/cgroup/cpu.max": "100000 100000\n"], nil),
            ([:], nil),
        ] as [([String: String], Int?)]
    )
    func `is the smallest around us`(files: [String: String], expected: Int?) {
        #expect(ProcessorQuota.processors { files[$0] } == expected)
    }

    @Test func `leaves at least one processor here`() {
        #expect(Processors.allowed >= 1)
        let own = try? FileDescriptor.reading(path: "/proc/self/cgroup")
        #expect(own?.shortText()?.contains(":/") == true)
    }
}
