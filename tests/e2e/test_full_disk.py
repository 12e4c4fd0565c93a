"""A disk without room for one more byte: the stack stays, refuses what it cannot keep, and goes on when there is room.

Every file of the stack's processes is held to its present size by their limit RLIMIT_FSIZE, which a user may lower and
raise for his own processes. A write then fails as on a full disk, and a redis-server ends, as it does there.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from lensora.client import Client

FULL_S = 6.0
"""Time for a process that ends for it to be started, and to end, several times."""
PATIENCE_S = 240.0


def limit_files(keeper: int, most_bytes: int) -> None:
    """The largest size to which the stack's processes may write a file; what they start later has the same."""
    root = psutil.Process(keeper)
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))


@contextlib.contextmanager
def full_disk(keeper: int) -> Iterator[None]:
    """No byte can be written to any file while the block runs."""
    limit_files(keeper, 0)
    # What was just being started when the first round looked.
    time.sleep(0.3)
    limit_files(keeper, 0)
    try:
        yield
    finally:
        for _ in range(2):
            limit_files(keeper, resource.RLIM_INFINITY)
            time.sleep(0.3)


def job_store(keeper: int) -> int:
    """Process id of the stack's redis-server."""
    children = psutil.Process(keeper).children(recursive=True)
    return next(child.pid for child in children if "redis" in child.name() or "valkey" in child.name())


def until_ready(base_url: str) -> None:
    """Wait until everything that a job needs answers."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base_url}/readyz", timeout=10.0, trust_env=False).status_code == 200:
                return
        time.sleep(0.5)
    raise AssertionError("the stack did not come back")


def test_a_full_disk_is_survived_and_nothing_is_lost(up: Any, client: Client, cup: Path) -> None:
    """A job that runs when the disk fills up is completed when there is room again, and charged once; what is asked for
    meanwhile is refused with 503 and costs nothing; no process gives up, and every ledger agrees."""
    session = client.init(cup, max_objects=2)
    before, store = client.account().balance, job_store(up.process.pid)
    ticket = client.transform(session.session_id, "remove", output={"size": 256, "fps": 12, "seconds": 1.0})
    answers = []
    headers = {"Authorization": f"Bearer {up.api_key}"}
    with full_disk(up.process.pid), httpx.Client(base_url=up.base_url, timeout=60.0, trust_env=False) as hasty:
        end = time.monotonic() + FULL_S
        while time.monotonic() < end:
            assert hasty.get("/healthz").status_code == 200
            answer = hasty.post("/v1/studio/init", files={"image": cup.read_bytes()}, headers=headers)
            answers.append((answer.status_code, answer.json()["code"], "retry-after" in answer.headers))
            assert up.process.poll() is None
            time.sleep(0.2)
    assert {(status, waits) for status, _, waits in answers} == {(503, True)}, answers
    until_ready(up.base_url)
    assert job_store(up.process.pid) != store, "the job store has not noticed that the disk is full"
    result = client.wait(ticket, timeout_s=PATIENCE_S)
    assert result.status == "completed", result.error
    assert before - client.account().balance == 75
    verify = [str(Path(sys.executable).parent / "lensora"), "credits", "verify", "--home", str(up.home), "--json"]
    said = subprocess.run(verify, capture_output=True, text=True, check=True).stdout
    assert (json.loads(said)["drift"], json.loads(said)["mismatches"]) == (0, [])
