#!/usr/bin/env bash
# Publishes the gateway, compiled ahead of time, starts it on SQLite RUNS times and tells the median time from the start of the process to the first routed answer,
# and its memory once it has rested. usage: bash infra/bench/start.sh [RUNS]     (9)
# REST (30) seconds of rest; PLAIN=1 publishes without ReadyToRun; APP is a folder that was published before; PORT (18098). Needs curl.
source "$(dirname "$0")/bench.sh"
need dotnet git curl
runs=${1:-9} url="http://127.0.0.1:${PORT:-18098}"
cd "$root"

app=${APP:-$work/app}
if [[ -z ${APP:-} ]]; then
  ahead=()
  [[ -n ${PLAIN:-} ]] || ahead=(-p:PublishReadyToRun=true --use-current-runtime)
  # In a copy: what a publish for one machine needs more would be written into the lock files.
  mkdir "$work/source"
  git ls-files -z src 'Directory.*' .editorconfig | tar -c --null -T - | tar -x -C "$work/source"
  (cd "$work/source" && env -u CI dotnet publish src/MetaRouter.Gateway -c Release --self-contained false "${ahead[@]}" -o "$app" -v quiet >&2)
fi

must_be_free "$url"
for ((run = 0; run < runs; run++)); do
  ((run == 0)) || stop gateway
  rm -rf "$work/store" && mkdir "$work/store"
  began=$(date +%s%N)
  start gateway dotnet "$app/MetaRouter.Gateway.dll" --urls "$url" --MetaRouter:Store "sqlite:$work/store/users.db"
  first_decision "$url" "${pid[gateway]}" "$work/gateway.log" 0.005
  echo $((($(date +%s%N) - began) / 1000000)) >>"$work/all"
done
echo "start to first decision: median $(median "$work/all") ms of $runs, $(sort -n "$work/all" | head -n 1) to $(sort -n "$work/all" | tail -n 1)"
sleep "${REST:-30}"
awk -v s="${REST:-30}" '/^(VmRSS|VmHWM)/ { kb[$1] = $2 } END { printf "memory after %d s of rest: %.0f MB (at most %.0f)\n", s, kb["VmRSS:"] / 1024, kb["VmHWM:"] / 1024 }' "/proc/${pid[gateway]}/status"
