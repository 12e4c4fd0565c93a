"""``tools/setup.sh`` as a user without root runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[3] / "tools" / "setup.sh"


def program(path: Path, text: str) -> None:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Of a user of Debian: no sbin on PATH, no sudo without a password; its virtual environment does nothing."""
    program(tmp_path / "bin" / "id", "echo 1000")
    program(tmp_path / "bin" / "sudo", "exit 1")
    program(tmp_path / "venv" / "bin" / "python", 'case "$*" in *compileall*) echo Traceback >&2;; esac')
    program(tmp_path / "venv" / "bin" / "lensora", "")
    folders = [item for item in os.environ["PATH"].split(":") if "sbin" not in item]
    return {**os.environ, "VENV": str(tmp_path / "venv"), "PATH": ":".join([str(tmp_path / "bin"), *folders])}


def test_libraries_are_found_without_sbin_on_the_path(environ: dict[str, str]) -> None:
    """What is installed is not asked for again, whoever looks; else the set-up could never end."""
    done = subprocess.run([SETUP, "run"], env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Ready." in done.stderr) == (0, True), done.stderr


def test_compiling_says_nothing(environ: dict[str, str]) -> None:
    """Its errors are none, and Ctrl-C while it runs is no traceback."""
    done = subprocess.run([SETUP, "run"], env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_a_python_that_is_named_and_does_not_suit_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    """It is not passed over for another one: the sentence has the value and the versions that are taken."""
    program(tmp_path / "bin" / "python3.9", "exit 1")
    for wanted in ("python3.9", "/nowhere/python3"):
        run = environ | {"PYTHON": wanted}
        done = subprocess.run([SETUP, "run"], env=run, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (1, f"setup: PYTHON={wanted} is no Python 3.11, 3.12 or 3.13\n")
