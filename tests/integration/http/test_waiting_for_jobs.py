"""Prefer: wait, the stream of events, cancel, lists and pages."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway
from lensora.client.events import EventParser
from lensora.core.steps import STAGES, Step


def later(seconds: float, work: Any, *arguments: Any) -> None:
    """Do something in a moment."""
    threading.Timer(seconds, work, arguments).start()


def test_a_held_poll_answers_when_the_job_changes(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """Long before its time is over, with the new state."""
    gateway.take(job_id)
    later(0.3, gateway.do_stages, job_id, Step.CROPPING)
    started = time.monotonic()
    response = api.get(f"/v1/studio/result/{job_id}", headers={"Prefer": "wait=30"})
    assert 0.2 < time.monotonic() - started < 5
    assert response.json()["status"] == "processing"
    assert response.headers["preference-applied"] == "wait=30"


def test_a_held_poll_ends_with_its_time(api: httpx.Client, job_id: str) -> None:
    """With the state as it is."""
    started = time.monotonic()
    response = api.get(f"/v1/studio/result/{job_id}", headers={"Prefer": "respond-async, wait=1"})
    assert 0.9 < time.monotonic() - started < 3
    assert response.json()["status"] == "queued"


@pytest.mark.parametrize("preference", ["Wait=1", 'wait="1"', "wait = 1; x", "handling=lenient,wait=1"])
def test_a_wait_is_known_in_every_spelling(api: httpx.Client, job_id: str, preference: str) -> None:
    """Capitals, quotes and spaces do not count (RFC 7240, section 2)."""
    response = api.get(f"/v1/studio/result/{job_id}", headers={"Prefer": preference})
    assert response.headers["preference-applied"] == "wait=1"


@pytest.mark.parametrize("preference", ["", "wait", "wait=x", "wait=-1", "return=minimal"])
def test_another_preference_is_no_wait(api: httpx.Client, job_id: str, preference: str) -> None:
    """What is not understood is passed over."""
    response = api.get(f"/v1/studio/result/{job_id}", headers={"Prefer": preference})
    assert response.elapsed.total_seconds() < 0.9
    assert "preference-applied" not in response.headers


def test_a_held_poll_of_an_ended_job_does_not_wait(api: httpx.Client, job_id: str) -> None:
    """There is nothing to wait for."""
    api.post(f"/v1/studio/jobs/{job_id}/cancel")
    response = api.get(f"/v1/studio/result/{job_id}", headers={"Prefer": "wait=30"})
    assert response.elapsed.total_seconds() < 2
    assert response.json()["status"] == "canceled"


def events(response: httpx.Response) -> list[tuple[int, dict[str, Any]]]:
    """``(id, data)`` of a whole stream."""
    parser = EventParser()
    found = [event for text in response.iter_text() for event in parser.feed(text)]
    return [(int(event.event_id), json.loads(event.data)) for event in found]


def test_a_stream_tells_every_state_and_ends(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """From queued to completed, each as the poll would say it, ids growing."""

    def work() -> None:
        gateway.take(job_id)
        for step in STAGES:
            gateway.do_stages(job_id, step)
            time.sleep(0.05)
        gateway.finish(job_id)

    later(0.2, work)
    with api.stream("GET", f"/v1/studio/result/{job_id}/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        told = events(response)
    assert told[0][1]["status"] == "queued"
    assert told[-1][1] == api.get(f"/v1/studio/result/{job_id}").json()
    assert told[-1][1]["status"] == "completed"
    assert len(told) >= 6
    ids = [event_id for event_id, _ in told]
    assert ids == sorted(set(ids))


def test_a_stream_resumes_after_the_last_event(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """What the client has is not sent again; after the end it is told to stay away."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    path = f"/v1/studio/result/{job_id}/stream"
    with api.stream("GET", path) as response:
        (last, _), *more = events(response)
    assert not more
    with api.stream("GET", path, headers={"Last-Event-ID": str(last - 1)}) as response:
        assert [event_id for event_id, _ in events(response)] == [last]
    assert api.get(path, headers={"Last-Event-ID": str(last)}).status_code == 204


def test_cancel_gives_the_credits_back_once(gateway: Gateway, api: httpx.Client, key: str, job_id: str) -> None:
    """A second cancel changes nothing, and the poll shows a canceled job."""
    first = api.post(f"/v1/studio/jobs/{job_id}/cancel").json()
    assert first == {"job_id": job_id, "status": "canceled", "already_terminal": False, "credits_refunded": 75}
    second = api.post(f"/v1/studio/jobs/{job_id}/cancel").json()
    assert second["already_terminal"]
    assert gateway.balance(key) == 995
    poll = api.get(f"/v1/studio/result/{job_id}").json()
    assert (poll["status"], poll["progress"], poll["credits_refunded"]) == ("canceled", 0, 75)


