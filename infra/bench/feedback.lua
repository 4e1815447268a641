-- Two steps on every connection: route a request, then say what was thought of it. Only the second is durable.
-- wrk does not tell which request a response belongs to, so the user travels as x-request-id, which the gateway gives back.
local waiting, routed = {}, 0
local threads = {}

setup = function(thread)
  table.insert(threads, thread)
  thread:set("me", #threads)
  thread:set("acknowledged", 0)
  thread:set("failed", 0)
end

request = function()
  local one = table.remove(waiting)
  if one then
    local body = string.format('{"receipt":"%s","user":"%s","kind":"thumb","value":"up"}', one.receipt, one.user)
    return wrk.format("POST", "/v1/router/feedback", { ["content-type"] = "application/json" }, body)
  end
  routed = routed + 1
  local user = string.format("bench-%d-%d", me, routed % 10000)
  return wrk.format("POST", "/v1/router/route", { ["content-type"] = "application/json", ["x-request-id"] = user }, string.format('{"user":"%s","input":"What is the capital of Mongolia?"}', user))
end

response = function(status, headers, body)
  local receipt = string.match(body, '"receipt":"([^"]+)"')
  if receipt then
    table.insert(waiting, { receipt = receipt, user = headers["x-request-id"] })
  elseif status == 200 and string.find(body, '"counted":true', 1, true) then
    acknowledged = acknowledged + 1
  else
    failed = failed + 1
  end
end

done = function(summary, latency)
  local counted, refused = 0, 0
  for _, thread in ipairs(threads) do
    counted = counted + thread:get("acknowledged")
    refused = refused + thread:get("failed")
  end
  io.write(string.format("feedback/s: %.0f\nrequests/s: %.0f (routes and feedback)\np99 ms: %.2f\nfailed: %d\nrequests: %d\n", counted / summary.duration * 1e6, summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000, refused, summary.requests))
end
