#!/usr/bin/env bash
# Durable feedback a second, and its latency at half that rate: over HTTP, and in the process without HTTP; on SQLite (group commit, full sync) and on Redis with appendfsync
# everysec and always. Every word is on a decision of its own, taken before the clock starts. Needs the .NET SDK, redis-server and curl.
# SECONDS_RUN (8), CONNECTIONS (64) and STORES ("sqlite everysec always") can be set in the environment.
source "$(dirname "$0")/bench.sh"
need dotnet redis-server redis-cli curl
seconds=${SECONDS_RUN:-8} connections=${CONNECTIONS:-64}
publish_gateway
build infra/bench/PacedLoad tests/MetaRouter.Hosting.Tests.Crash
paced() { dotnet "$work/PacedLoad/PacedLoad.dll" "$1" "$2" "$connections" "$3" feedback | sed -n 's/^LINE [0-9]* //p'; } # URL RATE SECONDS: how many, failed, p50, p99
printf '%-10s %-11s %12s %14s %12s %12s %8s %6s\n' store through feedback/s "at half rate" "p50 ms" "p99 ms" failed load
row() { printf '%-10s %-11s %12.0f %14.0f %12s %12s %8s %6s\n' "$@" "$(load)"; }
port=16590
for store in ${STORES:-sqlite everysec always}; do
  port=$((port + 1))
  [[ $store == sqlite ]] || start_redis "redis-$store" $port "$store"

  start_gateway "gateway-$store" http://127.0.0.1:18084 "$([[ $store == sqlite ]] && echo "sqlite:$work/http.db" || echo "redis:127.0.0.1:$port")"
  paced http://127.0.0.1:18084 0 4 >/dev/null
  read -r count failed _ _ < <(paced http://127.0.0.1:18084 0 "$seconds")
  rate=$((count / seconds))
  read -r _ failed_paced p50 p99 < <(paced http://127.0.0.1:18084 $((rate / 2)) "$seconds")
  row "$store" HTTP "$rate" $((rate / 2)) "$p50" "$p99" $((failed + failed_paced))
  stop "gateway-$store"

  read -r rate half p50 p99 < <(dotnet "$work/MetaRouter.Hosting.Tests.Crash/MetaRouter.Hosting.Tests.Crash.dll" throughput "$([[ $store == sqlite ]] && echo "$work/process.db" || echo "redis:127.0.0.1:$port")" "$seconds" | sed -n 's/^LINE //p')
  row "$store" in-process "$rate" "$half" "$p50" "$p99" 0
  [[ $store == sqlite ]] || stop "redis-$store"
done
