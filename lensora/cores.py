"""How many CPU cores this process may use: what a library must be told, because each asks the machine by itself."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows a container its own limits (version 2), or those of each controller (version 1)."""


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Cores that may run this process at once: its CPU set, or its cgroup's quota where that is less; at least one.

    A pod with a limit of 2 CPUs on a node of 64 sees 64 of them, and a library that starts a thread for each is
    stopped by the quota most of the time.

    Args:
        cgroups: root of the cgroup file system; another one for tests.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroups)
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def threads_for(asked: int, cgroups: Path = CGROUPS) -> int:
    """A setting's number of threads, in which 0 means one for each usable core."""
    return asked or usable_cores(cgroups)


def _quota(cgroups: Path) -> float | None:
    """Cores that the quota allows on average; None where there is none."""
    try:
        quota, period = (cgroups / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            quota = (cgroups / "cpu" / "cpu.cfs_quota_us").read_text("ascii").strip()
            period = (cgroups / "cpu" / "cpu.cfs_period_us").read_text("ascii").strip()
        except OSError:
            return None
    try:
        share, per = float(quota), float(period)
    except ValueError:  # "max": no quota
        return None
    return share / per if share > 0.0 and per > 0.0 else None
