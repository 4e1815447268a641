#!/usr/bin/env bash
# Runs every protocol the README reports and keeps each result as one line of JSON in docs/results.
# usage: bash infra/results.sh DATA_DIR      then: METAROUTER_WRITE_README=1 dotnet test tests/MetaRouter.Evaluation.Tests --filter Readme
set -euo pipefail
data=$(realpath "${1:?usage: bash infra/results.sh DATA_DIR}")
cd "$(dirname "$0")/.."
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
dotnet publish src/MetaRouter.Cli -c Release -o "$program" -v quiet --nologo
run() { # NAME ARGUMENTS...
  local name=$1; shift
  echo "metarouter $*" >&2
  dotnet "$program/metarouter.dll" "$@" --data "$data" --json | tail -n 1 > "docs/results/$name.json"
}
for protocol in P1a P1b; do run "$protocol" evaluate "$protocol" --published --ablations; done
run P1c evaluate P1c --published
for pool in mmlu-pro-8 routerbench-8 zeroeval-11; do
  run "P2-$pool" evaluate P2 --pool "$pool" --published --ablations
  run "kinds-$pool" evaluate kinds --pool "$pool"
  run "P3-$pool" evaluate P3 --pool "$pool"
  run "P3-variants-$pool" evaluate variants --pool "$pool"
  run "P3-changes-$pool" evaluate changes --pool "$pool"
  run "arrival-$pool" evaluate arrival --pool "$pool"
  run "P4-$pool" evaluate P4 --pool "$pool"
done
run P5 evaluate P5
