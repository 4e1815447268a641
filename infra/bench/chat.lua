-- The same chat request to whoever is asked, for 1,000 users in turn. HEADERS: more headers, "name: value" separated by "|".
local headers = { ["content-type"] = "application/json", ["authorization"] = "Bearer any" }
for name, value in string.gmatch(os.getenv("HEADERS") or "", "([^:|]+): ([^|]+)") do
  headers[name] = value
end
local n = 0

request = function()
  n = n + 1
  local body = string.format('{"model":"auto","user":"user-%d","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is the capital of Mongolia, and how many people live there?"}]}', n % 1000)
  return wrk.format("POST", "/v1/chat/completions", headers, body)
end

done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %.0f %.3f %.3f %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
