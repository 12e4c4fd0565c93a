"""Child processes: kept running, restarted after a kill, ended in order, their output passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lensora.cli.log_file import LogFile
from lensora.cli.processes import RESTART_DELAYS_S, Child, Spec, stop_all

FOREVER = "import os, time\nprint('here', os.environ['COLOR'], flush=True)\ntime.sleep(60)"
QUICKLY_S = (0.02, 0.04, 0.06, 0.08, 0.1)
"""Pauses between restarts for those who would otherwise wait for them: as many as there are."""

STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"
)


def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait for a condition; fails when the time is up."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.02)


@pytest.fixture
def child_of(tmp_path: Path) -> Iterator[Callable[[str], tuple[Child, list[str]]]]:
    """Makes children that run a piece of Python; all are killed after the test."""
    made: list[Child] = []

    def make(code: str) -> tuple[Child, list[str]]:
        lines: list[str] = []
        spec = Spec("child", [sys.executable, "-c", code], {"COLOR": "blue"})
        log = tmp_path / "child.log"
        child = Child(spec, log, lambda _name, line: lines.append(line), restart_delays_s=QUICKLY_S)
        made.append(child)
        return child, lines

    yield make
    stop_all(made, grace_s=0.2)


def test_output_and_environment(child_of: Callable[[str], tuple[Child, list[str]]], tmp_path: Path) -> None:
    """A child's lines are passed on as they come and kept in its log file; it sees its own environment."""
    child, lines = child_of(FOREVER)
    child.start()
    until(lambda: lines)
    assert lines == ["here blue"]
    assert (tmp_path / "child.log").read_text() == "here blue\n"


def test_a_child_has_few_heaps_unless_told_otherwise(
    child_of: Callable[[str], tuple[Child, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that runs for days must not keep a heap for each of its threads; who sets the number is obeyed."""
    shown = "import os\nprint(os.environ['MALLOC_ARENA_MAX'], flush=True)\nimport time\ntime.sleep(60)"
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    child, lines = child_of(shown)
    child.start()
    until(lambda: lines)
    assert lines == ["2"]
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    other, others = child_of(shown)
    other.start()
    until(lambda: others)
    assert others == ["4"]


def test_a_killed_child_comes_back(child_of: Callable[[str], tuple[Child, list[str]]]) -> None:
    """After kill -9 it runs again under another process id."""
    child, lines = child_of(FOREVER)
    child.start()
    until(lambda: lines)
    first = child.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: lines.count("here blue") == 2)
    assert child.pid not in (0, first)
    assert child.restarts == 1
    assert not child.gave_up


def test_stopping_ends_it_for_good(child_of: Callable[[str], tuple[Child, list[str]]]) -> None:
    """After stop nothing runs and nothing is restarted."""
    child, lines = child_of(FOREVER)
    child.start()
    until(lambda: lines)
    stop_all([child])
    assert child.pid == 0
    time.sleep(0.5)
    assert lines == ["here blue"]


def test_a_child_that_does_not_listen_is_killed(child_of: Callable[[str], tuple[Child, list[str]]]) -> None:
    """One that ignores SIGTERM is killed when its grace is over, and that is said."""
    child, lines = child_of(STUBBORN)
    child.start()
    until(lambda: lines)
    stop_all([child], grace_s=0.3)
    assert child.pid == 0
    assert any("is killed" in line for line in lines)


def test_a_child_that_keeps_dying_is_given_up(child_of: Callable[[str], tuple[Child, list[str]]]) -> None:
    """A process that cannot start is not restarted for ever; its last status is said."""
    assert len(QUICKLY_S) == len(RESTART_DELAYS_S) and sorted(RESTART_DELAYS_S) == list(RESTART_DELAYS_S)
    child, lines = child_of("raise SystemExit(7)")
    child.start()
    until(lambda: child.gave_up, timeout_s=20)
    assert "status 7" in lines[-1]
    assert "stays down" in lines[-1]


def test_a_child_ends_with_its_keeper(tmp_path: Path) -> None:
    """kill -9 of the keeper leaves no process behind that holds its ports and its data."""
    keeper = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from lensora.cli.processes import Child, Spec\n"
        "code = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        f"child = Child(Spec('child', [sys.executable, '-c', code]), Path({str(tmp_path / 'child.log')!r}),"
        " lambda _name, line: print(line, flush=True))\n"
        "child.start()\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", keeper], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[1] == b"-c"
    process.kill()
    process.wait()
    process.stdout.close()
    until(lambda: not alive(child))


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_disk_ends_no_supervision(tmp_path: Path) -> None:
    """Lines that cannot be written are lost; the process goes on, and its keeper goes on keeping it."""
    log = tmp_path / "child.log"
    log.symlink_to("/dev/full")
    lines: list[str] = []
    child = Child(
        Spec("child", [sys.executable, "-c", FOREVER], {"COLOR": "blue"}), log, lambda _n, line: lines.append(line)
    )
    child.start()
    try:
        until(lambda: lines)
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: lines.count("here blue") == 2)
        assert not child.gave_up
    finally:
        stop_all([child], grace_s=0.2)


def test_a_terminal_that_is_gone_ends_no_supervision(tmp_path: Path) -> None:
    """What reads the lines may fail: the log file has them, and the process comes back after a kill."""

    def broken(_name: str, _line: str) -> None:
        raise BrokenPipeError

    log = tmp_path / "child.log"
    child = Child(Spec("child", [sys.executable, "-c", FOREVER], {"COLOR": "blue"}), log, broken)
    child.start()
    try:
        until(lambda: log.exists() and log.read_text() == "here blue\n")
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: log.read_text() == "here blue\nhere blue\n")
    finally:
        stop_all([child], grace_s=0.2)


def test_a_process_that_has_worked_is_never_given_up(tmp_path: Path) -> None:
    """However often it dies while a fault lasts, it is started again, and is there when the fault has passed."""
    mark = tmp_path / "space"
    code = (
        f"import os, sys, time\nif not os.path.exists({str(mark)!r}): sys.exit(1)\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    lines: list[str] = []
    child = Child(
        Spec("child", [sys.executable, "-c", code]),
        tmp_path / "log",
        lambda _name, line: lines.append(line),
        restart_delays_s=QUICKLY_S,
    )
    child.prove()
    child.start()
    try:
        until(lambda: child.restarts >= 6, timeout_s=30)
        assert not child.gave_up
        mark.touch()
        until(lambda: "up" in lines, timeout_s=10)
    finally:
        stop_all([child], grace_s=0.2)


def test_logs_are_bounded(tmp_path: Path) -> None:
    """Beyond its size a file becomes the first of a few older ones; the oldest goes; what is lost is told later."""
    path = tmp_path / "a.log"
    log = LogFile(path, max_bytes=1_000, kept=2)
    for number in range(300):
        log.write(b"line %03d\n" % number)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.log", "a.log.1", "a.log.2"]
    assert all(entry.stat().st_size <= 1_000 for entry in tmp_path.iterdir())
    assert path.read_bytes().endswith(b"line 299\n")
    log.close()
    full = LogFile(tmp_path / "b.log", retry_s=0.2)
    (tmp_path / "b.log").symlink_to("/dev/full")
    full.write(b"lost\n")
    full.write(b"lost too\n")
    (tmp_path / "b.log").unlink()
    time.sleep(0.2)
    full.write(b"kept\n")
    full.close()
    assert (tmp_path / "b.log").read_bytes() == b"... 2 lines could not be written\nkept\n"
