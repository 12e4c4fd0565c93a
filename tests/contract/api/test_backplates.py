"""Background pictures of the customer's own: uploaded, ordered with, kept for a day."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.http.testing import Gateway
from gateway.jobs.backplates import MOST_KEPT
from lensora.client import Client, uploaded
from lensora.core.artifacts import MediaType


def picture(width: int = 400, height: int = 300, kind: str = "PNG") -> bytes:
    """A picture file."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, kind)
    return file.getvalue()


def order_of(gateway: Gateway, job_id: str) -> Any:
    """What the worker reads of a job."""
    gateway.take(job_id)
    return gateway.claims[job_id].job.order


def test_a_picture_is_uploaded_for_nothing_and_ordered_with(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """The answer has its id, link and size; the job has the picture itself, and says which it was."""
    before = gateway.balance(key)
    data = picture()
    answer = api.post("/v1/studio/backplates", files={"image": data})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["backplate_id", "picture_url", "width", "height", "expires_at"]
    assert (body["width"], body["height"]) == (400, 300)
    opened = httpx.get(body["picture_url"])
    assert (opened.content, opened.headers["content-type"]) == (data, "image/png")
    assert gateway.balance(key) == before
    background = {"type": "image", "backplate_id": body["backplate_id"].upper()}
    job = api.post("/v1/studio/transform", json={"session_id": session_id, "background": background}).json()
    order = order_of(gateway, job["job_id"])
    assert order.background.picture.media_type == MediaType.PNG
    assert gateway.run(gateway.artifacts.get_async(order.background.picture)) == data
    told = api.get(f"/v1/studio/result/{job['job_id']}").json()["order"]["background"]
    assert told == {"type": "image", "backplate_id": body["backplate_id"]}


@pytest.mark.parametrize(
    ("background", "says"),
    [
        ({"backplate_id": "2a91884c-1bb5-44e3-a6e0-7db0a5a56668"}, "no picture that is kept"),
        ({"backplate_id": "nonsense"}, "no picture that is kept"),
        ({"backplate_id": ""}, "no picture that is kept"),
        ({"backplate_id": "x", "url": "https://example.com/a.jpg"}, "url or backplate_id, not both"),
    ],
)
def test_a_picture_that_is_not_kept_is_refused(
    api: httpx.Client, session_id: str, background: dict[str, str], says: str
) -> None:
    """Before anything is charged."""
    body = {"session_id": session_id, "background": {"type": "image", **background}}
    answer = api.post("/v1/studio/transform", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_background")
    assert says in answer.json()["detail"]


def test_another_key_does_not_order_with_a_picture(gateway: Gateway, api: httpx.Client, photo: bytes) -> None:
    """It is unknown to others."""
    kept = api.post("/v1/studio/backplates", files={"image": picture()}).json()["backplate_id"]
    with Client(gateway.base_url, gateway.api_key(1_000)) as other:
        session = other.init(photo)
        with pytest.raises(Exception, match="no picture that is kept"):
            other.transform(session.session_id, uploaded(kept))


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"image": b"no picture"}, "invalid_image"),
        ({"image": b""}, "invalid_image"),
        ({"picture": b"x"}, "invalid_request"),
        ({"image": picture(40, 40)}, "invalid_image"),
    ],
)
def test_what_is_no_picture_of_ours_is_refused(api: httpx.Client, files: dict[str, bytes], code: str) -> None:
    """By the limits of photos."""
    answer = api.post("/v1/studio/backplates", files=files)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_an_account_keeps_a_bounded_number(gateway: Gateway) -> None:
    """They are free, so they are counted; the answer says when the oldest goes."""
    data = picture(64, 64, "JPEG")
    secret = gateway.api_key()
    with Client(gateway.base_url, secret) as client:
        kept = {client.backplate(data).backplate_id for _ in range(MOST_KEPT)}
        assert len(kept) == MOST_KEPT
    headers = {"Authorization": f"Bearer {secret}"}
    answer = httpx.post(f"{gateway.base_url}/v1/studio/backplates", files={"image": data}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) > 3600
