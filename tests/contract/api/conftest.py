"""One installation for the contract of the public API: real HTTP, real Redis, a detector that costs nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from gateway.http.testing import CAMERA_BOX, Gateway, Installation, installation


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The running installation."""
    with installation(
        tmp_path_factory.mktemp("contract"), egress_allow_private_hosts="plates.test,127.0.0.1"
    ) as running:
        yield running


@pytest.fixture
def gateway(stack: Installation) -> Iterator[Gateway]:
    """Its gateway; the detector works as it should before and after each test."""
    yield stack.gateway
    stack.detect.detector.fails_with = None
    stack.detect.detector.seconds = 0.0
    stack.detect.detector.box = CAMERA_BOX
    stack.detect.detector.likeness = (0.9, 0.2, 0.5)
    stack.detect.segmenter.fails_with = None
    stack.detect.segmenter.uncertain = False


@pytest.fixture
def key(gateway: Gateway) -> str:
    """A key of a fresh account with 1,000 credits."""
    return gateway.api_key(1_000)


@pytest.fixture
def api(gateway: Gateway, key: str) -> Iterator[httpx.Client]:
    """A client with that key."""
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG of 800 x 600 pixels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def session_id(api: httpx.Client, photo: bytes) -> str:
    """An open session."""
    return str(api.post("/v1/studio/init", files={"image": photo}).json()["session_id"])
