#!/usr/bin/env bash
# Every test and the gate, in two lanes: a lane that is free takes the next group, each a process of its own. What a group
# says is printed when it ends. Fails if any group does.
#   tools/test.sh PYTHON
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PYTHON=$1
SAID=$(mktemp -d)
export SAID
trap 'rm -rf "$SAID"' EXIT

LANES=2

# A group's niceness, its name, and what it runs. The long ones come first, so that none is left alone at the end. Tests of
# whole processes wait as often as they compute, and some have clocks: what only computes gives way to them.
groups=$(cat << 'END'
0 stack pytest tests/e2e tests/chaos
10 gate quality.gate --processes 1
5 unit pytest tests/unit
0 others pytest tests
0 jobs pytest tests/integration/jobs tests/integration/pipeline tests/integration/http tests/integration/egress
0 browser pytest tests/browser
3 stages pytest tests/integration/detect tests/integration/segment tests/integration/mesh tests/integration/render
3 nets pytest tests/integration/models tests/integration/triton tests/golden
END
)
# The others are all that no group names: a new folder is never left out.
ignored=$(grep -oE ' tests/\S+' <<< "$groups" | sed 's/^ /--ignore=/' | xargs)
groups=${groups/pytest tests$'\n'/pytest tests $ignored$'\n'}

group() {
    local niceness=$1 name=$2 status=0
    shift 2
    [ "$1" != pytest ] || set -- "$@" -q --durations=10
    SECONDS=0
    nice -n "$niceness" "$PYTHON" -m "$@" > "$SAID/$name" 2>&1 || status=$?
    {
        flock 9
        printf '== %s: %d s, status %d\n' "$name" "$SECONDS" "$status"
        cat "$SAID/$name"
    } 9> "$SAID/printing"
    return $((status != 0))
}
export -f group

printf '%d groups, %d at a time; what a group says is printed when it ends, the first after some minutes\n' \
    "$(wc -l <<< "$groups")" "$LANES"
xargs -P "$LANES" -L 1 bash -c 'group "$@"' group <<< "$groups"
