"""One installation for the REST surface's behaviour over time: files, waiting, streams, repeats, failures."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from gateway.http.plumbing.connections import ConnectionLimits
from gateway.http.testing import Gateway, Installation, installation


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The running installation."""
    with installation(tmp_path_factory.mktemp("http"), redis_timeout_seconds=20.0) as running:
        yield running


@pytest.fixture(scope="session")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose limits of time and number are small; those of headers are the product's."""
    limits = ConnectionLimits(
        header_s=0.5,
        body_window_s=0.5,
        body_window_bytes=2_000,
        write_stall_s=0.5,
        unread_bytes=300_000,
        per_address=64,
    )
    with installation(tmp_path_factory.mktemp("hurried"), limits=limits) as running:
        yield running.gateway


@pytest.fixture
def gateway(stack: Installation) -> Gateway:
    """Its gateway."""
    return stack.gateway


@pytest.fixture
def key(gateway: Gateway) -> str:
    """A key of a fresh account with 1,000 credits."""
    return gateway.api_key(1_000)


@pytest.fixture
def api(gateway: Gateway, key: str) -> Iterator[httpx.Client]:
    """A client with that key."""
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=70) as client:
        yield client


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG of 640 x 480 pixels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def session_id(api: httpx.Client, photo: bytes) -> str:
    """An open session."""
    return str(api.post("/v1/studio/init", files={"image": photo}).json()["session_id"])


@pytest.fixture
def job_id(api: httpx.Client, session_id: str) -> str:
    """A queued job."""
    body = {"session_id": session_id, "background": {"type": "remove"}}
    return str(api.post("/v1/studio/transform", json=body).json()["job_id"])
