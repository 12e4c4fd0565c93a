"""Money that cannot surprise: a quote before the job, and keys that charge nothing."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway, Installation
from lensora.contract.answers import Quote

BODY: dict[str, Any] = {"background": {"type": "remove"}}


def test_a_quote_says_the_price_and_costs_nothing(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """The very price that the same body is charged, the time, and the balance; nothing is charged or started."""
    before = gateway.balance(key)
    answer = api.post("/v1/studio/quote", json=BODY | {"session_id": session_id})
    assert answer.status_code == 200
    quote = Quote.model_validate_json(answer.content)
    assert (quote.balance, gateway.balance(key)) == (before, before)
    assert quote.estimated_seconds >= 1
    assert api.get("/v1/studio/jobs").json()["jobs"] == []
    ticket = api.post("/v1/studio/transform", json=BODY | {"session_id": session_id}).json()
    assert ticket["credits_used"] == quote.credits == before - gateway.balance(key)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"session_id": str(uuid.uuid4())}, 404, "session_not_found"),
        ({"object_index": 99}, 400, "object_index_out_of_range"),
        ({"camera_preset": "orbit"}, 400, "invalid_request"),
        ({"background": {"type": "image", "url": "http://10.0.0.1/a.jpg"}}, 400, "invalid_background"),
        ({"deliver_to": {"type": "s3", "presigned": {"mp4": "http://10.0.0.1/a.mp4"}}}, 400, "invalid_request"),
        ({"deliver_to": {"type": "s3", "presigned": {"avi": "https://a.test/a.avi"}}}, 400, "invalid_request"),
        ({"real_height_cm": 12, "real_width_cm": 9}, 400, "invalid_request"),
        ({"deliver_to": {"type": "ftp", "presigned": {"mp4": "https://a.test/a"}}}, 400, "invalid_request"),
    ],
)
def test_a_quote_finds_what_the_job_would(
    api: httpx.Client, session_id: str, change: dict[str, Any], status: int, code: str
) -> None:
    """What /transform refuses is refused here, with the same code and the same sentence."""
    body = BODY | {"session_id": session_id} | change
    quote, job = (api.post(f"/v1/studio/{name}", json=body) for name in ("quote", "transform"))
    assert (quote.status_code, quote.json()["code"]) == (status, code)
    assert (job.status_code, job.json()["detail"]) == (status, quote.json()["detail"])


def test_a_test_key_charges_nothing_and_marks_what_it_makes(stack: Installation, photo: bytes) -> None:
    """Session, cutout, job and second film cost 0 credits of an account that has none; the segment service and the
    worker are told to mark; the ledger stays empty and adds up."""
    gateway = stack.gateway
    gateway.api_key(0, "tester")

    async def make() -> str:
        key, secret = await gateway.store.keys.create("tester", "trial", test=True)
        assert key.test and secret.startswith("lsk_test_") and key.hint.startswith("lsk_test_")
        assert (await gateway.store.keys.authenticate(secret)).test
        return secret

    headers = {"Authorization": f"Bearer {gateway.run(make())}"}
    with httpx.Client(base_url=gateway.base_url, headers=headers, timeout=20) as api:
        session = api.post("/v1/studio/init", files={"image": photo}).json()
        assert session["credits_used"] == 0
        named = {"session_id": session["session_id"]}
        assert api.post("/v1/studio/quote", json=BODY | named).json()["credits"] == 0
        cutout = api.post("/v1/studio/cutout", json=named).json()
        assert cutout["credits_used"] == 0 and stack.detect.segmenter.asked[-1].marked
        ticket = api.post("/v1/studio/transform", json=BODY | named).json()
        assert ticket["credits_used"] == 0
        gateway.take(ticket["job_id"])
        assert gateway.claims[ticket["job_id"]].job.order.test
        canceled = api.post(f"/v1/studio/jobs/{ticket['job_id']}/cancel").json()
        assert (canceled["status"], canceled["credits_refunded"]) == ("canceled", 0)
        assert api.get("/v1/account/ledger").json()["entries"] == []
    assert gateway.run(gateway.store.credits.verify()).drift == 0


def test_an_ordinary_key_is_no_test_key(stack: Installation, api: httpx.Client, session_id: str) -> None:
    """What it makes bears no mark."""
    api.post("/v1/studio/cutout", json={"session_id": session_id})
    assert not stack.detect.segmenter.asked[-1].marked
