#!/usr/bin/env bash
# What is shipped comes out the same again: builds the gateway and the command line twice, in two folders of different names and lengths, and compares our assemblies byte by byte
# (without debug symbols: the framework's logging generator writes its classes in an order of chance, which changes their line numbers and nothing else);
# with a data folder, trains the default snapshot again and compares it with the one that ships.
# usage: bash infra/reproduce.sh [DATA_DIR]      Ends with 1 where anything differs.
set -euo pipefail
data=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CI=true DOTNET_NOLOGO=1
build() { # FOLDER
  git clone -q . "$1"
  for project in src/MetaRouter.Gateway src/MetaRouter.Cli; do
    dotnet build "$1/$project" -c Release -v quiet -p:DebugType=none >&2
  done
  (cd "$1" && find src/*/bin -name 'MetaRouter*.dll' -o -path '*/bin/*' -name metarouter.dll | LC_ALL=C sort | xargs sha256sum)
}
build "$work/a" > "$work/first"
build "$work/another folder/of a longer name/b" > "$work/second"
if ! diff "$work/first" "$work/second"; then
  echo "The two builds differ." >&2
  exit 1
fi
echo "$(wc -l < "$work/first") assemblies, twice the same bytes, at $(git rev-parse --short HEAD)$(git diff --quiet || echo ' (changes that are not committed were not built)')."

[[ -z $data ]] && exit
dotnet "$work/a/src/MetaRouter.Cli/bin/Release/net10.0/metarouter.dll" train --data "$data" --seed 1 --out "$work/default.mrsnap" > "$work/train.log"
if ! cmp "$work/default.mrsnap" src/MetaRouter.Core/Snapshots/default.mrsnap; then
  echo "The snapshot that ships was trained by another version: this one gives $(grep -m1 '^version' "$work/train.log")." >&2
  exit 1
fi
echo "default.mrsnap: trained again, the same bytes, $(sha256sum < src/MetaRouter.Core/Snapshots/default.mrsnap | cut -c1-16)."
