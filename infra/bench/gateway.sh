#!/usr/bin/env bash
# The gateway, with learned routing over SQLite, beside a direct call and Portkey's gateway: all.sh without Redis and without the page.
WAYS="direct sqlite portkey" exec bash "$(dirname "$0")/all.sh"
