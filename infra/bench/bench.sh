# What the scripts beside it share: source it. It makes $work, a folder that is gone at the end with every process that was started here.
# Builds go to $work, so that nothing measured is what another build left. Servers listen on loopback only.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
declare -A pid=()
bench_stop() { ((${#pid[@]} == 0)) || { kill "${pid[@]}" 2>/dev/null || true; wait "${pid[@]}" 2>/dev/null || true; }; rm -rf "$work"; }
trap bench_stop EXIT

need() { for tool in "$@"; do command -v "$tool" >/dev/null || { echo "$tool is missing; install it." >&2; exit 1; }; done; }
publish_gateway() { dotnet publish "$root/src/MetaRouter.Gateway" -c Release -v q --nologo -o "$work/gateway" >&2; }
build() { local project; for project in "$@"; do dotnet build "$root/$project" -c Release -v q --nologo -o "$work/$(basename "$project")" >&2; done; }

start() { # NAME COMMAND...: in $work, its output to NAME.log
  local name=$1; shift
  (cd "$work" && exec "$@") >"$work/$name.log" 2>&1 & pid[$name]=$!
}
await() { # NAME URL
  for _ in $(seq 150); do
    curl -s -o /dev/null -m 2 "$2" && return
    kill -0 "${pid[$1]}" 2>/dev/null || break
    sleep 0.2
  done
  echo "$1 did not start:" >&2; cat "$work/$1.log" >&2; exit 1
}
# Asks for a decision until one comes, and ends everything where the process dies before: a start is timed by what it is good for.
first_decision() { # URL PROCESS LOG SECONDS_BETWEEN
  local answer="$work/answer"
  : >"$answer"
  for ((n = 0; n < 6000; n++)); do
    curl -sf -m 5 "$1/v1/router/route" -d '{"user":"ada","input":"What is 2+2?"}' >"$answer" 2>/dev/null && break
    kill -0 "$2" 2>/dev/null || break
    sleep "$4"
  done
  grep -q '"receipt"' "$answer" || { echo "No answer came:" >&2; cat "$3" >&2; exit 1; }
}
must_be_free() { ! curl -s -m 2 -o /dev/null "$1/" || { echo "Something already listens on $1; stop it, or set PORT." >&2; exit 1; }; } # URL
median() { sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"; } # FILE of one figure a line
start_mock() { start mock dotnet MockUpstream/MockUpstream.dll --urls "$1"; await mock "$1/"; } # URL
start_gateway() { # NAME URL STORE SETTINGS...
  local name=$1 url=$2 store=$3; shift 3
  start "$name" dotnet gateway/MetaRouter.Gateway.dll --urls "$url" --MetaRouter:Store "$store" "$@"; await "$name" "$url/health"
}
start_redis() { # NAME PORT FSYNC (always, everysec)
  mkdir "$work/$1-data"
  start "$1" redis-server --port "$2" --bind 127.0.0.1 --dir "$work/$1-data" --save "" --appendonly yes --appendfsync "$3"
  for _ in $(seq 100); do redis-cli -p "$2" ping >/dev/null 2>&1 && return; sleep 0.1; done
  echo "$1 did not start:" >&2; cat "$work/$1.log" >&2; exit 1
}
stop() { local name; for name in "$@"; do kill "${pid[$name]}"; wait "${pid[$name]}" 2>/dev/null || true; unset "pid[$name]"; done; }

cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/${pid[$1]}/stat"; } # NAME: seconds of processor so far
memory() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/${pid[$1]}/status"; } # NAME: resident megabytes
load() { cut -d' ' -f1 /proc/loadavg; }
warm_up() { wrk -t"${THREADS:-2}" -c"${CONNECTIONS:-64}" -d"${WARM_UP:-8}s" --timeout 10s -s "$here/$1" "$2" >/dev/null; } # SCRIPT URL
# SCRIPT URL NAME: what the script prints, and what one request costs the named process, which does not depend on what else the machine does.
saturate() {
  local before result
  before=$(cpu "$3")
  result=$(wrk -t"${THREADS:-2}" -c"${CONNECTIONS:-64}" -d"${SECONDS_RUN:-10}s" --timeout 10s -s "$here/$1" "$2" | grep -E '^(requests|feedback|p50|p99|failed)')
  echo "$result" | grep -v '^requests: '
  echo "$result" | awk -v used="$(echo "$(cpu "$3") $before" | awk '{ print $1 - $2 }')" '/^requests: / { printf "gateway CPU us/request: %.1f\n", used / $2 * 1e6 }'
}
