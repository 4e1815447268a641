#!/usr/bin/env bash
# Runs every protocol with every router, and keeps the tables (docs/report.md) and the pictures (docs/img) that the README shows; the page itself stays in OUT_DIR.
# usage: bash infra/pictures.sh DATA_DIR OUT_DIR [more arguments of evaluate all, such as --seeds 2 or --only P2]
set -euo pipefail
data=$(realpath "${1:?usage: bash infra/pictures.sh DATA_DIR OUT_DIR [ARGUMENTS]}")
out=$(realpath -m "${2:?usage: bash infra/pictures.sh DATA_DIR OUT_DIR [ARGUMENTS]}")
shift 2
cd "$(dirname "$0")/.."
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
dotnet publish src/MetaRouter.Cli -c Release -o "$program" -v quiet --nologo
dotnet "$program/metarouter.dll" evaluate all --data "$data" --out "$out" "$@"
cp "$out"/img/*.svg docs/img/
cp "$out/report.md" docs/report.md
