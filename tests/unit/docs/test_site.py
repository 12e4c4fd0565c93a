"""The documentation as a site, and the code that it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BIN = Path(sys.executable).parent


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """No link leads nowhere, every generated page is there, and no page loads anything from another host."""
    done = subprocess.run(
        [str(BIN / "mkdocs"), "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("api", "errors", "commands", "settings", "metrics"):
        assert (tmp_path / "reference" / name / "index.html").stat().st_size > 10_000
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="(https?:[^"]+)"', page.read_text("utf-8"))
        loaded += re.findall(r'<link[^>]* rel="(?:stylesheet|preconnect)"[^>]* href="(https?:[^"]+)"', page.read_text())
        assert not loaded, page


def test_python_in_the_docs_is_right_by_its_types(tmp_path: Path) -> None:
    """Every Python example of README and docs passes mypy --strict, as a program of its own.

    What ``make lint`` has found out about our modules is used again: the options and the cache are its own.
    """
    count = 0
    for page in PAGES:
        for block in re.findall(r"^( *)```python\n(.*?)^\1```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            indent, code = block
            lines = [line.removeprefix(indent) for line in code.splitlines()]
            (tmp_path / f"example_{count}.py").write_text("\n".join(lines) + "\n")
            count += 1
    assert count >= 6
    done = subprocess.run(
        [
            str(BIN / "mypy"),
            "--strict",
            *map(str, tmp_path.glob("*.py")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
