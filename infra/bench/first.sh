#!/usr/bin/env bash
# From `git clone` to the first routed answer, by the README's command. usage: bash infra/bench/first.sh [RUNS]     (1; the median of more)
# PACKAGES=empty downloads every package anew (otherwise this user's package cache is used); SERVERS=warm lets a run that is not counted start the build servers
# (otherwise each run starts its own). SRC is the repository to clone (this one), PORT the port (18099). Prints "first answer after N s". Needs git and curl.
source "$(dirname "$0")/bench.sh"
need dotnet git curl
runs=${1:-1} url="http://127.0.0.1:${PORT:-18099}"
src=${SRC:-$root} gateway='' servers=''
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
trap 'stop_gateway; stop_servers; bench_stop' EXIT

once() { # prints seconds
  local began
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
  first_decision "$url" "$gateway" "$work/log" 0.05
  seconds=$(awk -v n=$(($(date +%s%N) - began)) 'BEGIN { printf "%.1f", n / 1e9 }')
  cd "$work"
  stop_gateway
}

must_be_free "$url"
[[ ${SERVERS:-} != warm ]] || once
for ((run = 0; run < runs; run++)); do
  once
  echo "first answer after $seconds s"
  echo "$seconds" >>"$work/all"
done
((runs < 2)) || echo "median $(median "$work/all") s of $runs"
