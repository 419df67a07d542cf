import Access
import HTTP
import JSON

/// `/v1/login` and `/v1/logout`: a token becomes a cookie, so that a page need not keep it.
enum Login {
    /// Nobody has shown a token yet who sends one of these.
    static let bodyBytesMax = 4_096

    /// `POST /v1/login {token}`: 204 with a cookie; where no tokens are on there is none to give.
    static func logIn(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let token = try call.body { $0.requiredString("token") }
        guard let authentication = context.authentication else { return .done }
        let (cookie, identity) = try authentication.logIn(token: token, call.request)
        call.record?.setWho(identity.token.name)
        return answer(cookie)
    }

    /// `POST /v1/logout`: ends the session the cookie names, if it names one.
    static func logOut(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        if let token = context.authentication?.logOut(call.request) {
            call.record?.setWho(token.name)
        }
        return answer(SessionCookie.end)
    }

    private static func answer(_ cookie: String) -> Response {
        Response(
            status: 204,
            headers: Headers([("Set-Cookie", cookie), ("Cache-Control", "no-store")])
        )
    }
}
