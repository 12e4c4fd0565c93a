"""A person's word about the cutout: /cutout, and bbox, points and cutout_id of /transform."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from gateway.http.testing import Gateway, Installation
from lensora.core.errors import InferenceFailed, SubjectNotFound

BOX = [0.2, 0.25, 0.6, 0.75]
REMOVE = {"type": "remove"}


def cutout(api: httpx.Client, session_id: str, **fields: Any) -> httpx.Response:
    """A request for a cutout."""
    return api.post("/v1/studio/cutout", json={"session_id": session_id, **fields})


def transform(api: httpx.Client, session_id: str, **fields: Any) -> httpx.Response:
    """A request for a job."""
    return api.post("/v1/studio/transform", json={"session_id": session_id, "background": REMOVE, **fields})


def order_of(gateway: Gateway, job_id: str) -> Any:
    """What the worker reads of a job."""
    gateway.take(job_id)
    return gateway.claims[job_id].job.order


def test_a_cutout_of_a_box_costs_five_credits_and_can_be_downloaded(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, session_id: str
) -> None:
    """The answer has the link, the box with its crop, and the measured confidence; the points reach the service."""
    before = gateway.balance(key)
    points = [{"x": 0.3, "y": 0.5, "keep": True}, {"x": 0.55, "y": 0.7, "keep": False}]
    answer = cutout(api, session_id, bbox=BOX, points=points)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == [
        "cutout_id", "session_id", "cutout_url", "bbox", "crop", "confidence", "suggested_actions", "credits_used",
    ]  # fmt: skip
    assert (body["bbox"], body["confidence"], body["suggested_actions"], body["credits_used"]) == (BOX, 0.97, [], 5)
    assert body["crop"][0] < BOX[0] and body["crop"][3] > BOX[3]
    assert httpx.get(body["cutout_url"]).content == b"a cutout"
    assert before - gateway.balance(key) == 5
    asked = stack.detect.segmenter.asked[-1]
    assert [(p.x, p.y, p.keep) for p in asked.points] == [(0.3, 0.5, True), (0.55, 0.7, False)]
    assert f"sessions/{session_id}/" in asked.output_prefix


def test_an_uncertain_cutout_says_so(stack: Installation, api: httpx.Client, session_id: str) -> None:
    """A cutout that may well be wrong suggests to look at it."""
    stack.detect.segmenter.uncertain = True
    actions = cutout(api, session_id).json()["suggested_actions"]
    assert [action["code"] for action in actions] == ["cutout_uncertain"]


def test_a_job_uses_a_kept_cutout_as_it_is(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """The job is of the cutout's own box, and has the cutout itself in its order."""
    kept = cutout(api, session_id, bbox=BOX).json()
    answer = transform(api, session_id, cutout_id=kept["cutout_id"].upper())
    assert answer.status_code == 200, answer.text
    order = order_of(gateway, answer.json()["job_id"])
    assert order.cutout is not None and kept["cutout_id"] in order.cutout.uri
    assert (order.box.x1, order.box.y2, order.object_index) == (0.2, 0.75, -1)
    assert [use.name for use in order.cutout_models] == ["test-net"]


