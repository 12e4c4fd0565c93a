"""Redis or a service goes away and comes back: what the REST surface says meanwhile, and that nothing is charged."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from grpc_health.v1 import health_pb2

from gateway.http.testing import Installation, installation


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    """An installation that a test may break."""
    with installation(tmp_path, redis_timeout_seconds=0.5) as running:
        yield running


def test_redis_away_and_back(own: Installation, photo: bytes) -> None:
    """503 unavailable with Retry-After on every call, the process stays alive, and all goes on when Redis is back."""
    gateway = own.gateway
    key = gateway.api_key(1_000)
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        body = {"session_id": session_id, "background": {"type": "remove"}}
        job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
        own.redis.stop()
        for response in (
            api.get(f"/v1/studio/result/{job_id}"),
            api.get(f"/v1/studio/result/{job_id}/stream"),
            api.post("/v1/studio/transform", json=body),
            api.post("/v1/studio/init", files={"image": photo}),
            api.post(f"/v1/studio/jobs/{job_id}/cancel"),
            api.get("/v1/studio/jobs"),
            api.get("/v1/account"),
        ):
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            assert response.headers["content-type"] == "application/problem+json"
            assert int(response.headers["retry-after"]) >= 1
        assert api.get("/healthz").status_code == 200
        time.sleep(1.1)
        ready = api.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["redis"]) == (503, "unavailable")
        own.redis.start()
        deadline = time.monotonic() + 15
        while api.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert api.get(f"/v1/studio/result/{job_id}").json()["status"] == "queued"
        assert gateway.balance(key) == 1_000 - 5 - 75
        assert len(api.get("/v1/studio/jobs").json()["jobs"]) == 1


def test_an_open_stream_outlives_redis(own: Installation, photo: bytes) -> None:
    """It ends when the store cannot be read, and a resumed one tells the job's end."""
    gateway = own.gateway
    key = gateway.api_key(1_000)
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        body = {"session_id": session_id, "background": {"type": "remove"}}
        job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
        with api.stream("GET", f"/v1/studio/result/{job_id}/stream") as response:
            lines = response.iter_lines()
            assert next(lines).startswith("id: ")
            own.redis.stop()
            own.redis.start()
            deadline = time.monotonic() + 15
            while api.post(f"/v1/studio/jobs/{job_id}/cancel").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            rest = "\n".join(lines)
        if '"canceled"' not in rest:
            with api.stream("GET", f"/v1/studio/result/{job_id}/stream") as response:
                rest = "\n".join(response.iter_lines())
        assert '"canceled"' in rest


def test_a_service_that_is_not_serving(own: Installation) -> None:
    """/readyz names it, /healthz does not care."""
    base = own.gateway.base_url
    assert httpx.get(f"{base}/readyz").status_code == 200
    own.detect.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    time.sleep(1.1)
    ready = httpx.get(f"{base}/readyz")
    assert (ready.status_code, ready.json()["checks"]["mesh"]) == (503, "not serving")
    assert httpx.get(f"{base}/healthz").json()["status"] == "ok"


def test_detection_that_is_gone(own: Installation, photo: bytes) -> None:
    """No server at all: 503 detection_unavailable at once, nothing charged."""
    key = own.gateway.api_key(10)
    own.detect.stop()
    response = httpx.post(
        f"{own.gateway.base_url}/v1/studio/init",
        files={"image": photo},
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
    )
    assert (response.status_code, response.json()["code"]) == (503, "detection_unavailable")
    assert own.gateway.balance(key) == 10


def test_a_stalled_upload_gives_its_place_back(tmp_path: Path) -> None:
    """A client that sends its photo drop by drop is cut off with 400, and others are served meanwhile and after."""
    with installation(tmp_path, upload_seconds=0.5, uploads=1) as running:
        key = running.gateway.api_key(100)
        head = (
            "POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: multipart/form-data; boundary=XX\r\n\r\n--XX"
        )
        with socket.create_connection(("127.0.0.1", running.settings.port), timeout=10) as connection:
            connection.sendall(head.encode())
            answer = b""
            while b"}" not in answer:
                answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"within 0.5 seconds" in answer
        assert httpx.get(f"{running.gateway.base_url}/healthz").status_code == 200
