"""kill -9 of a service in the middle of a job: the job ends, well or refunded, and never hangs."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from gateway.smoke import SMALL_FILM
from lensora.client import Client

STAGE = {"mesh": "generating-3d", "segment": "removing-bg", "render": "rendering-video"}


@pytest.mark.parametrize("service", STAGE)
def test_a_killed_service_never_hangs_a_job(up, client: Client, cup: Path, service: str) -> None:
    """The service is killed while its stage runs; the job completes after it is back, or fails with all 75 back."""
    session = client.init(cup)
    before = client.account().balance
    # A film long enough to die in, where the renderer does.
    ticket = client.transform(session.session_id, "remove", output=None if service == "render" else SMALL_FILM)
    killed = False
    end = time.monotonic() + 120
    while not killed and time.monotonic() < end:
        result = client.result(ticket.job_id)
        running = {stage.name for stage in result.stages if stage.status == "running"}
        if STAGE[service] in running:
            os.kill(up.child_pid(service), signal.SIGKILL)
            killed = True
        assert not result.terminal, "the job ended before its stage was seen running"
        time.sleep(0.02)
    assert killed
    result = client.wait(ticket, timeout_s=240)
    assert result.status in ("completed", "failed")
    paid = before - client.account().balance
    assert paid == (75 if result.status == "completed" else 0)
