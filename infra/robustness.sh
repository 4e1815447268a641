#!/usr/bin/env bash
# Runs the robustness protocol on every pool and keeps its tables as docs/results/robustness.md and P6-POOL.json.
# usage: bash infra/robustness.sh DATA_DIR [more arguments of evaluate all, such as --seeds 1]
set -euo pipefail
data=$(realpath "${1:?usage: bash infra/robustness.sh DATA_DIR [ARGUMENTS]}")
shift
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
dotnet publish src/MetaRouter.Cli -c Release -o "$out/program" -v quiet --nologo
rm -f docs/results/robustness.md
for pool in mmlu-pro-8 routerbench-8 zeroeval-11; do
  dotnet "$out/program/metarouter.dll" evaluate all --only P6 --pool "$pool" --data "$data" --out "$out/$pool" "$@"
  cat "$out/$pool/report.md" >> docs/results/robustness.md
  cp "$out/$pool/report.json" "docs/results/P6-$pool.json"
done
