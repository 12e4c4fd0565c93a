"""What the benches measure with."""

from __future__ import annotations

import json
import math
import mmap
import os
import subprocess
import sys

import pytest

from bench.measure import MIB, PeakMemory, closing_line, median

BLOCK = 48 * MIB


def test_a_peak_is_kept_after_the_memory_is_given_back() -> None:
    """The peak holds a block that is gone again, and the size of now does not."""
    memory = PeakMemory(os.getpid())
    memory.look()
    before = memory.now_bytes
    # Pages of its own: what other tests gave back to the heap would be used again.
    with mmap.mmap(-1, BLOCK) as block:
        block.write(os.urandom(BLOCK))
        memory.look()
        held = memory.now_bytes
    memory.look()
    assert before > 0
    assert held - before > 0.9 * BLOCK
    assert memory.peak_bytes == held
    assert held - memory.now_bytes > 0.9 * BLOCK
    assert memory.peak_by_process[os.getpid()] == held


def test_a_process_that_has_ended_has_no_memory() -> None:
    """Between two samples a child may end: nothing is raised, and it counts for nothing."""
    memory = PeakMemory(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        memory.look()
        child.communicate(b"\n")
    memory.look()
    assert child.pid in memory.peak_by_process


def test_the_closing_line_is_json_where_a_figure_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    """A median of nothing is null there: ``NaN`` is no JSON, and other programs refuse the line."""
    closing_line({"jobs": 0, "p50_s": median([]), "most": math.inf, "share": 0.123456, "worst": None})

    def refused(word: str) -> float:
        raise AssertionError(f"{word} is no JSON")

    said = json.loads(capsys.readouterr().out, parse_constant=refused)
    assert said == {"jobs": 0, "p50_s": None, "most": None, "share": 0.1235, "worst": None}
