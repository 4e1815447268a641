#!/usr/bin/env bash
# Decisions over HTTP per second.
exec bash "$(dirname "$0")/bench.sh" route.lua
