"""The attack bench, small: the same program that ``make bench-attack`` runs for longer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_another_customer_is_served_under_every_attack() -> None:
    """Half a second of each attack: no 5xx but "come back later", no charge wrong, every process within its memory."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.attack", "--seconds", "0.5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr[-3000:]}"
    verdict = json.loads(run.stdout.splitlines()[-1])
    assert verdict["requests"] > 100
    for promise in ("faults_5xx", "charges_wrong", "other_customer_failed", "over_memory"):
        assert verdict[promise] == 0, (promise, verdict)
    assert verdict["many_jobs_other_job_place"] <= 3
