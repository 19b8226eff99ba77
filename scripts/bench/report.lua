-- What wrk measured, as one line of JSON. With BODY and BOUNDARY in the environment: sends that body as a form.
local body = os.getenv("BODY")
if body then
  local file = io.open(body, "rb")
  wrk.method, wrk.body = "POST", file:read("*a")
  wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. os.getenv("BOUNDARY")
  file:close()
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
