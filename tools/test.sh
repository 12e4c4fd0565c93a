#!/usr/bin/env bash
# Every test and the gate, side by side: tests wait for processes as often as they compute. Fails if either does.
#   tools/test.sh PYTHON
set -uo pipefail
python=$1
cd "$(dirname "$0")/.." || exit 1
gate_said=$(mktemp)
trap 'rm -f "$gate_said"' EXIT
OMP_NUM_THREADS=1 nice -n 10 "$python" -m quality.gate --processes 1 > "$gate_said" 2>&1 &
gate=$!
"$python" -m pytest -q
tests=$?
wait "$gate"
gate=$?
cat "$gate_said"
exit $((tests != 0 ? tests : gate))
