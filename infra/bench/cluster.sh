#!/usr/bin/env bash
# The cluster beside its own ceilings, on real Orleans and a real redis-server: calls a second, memory a user, the way back from Redis.
# Usage: cluster.sh [SECONDS A MEASUREMENT, 4] [USERS TO TOUCH, 1000000]
set -euo pipefail
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
  $load "$@"
  kill $silo; wait $silo || true
}
run rates 127.0.0.1:$redis_port "$seconds"
run touch 127.0.0.1:$redis_port "$users"
