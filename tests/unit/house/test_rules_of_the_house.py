"""Rules that no linter holds: sizes and names of modules, docstrings of tests, nothing that happens at import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("lensora", "services", "gateway", "weights")
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if (ROOT / "lensora" / "api") not in path.parents
)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

MAX_LINES = 500
"""Above this there are two rooms in one."""

EMPTY_NAMES = re.compile(r"(utils?|helpers?|common|misc|manager)s?\.py")


def name_of(path: Path) -> str:
    """Path from the project's root."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_nouns_of_readable_size(path: Path) -> None:
    """No module is longer than 500 lines or has a name that says nothing, and each says what it is."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert not EMPTY_NAMES.fullmatch(path.name)
    assert ast.get_docstring(ast.parse(text)), "the module has no docstring"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_say_what_must_hold_and_are_never_skipped(path: Path) -> None:
    """Each test has a docstring; none is skipped, expected to fail, or true by itself."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"
            marks = [ast.unparse(decorator) for decorator in node.decorator_list]
            assert not any("skip" in mark or "xfail" in mark for mark in marks), node.name
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in {"pytest.skip", "pytest.importorskip", "pytest.xfail"}


PROCESSES = (
    "gateway.http.process",
    "gateway.pipeline.process",
    "services.detect.servicer",
    "services.segment.servicer",
)
PROBE = """
import importlib, sys, threading
importlib.import_module(sys.argv[1])
assert threading.active_count() == 1, threading.enumerate()
heavy = {"torch", "tensorflow", "transformers", "diffusers"} & set(sys.modules)
assert not heavy, f"the import loads {heavy}"
"""


@pytest.mark.parametrize("module", PROCESSES)
def test_importing_a_process_does_nothing(module: str) -> None:
    """An import needs no environment, starts no thread and loads no training framework."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module], cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
