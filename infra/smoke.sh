#!/usr/bin/env bash
# Starts the gateway as the README says, routes and learns over HTTP, kills it with SIGKILL under load, starts it again and checks that every
# acknowledged signal is there once. Prints "smoke: acknowledged N, lost 0, counted twice 0"; needs curl.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
base=http://127.0.0.1:8080
export MetaRouter__Store="sqlite:$work/smoke.db"
runner=
stop() { [[ -z $runner ]] || { kill -9 $(pgrep -P "$runner") "$runner" 2>/dev/null || true; wait "$runner" 2>/dev/null || true; runner=; }; }
trap 'stop; rm -rf "$work"' EXIT

# Another program's answers would pass for the gateway's.
if curl -s -m 2 -o /dev/null "$base/"; then
  echo "Something already listens on $base; stop it first." >&2
  exit 1
fi

start() { # ARGUMENTS of dotnet run...
  dotnet run -c Release --project src/MetaRouter.Gateway "$@" >"$work/gateway.log" 2>&1 &
  runner=$!
  for _ in $(seq 300); do
    curl -fs -m 2 "$base/health" >/dev/null 2>&1 && return
    kill -0 "$runner" 2>/dev/null || break
    sleep 0.2
  done
  echo "The gateway did not start:" >&2
  cat "$work/gateway.log" >&2
  exit 1
}

post() { curl -fs -m 5 -H 'content-type: application/json' -d "$2" "$base$1"; }

# Routes and gives feedback until the gateway is gone; notes what was acknowledged.
worker() {
  local user n=0 receipt answer
  while ((++n < 10000)); do
    user=user-$1-$((n / 40)) # a user's window holds 64 signals
    receipt=$(post /v1/router/route "{\"user\":\"$user\",\"input\":\"Question $n: how many sides has a hexagon?\"}" | sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p') || return 0
    [[ -n $receipt ]] || return 0
    answer=$(post /v1/router/feedback "{\"receipt\":\"$receipt\",\"user\":\"$user\",\"kind\":\"thumb\",\"value\":\"up\"}") || return 0
    [[ $answer == *'"counted":true'* ]] && echo "$user $receipt" >>"$work/acknowledged.$1"
  done
}

start
chat=$(post /v1/chat/completions '{"model":"auto","user":"ada","messages":[{"role":"user","content":"What is 7 times 8?"}]}')
[[ $chat == *'"object":"chat.completion"'* ]] || { echo "No completion: $chat" >&2; exit 1; }
curl -fs -m 5 "$base/v1/models" | grep -q '"auto"' || { echo "The models list has no 'auto'." >&2; exit 1; }

for w in 1 2 3 4 5 6 7 8; do worker "$w" & workers[w]=$!; done
sleep "${SMOKE_SECONDS:-3}"
stop
for w in 1 2 3 4 5 6 7 8; do wait "${workers[w]}" || true; done

start --no-build
acknowledged=0 lost=0 twice=0
for w in 1 2 3 4 5 6 7 8; do
  declare -A mine=()
  while read -r user receipt; do
    acknowledged=$((acknowledged + 1)) mine[$user]=$((${mine[$user]:-0} + 1))
    answer=$(post /v1/router/feedback "{\"receipt\":\"$receipt\",\"user\":\"$user\",\"kind\":\"thumb\",\"value\":\"up\"}")
    [[ $answer == *'"counted":false'* ]] || lost=$((lost + 1))
  done < <(cat "$work/acknowledged.$w" 2>/dev/null || true)
  # What was on its way when the process died may have been saved without its answer: one more at most.
  for user in "${!mine[@]}"; do
    signals=$(curl -fs -m 5 "$base/v1/router/users/$user" | sed -n 's/.*"signals":\([0-9]*\).*/\1/p')
    [[ -n $signals ]] || { echo "User $user has no count of signals." >&2; exit 1; }
    ((signals <= mine[$user] + 1)) || twice=$((twice + 1))
  done
  unset mine
done
echo "smoke: acknowledged $acknowledged, lost $lost, counted twice $twice"
((acknowledged > 0 && lost == 0 && twice == 0))
