"""The primary of the job store is killed, and Sentinel makes a replica the primary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lensora.testing.valkey import valkey_first

ROOT = Path(__file__).parents[2]


def test_a_failover_loses_nothing_that_replicas_had(tmp_path: Path) -> None:
    """The primary is killed with jobs in flight: each accepted job ends once, and the money adds up."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.failover", "--jobs", "12", "--delay", "0.15", "--keep", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PATH": valkey_first()},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr[-3000:]}"
    verdict = json.loads(run.stdout.splitlines()[-1])
    assert verdict["server"].startswith("Valkey 8"), "the chart's own"
    assert verdict["jobs"] == 12 and verdict["redis_kills"] == 1
    for promise in ("lost_before_window", "double_terminal", "ledger_drift", "charged_unknown", "never_answered"):
        assert verdict[promise] == 0, (promise, verdict)
    assert verdict["lost"] <= verdict["lost_in_window"], "what the store knows has ended"
    assert 0 < verdict["away_s"] < 20
