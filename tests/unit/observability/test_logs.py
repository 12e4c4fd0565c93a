"""Log lines: JSON on a pipe, with the fields that are bound around the work."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import logging
from lensora.observability import logs
logs.configure("mesh", level="info")
log = logs.get("demo")
with logs.bind(job_id="j1", stage="CreateMesh"):
    log.info("unwrapped", charts=12)
    log.debug("not shown")
    logging.getLogger("foreign").warning("from a library: %s", 7)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("crashed")
log.info("after")
"""


def test_lines_are_json_objects_with_bound_fields() -> None:
    """On a pipe each line is one object; bound fields appear inside the block only; foreign lines look the same."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["unwrapped", "from a library: 7", "crashed", "after"]
    assert all(line["process"] == "mesh" and "timestamp" in line and "level" in line for line in lines)
    assert lines[0]["charts"] == 12
    assert all(line["job_id"] == "j1" and line["stage"] == "CreateMesh" for line in lines[:2])
    assert "job_id" not in lines[3]
    assert lines[2]["exception"].endswith("ZeroDivisionError: division by zero")


def test_nothing_is_written_to_standard_output() -> None:
    """Logs go to standard error; standard output is for what a command answers."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == ""
