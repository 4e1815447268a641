#!/usr/bin/env bash
# Publishes the gateway, compiled ahead of time, starts it on SQLite RUNS times and tells the median time from the start of the process to the first routed answer,
# and its memory once it has rested. usage: bash infra/bench/start.sh [RUNS]     (9)
# REST (30) seconds of rest; PLAIN=1 publishes without ReadyToRun; APP is a folder that was published before; PORT (18098). Needs curl.
set -euo pipefail
runs=${1:-9} url="http://127.0.0.1:${PORT:-18098}"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d) gateway=''
stop() { [[ -z $gateway ]] || { kill "$gateway" 2>/dev/null || true; wait "$gateway" 2>/dev/null || true; gateway=''; }; }
trap 'stop; rm -rf "$work"' EXIT

app=${APP:-$work/app}
if [[ -z ${APP:-} ]]; then
  ahead=()
  [[ -n ${PLAIN:-} ]] || ahead=(-p:PublishReadyToRun=true --use-current-runtime)
  # In a copy: what a publish for one machine needs more would be written into the lock files.
  mkdir "$work/source"
  git ls-files -z src 'Directory.*' .editorconfig | tar -c --null -T - | tar -x -C "$work/source"
  (cd "$work/source" && env -u CI dotnet publish src/MetaRouter.Gateway -c Release --self-contained false "${ahead[@]}" -o "$app" -v quiet >&2)
fi

start() { # sets $milliseconds
  local began n
  rm -rf "$work/store" && mkdir "$work/store"
  began=$(date +%s%N)
  dotnet "$app/MetaRouter.Gateway.dll" --urls "$url" --MetaRouter:Store "sqlite:$work/store/users.db" >"$work/log" 2>&1 &
  gateway=$!
  for ((n = 0; n < 3000; n++)); do
    curl -sf -m 5 "$url/v1/router/route" -d '{"user":"ada","input":"What is 2+2?"}' >"$work/answer" 2>/dev/null && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.005
  done
  grep -q '"receipt"' "$work/answer" || { echo "No answer came:" >&2; cat "$work/log" >&2; exit 1; }
  milliseconds=$((($(date +%s%N) - began) / 1000000))
}

! curl -s -m 2 -o /dev/null "$url/" || { echo "Something already listens on $url; stop it, or set PORT." >&2; exit 1; }
for ((run = 0; run < runs; run++)); do
  stop
  start
  echo "$milliseconds" >>"$work/all"
done
echo "start to first decision: median $(sort -n "$work/all" | sed -n "$(((runs + 1) / 2))p") ms of $runs, $(sort -n "$work/all" | head -n 1) to $(sort -n "$work/all" | tail -n 1)"
sleep "${REST:-30}"
awk -v s="${REST:-30}" '/^(VmRSS|VmHWM)/ { kb[$1] = $2 } END { printf "memory after %d s of rest: %.0f MB (at most %.0f)\n", s, kb["VmRSS:"] / 1024, kb["VmHWM:"] / 1024 }' "/proc/$gateway/status"
