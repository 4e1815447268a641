#!/usr/bin/env bash
# Two gateways on one Redis under steady load, and a random fault every minute: p50 and p99 of decisions and the gateways' memory, a line a minute, and in the end
# what was lost, doubled or answered wrongly. Needs redis-server and redis-cli.
# usage: soak.sh [MINUTES]          60 by default
set -euo pipefail
cd "$(dirname "$0")/../.."
dotnet build tests/MetaRouter.Faults -c Release -v q --nologo >&2
exec dotnet exec tests/MetaRouter.Faults/bin/Release/net10.0/MetaRouter.Faults.dll soak "${1:-60}"
