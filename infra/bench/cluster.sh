#!/usr/bin/env bash
# The cluster beside its own ceilings, on real Orleans and a real redis-server: calls a second, memory a user, the way back from Redis.
# Usage: cluster.sh [SECONDS A MEASUREMENT, 4] [USERS TO TOUCH, 1000000] [PAGE]     PAGE: where it is written, too (docs/results/cluster.md)
set -euo pipefail
page=${3:+$(realpath -m "$3")}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-4} users=${2:-1000000} redis_port=16490
command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq redis-server; }

dotnet build -c Release tests/MetaRouter.Orleans.Load -p:UseOrleans=true -v q --nologo
load="dotnet exec tests/MetaRouter.Orleans.Load/bin/Release/net10.0/MetaRouter.Orleans.Load.dll"
folder=$(mktemp -d)
redis-server --port $redis_port --bind 127.0.0.1 --dir "$folder" --save "" --appendonly yes --appendfsync everysec >"$folder/redis.log" & redis=$!
trap 'kill ${silo:-} $redis 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT
until redis-cli -p $redis_port ping >/dev/null 2>&1; do sleep 0.1; done

run() {
  $load silo 127.0.0.1:$redis_port 21490 31490 >"$folder/silo.log" 2>&1 & silo=$!
  for _ in $(seq 600); do grep -q '^ready' "$folder/silo.log" && break; sleep 0.1; done
  $load "$@" | tee -a "$folder/results"
  kill $silo; wait $silo || true
}
load_before=$(cut -d' ' -f1 /proc/loadavg)
run rates 127.0.0.1:$redis_port "$seconds"
run touch 127.0.0.1:$redis_port "$users"

# Rates, their ratios, and what is told in sentences.
[[ -z $page ]] || awk -v command="bash infra/bench/cluster.sh $seconds $users docs/results/cluster.md" \
  -v when="$(date -u +%F), $(nproc) cores shared by client, silo and Redis, load average $load_before before" '
  match($0, / +[0-9]+\/s +p50 +[0-9.]+ ms +p99 +[0-9.]+ ms$/) { split(substr($0, RSTART), f, " "); sub(/\/s/, "", f[1]); rates = rates "| " substr($0, 1, RSTART - 1) " | " f[1] " | " f[3] " | " f[6] " |\n"; next }
  /^[^:]+: [0-9.]+$/ { split($0, f, ": "); ratios = ratios "| " f[1] " | " f[2] " |\n"; next }
  { told = told "- " $0 "\n" }
  END {
    printf "# The cluster beside its own ceilings\n\nBy `%s`, %s: one silo, 64 calls at a time, medians of three rounds in which the calls take turns; Redis appends with `appendfsync everysec`.\n\n", command, when
    printf "| call | a second | p50 ms | p99 ms |\n|---|---:|---:|---:|\n%s\n| ratio, within each round | |\n|---|---:|\n%s\n%s", rates, ratios, told
  }' "$folder/results" >"$page"
