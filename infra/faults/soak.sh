#!/usr/bin/env bash
# Two gateways on one Redis under steady load, and a random fault every minute: p50 and p99 of decisions and the gateways' memory, a line a minute, and in the end
# what was lost, doubled or answered wrongly. Needs redis-server and redis-cli.
# usage: soak.sh [MINUTES] [PAGE]   60 by default; PAGE: where the table is written, too
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-60} page=${2:-/dev/null}
dotnet build tests/MetaRouter.Faults -c Release -v q --nologo >&2
printf '# An hour of faults\n\nBy `bash infra/faults/soak.sh %s docs/results/soak.md`, %s, %s shared cores: two gateways on one Redis, steady load, a random fault in every minute but the first.\n\n' "$minutes" "$(date -u +%F)" "$(nproc)" >"$page"
dotnet exec tests/MetaRouter.Faults/bin/Release/net10.0/MetaRouter.Faults.dll soak "$minutes" | tee -a "$page"
