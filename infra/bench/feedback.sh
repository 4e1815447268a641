#!/usr/bin/env bash
# Durable feedback a second, and its latency at half that rate and at half of what is asked of a store (5,000 on SQLite; 15,000 and 6,000 on Redis): over HTTP, and in the process without HTTP; on SQLite (group commit, full sync) and on Redis with appendfsync
# everysec and always. Every word is on a decision of its own, taken before the clock starts. Needs the .NET SDK, redis-server and curl.
# usage: bash infra/bench/feedback.sh [PAGE]     PAGE: where the table is written, too
# SECONDS_RUN (8), CONNECTIONS (64) and STORES ("sqlite everysec always") can be set in the environment.
source "$(dirname "$0")/bench.sh"
need dotnet redis-server redis-cli curl
seconds=${SECONDS_RUN:-8} connections=${CONNECTIONS:-64}
publish_gateway
build infra/bench/PacedLoad tests/MetaRouter.Hosting.Tests.Crash
paced() { dotnet "$work/PacedLoad/PacedLoad.dll" "$1" "$2" "$connections" "$3" feedback | sed -n 's/^LINE [0-9]* //p'; } # URL RATE SECONDS: how many, failed, p50, p99
page=${1:+$(realpath -m "$1")} table="$work/table"
tell() { echo "$1" | tee -a "$table"; }
row() { tell "$(printf '| %-8s | %-10s | %10.0f | %8.0f | %6s | %6s | %8s | %6s | %6s | %6s | %5s |' "$@" "$(load)")"; }
tell '| store    | through    | feedback/s | at /s    | p50 ms | p99 ms | at /s    | p50 ms | p99 ms | failed | load  |'
tell '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
declare -A asked=([sqlite]=5000 [everysec]=15000 [always]=6000)
port=16590
for store in ${STORES:-sqlite everysec always}; do
  slow=$((asked[$store] / 2))
  port=$((port + 1))
  [[ $store == sqlite ]] || start_redis "redis-$store" $port "$store"

  start_gateway "gateway-$store" http://127.0.0.1:18084 "$([[ $store == sqlite ]] && echo "sqlite:$work/http.db" || echo "redis:127.0.0.1:$port")"
  paced http://127.0.0.1:18084 0 4 >/dev/null
  read -r count failed _ _ < <(paced http://127.0.0.1:18084 0 "$seconds")
  rate=$((count / seconds))
  read -r _ failed_half half50 half99 < <(paced http://127.0.0.1:18084 $((rate / 2)) "$seconds")
  read -r _ failed_slow slow50 slow99 < <(paced http://127.0.0.1:18084 $slow "$seconds")
  row "$store" HTTP "$rate" $((rate / 2)) "$half50" "$half99" $slow "$slow50" "$slow99" $((failed + failed_half + failed_slow))
  stop "gateway-$store"

  read -r rate half half50 half99 slow50 slow99 < <(dotnet "$work/MetaRouter.Hosting.Tests.Crash/MetaRouter.Hosting.Tests.Crash.dll" throughput "$([[ $store == sqlite ]] && echo "$work/process.db" || echo "redis:127.0.0.1:$port")" "$seconds" $slow | sed -n 's/^LINE //p')
  row "$store" in-process "$rate" "$half" "$half50" "$half99" $slow "$slow50" "$slow99" 0
  [[ $store == sqlite ]] || stop "redis-$store"
done

[[ -z $page ]] || {
  printf '# Durable feedback\n\nBy `bash infra/bench/feedback.sh docs/results/feedback.md`, %s: acknowledged words a second, each on a decision of its own, with %s at a time for %s s; then p50 and p99 at half that rate, and at half of what is asked of the store. Store, router and load share %s cores. SQLite syncs fully, by group commit; Redis appends with `appendfsync everysec` or `always`.\n\n' "$(date -u +%F)" "$connections" "$seconds" "$(nproc)"
  cat "$table"
} >"$page"
