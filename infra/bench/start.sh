#!/usr/bin/env bash
# Publishes the gateway as its container does, compiled ahead of time together with the framework, starts it on SQLite RUNS times and tells the median time from the
# start of the process to the first routed answer, and its memory once it has rested. usage: bash infra/bench/start.sh [RUNS]     (9)
# AHEAD=own compiles its own assemblies alone ahead of time, and needs an installed runtime; AHEAD=none compiles none. REST (30) seconds of rest; APP is a folder that
# was published before; PORT (18098). Needs curl.
source "$(dirname "$0")/bench.sh"
need dotnet git curl
runs=${1:-9} url="http://127.0.0.1:${PORT:-18098}"
cd "$root"

app=${APP:-$work/app}
if [[ -z ${APP:-} ]]; then
  case ${AHEAD:-all} in
    all) ahead=(--self-contained true --use-current-runtime -p:PublishReadyToRun=true -p:PublishReadyToRunComposite=true) ;;
    own) ahead=(--self-contained false --use-current-runtime -p:PublishReadyToRun=true) ;;
    none) ahead=() ;;
    *) echo "start.sh: AHEAD is '$AHEAD'; say all, own or none." >&2; exit 2 ;;
  esac
  # In a copy: what a publish for one machine needs more would be written into the lock files.
  mkdir "$work/source"
  git ls-files -z src 'docs/*.md' 'Directory.*' .editorconfig | tar -c --null -T - | tar -x -C "$work/source"
  (cd "$work/source" && env -u CI dotnet publish src/MetaRouter.Gateway -c Release "${ahead[@]}" -o "$app" -v quiet >&2)
fi

must_be_free "$url"
# Where the framework is compiled in, the program is started itself.
program=("$app/MetaRouter.Gateway")
[[ -e $app/libcoreclr.so ]] || program=(dotnet "$app/MetaRouter.Gateway.dll")
for ((run = 0; run < runs; run++)); do
  ((run == 0)) || stop gateway
  rm -rf "$work/store" && mkdir "$work/store"
  began=$(date +%s%N)
  start gateway "${program[@]}" --urls "$url" --MetaRouter:Store "sqlite:$work/store/users.db"
  first_decision "$url" "${pid[gateway]}" "$work/gateway.log" 0.005
  echo $((($(date +%s%N) - began) / 1000000)) >>"$work/all"
done
echo "start to first decision: median $(median "$work/all") ms of $runs, $(sort -n "$work/all" | head -n 1) to $(sort -n "$work/all" | tail -n 1)"
sleep "${REST:-30}"
awk -v s="${REST:-30}" '/^(VmRSS|VmHWM)/ { kb[$1] = $2 } END { printf "memory after %d s of rest: %.0f MB (at most %.0f)\n", s, kb["VmRSS:"] / 1024, kb["VmHWM:"] / 1024 }' "/proc/${pid[gateway]}/status"
