/// The version of this program, as `--version` and `GET /v1/system` say it.
enum Version {
    static let current = "0.1.0"
}
