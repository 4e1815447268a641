#!/usr/bin/env bash
# Takes the pictures of the console (docs/img/console-*.png): starts the demo, lets it run, and drives a browser through the views.
# usage: bash infra/screenshots.sh [SECONDS]; needs node, npm and chromium (or CHROMIUM=PROGRAM)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-90}
chromium=${CHROMIUM:-$(command -v chromium)} || { echo "No chromium here. Install it (apt-get install chromium), or name the program: CHROMIUM=PROGRAM." >&2; exit 1; }
work=$(mktemp -d)
gateway=
trap '[[ -z $gateway ]] || kill "$gateway" 2>/dev/null || true; rm -rf "$work"' EXIT

dotnet publish src/MetaRouter.Gateway -c Release -o "$work/gateway" -v quiet --nologo
cp tests/MetaRouter.Gateway.Tests/npm/{package.json,package-lock.json,screenshots.mjs} "$work"
(cd "$work" && npm ci --silent --no-audit --no-fund)

: >"$work/gateway.log"
(cd "$work/gateway" && exec dotnet MetaRouter.Gateway.dll --demo --urls http://127.0.0.1:0 --Demo:RequestsPerSecond 20 --MetaRouter:RefreshSeconds 20) >"$work/gateway.log" 2>&1 &
gateway=$!
for _ in $(seq 100); do
  url=$(grep -o -m 1 'listens on http://127.0.0.1:[1-9][0-9]*' "$work/gateway.log" | cut -d' ' -f3 || true)
  [[ -z $url ]] || break
  kill -0 "$gateway" 2>/dev/null || { cat "$work/gateway.log" >&2; exit 1; }
  sleep 0.2
done

sleep "$seconds"
node "$work/screenshots.mjs" "{\"url\":\"$url\",\"out\":\"$PWD/docs/img\",\"chromium\":\"$chromium\"}"
echo
large=$(find docs/img -name 'console-*.png' -size +200k)
[[ -z $large ]] || { echo "Larger than 200 kB: $large" >&2; exit 1; }
