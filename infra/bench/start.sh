#!/usr/bin/env bash
# Publishes the gateway as its container does, compiled ahead of time together with the framework, starts it on SQLite RUNS times and tells the median time from the
# start of the process to the first routed answer, and its memory once it has rested. usage: bash infra/bench/start.sh [RUNS] [PAGE]     RUNS: 9; PAGE: where it is written, too
# AHEAD=own compiles its own assemblies alone ahead of time, and needs an installed runtime; AHEAD=none compiles none. REST (30) seconds of rest; APP is a folder that
# was published before; PORT (18098). Needs curl.
source "$(dirname "$0")/bench.sh"
need dotnet git curl
runs=${1:-9} page=${2:+$(realpath -m "$2")} url="http://127.0.0.1:${PORT:-18098}"
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
  cpu gateway | awk '{ printf "%.0f\n", $1 * 1000 }' >>"$work/cpu"
done
middle=$(median "$work/all") least=$(sort -n "$work/all" | head -n 1) most=$(sort -n "$work/all" | tail -n 1) worked=$(median "$work/cpu") load=$(load) rest=${REST:-30}
echo "start to first decision: median $middle ms of $runs, $least to $most; processor time $worked ms"
sleep "$rest"
read -r resting peak < <(awk '/^(VmRSS|VmHWM)/ { kb[$1] = $2 } END { printf "%.0f %.0f\n", kb["VmRSS:"] / 1024, kb["VmHWM:"] / 1024 }' "/proc/${pid[gateway]}/status")
echo "memory after $rest s of rest: $resting MB (at most $peak)"

[[ -z $page ]] || {
  printf '# A start\n\nBy `bash infra/bench/start.sh %s docs/results/start.md`, %s: the gateway published as its container is, started on an empty SQLite file with the shipped snapshot and the demo'"'"'s models, %s times on %s cores (load average %s): from the start of the process to the first routed answer over HTTP; the processor time that it had taken by then, which does not depend on what else the machine does; and the resident memory of the last one after %s s of rest.\n\n' "$runs" "$(date -u +%F)" "$runs" "$(nproc)" "$load" "$rest"
  printf '| start to first decision, median | least | most | processor time | memory at rest | most before |\n|---:|---:|---:|---:|---:|---:|\n| %s ms | %s ms | %s ms | %s ms | %s MB | %s MB |\n' "$middle" "$least" "$most" "$worked" "$resting" "$peak"
} >"$page"
