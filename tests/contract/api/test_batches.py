"""Batches through the public API: one price before, one order, one state, one cancel, one archive."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway
from gateway.jobs.records import JobError
from lensora.client import AsyncClient, prompt
from lensora.core.errors import BatchNotFound
from lensora.core.steps import STAGES, Step
from lensora.core.words import DeliveryStatus

REMOVE = {"background": {"type": "remove"}}
LOST = "2a91884c-1bb5-44e3-a6e0-7db0a5a56668"


@pytest.fixture
def sessions(api: httpx.Client, photo: bytes) -> list[str]:
    """Three open sessions."""
    return [str(api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]) for _ in range(3)]


def ordered(api: httpx.Client, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The ticket of a batch of these items."""
    answer = api.post("/v1/studio/batches", json={"items": items, **REMOVE, **more})
    assert answer.status_code == 200, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


def state(api: httpx.Client, batch_id: str) -> dict[str, Any]:
    """The batch as it is now."""
    found: dict[str, Any] = api.get(f"/v1/studio/batches/{batch_id}").json()
    return found


def made(gateway: Gateway, job_id: str) -> None:
    """Complete a job."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)


def test_one_item_that_cannot_be_ordered_does_not_stop_the_rest(
    gateway: Gateway, api: httpx.Client, key: str, sessions: list[str]
) -> None:
    """Quote and order say which and why; the others are charged, made, and told of one by one."""
    items: list[dict[str, Any]] = [
        {"session_id": sessions[0], "name": "Tasse"},
        {"session_id": LOST, "name": "lost"},
        {"session_id": sessions[1], "object_index": 1, "background": {"type": "prompt", "prompt": "a beach"}},
        {"session_id": sessions[2], "object_index": 9},
    ]
    quote = api.post("/v1/studio/quote/batch", json={"items": items, **REMOVE}).json()
    assert (quote["credits"], quote["jobs"], quote["balance"]) == (75, 1, 985)
    assert [(one["index"], one["name"], one["code"]) for one in quote["refused"]] == [
        (1, "lost", "session_not_found"),
        (2, "003", "crop_too_small"),
        (3, "004", "object_index_out_of_range"),
    ]
    assert "0 to 2" in quote["refused"][2]["error"]
    items[2]["object_index"] = 2
    ticket = ordered(api, *items, camera_preset="dolly", output={"aspect": "4:5"})
    assert list(ticket) == [
        "batch_id", "status", "jobs", "refused", "credits_used", "estimated_seconds", "poll_url",
    ]  # fmt: skip
    assert (ticket["jobs"], ticket["credits_used"], gateway.balance(key)) == (2, 150, 835)
    batch = api.get(ticket["poll_url"]).json()
    assert batch["counts"] == {
        "total": 4, "queued": 2, "processing": 0, "completed": 0, "failed": 2, "canceled": 0,
    }  # fmt: skip
    assert (batch["status"], batch["order"]["camera_preset"], batch["order"]["output"]["aspect"]) == (
        "queued", "dolly", "4:5",
    )  # fmt: skip
    jobs = [item.get("job_id") for item in batch["items"]]
    assert [job is None for job in jobs] == [False, True, False, True]
    assert batch["items"][1]["error_detail"] == {"code": "session_not_found", "stage": None, "retryable": False}
    made(gateway, jobs[0])
    gateway.take(jobs[2])
    assert gateway.claims[jobs[2]].job.order.background.prompt == "a beach"
    gateway.fail(jobs[2], JobError("Scene generation failed", "inference_failed", Step.GENERATING_BG, True))
    batch = state(api, ticket["batch_id"])
    assert (batch["status"], batch["progress"], batch["credits_refunded"]) == ("completed", 100, 75)
    assert "eta_seconds" not in batch and batch["ended_at"] >= batch["created_at"]
    assert [item["status"] for item in batch["items"]] == ["completed", "failed", "failed", "failed"]
    assert batch["items"][2]["error"] == "Scene generation failed"
    assert httpx.get(batch["items"][0]["scene_url"]).status_code == 200
    result = api.get(f"/v1/studio/result/{jobs[0]}").json()
    assert result["batch_id"] == ticket["batch_id"]


def test_each_film_goes_to_a_storage_of_its_own(gateway: Gateway, api: httpx.Client, sessions: list[str]) -> None:
    """An item's deliver_to is its job's, and the batch tells what became of its files; a wrong one refuses its item."""

    def place(name: str) -> dict[str, Any]:
        return {"type": "s3", "presigned": {"mp4": f"http://127.0.0.1/{name}.mp4?X-Amz-Signature=0"}}

    items = [{"session_id": sessions[number], "deliver_to": place(str(number))} for number in range(2)]
    items.append({"session_id": sessions[2], "deliver_to": place("a b")})
    ticket = ordered(api, *items)
    assert [(one["index"], one["code"]) for one in ticket["refused"]] == [(2, "invalid_request")]
    assert "deliver_to.presigned.mp4: url must be" in ticket["refused"][0]["error"]
    first, second = (item["job_id"] for item in state(api, ticket["batch_id"])["items"][:2])
    gateway.take(first)
    assert gateway.claims[first].job.order.deliver_to == items[0]["deliver_to"]["presigned"]
    gateway.do_stages(first, *STAGES)
    gateway.finish(first, {"mp4": DeliveryStatus.DELIVERED})
    made(gateway, second)
    told = [item.get("delivery") for item in state(api, ticket["batch_id"])["items"]]
    assert told == [{"mp4": "delivered"}, None, None]


def test_the_price_is_known_before_anything_is_uploaded(api: httpx.Client) -> None:
    """By the number of photos, with what /init costs, and what a larger film costs; nothing is charged."""
    body = {"photos": 24, **REMOVE}
    assert api.post("/v1/studio/quote/batch", json=body).json()["credits"] == 24 * 80
    larger = body | {"output": {"seconds": 8}}
    assert api.post("/v1/studio/quote/batch", json=larger).json()["credits"] == 24 * 105
    for wrong in (REMOVE, {"photos": 2, "items": [{"session_id": LOST}], **REMOVE}):
        answer = api.post("/v1/studio/quote/batch", json=wrong)
        assert answer.json()["detail"] == "The body must have items or photos, and not both."
    assert "photos must be an integer from 1 to 200" in api.post(
        "/v1/studio/quote/batch", json={"photos": 201, **REMOVE}
    ).json()["detail"]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"items": [], **REMOVE}, "invalid_request", "items must have at least 1 entry"),
        ({"items": [{"session_id": LOST}] * 201, **REMOVE}, "invalid_request", "items must have at most 200 entries"),
        ({"items": [{"session_id": LOST}]}, "invalid_request", "background is required"),
        ({"items": [{"session_id": LOST}], **REMOVE}, "session_not_found", "There is no such session"),
        ({"items": [{"session_id": LOST, "colour": 1}], **REMOVE}, "invalid_request", "items takes session_id"),
        ({"items": [{"session_id": LOST, "name": "\n"}], **REMOVE}, "invalid_request", "name must not be blank"),
        (
            {"items": [{"session_id": LOST, "background": {"type": "prompt", "prompt": ""}}], **REMOVE},
            "invalid_background",
            "items.0.background.prompt must not be empty",
        ),
        (
            {"items": [{"session_id": LOST, "background": {"type": "image", "url": f"https://{n}.test/a.jpg"}}
                       for n in range(21)], **REMOVE},
            "invalid_request",
            "at most 20 different background.url, not 21",
        ),
        (
            {"items": [{"session_id": LOST,
                        "deliver_to": {"type": "s3", "presigned": {"mp4": f"https://{n}.test/a.mp4"}}}
                       for n in range(6)], **REMOVE},
            "invalid_request",
            "at most 5 different hosts, not 6",
        ),
        ({"items": [{"session_id": LOST}], **REMOVE, "webhook_url": "http://10.0.0.1/"}, "invalid_request", "public"),
    ],
)  # fmt: skip
def test_what_is_no_batch_is_said_by_its_field(api: httpx.Client, body: dict[str, Any], code: str, says: str) -> None:
    """One sentence that names what is wrong; where no item at all can be ordered, the first one's error. The quote says
    the same before."""
    for path in ("/v1/studio/batches", "/v1/studio/quote/batch"):
        problem = api.post(path, json=body).json()
        assert (problem.get("code"), says in problem.get("detail", "")) == (code, True), problem


def test_a_batch_that_costs_too_much_is_not_begun(gateway: Gateway, photo: bytes) -> None:
    """Not even in part: nothing is charged, no job is there."""
    poor = gateway.api_key(5 + 75)
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {poor}"}, timeout=20) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        answer = api.post("/v1/studio/batches", json={"items": [{"session_id": session_id}] * 2, **REMOVE})
        assert (answer.status_code, answer.json()["detail"]) == (402, "This costs 150 credits; the balance is 75.")
        assert api.get("/v1/studio/jobs").json()["jobs"] == []
        assert api.get("/v1/studio/batches").json() == {"batches": [], "next_cursor": None}


def test_a_repeat_with_the_same_key_is_the_same_batch(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """The same ticket, and one charge; another body under the key is refused."""
    body = {"items": [{"session_id": session_id}], **REMOVE}
    headers = {"Idempotency-Key": "monday"}
    first, again = (api.post("/v1/studio/batches", json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json() and again.headers["idempotent-replayed"] == "true"
    assert gateway.balance(key) == 1000 - 5 - 75
    other = api.post("/v1/studio/batches", json=body | {"camera_preset": "dolly"}, headers=headers)
    assert other.json()["code"] == "idempotency_mismatch"


def test_cancel_returns_what_was_not_made(gateway: Gateway, api: httpx.Client, key: str, sessions: list[str]) -> None:
    """And nothing else; a second cancel says that there was nothing left. Then the batch can be deleted, not before."""
    ticket = ordered(api, *({"session_id": one} for one in sessions))
    path = f"/v1/studio/batches/{ticket['batch_id']}"
    made(gateway, state(api, ticket["batch_id"])["items"][0]["job_id"])
    assert api.delete(path).json()["code"] == "conflict"
    assert api.post(f"{path}/cancel").json() == {
        "batch_id": ticket["batch_id"],
        "status": "canceled",
        "already_terminal": False,
        "canceled": 2,
        "credits_refunded": 150,
    }
    assert gateway.balance(key) == 1000 - 15 - 75
    again = api.post(f"{path}/cancel").json()
    assert (again["already_terminal"], again["canceled"], again["credits_refunded"]) == (True, 0, 150)
    archive = state(api, ticket["batch_id"])["archive_url"]
    assert api.delete(path).status_code == 204
    for gone in (api.get(path), api.delete(path), api.post(f"{path}/cancel"), httpx.get(archive)):
        assert gone.json()["code"] == "batch_not_found"
    assert api.get("/v1/studio/jobs").json()["jobs"] == []


def test_the_archive_holds_every_film_that_is_ready(gateway: Gateway, api: httpx.Client, sessions: list[str]) -> None:
    """A folder for each, by names that every system takes, and a table that says what became of all of them."""
    ticket = ordered(
        api,
        {"session_id": sessions[0], "name": "../Größe: 1/2"},
        {"session_id": sessions[1], "name": "=mug"},
        {"session_id": sessions[2], "name": "=mug"},
        {"session_id": LOST, "name": "con"},
    )
    batch = state(api, ticket["batch_id"])
    for item in batch["items"][:2]:
        made(gateway, item["job_id"])
    answer = httpx.get(batch["archive_url"])
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="batch-{ticket["batch_id"][:8]}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    names = archive.namelist()
    assert names[0] == "films.csv" and {name.partition("/")[0] for name in names[1:]} == {"Größe- 1-2", "=mug"}
    assert len(names) == 1 + 2 * 4
    assert archive.read("=mug/turntable.mp4").startswith(b"mp4 of")
    table = list(csv.DictReader(io.StringIO(archive.read("films.csv").decode("utf-8-sig"))))
    assert [row["status"] for row in table] == ["completed", "completed", "processing", "failed"]
    assert [row["name"] for row in table] == ["../Größe: 1/2", "'=mug", "'=mug-2", "con"]
    assert "no such session" in table[3]["error"] and table[2]["folder"] == ""
    with_key = api.get(f"/v1/studio/batches/{ticket['batch_id']}/archive.zip")
    assert with_key.content == answer.content
    assert httpx.head(batch["archive_url"]).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "ffffffff." + "a" * 32])
def test_an_archive_opens_for_its_link_alone(gateway: Gateway, api: httpx.Client, session_id: str, token: str) -> None:
    """A forged link is told nothing; without link and key the answer is 401; another key finds no batch."""
    batch_id = ordered(api, {"session_id": session_id})["batch_id"]
    url = f"{gateway.base_url}/v1/studio/batches/{batch_id}/archive.zip"
    assert httpx.get(url, params={"token": token}).json()["code"] == "file_not_found"
    assert httpx.get(url).json()["code"] == "unauthorized"
    stranger = {"Authorization": f"Bearer {gateway.api_key()}"}
    assert httpx.get(url, headers=stranger).json()["code"] == "batch_not_found"
    other = ordered(api, {"session_id": session_id})["batch_id"]
    borrowed = state(api, other)["archive_url"].partition("?")[2]
    assert httpx.get(f"{url}?{borrowed}").json()["code"] == "file_not_found"


def test_a_held_poll_answers_when_a_film_has_ended(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Not when one merely goes on; and at once where all have ended."""
    ticket = ordered(api, {"session_id": session_id}, {"session_id": session_id})
    job_id = state(api, ticket["batch_id"])["items"][0]["job_id"]
    timer = threading.Timer(0.3, lambda: made(gateway, job_id))
    timer.start()
    held = api.get(ticket["poll_url"], headers={"Prefer": "wait=15"})
    timer.join()
    assert held.headers["preference-applied"] == "wait=15"
    assert held.json()["counts"]["completed"] == 1
    assert held.json()["eta_seconds"] > 0


