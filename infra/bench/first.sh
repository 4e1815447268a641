#!/usr/bin/env bash
# From `git clone` to the first routed answer, by the README's command. usage: bash infra/bench/first.sh [RUNS]     (1; the median of more)
# PACKAGES=empty downloads every package anew (otherwise this user's package cache is used); SERVERS=warm lets a run that is not counted start the build servers
# (otherwise each run starts its own). SRC is the repository to clone (this one), PORT the port (18099). Prints "first answer after N s". Needs git and curl.
set -euo pipefail
runs=${1:-1} url="http://127.0.0.1:${PORT:-18099}"
src=${SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
work=$(mktemp -d) gateway='' servers=''
# A machine that somebody builds on, not one that tests.
unset CI UseSharedCompilation MSBUILDDISABLENODEREUSE DOTNET_CLI_USE_MSBUILD_SERVER

stop_gateway() { # `dotnet run` and the program it started
  [[ -z $gateway ]] || { kill $(pgrep -P "$gateway") "$gateway" 2>/dev/null || true; wait "$gateway" 2>/dev/null || true; gateway=''; }
}
stop_servers() { # those of this measurement, by the name they were given
  [[ -z $servers ]] || for environ in /proc/[0-9]*/environ; do
    local id=${environ#/proc/}
    ! grep -qsz "^SharedCompilationId=$servers\$" "$environ" || [[ ${id%/environ} == "$$" ]] || kill "${id%/environ}" 2>/dev/null || true
  done
}
trap 'stop_gateway; stop_servers; rm -rf "$work"' EXIT

once() { # prints seconds
  local began n
  rm -rf "$work/clone"
  if [[ ${PACKAGES:-} == empty ]]; then
    rm -rf "$work/packages" "$work/http"
    export NUGET_PACKAGES="$work/packages" NUGET_HTTP_CACHE_PATH="$work/http"
  fi
  if [[ ${SERVERS:-} != warm || -z $servers ]]; then
    stop_servers
    servers="first-$$-$RANDOM"
  fi
  began=$(date +%s%N)
  git clone -q "$src" "$work/clone"
  cd "$work/clone"
  SharedCompilationId=$servers MSBUILDNODEHANDSHAKESALT=$servers dotnet run -c Release --project src/MetaRouter.Gateway -- --urls "$url" --MetaRouter:Store "sqlite:$work/clone/users.db" >"$work/log" 2>&1 &
  gateway=$!
  for ((n = 0; n < 6000; n++)); do
    curl -sf -m 5 "$url/v1/router/route" -d '{"user":"ada","input":"What is 2+2?"}' >"$work/answer" 2>/dev/null && break
    kill -0 "$gateway" 2>/dev/null || break
    sleep 0.05
  done
  grep -q '"receipt"' "$work/answer" || { echo "No answer came:" >&2; cat "$work/log" >&2; exit 1; }
  seconds=$(awk -v n=$(($(date +%s%N) - began)) 'BEGIN { printf "%.1f", n / 1e9 }')
  cd "$work"
  stop_gateway
}

! curl -s -m 2 -o /dev/null "$url/" || { echo "Something already listens on $url; stop it, or set PORT." >&2; exit 1; }
[[ ${SERVERS:-} != warm ]] || once
for ((run = 0; run < runs; run++)); do
  once
  echo "first answer after $seconds s"
  echo "$seconds" >>"$work/all"
done
((runs < 2)) || echo "median $(sort -n "$work/all" | sed -n "$(((runs + 1) / 2))p") s of $runs"
