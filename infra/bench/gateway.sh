#!/usr/bin/env bash
# The gateway, with learned routing, beside the Portkey gateway: the same mock upstream, the same wrk script, one after the other on this machine.
# Prints requests/s and p99 at 64 connections with their ratios, and what the gateway adds to a direct call at 16: once with as many requests as the machine can take, where a
# request waits for those before it, and once paced at PACE (500) a second, where it does not. Needs the .NET SDK, node with npm, wrk, curl.
# SECONDS_RUN (10) and WARM_UP (8) can be set in the environment.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
pids=()
stop() { ((${#pids[@]} == 0)) || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }; rm -rf "$work"; }
trap stop EXIT
for tool in dotnet npm wrk curl; do command -v "$tool" >/dev/null || { echo "$tool is missing; install it." >&2; exit 1; }; done

dotnet publish "$root/src/MetaRouter.Gateway" -c Release -v q --nologo -o "$work/gateway" >&2
dotnet build "$here/MockUpstream" -c Release -v q --nologo -o "$work/mock" >&2
dotnet build "$here/PacedLoad" -c Release -v q --nologo -o "$work/paced" >&2
(cd "$work" && npm install --silent --no-audit --no-fund @portkey-ai/gateway@1.15.2 >&2)

await() { # NAME URL
  for _ in $(seq 150); do curl -s -o /dev/null -m 2 "$2" && return; sleep 0.2; done
  echo "$1 did not start:" >&2; cat "$work/$1.log" >&2; exit 1
}
mock=http://127.0.0.1:18091 ours=http://127.0.0.1:18092 theirs=http://127.0.0.1:18093
dotnet "$work/mock/MockUpstream.dll" --urls $mock >"$work/mock.log" 2>&1 & pids+=($!)
(cd "$work" && exec dotnet gateway/MetaRouter.Gateway.dll --urls $ours --MetaRouter:Store "sqlite:$work/bench.db" \
  --MetaRouter:Models:0:Id gpt-4o-2024-05-13 --MetaRouter:Models:0:InputPrice 5 --MetaRouter:Models:0:OutputPrice 15 \
  --MetaRouter:Models:1:Id mixtral-8x7b-instruct --MetaRouter:Models:1:InputPrice 0.5 --MetaRouter:Models:1:OutputPrice 0.5 \
  --MetaRouter:Models:2:Id gemini-1.5-pro-002 --MetaRouter:Models:2:InputPrice 1.25 --MetaRouter:Models:2:OutputPrice 5 \
  --Upstreams:0:Model "*" --Upstreams:0:BaseUrl $mock/v1) >"$work/gateway.log" 2>&1 & pids+=($!)
(cd "$work" && exec node node_modules/@portkey-ai/gateway/build/start-server.js --port=18093 --headless) >"$work/portkey.log" 2>&1 & pids+=($!)
await mock $mock/; await gateway $ours/health; await portkey $theirs/

portkey_headers="x-portkey-provider: openai|x-portkey-custom-host: $mock/v1"
run() { # URL CONNECTIONS SECONDS HEADERS: requests/s, p50 ms, p99 ms, failed
  HEADERS="${4:-}" wrk -t2 -c"$2" -d"${3}s" --timeout 10s -s "$here/chat.lua" "$1" | sed -n 's/^RESULT //p'
}
warm=${WARM_UP:-8} long=${SECONDS_RUN:-10}
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"; }
per_request() { awk -v a="$1" -v b="$2" -v rate="$3" -v s="$long" 'BEGIN { printf "%.0f", (b - a) / (rate * s) * 1e6 }'; }
run $ours 64 "$warm" >/dev/null; our_before=$(cpu "${pids[1]}"); read -r our_rate our_p50 our_p99 our_failed < <(run $ours 64 "$long"); our_cpu=$(per_request "$our_before" "$(cpu "${pids[1]}")" "$our_rate")
run $theirs 64 "$warm" "$portkey_headers" >/dev/null; their_before=$(cpu "${pids[2]}")
read -r their_rate their_p50 their_p99 their_failed < <(run $theirs 64 "$long" "$portkey_headers"); their_cpu=$(per_request "$their_before" "$(cpu "${pids[2]}")" "$their_rate")
run $mock 16 2 >/dev/null; read -r _ direct_p50 direct_p99 _ < <(run $mock 16 "$long")
run $ours 16 2 >/dev/null; read -r via_rate via_p50 via_p99 _ < <(run $ours 16 "$long")
pace=${PACE:-500}
paced() { dotnet "$work/paced/PacedLoad.dll" "$1" "$pace" 16 "$long" | sed -n 's/^LINE //p'; }
paced $mock >/dev/null; read -r _ _ _ paced_direct_p50 paced_direct_p99 < <(paced $mock)
paced $ours >/dev/null; read -r _ _ paced_failed paced_via_p50 paced_via_p99 < <(paced $ours)

echo "gateway: $our_rate requests/s, p50 $our_p50 ms, p99 $our_p99 ms, failed $our_failed (64 connections)"
echo "portkey: $their_rate requests/s, p50 $their_p50 ms, p99 $their_p99 ms, failed $their_failed (64 connections)"
echo "CPU a request: gateway $our_cpu us, portkey $their_cpu us"
awk -v a="$our_rate" -v b="$their_rate" -v c="$our_p99" -v d="$their_p99" 'BEGIN { printf "requests/s ratio to portkey: %.1f\np99 ratio to portkey: %.3f\n", a / b, c / d }'
added() { awk -v what="$1" -v a="$2" -v b="$3" -v c="$4" -v d="$5" 'BEGIN { printf "added latency at 16 connections, %s: p50 %.2f ms, p99 %.2f ms (direct p50 %.2f, p99 %.2f)\n", what, a - b, c - d, b, d }'; }
added "both cores saturated ($via_rate requests/s)" "$via_p50" "$direct_p50" "$via_p99" "$direct_p99"
added "paced at $pace requests/s (failed $paced_failed)" "$paced_via_p50" "$paced_direct_p50" "$paced_via_p99" "$paced_direct_p99"