def test_batches_are_listed_with_their_counts(api: httpx.Client, session_id: str) -> None:
    """Newest first, without their items, page by page."""
    made_ids = [ordered(api, {"session_id": session_id})["batch_id"] for _ in range(3)]
    page = api.get("/v1/studio/batches", params={"limit": 2}).json()
    assert [batch["batch_id"] for batch in page["batches"]] == made_ids[:0:-1]
    assert page["batches"][0]["counts"]["total"] == 1 and "items" not in page["batches"][0]
    rest = api.get("/v1/studio/batches", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert ([batch["batch_id"] for batch in rest["batches"]], rest["next_cursor"]) == (made_ids[:1], None)
    assert api.get("/v1/studio/batches", params={"cursor": "x"}).json()["code"] == "invalid_request"


async def test_the_asynchronous_client_does_the_whole_of_it(
    gateway: Gateway, key: str, sessions: list[str], tmp_path: Path
) -> None:
    """With a brand in place of a background: price, order, state, cancel, archive, list, delete."""
    async with AsyncClient(gateway.base_url, key) as studio:
        await studio.save_brand("warm", background=prompt("on a desk"), camera_preset="dolly")
        assert (await studio.batches.quote(7, brand="warm")).credits == 7 * 80
        assert (await studio.batches.quote(sessions, brand="warm")).jobs == 3
        ticket = await studio.batches.create(sessions, brand="warm", output={"aspect": "9:16"})
        batch = await studio.batches.get(ticket)
        assert (batch.order.brand, batch.order.background.prompt, batch.order.camera_preset) == (
            "warm", "on a desk", "dolly",
        )  # fmt: skip
        assert batch.items is not None and batch.items[0].job_id is not None
        job_id = batch.items[0].job_id
        await asyncio.to_thread(made, gateway, job_id)
        shown: list[int] = []
        waiting = asyncio.create_task(studio.batches.wait(batch, lambda one: shown.append(one.progress), timeout_s=20))
        assert (await studio.batches.cancel(batch)).canceled == 2
        ended = await waiting
        assert ended.status == "canceled" and ended.terminal and shown[-1] == 100
        path = await studio.batches.archive(ended, tmp_path / "films.zip")
        assert "001/turntable.mp4" in zipfile.ZipFile(path).namelist()
        assert [one.batch_id for one in (await studio.batches.list(limit=1)).batches] == [batch.batch_id]
        await studio.batches.delete(batch)
        with pytest.raises(BatchNotFound):
            await studio.batches.get(batch.batch_id)


def test_a_test_key_s_batch_costs_nothing(gateway: Gateway, photo: bytes) -> None:
    """Its films bear the mark, and its quote says 0."""

    async def trial_key() -> str:
        await gateway.store.accounts.create("trial")
        return (await gateway.store.keys.create("trial", test=True))[1]

    headers = {"Authorization": f"Bearer {gateway.run(trial_key())}"}
    with httpx.Client(base_url=gateway.base_url, headers=headers, timeout=20) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        assert api.post("/v1/studio/quote/batch", json={"photos": 3, **REMOVE}).json()["credits"] == 0
        ticket = ordered(api, {"session_id": session_id})
        assert ticket["credits_used"] == 0
        job_id = state(api, ticket["batch_id"])["items"][0]["job_id"]
        gateway.take(job_id)
        assert gateway.claims[job_id].job.order.test
