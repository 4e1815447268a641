#!/usr/bin/env bash
# soak.sh [MINUTES] [RATE]: the gateway under a constant load, 30 minutes at 1,000 requests/s unless said otherwise; 1 in 100 fails at its upstream and 1 in 20 answers gets feedback.
# Prints memory and latencies each minute, then whether it grew. The first 120,000 requests warm up: by then the console keeps as many decisions as it ever does. Of the memory measured every
# 5 s after that, the median of the later half may be at most 5 % above the median of the earlier half; else the verdict is growth and the exit code 1. Needs the .NET SDK and curl.
source "$(dirname "$0")/bench.sh"
minutes=${1:-30} rate=${2:-1000}
warm=$((120000 / rate))
((minutes * 60 >= warm + 60)) || { echo "soak.sh: $minutes minutes at $rate requests/s leave less than a minute after the warm-up of $warm s; give at least $(((warm + 119) / 60))." >&2; exit 2; }
need dotnet curl
publish_gateway
build infra/bench/MockUpstream infra/bench/PacedLoad
mock=http://127.0.0.1:18291 ours=http://127.0.0.1:18292
start_mock $mock
start_gateway gateway $ours "sqlite:$work/soak.db" --Upstreams:0:Model "*" --Upstreams:0:BaseUrl $mock/v1
start load dotnet PacedLoad/PacedLoad.dll $ours "$rate" 64 $((minutes * 60)) soak
shown=0
for ((second = 5; second <= minutes * 60; second += 5)); do
  sleep 5
  kill -0 "${pid[gateway]}" 2>/dev/null || { echo "The gateway ended:" >&2; cat "$work/gateway.log" >&2; exit 1; }
  ((second <= warm)) || memory gateway >>"$work/memory"
  ((second <= warm)) || echo >>"$work/memory"
  if (($(wc -l <"$work/load.log") > shown)); then
    shown=$((shown + 1))
    sed -n "${shown}p" "$work/load.log" | awk -v mb="$(memory gateway)" '{ printf "minute %d: %s requests, failed %s, p50 %s ms, p99 %s ms, memory %s MB\n", $2, $3, $4, $5, $6, mb }'
  fi
done
wait "${pid[load]}" || { cat "$work/load.log" >&2; exit 1; }
tail -n +$((shown + 1)) "$work/load.log" | awk -v mb="$(memory gateway)" '{ printf "minute %d: %s requests, failed %s, p50 %s ms, p99 %s ms, memory %s MB\n", $2, $3, $4, $5, $6, mb }'
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
half=$(($(wc -l <"$work/memory") / 2))
awk -v a="$(head -n $half "$work/memory" | median)" -v b="$(tail -n $half "$work/memory" | median)" 'BEGIN {
  grew = b > 1.05 * a
  printf "%s: median memory after the warm-up %.0f MB in the earlier half, %.0f MB in the later\n", grew ? "growth after warm-up" : "no growth after warm-up", a, b
  exit grew
}'
