#!/usr/bin/env bash
# How much memory COUNT (5,000) idle streams hold: each has begun and waits for its upstream's next word. Needs the .NET SDK, node, curl, and ulimit -n above twice COUNT.
source "$(dirname "$0")/bench.sh"
need dotnet node curl
count=${COUNT:-5000}
ulimit -n $((count * 3 + 1000))
publish_gateway
build infra/bench/MockUpstream
mock=http://127.0.0.1:18191 ours=http://127.0.0.1:18192
start_mock $mock
start_gateway gateway $ours "sqlite:$work/streams.db" --Upstreams:0:Model "*" --Upstreams:0:BaseUrl $mock/v1 --Upstreams:0:IdleSeconds 600
before=$(memory gateway)
mkfifo "$work/hold"
exec 3<>"$work/hold"
node "$here/streams.mjs" 18192 "$count" <"$work/hold" >"$work/streams.log" & pid[streams]=$!
for _ in $(seq 600); do grep -q open "$work/streams.log" && break; sleep 0.2; done
sleep 5
echo "$(cat "$work/streams.log") of $count"
echo "gateway MB before: $before, with idle streams: $(memory gateway)"
