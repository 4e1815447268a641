#!/usr/bin/env bash
# Decisions over HTTP per second: the gateway with its example models over a fresh SQLite store. Needs the .NET SDK, wrk and curl.
# SECONDS_RUN (10), WARM_UP (8), CONNECTIONS (64), THREADS (2) can be set in the environment, and any setting of the gateway's, such as Telemetry__Metrics=false.
source "$(dirname "$0")/bench.sh"
need dotnet wrk curl
publish_gateway
url=http://127.0.0.1:${PORT:-18080}
start_gateway gateway "$url" "sqlite:$work/bench.db"
warm_up route.lua "$url"
saturate route.lua "$url" gateway
echo "load average: $(load)"
