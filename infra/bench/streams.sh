#!/usr/bin/env bash
# How much memory COUNT (5,000) idle streams hold: each has begun and waits for its upstream's next word. Needs the .NET SDK, node, curl, and ulimit -n above twice COUNT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
count=${COUNT:-5000}
work=$(mktemp -d)
pids=()
stop() { exec 3>&- 2>/dev/null || true; ((${#pids[@]} == 0)) || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }; rm -rf "$work"; }
trap stop EXIT
ulimit -n $((count * 3 + 1000))
dotnet publish "$root/src/MetaRouter.Gateway" -c Release -v q --nologo -o "$work/gateway" >&2
dotnet build "$here/MockUpstream" -c Release -v q --nologo -o "$work/mock" >&2
mock=http://127.0.0.1:18191 ours=http://127.0.0.1:18192
dotnet "$work/mock/MockUpstream.dll" --urls $mock >"$work/mock.log" 2>&1 & pids+=($!)
(cd "$work" && exec dotnet gateway/MetaRouter.Gateway.dll --urls $ours --MetaRouter:Store "sqlite:$work/streams.db" \
  --Upstreams:0:Model "*" --Upstreams:0:BaseUrl $mock/v1 --Upstreams:0:IdleSeconds 600) >"$work/gateway.log" 2>&1 & gateway=$!; pids+=($gateway)
for url in $mock/ $ours/health; do for _ in $(seq 150); do curl -s -o /dev/null -m 2 "$url" && break; sleep 0.2; done; done
memory() { awk '/^VmRSS/ { printf "%.0f", $2 / 1024 }' "/proc/$gateway/status"; }
before=$(memory)
mkfifo "$work/hold"
exec 3<>"$work/hold"
node "$here/streams.mjs" 18192 "$count" <"$work/hold" >"$work/streams.log" & pids+=($!)
for _ in $(seq 600); do grep -q open "$work/streams.log" && break; sleep 0.2; done
sleep 5
echo "$(cat "$work/streams.log") of $count"
echo "gateway MB before: $before, with idle streams: $(memory)"
