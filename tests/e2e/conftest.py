"""The real stack, started as a user starts it: ``lensora up``, once for all tests of this folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from lensora.client import Client

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


@dataclass(frozen=True)
class Up:
    """A running ``lensora up``."""

    base_url: str
    api_key: str
    home: Path
    process: subprocess.Popen[str]

    def child_pid(self, name: str) -> int:
        """Process id of one of its processes, found by its command line among the children of ``lensora up``."""
        wanted = f"services.{name}"
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        for thread in threads:
            children += (thread / "children").read_text().split()
        for child in children:
            try:
                arguments = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
            except FileNotFoundError:
                continue
            if wanted in arguments:
                return int(child)
        raise AssertionError(f"no process of {wanted} runs")


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start ``lensora up --json`` in a fresh home; after the tests Ctrl-C must end it well."""
    home = tmp_path_factory.mktemp("home")
    command = [
        str(Path(sys.executable).parent / "lensora"),
        "up",
        "--home",
        str(home),
        "--port",
        "0",
        "--json",
        "--quiet",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LENSORA_HOME": ""})
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"lensora up ended with status {process.wait(5)}; logs in {home / 'logs'}"
    said = json.loads(line)
    yield Up(said["base_url"], said["api_key"], home, process)
    process.send_signal(signal.SIGINT)
    status = process.wait(STOP_TIMEOUT_S)
    process.stdout.close()
    assert status == 0
    assert not (home / "up.json").exists()


@pytest.fixture
def client(up: Up) -> Iterator[Client]:
    """The SDK with the stack's own key."""
    with Client(up.base_url, up.api_key) as sdk:
        yield sdk


@pytest.fixture(scope="session")
def cup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photo: scikit-image's ``coffee`` (CC0), as a JPEG."""
    path = tmp_path_factory.mktemp("photos") / "rolleiflex.jpg"
    Image.fromarray(data.coffee()).save(path, quality=92)
    return path
