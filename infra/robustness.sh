#!/usr/bin/env bash
# Runs the robustness protocol on every pool and keeps its tables as docs/results/robustness.md and P6.json.
# usage: bash infra/robustness.sh DATA_DIR [more arguments of evaluate all, such as --pool mmlu-pro-8]
set -euo pipefail
data=$(realpath "${1:?usage: bash infra/robustness.sh DATA_DIR [ARGUMENTS]}")
shift
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
dotnet publish src/MetaRouter.Cli -c Release -o "$out/program" -v quiet --nologo
dotnet "$out/program/metarouter.dll" evaluate all --only P6 --data "$data" --out "$out" "$@"
cp "$out/report.md" docs/results/robustness.md
cp "$out/report.json" docs/results/P6.json
