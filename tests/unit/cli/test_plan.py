"""``lensora plan``: the formula, and what the command prints."""

from __future__ import annotations

import json
import math

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lensora.cli.plan import PROCESSOR_SECONDS, SECONDS_A_DAY, plan, plan_for
from lensora.core.errors import InvalidRequest


def test_formula() -> None:
    """At one job a second and full use, the cores are the processor seconds of a job."""
    found = plan_for(SECONDS_A_DAY, peak=1.0, utilisation=1.0)
    assert found.peak_jobs_a_second == 1.0
    assert {need.process: need.cores for need in found.needs} == pytest.approx(dict(PROCESSOR_SECONDS))
    assert {need.process: need.pods for need in found.needs} == {
        process: max(2 if process == "gateway" else 1, math.ceil(cost)) for process, cost in PROCESSOR_SECONDS.items()
    }


@given(jobs=st.integers(1, 10**8), peak=st.floats(1, 50), utilisation=st.floats(0.1, 1))
def test_more_load_never_needs_less(jobs: int, peak: float, utilisation: float) -> None:
    """Twice the jobs need at least as many pods, slots and bytes; every process has a pod."""
    small = plan_for(jobs, peak=peak, utilisation=utilisation)
    large = plan_for(2 * jobs, peak=peak, utilisation=utilisation)
    for one, other in zip(small.needs, large.needs, strict=True):
        assert 1 <= one.pods <= other.pods
    assert 1 <= small.worker_slots <= large.worker_slots
    assert small.redis_gib <= large.redis_gib
    assert small.artifacts_gib <= large.artifacts_gib


def test_prints_formula_and_table() -> None:
    """A person reads the formula and one line a process."""
    done = CliRunner().invoke(plan, ["--jobs-per-day", "20000"])
    assert done.exit_code == 0
    assert "cores = arrivals * processor seconds of a job / utilisation" in done.output
    for process in PROCESSOR_SECONDS:
        assert f"\n  {process}" in done.output


def test_prints_json() -> None:
    """A program reads one JSON object; seconds of one's own replace the measured ones."""
    done = CliRunner().invoke(plan, ["--jobs-per-day", "86400", "--peak", "1", "--seconds", "mesh=40", "--json"])
    needs = {need["process"]: need for need in json.loads(done.output)["needs"]}
    assert needs["mesh"]["pods"] == math.ceil(40 / 0.7)


@pytest.mark.parametrize("text", ["meshes=1", "mesh=fast", "mesh=0", "mesh"])
def test_refuses_bad_seconds(text: str) -> None:
    """A bad --seconds is named with what it takes."""
    done = CliRunner().invoke(plan, ["--jobs-per-day", "1", "--seconds", text])
    assert isinstance(done.exception, InvalidRequest)
    assert text in str(done.exception)
