-- Routes short requests of 1,000 users in turn.
local questions = {
  "Explain photosynthesis in two sentences.",
  "Write a SQL query that lists the ten customers who spent most last month.",
  "A train leaves at 9:40 and arrives at 13:05 having stopped twice for 7 minutes. How long did it move?",
  "Summarise the following paragraph for a ten-year-old: The mitochondrion is an organelle found in most eukaryotic cells.",
  "What is the capital of Mongolia?",
}
local n = 0

request = function()
  n = n + 1
  local body = string.format('{"user":"user-%d","input":"%s"}', n % 1000, questions[n % #questions + 1])
  return wrk.format("POST", "/v1/router/route", { ["content-type"] = "application/json" }, body)
end

done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("requests/s: %.0f\np50 ms: %.2f\np99 ms: %.2f\nfailed: %d\nrequests: %d\n", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed, summary.requests))
end
