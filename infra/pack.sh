#!/usr/bin/env bash
# Packs for NuGet what others build on: the libraries, and the command line and the gateway as .NET tools; with Orleans' packages, its two as well.
# usage: bash infra/pack.sh OUT_DIR [VERSION]      ORLEANS=false: without the two
set -euo pipefail
out=$(realpath -m "${1:?usage: bash infra/pack.sh OUT_DIR [VERSION]}")
version=${2:+-p:Version=$2}
cd "$(dirname "$0")/.."
export CI=true # documentation, sources' links, every analyzer

for name in Core Hosting Client Extensions.AI Cli Gateway; do
    dotnet pack "src/MetaRouter.$name" -c Release -o "$out" --nologo -v quiet $version
done
if [ "${ORLEANS:-true}" = true ]; then
    for name in Orleans.Abstractions Orleans; do
        dotnet pack "src/MetaRouter.$name" -c Release -o "$out" --nologo -v quiet -p:UseOrleans=true $version
    done
    dotnet restore MetaRouter.Cluster.sln -v quiet # the two forms share their obj folders
fi
ls "$out"