def test_jobs_are_listed_page_by_page(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Newest first, by status, each once, and a bad cursor, limit or status is refused."""
    made = [
        api.post("/v1/studio/transform", json={"session_id": session_id, "background": {"type": "remove"}}).json()[
            "job_id"
        ]
        for _ in range(5)
    ]
    api.post(f"/v1/studio/jobs/{made[2]}/cancel")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = api.get("/v1/studio/jobs", params=params).json()
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    canceled = api.get("/v1/studio/jobs", params={"status": "canceled"}).json()["jobs"]
    assert [job["job_id"] for job in canceled] == [made[2]]
    for params in ({"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"status": "done"}, {"cursor": "no such"}):
        answer = api.get("/v1/studio/jobs", params=params)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_the_ledger_tells_every_movement(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """Grant, session, job and refund, whose sum is the balance."""
    api.post(f"/v1/studio/jobs/{job_id}/cancel")
    entries = api.get("/v1/account/ledger").json()["entries"]
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [
        ("refund", 75),
        ("charge", -75),
        ("charge", -5),
        ("grant", 1000),
    ]
    assert api.get("/v1/account").json()["balance"] == sum(entry["amount"] for entry in entries)
    first = api.get("/v1/account/ledger", params={"limit": "3"}).json()
    rest = api.get("/v1/account/ledger", params={"cursor": first["next_cursor"]}).json()
    assert first["entries"] + rest["entries"] == entries


def test_a_finished_job_is_filmed_again(gateway: Gateway, api: httpx.Client, key: str, job_id: str) -> None:
    """Another camera from the kept mesh for 25 credits: only the film is made anew."""
    early = api.post(f"/v1/studio/jobs/{job_id}/render", json={"camera_preset": "dolly"})
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    before = gateway.balance(key)
    ticket = api.post(f"/v1/studio/jobs/{job_id}/render", json={"camera_preset": "dolly"}).json()
    assert ticket["credits_used"] == 25
    assert gateway.balance(key) == before - 25
    stages = api.get(ticket["poll_url"]).json()["stages"]
    assert {stage["name"]: stage["status"] for stage in stages} == {
        "cropping": "reused",
        "removing-bg": "reused",
        "generating-bg": "reused",
        "compositing": "reused",
        "generating-3d": "reused",
        "rendering-video": "pending",
    }
    gateway.take(ticket["job_id"])
    gateway.do_stages(ticket["job_id"], Step.RENDERING_VIDEO)
    gateway.finish(ticket["job_id"])
    output = api.get(ticket["poll_url"]).json()["output"]
    assert set(output) == {"mp4_url", "glb_url", "scene_url", "removed_bg_url"}


def test_a_larger_film_gets_a_larger_scene(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """A film of another size is not blown up from the first one's scene: the scene is made again at its size."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    ticket = api.post(f"/v1/studio/jobs/{job_id}/render", json={"output": {"size": 1080}}).json()
    stages = {stage["name"]: stage["status"] for stage in api.get(ticket["poll_url"]).json()["stages"]}
    assert {name for name, status in stages.items() if status == "pending"} == {
        "generating-bg",
        "compositing",
        "rendering-video",
    }


def test_another_background_for_the_same_mesh(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """The scene is made anew too; the model's own formats cannot be."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    changed = {"background": {"type": "prompt", "prompt": "a beach"}}
    ticket = api.post(f"/v1/studio/jobs/{job_id}/render", json=changed).json()
    stages = {stage["name"]: stage["status"] for stage in api.get(ticket["poll_url"]).json()["stages"]}
    assert stages["generating-3d"] == "reused"
    assert stages["generating-bg"] == stages["compositing"] == stages["rendering-video"] == "pending"
    refused = api.post(f"/v1/studio/jobs/{job_id}/render", json={"output": {"formats": ["usdz"]}})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    smaller = api.post(f"/v1/studio/jobs/{job_id}/render", json={"output": {"max_glb_bytes": 200_000}})
    assert (smaller.status_code, "output.max_glb_bytes must be left out" in smaller.text) == (400, True)
    missing = api.post(f"/v1/studio/jobs/{uuid.uuid4()}/render", json={})
    assert missing.json()["code"] == "job_not_found"


def test_the_webhook_secret_is_the_accounts(api: httpx.Client) -> None:
    """It stays until it is rotated."""
    first = api.get("/v1/account/webhook-secret").json()["secret"]
    assert first.startswith("whsec_")
    assert api.get("/v1/account/webhook-secret").json()["secret"] == first
    second = api.post("/v1/account/webhook-secret/rotate").json()["secret"]
    assert second != first
    assert api.get("/v1/account/webhook-secret").json()["secret"] == second


def test_who_goes_away_is_not_waited_for(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """A closed stream leaves nothing behind in the process."""
    waiting = gateway.store.changes
    with api.stream("GET", f"/v1/studio/result/{job_id}/stream") as response:
        lines = response.iter_lines()
        assert next(lines).startswith("id: ")
        assert waiting.waiting == 1  # type: ignore[attr-defined]
    deadline = time.monotonic() + 5
    while waiting.waiting:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_head_of_a_stream_does_not_wait_for_the_job(api: httpx.Client, job_id: str) -> None:
    """It has no body, so the connection is free for the next request at once."""
    head = api.head(f"/v1/studio/result/{job_id}/stream")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert api.get("/healthz", timeout=5).status_code == 200
