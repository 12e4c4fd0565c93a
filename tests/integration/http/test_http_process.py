"""``python -m gateway http`` as an operator sees it: settings, probes, metrics, drain."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from gateway.http.testing import SIGNING_KEY, Installation
from lensora.adapters.redis_server import free_port


def environment(stack: Installation, port: int, **more: str) -> dict[str, str]:
    """The process's environment: the installation's Redis and services, another port."""
    target = stack.detect.target
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LENSORA_")},
        "LENSORA_HOST": "127.0.0.1",
        "LENSORA_PORT": str(port),
        "LENSORA_PUBLIC_URL": f"http://127.0.0.1:{port}/",
        "LENSORA_REDIS_URL": stack.redis.url,
        "LENSORA_REDIS_PREFIX": "test",
        "LENSORA_ARTIFACTS_URL": stack.settings.artifacts_url,
        "LENSORA_URL_SIGNING_KEYS": SIGNING_KEY,
        **{f"LENSORA_{name}_TARGET": target for name in ("DETECT", "SEGMENT", "MESH", "RENDER")},
        **more,
    }


@contextmanager
def process(
    stack: Installation, port: int, lines: list[str] | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """The process, ready; killed at the end if it is still there. ``lines`` get its log."""
    started = subprocess.Popen(
        [sys.executable, "-m", "gateway", "http"],
        env=environment(stack, port, **more),
        stderr=subprocess.PIPE,
        text=True,
    )
    log: list[str] = [] if lines is None else lines
    assert started.stderr is not None
    reader = threading.Thread(target=lambda: log.extend(started.stderr or ()), daemon=True)
    reader.start()
    try:
        until = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                assert started.poll() is None, log
                assert time.monotonic() < until, log
                time.sleep(0.05)
        yield started
    finally:
        started.kill()
        started.wait()
        reader.join(5)
        started.stderr.close()


def test_sigterm_drains(stack: Installation, key: str, job_id: str) -> None:
    """Readiness goes first, held polls and streams are let go, and the process ends with status 0 in time."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {key}"}
    held: dict[str, Any] = {}

    def poll() -> None:
        held["poll"] = httpx.get(
            f"{base}/v1/studio/result/{job_id}", headers={**headers, "Prefer": "wait=60"}, timeout=70
        )

    def stream() -> None:
        held["stream"] = httpx.get(f"{base}/v1/studio/result/{job_id}/stream", headers=headers, timeout=70)

    with process(stack, port, LENSORA_DRAIN_NOTICE_SECONDS="1", LENSORA_DRAIN_SECONDS="10") as running:
        assert httpx.get(f"{base}/readyz").json()["status"] == "ready"
        waiters = [threading.Thread(target=poll), threading.Thread(target=stream)]
        for waiter in waiters:
            waiter.start()
        time.sleep(0.5)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        ready = httpx.get(f"{base}/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert httpx.get(f"{base}/v1/account", headers=headers).status_code == 200
        assert running.wait(15) == 0
        assert time.monotonic() - started < 8
        for waiter in waiters:
            waiter.join(5)
    assert held["poll"].status_code == 200
    assert held["poll"].json()["status"] == "queued"
    assert held["stream"].status_code == 200
    assert held["stream"].text.count("data: ") == 1


def test_every_line_of_the_log_is_ours(stack: Installation) -> None:
    """The server below us has no log of its own: nothing passes the redaction, and strangers' noise fills no disk."""
    port = free_port()
    lines: list[str] = []
    with process(stack, port, lines) as running:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(b"this is no request\r\n\r\n")
            assert peer.recv(65_536).startswith(b"HTTP/1.1 400")
        running.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
    events = [json.loads(line)["event"] for line in lines]
    assert {"serving", "draining", "stopped"} <= set(events) and not any("HTTP" in event for event in events)


def test_metrics_know_templates_not_ids(stack: Installation, key: str, job_id: str) -> None:
    """Rate, errors and duration by route template on a port of their own; no id and no odd method becomes a label."""
    port, metrics_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    with process(stack, port, LENSORA_METRICS_PORT=str(metrics_port)):
        httpx.get(f"{base}/v1/studio/result/{job_id}", headers={"Authorization": f"Bearer {key}"})
        httpx.get(f"{base}/v1/studio/result/{job_id}")
        httpx.request("PROPFIND", f"{base}/pot")
        text = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics").text
        assert httpx.get(f"{base}/metrics").status_code == 404
    route = 'route="/v1/studio/result/{job_id}"'
    assert f'lensora_http_requests_total{{method="GET",{route},status="200"}} 1.0' in text
    assert f'lensora_http_requests_total{{method="GET",{route},status="401"}} 1.0' in text
    assert 'lensora_http_requests_total{method="other",route="unmatched",status="404"} 1.0' in text
    assert f'lensora_http_request_duration_seconds_count{{method="GET",{route}}} 2.0' in text
    assert job_id not in text


def test_a_bad_setting_stops_the_process_with_its_name(stack: Installation) -> None:
    """The variable, what it takes, and what it has; no traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "http"],
        env=environment(stack, free_port(), LENSORA_URL_SIGNING_KEYS="short"),
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert ended.returncode != 0
    assert "LENSORA_URL_SIGNING_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken(stack: Installation) -> None:
    """Says so."""
    taken = stack.settings.port
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "http"],
        env=environment(stack, taken),
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert ended.returncode != 0
    assert f"LENSORA_PORT={taken}" in ended.stderr
