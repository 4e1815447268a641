#!/usr/bin/env bash
# Durable feedback over HTTP per second, each preceded by the decision it is about.
exec bash "$(dirname "$0")/bench.sh" feedback.lua
