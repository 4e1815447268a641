#!/usr/bin/env bash
# Every fault at full size, each over gateways, Redis and upstream of its own, and thousands of random schedules over the stores themselves; writes the tables to
# docs/results/faults.md. About ten minutes; needs redis-server, redis-cli and libfaketime, and for the full disk the right to mount.
# usage: run.sh                     everything
#        run.sh NAME...             these faults only, to standard output ('Redis paused', 'disk full', ...)
# SCHEDULES (3000) can be set in the environment, and RUN_THROUGH, a command that each fault is started by, such as nice.
set -euo pipefail
cd "$(dirname "$0")/../.."
dotnet build tests/MetaRouter.Faults -c Release -v q --nologo >&2
faults() { ${RUN_THROUGH:-} dotnet exec tests/MetaRouter.Faults/bin/Release/net10.0/MetaRouter.Faults.dll "$@"; }
if (($# > 0)); then
  faults run "$@"
  exit
fi
status=0
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
{
  echo "# Faults"
  echo
  echo "By \`bash infra/faults/run.sh\` on $(date -u +%F), $(nproc) shared cores, load average $(cut -d' ' -f1 /proc/loadavg) at the start. What each column means: [faults](../faults.md)."
  echo
  header=2
  while read -r name; do
    faults run "$name" </dev/null > "$rows" || status=$?
    tail -n "+$((3 - header))" "$rows"
    header=0
  done < <(faults names)
  echo
  echo "## Random schedules"
  echo
  faults schedules "${SCHEDULES:-3000}" || status=$?
} > docs/results/faults.md.new
mv docs/results/faults.md.new docs/results/faults.md
cat docs/results/faults.md
exit "$status"
