#!/usr/bin/env bash
# Every test and the gate. The tests of whole processes wait as often as they compute, so the gate and the unit tests run
# beside them, at a lower priority. Fails if anything does.
#   tools/test.sh PYTHON
set -uo pipefail
python=$1
cd "$(dirname "$0")/.." || exit 1
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

beside() {
    OMP_NUM_THREADS=1 nice -n 10 "$python" -m quality.gate --processes 1 > "$said/gate" 2>&1
    local gate=$?
    nice -n 5 "$python" -m pytest -q tests/unit > "$said/unit" 2>&1
    local unit=$?
    return $((unit != 0 ? unit : gate))
}

beside &
other=$!
"$python" -m pytest -q --ignore=tests/unit
tests=$?
wait "$other"
other=$?
cat "$said/unit" "$said/gate"
exit $((tests != 0 ? tests : other))
