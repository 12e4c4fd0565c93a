"""The chaos bench, small: the same program that ``make bench-chaos`` runs with 200 jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_nothing_is_lost_while_everything_is_killed(tmp_path: Path) -> None:
    """20 jobs while processes die every second, Redis and the gateway among them: each ends once, the money adds up."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "bench.chaos", "--jobs", "20", "--delay", "0.25", "--slots", "3"),
            *("--kill-every", "1.0", "--limit", "100", "--keep", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr[-3000:]}"
    verdict = json.loads(run.stdout.splitlines()[-1])
    assert verdict["jobs"] == 20 and verdict["kills"] >= 3 and verdict["redis_kills"] >= 1
    for promise in ("lost", "double_terminal", "ledger_drift", "stages_rerun", "charged_unknown", "never_answered"):
        assert verdict[promise] == 0, (promise, verdict)
