#!/usr/bin/env bash
# Everything side by side in one go: the upstream asked directly, this gateway embedded (SQLite) and on Redis with learned routing, and Portkey's gateway from npm. The same mock
# upstream, the same requests; the ways take turns in short rounds, so that what disturbs the machine disturbs all of them alike.
# Saturated: wrk with 64 and with 16 connections, as many requests as the machine can take. Paced: 16 connections at PACE (500) requests a second, where none waits for another.
# usage: all.sh [PAGE]     Prints rates, latencies and each way's ratios to the direct call and to Portkey's, and writes them to PAGE (docs/results/gateway.md) with pictures in ../img beside it. About four minutes.
# Needs the .NET SDK, node with npm, wrk, curl, redis-server. ROUNDS (3), SECONDS_RUN (5), WARM_UP (8), PACE, WAYS ("direct sqlite redis portkey") can be set in the environment.
source "$(dirname "$0")/bench.sh"
need dotnet npm wrk curl redis-server redis-cli
page=${1:+$(realpath -m "$1")}
rounds=${ROUNDS:-3} seconds=${SECONDS_RUN:-5} pace=${PACE:-500}
read -ra ways <<<"${WAYS:-direct sqlite redis portkey}"
publish_gateway
build infra/bench/MockUpstream infra/bench/PacedLoad tests/MetaRouter.Benchmarks
(cd "$work" && npm install --silent --no-audit --no-fund @portkey-ai/gateway@1.15.2 >&2)
load_before=$(load)

declare -A url=([direct]=http://127.0.0.1:18091 [sqlite]=http://127.0.0.1:18092 [redis]=http://127.0.0.1:18094 [portkey]=http://127.0.0.1:18093)
declare -A server=([direct]=mock [sqlite]=sqlite [redis]=redis [portkey]=portkey)
export_headers() { export HEADERS=; [[ $1 != portkey ]] || HEADERS="x-portkey-provider: openai|x-portkey-custom-host: ${url[direct]}/v1"; }
models=(--MetaRouter:Models:0:Id gpt-4o-2024-05-13 --MetaRouter:Models:0:InputPrice 5 --MetaRouter:Models:0:OutputPrice 15
  --MetaRouter:Models:1:Id mixtral-8x7b-instruct --MetaRouter:Models:1:InputPrice 0.5 --MetaRouter:Models:1:OutputPrice 0.5
  --MetaRouter:Models:2:Id gemini-1.5-pro-002 --MetaRouter:Models:2:InputPrice 1.25 --MetaRouter:Models:2:OutputPrice 5
  --Upstreams:0:Model "*" --Upstreams:0:BaseUrl "${url[direct]}/v1")
start_mock "${url[direct]}"
for way in "${ways[@]}"; do
  case $way in
    sqlite) start_gateway sqlite "${url[sqlite]}" "sqlite:$work/bench.db" "${models[@]}" ;;
    redis) start_redis redis-server 16491 everysec; start_gateway redis "${url[redis]}" redis:127.0.0.1:16491 "${models[@]}" ;;
    portkey) start portkey node node_modules/@portkey-ai/gateway/build/start-server.js --port=18093 --headless; await portkey "${url[portkey]}/" ;;
  esac
done

# KIND WAY CONNECTIONS SECONDS: a line of results: kind, way, requests/s, p50 ms, p99 ms, failed, processor us/request
wrk_round() {
  local before rate p50 p99 failed
  before=$(cpu "${server[$2]}")
  read -r rate p50 p99 failed < <(wrk -t2 -c"$3" -d"$4s" --timeout 10s -s "$here/chat.lua" "${url[$2]}" | sed -n 's/^RESULT //p')
  echo "$1 $2 $rate $p50 $p99 $failed $(echo "$(cpu "${server[$2]}") $before $rate $4" | awk '{ printf "%.1f", ($1 - $2) / ($3 * $4) * 1e6 }')"
}
paced_round() {
  local count failed p50 p99
  read -r _ count failed p50 p99 < <(dotnet "$work/PacedLoad/PacedLoad.dll" "${url[$2]}" "$pace" "$3" "$4" | sed -n 's/^LINE //p')
  echo "$1 $2 $(awk -v n="$count" -v s="$4" 'BEGIN { print n / s }') $p50 $p99 $failed 0"
}
for way in "${ways[@]}"; do export_headers "$way"; warm_up chat.lua "${url[$way]}"; done
for ((round = 1; round <= rounds; round++)); do for way in "${ways[@]}"; do export_headers "$way"; wrk_round saturated-64 "$way" 64 "$seconds"; done; done >>"$work/results"
for ((round = 1; round <= rounds; round++)); do for way in "${ways[@]}"; do export_headers "$way"; wrk_round saturated-16 "$way" 16 "$seconds"; done; done >>"$work/results"
# A way that is busy at this pace would be measured by its queue.
paced_ways=()
for way in "${ways[@]}"; do awk -v way="$way" -v pace="$pace" '$1 == "saturated-16" && $2 == way { sum += $3; n++ } END { exit !(sum / n >= 1.5 * pace) }' "$work/results" && paced_ways+=("$way"); done
for ((round = 0; round <= rounds; round++)); do for way in "${paced_ways[@]}"; do export_headers "$way"; paced_round "$([[ $round == 0 ]] && echo warm-up || echo "paced-16")" "$way" 16 "$seconds"; done; done | grep -v '^warm-up' >>"$work/results"
dotnet "$work/MetaRouter.Benchmarks/MetaRouter.Benchmarks.dll" gateway "$work/results" "$pace" "load average $load_before before and $(load) after, $(nproc) cores shared by load, upstream and gateway, $(date -u +%F)" ${page:+"$page"}
