"""Idempotency-Key on both POSTs, alone and in crowds."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway, Installation
from lensora.core.steps import STAGES

CROWD = 100


def body_of(session_id: str, **more: Any) -> dict[str, Any]:
    """A transform."""
    return {"session_id": session_id, "background": {"type": "remove"}} | more


def test_a_repeat_gets_the_first_answer(gateway: Gateway, api: httpx.Client, key: str, session_id: str) -> None:
    """The same status and body, marked as a replay; one job, one charge."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    before = gateway.balance(key)
    first = api.post("/v1/studio/transform", json=body_of(session_id), headers=headers)
    second = api.post("/v1/studio/transform", json=body_of(session_id), headers=headers)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert gateway.balance(key) == before - 75


def test_the_same_content_spelled_otherwise_is_a_repeat(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """Another spacing, another order of fields, the id in capitals: one job, one charge; another choice is an error."""
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    before = gateway.balance(key)
    body = body_of(session_id, output={"size": 512, "seconds": 4})
    spelled = [
        json.dumps(body),
        json.dumps(dict(reversed(body.items())), indent=2),
        json.dumps(body | {"session_id": session_id.upper()}, separators=(",", ":")),
    ]
    answers = [api.post("/v1/studio/transform", content=text, headers=headers) for text in spelled]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert gateway.balance(key) == before - 75
    other = api.post("/v1/studio/transform", json=body | {"camera_preset": "dolly"}, headers=headers)
    assert other.json()["code"] == "idempotency_mismatch"


def test_a_render_under_its_job_in_capitals_is_a_repeat(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """The path's id is the same job however it is written."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    answers = [
        api.post(f"/v1/studio/jobs/{name}/render", json={"camera_preset": "dolly"}, headers=headers)
        for name in (job_id, job_id.upper())
    ]
    assert answers[0].status_code == 200
    assert answers[1].content == answers[0].content


def test_a_repeated_upload_opens_one_session(gateway: Gateway, api: httpx.Client, key: str, photo: bytes) -> None:
    """The same photo under the same key, whatever the boundary of its form."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    answers = [api.post("/v1/studio/init", files={"image": ("a.jpg", photo)}, headers=headers) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert gateway.balance(key) == 995
    other = api.post("/v1/studio/init", files={"image": photo}, data={"max_objects": "3"}, headers=headers)
    assert other.json()["code"] == "idempotency_mismatch"


def test_keys_of_two_accounts_do_not_meet(gateway: Gateway, api: httpx.Client, photo: bytes) -> None:
    """The same Idempotency-Key of another API key is another request."""
    headers = {"Idempotency-Key": "the-same-for-both"}
    mine = api.post("/v1/studio/init", files={"image": photo}, headers=headers).json()
    other_key = gateway.api_key(100)
    theirs = httpx.post(
        f"{gateway.base_url}/v1/studio/init",
        files={"image": photo},
        headers=headers | {"Authorization": f"Bearer {other_key}"},
    ).json()
    assert mine["session_id"] != theirs["session_id"]


def test_bad_input_is_answered_the_same_again(api: httpx.Client, session_id: str) -> None:
    """What a repeat cannot change is kept, the error's body included."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = body_of(session_id, object_index=99)
    first = api.post("/v1/studio/transform", json=body, headers=headers)
    second = api.post("/v1/studio/transform", json=body, headers=headers)
    assert first.status_code == second.status_code == 400
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == "application/problem+json"


def test_what_may_change_is_not_kept(gateway: Gateway, photo: bytes) -> None:
    """402 under a key becomes 200 under the same key once there are credits."""
    account = f"account-{uuid.uuid4().hex}"
    key = gateway.api_key(5, account)
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "k"}
    with httpx.Client(base_url=gateway.base_url, headers=headers) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        headers = {"Idempotency-Key": "k2"}
        poor = api.post("/v1/studio/transform", json=body_of(session_id), headers=headers)
        assert poor.status_code == 402
        gateway.run(gateway.store.credits.grant(account, 75, reference="top-up"))
        rich = api.post("/v1/studio/transform", json=body_of(session_id), headers=headers)
        assert rich.status_code == 200
        assert "idempotent-replayed" not in rich.headers


def test_a_detector_that_was_away_is_tried_again(stack: Installation, api: httpx.Client, photo: bytes) -> None:
    """503 under a key does not stick to it."""
    import grpc

    headers = {"Idempotency-Key": uuid.uuid4().hex}
    stack.detect.detector.fails_with = grpc.StatusCode.UNAVAILABLE
    assert api.post("/v1/studio/init", files={"image": photo}, headers=headers).status_code == 503
    stack.detect.detector.fails_with = None
    assert api.post("/v1/studio/init", files={"image": photo}, headers=headers).status_code == 200


def crowd(gateway: Gateway, key: str, session_id: str, headers: dict[str, str]) -> list[httpx.Response]:
    """So many POSTs at once."""
    with (
        httpx.Client(
            base_url=gateway.base_url,
            headers={"Authorization": f"Bearer {key}", **headers},
            limits=httpx.Limits(max_connections=CROWD),
            timeout=60,
        ) as api,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        return list(pool.map(lambda _: api.post("/v1/studio/transform", json=body_of(session_id)), range(CROWD)))


def test_a_hundred_at_once_under_one_key_are_one_job(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """One job and one charge; every answer is that job's, or says that the first is still running."""
    before = gateway.balance(key)
    answers = crowd(gateway, key, session_id, {"Idempotency-Key": uuid.uuid4().hex})
    done = [answer for answer in answers if answer.status_code == 200]
    rest = [answer for answer in answers if answer.status_code != 200]
    assert len({answer.json()["job_id"] for answer in done}) == 1
    assert {answer.json()["code"] for answer in rest} <= {"idempotency_in_progress"}
    assert gateway.balance(key) == before - 75
    assert len(api.get("/v1/studio/jobs").json()["jobs"]) == 1


@pytest.mark.parametrize("affordable", [10])
def test_a_hundred_at_once_with_credit_for_ten(gateway: Gateway, photo: bytes, affordable: int) -> None:
    """Ten are accepted, ninety are told 402, and nothing is left."""
    key = gateway.api_key(5 + 75 * affordable)
    answer = httpx.post(
        f"{gateway.base_url}/v1/studio/init", files={"image": photo}, headers={"Authorization": f"Bearer {key}"}
    )
    answers = crowd(gateway, key, answer.json()["session_id"], {})
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == affordable
    assert statuses.count(402) == CROWD - affordable
    assert gateway.balance(key) == 0


def test_a_brand_that_is_saved_meanwhile_is_found_by_the_repeat(api: httpx.Client, session_id: str) -> None:
    """An error about a brand can be gone a moment later, so it is not kept."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"session_id": session_id, "brand": f"later-{uuid.uuid4().hex[:8]}"}
    assert "is not saved" in api.post("/v1/studio/transform", json=body, headers=headers).json()["detail"]
    form = {"name": (None, body["brand"]), "brand": (None, '{"background": {"type": "remove"}}')}
    assert api.post("/v1/studio/brands", files=form).status_code == 200
    again = api.post("/v1/studio/transform", json=body, headers=headers)
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (200, None)
