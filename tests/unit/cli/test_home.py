"""The home of an embedded stack: secrets kept, the note of the running stack trusted only while it is true."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from lensora.cli.home import Home, RunningStack


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The key outlives a restart, and only its owner can read it."""
    home = Home.at(tmp_path / "home")
    home.create()
    key = home.signing_key()
    assert len(key) == 64
    assert Home.at(tmp_path / "home").signing_key() == key
    assert stat.S_IMODE((home.folder / "signing-key").stat().st_mode) == 0o600


def test_the_note_tells_of_a_stack_that_runs(tmp_path: Path) -> None:
    """What was announced is found again, by its owner only, until it is withdrawn."""
    home = Home.at(tmp_path)
    home.create()
    stack = RunningStack(os.getpid(), "http://127.0.0.1:8000", "key", "redis://127.0.0.1:1/0")
    home.announce(stack)
    assert home.running() == stack
    assert stat.S_IMODE(home.note.stat().st_mode) == 0o600
    home.withdraw()
    assert home.running() is None


def test_a_stale_or_broken_note_is_ignored(tmp_path: Path) -> None:
    """The note of a stack that died, or one that is not JSON, means that none runs."""
    home = Home.at(tmp_path)
    home.create()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    home.announce(RunningStack(ended.pid, "http://127.0.0.1:8000", "key", "redis://127.0.0.1:1/0"))
    assert home.running() is None
    home.note.write_text("not json")
    assert home.running() is None