def test_a_job_takes_a_box_and_points(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """The box grows to the points that belong, and takes the label of the object that it nearly is."""
    box = [0.18, 0.12, 0.79, 0.80]
    answer = transform(api, session_id, bbox=box, points=[{"x": 0.5, "y": 0.9, "keep": True}])
    order = order_of(gateway, answer.json()["job_id"])
    assert order.label == "vintage twin-lens reflex camera"
    assert order.box.y2 == pytest.approx(0.92) and order.box.x1 == 0.18
    assert [point.keep for point in order.points] == [True]


def test_a_box_of_something_else_is_an_object(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """A drawn box that is about none of the session's objects takes no name of theirs."""
    order = order_of(gateway, transform(api, session_id, bbox=[0.8, 0.8, 1.0, 1.0]).json()["job_id"])
    assert (order.label, order.category) == ("object", "object")


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"bbox": [0.2, 0.2, 0.6]}, "invalid_request", "bbox must have at least 4 entr"),
        ({"bbox": [0.6, 0.2, 0.2, 0.6]}, "invalid_request", "bbox must be [x1, y1, x2, y2] with x1 < x2"),
        ({"bbox": [0.2, 0.2, 1.2, 0.6]}, "invalid_request", "bbox.2 must be a number from 0 to 1, not 1.2"),
        ({"bbox": "0.2,0.2,0.4,0.4"}, "invalid_request", "bbox must be a list, not '0.2"),
        ({"bbox": [0.2, 0.2, 0.21, 0.21]}, "crop_too_small", "bbox is 10 x 8 pixels"),
        ({"bbox": BOX, "object_index": 1}, "invalid_request", "bbox stands in place of object_index"),
        ({"object_index": 9}, "object_index_out_of_range", "from 0 to 2"),
        ({"points": [{"x": 0.5, "y": 0.5}]}, "invalid_request", "points.0.keep is required"),
        ({"points": [{"x": 0, "y": 1.5, "keep": True}]}, "invalid_request", "points.0.y must be a number from 0 to 1"),
        ({"points": [{"x": 0.5, "y": 0.5, "keep": 1}]}, "invalid_request", "points.0.keep must be true or false"),
        ({"points": [{"x": 0.5, "y": 0.5, "keep": True}] * 33}, "invalid_request", "points must have at most 32"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str, fields: dict[str, Any], code: str, says: str
) -> None:
    """Field, limit and value, the same for both calls, and nothing is charged."""
    before = gateway.balance(key)
    for call in (cutout, transform):
        answer = call(api, session_id, **fields)
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
        assert says in answer.json()["detail"]
    assert gateway.balance(key) == before


def test_a_cutout_of_another_session_or_key_is_not_found(gateway: Gateway, api: httpx.Client, photo: bytes) -> None:
    """A cutout belongs to its session, and to the key that made it."""
    first, second = (api.post("/v1/studio/init", files={"image": photo}).json()["session_id"] for _ in range(2))
    kept = cutout(api, first).json()["cutout_id"]
    for name in (kept, str(uuid.uuid4()), "x"):
        answer = transform(api, second, cutout_id=name)
        assert (answer.status_code, answer.json()["code"]) == (404, "cutout_not_found")
    stranger = {"Authorization": f"Bearer {gateway.api_key(100)}"}
    assert api.post("/v1/studio/cutout", json={"session_id": first}, headers=stranger).status_code == 404


def test_a_kept_cutout_stands_alone(api: httpx.Client, session_id: str) -> None:
    """What would choose another thing beside it is refused by name."""
    kept = cutout(api, session_id).json()["cutout_id"]
    answer = transform(api, session_id, cutout_id=kept, bbox=BOX)
    assert answer.status_code == 400 and "bbox must not be given with cutout_id" in answer.json()["detail"]


def test_nothing_is_charged_where_nothing_was_cut_out(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, session_id: str
) -> None:
    """No subject is the caller's to mend, a service that fails is ours: neither costs anything."""
    before = gateway.balance(key)
    stack.detect.segmenter.fails_with = SubjectNotFound("no subject found in the box")
    answer = cutout(api, session_id)
    assert (answer.status_code, answer.json()["code"]) == (400, "subject_not_found")
    stack.detect.segmenter.fails_with = InferenceFailed("the net broke")
    answer = cutout(api, session_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert gateway.balance(key) == before


def test_a_cutout_that_cannot_be_paid_is_refused(gateway: Gateway, photo: bytes, stack: Installation) -> None:
    """402 with balance and price, before any work."""
    poor = {"Authorization": f"Bearer {gateway.api_key(9)}"}
    with httpx.Client(base_url=gateway.base_url, headers=poor) as api:
        session_id = api.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        asked = len(stack.detect.segmenter.asked)
        answer = cutout(api, session_id)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert "4 credits" in answer.json()["detail"] and len(stack.detect.segmenter.asked) == asked


def test_a_repeat_is_one_cutout(gateway: Gateway, api: httpx.Client, key: str, session_id: str) -> None:
    """The same Idempotency-Key gives the same answer and one charge."""
    before = gateway.balance(key)
    headers = {"Idempotency-Key": "one-look"}
    answers = [
        api.post("/v1/studio/cutout", json={"session_id": session_id, "bbox": BOX}, headers=headers) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json() and answers[1].headers["idempotent-replayed"] == "true"
    assert before - gateway.balance(key) == 5
