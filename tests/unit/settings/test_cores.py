"""Threads follow what the process may use, not what the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lensora.cores import threads_for, usable_cores

HERE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("told", "cores"),
    [("100000 100000", 1), ("50000 100000", 1), ("max 100000", HERE), ("6400000 100000", HERE), ("nonsense", HERE)],
)
def test_a_quota_of_version_2_is_kept_to(tmp_path: Path, told: str, cores: int) -> None:
    """Half a core counts as one, no quota and a larger one than the CPU set change nothing."""
    (tmp_path / "cpu.max").write_text(told + "\n")
    assert usable_cores(tmp_path) == cores


def test_a_quota_of_version_1_is_kept_to(tmp_path: Path) -> None:
    """Older systems tell quota and period in two files; -1 is none."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    for quota, cores in (("100000", 1), ("-1", HERE)):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        assert usable_cores(tmp_path) == cores


def test_a_setting_has_the_last_word(tmp_path: Path) -> None:
    """0 asks for the budget; any other number is taken as it is, and a system without cgroups has none."""
    assert threads_for(0, tmp_path) == HERE
    assert threads_for(7, tmp_path) == 7
