"""Every request and response of the public page: the page's own JSON against ours, token by token."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway
from gateway.jobs.records import JobError
from lensora.contract import answers as answer_schemas
from lensora.core.steps import STAGES, Step

INIT_RESPONSE = """
{
  "session_id": "<uuid>",
  "source_url": "<url>.jpg",
  "objects": [
    {
      "label": "vintage twin-lens reflex camera",
      "category": "product",
      "bbox": [0.18, 0.12, 0.79, 0.93]
    },
    {
      "label": "entire image (no crop)",
      "category": "full_frame",
      "bbox": [0.0, 0.0, 1.0, 1.0]
    }
  ],
  "suggested_actions": [],
  "credits_used": 5,
  "vlm_elapsed_ms": <int>
}
"""
TRANSFORM_RESPONSE = """
{
  "job_id": "<uuid>",
  "status": "queued",
  "credits_used": 75,
  "estimated_seconds": <int>,
  "poll_url": "/v1/studio/result/<uuid>"
}
"""
IN_PROGRESS = """
{
  "job_id": "<uuid>",
  "status": "processing",
  "step": "generating-3d",
  "progress": <int>,
  "scene_url": "<url>/scene.jpg"
}
"""
COMPLETED = """
{
  "job_id": "<uuid>",
  "status": "completed",
  "step": "done",
  "progress": 100,
  "output": {
    "mp4_url": "<url>/turntable.mp4",
    "glb_url": "<url>/model.glb",
    "scene_url": "<url>/scene.jpg",
    "removed_bg_url": "<url>/cutout.png"
  }
}
"""
FAILED = """
{
  "job_id": "<uuid>",
  "status": "failed",
  "error": "3D generation timeout",
  "progress": 0
}
"""
PLACES = {
    "<uuid>": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "<url>": r"http://127\.0\.0\.1:\d+/v1/files/[^\s\"]+",
}
ADDITIONS = frozenset(
    {
        "queue_position",
        "eta_seconds",
        "stages",
        "credits_refunded",
        "error_detail",
        "removed_bg_url",
        "created_at",
        "quality",
        "models",
        "credits_used",
        "order",
    }
)
"""What CONTRACT.md adds to the poll; none of them may be needed to read it."""


class Number(str):
    """A number as it is written: ``0.0`` is not ``0``."""


def tokens(text: str) -> str:
    """JSON without the spaces between tokens: numbers as they are written, fields in their order."""
    return json.dumps(json.loads(text, parse_float=Number, parse_int=Number))


def assert_as_on_the_page(page: str, answer: str, additions: frozenset[str] = frozenset()) -> None:
    """The answer is the page's JSON, token by token, once the known additions are taken out of it."""
    shown = list(json.loads(page.replace("<int>", "0")))
    given = json.loads(answer, parse_float=Number, parse_int=Number)
    assert set(given) - set(shown) <= additions
    ours = json.dumps({name: value for name, value in given.items() if name in shown})
    expected = re.escape(tokens(page.replace("<int>", "9990999"))).replace("9990999", r"\d+")
    for place, pattern in PLACES.items():
        expected = expected.replace(re.escape(place), pattern)
    assert re.fullmatch(expected, ours), f"{ours}\nis not\n{tokens(page.replace('<int>', '0'))}"


