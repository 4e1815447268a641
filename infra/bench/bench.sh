#!/usr/bin/env bash
# bench.sh SCRIPT.lua: starts the gateway on a free port over a fresh SQLite store, warms it up, runs wrk on it, stops it.
# SECONDS_RUN (10), CONNECTIONS (64), THREADS (2) can be set in the environment. Needs wrk and curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
dll="$root/src/MetaRouter.Gateway/bin/Release/net10.0/MetaRouter.Gateway.dll"
[ -f "$dll" ] || dotnet build "$root/src/MetaRouter.Gateway" -c Release -v q >&2
url="http://127.0.0.1:${PORT:-18080}"
folder=$(mktemp -d)
dotnet "$dll" --urls "$url" --MetaRouter:Store "sqlite:$folder/bench.db" >"$folder/log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null; wait $gateway 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 150); do
  curl -sf "$url/health" >/dev/null && break
  kill -0 $gateway 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
wrk -t"${THREADS:-2}" -c"${CONNECTIONS:-64}" -d"${WARM_UP:-15}s" -s "$here/$1" "$url" >/dev/null
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$gateway/stat"; }
before=$(cpu)
result=$(wrk -t"${THREADS:-2}" -c"${CONNECTIONS:-64}" -d"${SECONDS_RUN:-10}s" -s "$here/$1" "$url" | grep -E '^(requests|feedback|p50|p99|failed)')
after=$(cpu)
echo "$result" | grep -v '^requests: '
# Independent of what else the machine does.
echo "$result" | awk -v used="$(echo "$after $before" | awk '{ print $1 - $2 }')" '/^requests: / { printf "gateway CPU us/request: %.1f\n", used / $2 * 1e6 }'
