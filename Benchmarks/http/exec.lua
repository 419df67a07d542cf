-- What wrk sends: start a process that ends at once, and wait for its result.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"entry":"app:nothing","host":"app:processes"}'
