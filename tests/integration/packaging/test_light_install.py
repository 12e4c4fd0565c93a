"""What ``pip install lensora`` brings without an extra: the client and the remote commands, and little else."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackagePath, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
MAX_BYTES = 40_000_000
OURS = ("lensora", "gateway", "services", "weights")


def closure(name: str) -> set[str]:
    """The distributions that a plain install of one brings, itself included."""
    found: set[str] = set()
    waiting = [(name, "")]
    while waiting:
        current, extra = waiting.pop()
        for text in distribution(current).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                asked = {
                    requirement.name.lower(),
                    *(f"{requirement.name.lower()}[{one}]" for one in requirement.extras),
                }
                waiting += [(requirement.name, one) for one in ("", *requirement.extras) if not asked <= found]
                found |= asked
    return {one for one in found if "[" not in one} | {name}


def files_of(name: str) -> list[PackagePath]:
    """What a distribution put into site-packages, its bytecode left out."""
    return [path for path in distribution(name).files or [] if path.suffix != ".pyc" and ".." not in path.parts]


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages folder with links to the light install's files, and to our own source, and nothing else."""
    folder = tmp_path_factory.mktemp("site-packages")
    for name in closure("lensora") - {"lensora"}:
        for path in files_of(name):
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(path.locate())
    for package in OURS:
        (folder / package).symlink_to(ROOT / package)
    (folder / "lensora-0.dist-info").mkdir()
    for name in ("METADATA", "entry_points.txt"):
        text = distribution("lensora").read_text(name)
        assert text is not None
        (folder / "lensora-0.dist-info" / name).write_text(text)
    return folder


def python(light: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module run by a Python that has the light install alone: no other site-packages, no environment."""
    start = f"import runpy, sys; sys.path.append({str(light)!r}); sys.argv[:] = {list(arguments)!r}; "
    start += "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", start],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "HOME": str(light / "home")},
    )


def test_the_light_install_stays_small() -> None:
    """The client needs httpx, pydantic, click, rich and what these need; all of it takes less than 40 MB."""
    names = closure("lensora")
    named = {Requirement(text).name for text in distribution("lensora").requires or [] if "extra ==" not in text}
    assert named == {"click", "httpx", "pydantic", "rich"}
    assert not names & {"numpy", "grpcio", "onnx", "onnxruntime", "scipy", "pillow", "usd-core", "scikit-image"}
    theirs = sum(path.locate().stat().st_size for name in names - {"lensora"} for path in files_of(name))
    ours = sum(
        path.stat().st_size
        for package in OURS
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    assert theirs + ours < MAX_BYTES, f"{theirs / 1e6:.1f} MB of dependencies and {ours / 1e6:.1f} MB of our own"


def test_the_client_works_alone(light: Path) -> None:
    """The SDK is imported, and the command explains itself, with nothing else installed."""
    done = python(light, "lensora.client.synchronous")
    assert done.returncode == 0, done.stderr
    done = python(light, "lensora.cli.main", "--help")
    assert done.returncode == 0, done.stderr
    assert "run " in done.stdout
    assert "Traceback" not in done.stderr
    for command in (("jobs", "list"), ("account",), ("batch", __file__), ("render", "x")):
        done = python(light, "lensora.cli.main", *command)
        assert "lensora: no stack runs here" in done.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [(("run", __file__), "server"), (("up",), "server"), (("credits", "show"), "server"), (("mcp",), "mcp")],
)
def test_what_needs_more_says_so(light: Path, command: tuple[str, ...], extra: str) -> None:
    """A command that starts or administers a stack, or serves agents, names the extra that it needs."""
    done = python(light, "lensora.cli.main", *command)
    assert done.returncode == 1
    assert f"pip install 'lensora[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_is_typed() -> None:
    """A type checker reads our annotations: the marker lies in the package, so in the wheel."""
    assert (ROOT / "lensora" / "py.typed").is_file()
