-- What wrk sends: one small JSON message.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"topic":"job","payload":{"id":42,"name":"resize","tags":["a","b"]}}'
