"""What the benches share: medians, memory of process trees, tables, and the closing JSON line."""

from __future__ import annotations

import json
import math
import platform
import statistics
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

MIB = 1024 * 1024
SAMPLE_INTERVAL_S = 0.1
"""Often enough for a peak that lasts as long as one inference."""
GROWN_BYTES = MIB
"""A process that has grown by this much is asked anew how much of its memory it shares."""


def median(values: Iterable[float]) -> float:
    """The median; NaN for none."""
    found = list(values)
    return statistics.median(found) if found else float("nan")


class PeakMemory:
    """Peak of the summed proportional memory of a process and all its children, while the block runs.

    Proportional set size (PSS) counts a page that several processes share once; where the system does not tell it,
    resident size is taken. To work it out, the system walks through every page: for a whole stack, ten times a second,
    that is a fifth of a core, taken from what is measured. So it is asked for where a process has grown; in between,
    what the process shares with others is taken to be what it was.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._sizes: dict[int, _Size] = {}
        self.peak_bytes = 0
        self.now_bytes = 0
        self.peak_by_process: dict[int, int] = {}

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def peak_mb(self) -> float:
        """The peak, in MiB."""
        return self.peak_bytes / MIB

    def look(self) -> None:
        """Take one sample now."""
        total = 0
        for process in [self._root, *self._root.children(recursive=True)]:
            size = self._sizes.setdefault(process.pid, _Size(process)).now()
            total += size
            self.peak_by_process[process.pid] = max(size, self.peak_by_process.get(process.pid, 0))
        self.now_bytes = total
        self.peak_bytes = max(self.peak_bytes, total)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_INTERVAL_S):
            self.look()


class _Size:
    """A process's proportional memory, asked for anew only where it has grown."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._largest = 0
        self._shared = 0

    def now(self) -> int:
        """Bytes; 0 for a process that has ended."""
        try:
            resident = int(self._process.memory_info().rss)
            if resident > self._largest + GROWN_BYTES:
                self._largest, self._shared = resident, max(0, resident - _proportional(self._process.pid, resident))
        except psutil.Error:
            return 0
        return max(0, resident - self._shared)


def _proportional(pid: int, otherwise: int) -> int:
    """A process's proportional set size, bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return otherwise


def has_amx() -> bool:
    """Whether this CPU has matrix units, for which the budgets are tighter."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False


def machine() -> str:
    """One line about where this runs: processor, cores, memory, Python."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = psutil.virtual_memory().total / 1024**3
    return f"{model}, {psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table in Markdown's form: it reads well in a terminal and can be pasted into the docs."""
    body = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(heading), *(len(row[i]) for row in body), 3) for i, heading in enumerate(headings)]
    lines = [list(headings), ["-" * width for width in widths], *body]
    for line in lines:
        sys.stdout.write(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |\n"
        )


def closing_line(figures: Mapping[str, float | int | str | None]) -> None:
    """Print the last line: one JSON object with the same figures; null for what there is no number of."""
    rounded = {key: _rounded(value) if isinstance(value, float) else value for key, value in figures.items()}
    sys.stdout.write(json.dumps(rounded) + "\n")
    sys.stdout.flush()


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