def test_init_answers_as_the_page_shows(api: httpx.Client, photo: bytes) -> None:
    """The cURL example: multipart image and max_objects."""
    response = api.post("/v1/studio/init", files={"image": ("rolleiflex.jpg", photo)}, data={"max_objects": "2"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert_as_on_the_page(INIT_RESPONSE, response.text)


def test_a_source_url_opens_and_is_the_photo(api: httpx.Client, photo: bytes) -> None:
    """It needs no key and gives back the very bytes."""
    answer = api.post("/v1/studio/init", files={"image": photo}).json()
    response = httpx.get(answer["source_url"])
    assert response.content == photo
    assert response.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("most", [2, 3, 8])
def test_max_objects_counts_the_full_frame(api: httpx.Client, photo: bytes, most: int) -> None:
    """At most so many in all, and the last is always the entire image."""
    objects = api.post("/v1/studio/init", files={"image": photo}, data={"max_objects": str(most)}).json()["objects"]
    assert len(objects) == min(most, 3)
    assert objects[-1] == {
        "label": "entire image (no crop)",
        "category": "full_frame",
        "bbox": [0.0, 0.0, 1.0, 1.0],
    }


@pytest.mark.parametrize(
    "background",
    [
        {"type": "prompt", "prompt": "on a marble countertop with soft natural light"},
        {"type": "remove"},
        {"type": "image", "url": "http://127.0.0.1/plate.jpg"},
    ],
)
def test_transform_answers_as_the_page_shows(api: httpx.Client, session_id: str, background: dict[str, str]) -> None:
    """The cURL example with each kind of background."""
    body = {"session_id": session_id, "object_index": 0, "background": background, "camera_preset": "turntable"}
    response = api.post("/v1/studio/transform", json=body)
    assert response.status_code == 200
    assert_as_on_the_page(TRANSFORM_RESPONSE, response.text)
    assert response.json()["poll_url"].endswith(response.json()["job_id"])


def submit(api: httpx.Client, session_id: str, **more: Any) -> str:
    """A job's id."""
    body = {"session_id": session_id, "background": {"type": "remove"}} | more
    return str(api.post("/v1/studio/transform", json=body).json()["job_id"])


def test_a_poll_in_progress_answers_as_the_page_shows(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """Status, step, progress and the scene as soon as it exists."""
    job_id = submit(api, session_id)
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES[:4])
    response = api.get(f"/v1/studio/result/{job_id}")
    assert response.status_code == 200
    assert_as_on_the_page(IN_PROGRESS, response.text, ADDITIONS)


def test_a_completed_poll_answers_as_the_page_shows(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """All four artifacts, and each link opens bare with the right media type and name."""
    job_id = submit(api, session_id)
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    response = api.get(f"/v1/studio/result/{job_id}")
    assert_as_on_the_page(COMPLETED, response.text, ADDITIONS)
    kinds = {
        "mp4_url": ("video/mp4", "turntable.mp4"),
        "glb_url": ("model/gltf-binary", "model.glb"),
        "scene_url": ("image/jpeg", "scene.jpg"),
        "removed_bg_url": ("image/png", "cutout.png"),
    }
    for name, (media_type, file_name) in kinds.items():
        opened = httpx.get(response.json()["output"][name])
        assert opened.status_code == 200
        assert opened.headers["content-type"] == media_type
        assert f'filename="{file_name}"' in opened.headers["content-disposition"]


def test_a_failed_poll_answers_as_the_page_shows(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """A sentence for a person, progress 0, and the 75 credits back before it says so."""
    before = gateway.balance(key)
    job_id = submit(api, session_id)
    gateway.take(job_id)
    gateway.fail(job_id, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, False))
    response = api.get(f"/v1/studio/result/{job_id}")
    assert_as_on_the_page(FAILED, response.text, ADDITIONS)
    body = response.json()
    assert body["error_detail"] == {"code": "deadline_exceeded", "stage": "generating-3d", "retryable": False}
    assert body["credits_refunded"] == 75
    assert gateway.balance(key) == before


def test_the_steps_walk_as_the_page_says(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """The step words come in the page's order, progress never goes down, and 100 is for completed alone."""
    job_id = submit(api, session_id)
    seen = [api.get(f"/v1/studio/result/{job_id}").json()]
    assert (seen[0]["status"], seen[0]["step"], seen[0]["progress"]) == ("queued", "starting", 0)
    gateway.take(job_id)
    for step in STAGES:
        gateway.do_stages(job_id, step)
        seen.append(api.get(f"/v1/studio/result/{job_id}").json())
    gateway.finish(job_id)
    seen.append(api.get(f"/v1/studio/result/{job_id}").json())
    order = [word.value for word in Step]
    places = [order.index(body["step"]) for body in seen]
    assert places == sorted(places)
    progress = [body["progress"] for body in seen]
    assert progress == sorted(progress)
    assert [value == 100 for value in progress] == [False] * (len(seen) - 1) + [True]
    assert seen[-1]["step"] == "done"
    assert "removed_bg_url" in seen[2]
    assert "removed_bg_url" not in seen[1]


def test_every_answer_keeps_to_the_document(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """What the OpenAPI document says is what comes: no field more, no type other."""
    job_id = submit(api, session_id)
    poll = f"/v1/studio/result/{job_id}"
    answer_schemas.Result.model_validate_json(api.get(poll).content)
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES[:3])
    answer_schemas.Result.model_validate_json(api.get(poll).content)
    gateway.do_stages(job_id, *STAGES[3:])
    gateway.finish(job_id)
    answer_schemas.Result.model_validate_json(api.get(poll).content)
    answer_schemas.Cancellation.model_validate_json(api.post(f"/v1/studio/jobs/{job_id}/cancel").content)
    answer_schemas.JobPage.model_validate_json(api.get("/v1/studio/jobs").content)
    answer_schemas.Account.model_validate_json(api.get("/v1/account").content)
    answer_schemas.LedgerPage.model_validate_json(api.get("/v1/account/ledger").content)
    answer_schemas.WebhookSecret.model_validate_json(api.get("/v1/account/webhook-secret").content)
    answer_schemas.Health.model_validate_json(api.get("/healthz").content)
    answer_schemas.Readiness.model_validate_json(api.get("/readyz").content)
    answer_schemas.Problem.model_validate_json(api.get("/v1/nothing").content)
