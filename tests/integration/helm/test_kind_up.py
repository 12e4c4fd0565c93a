"""``make kind-up`` as far as it can be followed without Docker: what it runs in which order, and why it cannot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploy.images.closure import ROOT

SCRIPT = ROOT / "deploy" / "kind" / "up.sh"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A folder of programs that only write down how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "kind", "kubectl", "helm", "python3"):
        program(folder, name, "")
    return folder


def program(folder: Path, name: str, does: str) -> None:
    """A stand-in that notes its arguments and then does something."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder.parent}/calls\n{does}\n')
    path.chmod(0o755)


def run(folder: Path, *arguments: str) -> tuple[int, str, list[str]]:
    """Exit status, everything printed, and the programs' calls."""
    done = subprocess.run(
        ["bash", SCRIPT, *arguments],
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = folder.parent / "calls"
    return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines() if calls.exists() else []


def test_it_builds_loads_installs_and_tests(bin_folder: Path) -> None:
    """The pages, images, a cluster, the chart, ``helm test``, a key, an open port; the first request is printed."""
    program(bin_folder, "kubectl", 'case "$*" in *"keys create"*) echo lsk_printed;; esac')
    status, printed, calls = run(bin_folder)
    assert status == 0, printed
    starts = [
        "python3 tools/node_packages.py --pages",
        "docker build",
        "kind create cluster",
        "kind load docker-image",
        "helm upgrade --install",
        "helm test",
    ]
    places = [next(index for index, call in enumerate(calls) if call.startswith(start)) for start in starts]
    assert places == sorted(places)
    assert sum(call.startswith("docker build") for call in calls) == 7
    assert calls[-1].endswith("port-forward svc/studio-lensora-gateway 8000:8000")
    assert "curl -s http://127.0.0.1:8000/v1/studio/init" in printed
    assert "lsk_printed" in printed


def test_a_cluster_that_is_there_is_brought_up_to_date(bin_folder: Path) -> None:
    """A second run makes no second cluster; ``down`` deletes it."""
    program(bin_folder, "kind", '[ "$1 $2" = "get clusters" ] && echo lensora || true')
    status, printed, calls = run(bin_folder)
    assert status == 0, printed
    assert not any("create cluster" in call for call in calls)
    assert run(bin_folder, "down")[2][-1] == "kind delete cluster --name lensora"


@pytest.mark.parametrize(
    ("name", "does", "said"),
    [
        ("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1", "Cannot connect to the Docker daemon"),
        ("kind", None, "neither kind nor k3d is installed"),
        ("helm", None, "helm is not installed"),
    ],
)
def test_it_says_why_it_cannot(bin_folder: Path, name: str, does: str | None, said: str) -> None:
    """Without Docker, a maker of clusters, or a tool, one sentence says what is missing and what can be run instead."""
    if does is None:
        (bin_folder / name).unlink()
    else:
        program(bin_folder, name, does)
    status, printed, calls = run(bin_folder)
    assert status == 1
    assert said in printed
    assert "make test ARGS=tests/e2e/helm" in printed
    assert not any("build" in call for call in calls)
