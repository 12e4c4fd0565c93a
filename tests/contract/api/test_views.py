"""Further photos of a session's subject: added, corrected, listed, taken out, ordered with, paid for once."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import httpx
import pytest

from gateway.http.testing import CAMERA_BOX, Gateway, Installation

BOX = [0.2, 0.25, 0.6, 0.75]
REMOVE = {"type": "remove"}


def add(api: httpx.Client, session_id: str, photo: bytes, *, headers: Any = None, **fields: str) -> httpx.Response:
    """An upload of a further photo."""
    path = f"/v1/studio/sessions/{session_id}/views"
    return api.post(path, files={"image": ("back.jpg", photo)}, data=fields, headers=headers)


def views_of(api: httpx.Client, session_id: str) -> list[Any]:
    """The session's further photos."""
    answer = api.get(f"/v1/studio/sessions/{session_id}/views")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["views"])


def order_of(gateway: Gateway, api: httpx.Client, session_id: str) -> Any:
    """What the worker reads of a job that is ordered now."""
    body = {"session_id": session_id, "background": REMOVE}
    job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
    gateway.take(job_id)
    return gateway.claims[job_id].job.order


def test_a_photo_of_the_back_costs_two_credits(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """The answer proposes the subject's box, tells how like it is, and links the photo; the list has the same."""
    before = gateway.balance(key)
    answer = add(api, session_id, photo, view="back")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == [
        "view_id", "session_id", "source_url", "side", "objects", "bbox", "points", "likeness", "suggested_actions",
        "credits_used",
    ]  # fmt: skip
    assert (body["side"], body["bbox"], body["likeness"]) == ("back", list(CAMERA_BOX), 0.9)
    assert (body["session_id"], body["suggested_actions"], body["credits_used"]) == (session_id, [], 2)
    assert httpx.get(body["source_url"]).content == photo
    assert before - gateway.balance(key) == 2
    assert stack.detect.detector.compared[-1] == 3
    assert views_of(api, session_id) == [body | {"credits_used": 0}]
    assert api.get("/v1/account/ledger").json()["entries"][0]["memo"] == "view"


def test_a_side_that_is_not_said_is_left_out(api: httpx.Client, photo: bytes, session_id: str) -> None:
    """An empty field says nothing, too. The answer says that such a photo is seldom used and paid for all the same,
    until its side is named."""
    for answer in (add(api, session_id, photo), add(api, session_id, photo, view="")):
        assert "side" not in answer.json()
        (action,) = answer.json()["suggested_actions"]
        assert action["code"] == "view_side" and "paid for either way" in action["message"]
    path = f"/v1/studio/sessions/{session_id}/views/{answer.json()['view_id']}"
    assert api.patch(path, json={"view": "left"}).json()["suggested_actions"] == []
    assert api.patch(path, json={"view": None}).json()["suggested_actions"] == [action]


def test_a_job_is_ordered_with_every_view(
    gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """In the order in which they were added, with box and points, for the same price; the poll names them."""
    points = [{"x": 0.5, "y": 0.5, "keep": True}]
    first = add(api, session_id, photo, view="back").json()
    second = add(api, session_id, photo, bbox=json.dumps(BOX), points=json.dumps(points)).json()
    assert (second["bbox"], second["points"], "likeness" in second) == (BOX, points, False)
    body = {"session_id": session_id, "background": REMOVE}
    assert api.post("/v1/studio/quote", json=body).json()["credits"] == 75
    before = gateway.balance(key)
    job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
    assert before - gateway.balance(key) == 75
    gateway.take(job_id)
    ordered = gateway.claims[job_id].job.order.views
    assert [(view.view_id, view.side) for view in ordered] == [(first["view_id"], "back"), (second["view_id"], None)]
    assert (ordered[1].box.x1, ordered[1].box.y2, len(ordered[1].points)) == (0.2, 0.75, 1)
    assert gateway.run(gateway.artifacts.get_async(ordered[0].photo)) == photo
    told = api.get(f"/v1/studio/result/{job_id}").json()["order"]["views"]
    assert told == [{"view_id": first["view_id"], "side": "back"}, {"view_id": second["view_id"]}]


def test_a_view_is_corrected_for_nothing(
    gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """Side, box and points by a second call; what is not given stays, and later jobs have it so."""
    view = add(api, session_id, photo, view="left").json()
    path = f"/v1/studio/sessions/{session_id}/views/{view['view_id'].upper()}"
    before = gateway.balance(key)
    drawn = api.patch(path, json={"bbox": BOX})
    assert drawn.status_code == 200, drawn.text
    assert (drawn.json()["bbox"], drawn.json()["side"], drawn.json()["credits_used"]) == (BOX, "left", 0)
    assert "likeness" not in drawn.json()
    grown = api.patch(path, json={"view": "right", "points": [{"x": 0.5, "y": 0.9, "keep": True}]}).json()
    assert (grown["side"], grown["bbox"][3]) == ("right", pytest.approx(0.92))
    assert "side" not in api.patch(path, json={"view": None}).json()
    assert gateway.balance(key) == before
    (ordered,) = order_of(gateway, api, session_id).views
    assert (ordered.side, ordered.box.x1, len(ordered.points)) == (None, 0.2, 1)


def test_a_view_that_is_taken_out_is_ordered_no_more(
    gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """Its place is free, nothing comes back, and a job that was ordered with it still finds its photo."""
    view = add(api, session_id, photo, view="back").json()
    before = order_of(gateway, api, session_id)
    balance = gateway.balance(key)
    path = f"/v1/studio/sessions/{session_id}/views/{view['view_id']}"
    assert api.delete(path).status_code == 204
    assert (views_of(api, session_id), gateway.balance(key)) == ([], balance)
    assert order_of(gateway, api, session_id).views == ()
    assert gateway.run(gateway.artifacts.get_async(before.views[0].photo)) == photo
    for again in (api.delete(path), api.patch(path, json={"view": "top"})):
        assert (again.status_code, again.json()["code"]) == (404, "view_not_found")


def test_five_are_the_most(gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str) -> None:
    """The sixth is refused with the limit and costs nothing, also when six come at once; a deleted one makes room."""
    before = gateway.balance(key)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: add(api, session_id, photo), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [409]
    assert before - gateway.balance(key) == 10
    refused = add(api, session_id, photo)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_views")
    assert "5 further photos" in refused.json()["detail"]
    assert api.delete(f"/v1/studio/sessions/{session_id}/views/{views_of(api, session_id)[0]['view_id']}").is_success
    assert add(api, session_id, photo).status_code == 200


def test_a_repeat_is_one_view(gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str) -> None:
    """The same Idempotency-Key gives the same answer and one charge, also when the session is full; another side is
    another request."""
    before = gateway.balance(key)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = add(api, session_id, photo, view="back", headers=headers)
    for _ in range(4):
        add(api, session_id, photo)
    second = add(api, session_id, photo, view="back", headers=headers)
    assert first.content == second.content and second.headers["idempotent-replayed"] == "true"
    assert before - gateway.balance(key) == 10
    other = add(api, session_id, photo, view="left", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_another_thing_is_refused_and_nothing_is_charged(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """The sentence has likeness and limit; a person's box is believed, and a detail need not be like the whole."""
    stack.detect.detector.likeness = (0.01, 0.0, 0.0)
    folder = stack.redis.folder.parent / "artifacts" / "sessions" / session_id
    before, files = gateway.balance(key), len(list(folder.rglob("*")))
    refused = add(api, session_id, photo, view="back")
    assert (refused.status_code, refused.json()["code"]) == (400, "subject_unlike")
    assert "0.01" in refused.json()["detail"] and "bbox" in refused.json()["detail"]
    assert gateway.balance(key) == before
    assert len(list(folder.rglob("*.jpg"))) == 1 and files == 1
    assert add(api, session_id, photo, view="back", bbox=json.dumps(BOX)).status_code == 200
    assert add(api, session_id, photo, view="detail").status_code == 200


def test_what_is_only_doubtful_is_a_hint(stack: Installation, api: httpx.Client, photo: bytes, session_id: str) -> None:
    """A weak likeness, and a back that is much narrower than the front, are told and not refused."""
    stack.detect.detector.likeness = (0.2, 0.1, 0.1)
    stack.detect.detector.box = (0.4, 0.12, 0.6, 0.93)
    actions = add(api, session_id, photo, view="back").json()["suggested_actions"]
    assert [action["code"] for action in actions] == ["view_unlike", "view_aspect"]
    assert add(api, session_id, photo, view="left", object_index="0").json()["suggested_actions"] == actions[:1]


def test_the_wrong_aspect_is_refused(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """A back that lies where the front stands names the side, both aspects and the limit; a side may be any width."""
    before = gateway.balance(key)
    stack.detect.detector.box = (0.02, 0.45, 0.98, 0.55)
    refused = add(api, session_id, photo, view="back")
    assert (refused.status_code, refused.json()["code"]) == (400, "subject_unlike")
    assert "view back" in refused.json()["detail"] and "a factor of" in refused.json()["detail"]
    assert gateway.balance(key) == before
    left = add(api, session_id, photo, view="left")
    assert left.status_code == 200
    path = f"/v1/studio/sessions/{session_id}/views/{left.json()['view_id']}"
    assert api.patch(path, json={"view": "back"}).json()["code"] == "subject_unlike"
    assert api.patch(path, json={"view": "back", "bbox": BOX}).status_code == 200


def test_other_points_take_the_place_of_those_before(
    gateway: Gateway, api: httpx.Client, photo: bytes, session_id: str
) -> None:
    """The box grows to the points that belong, and is what it was without them, drawn or found."""
    for bbox in ({}, {"bbox": json.dumps(BOX)}):
        view = add(api, session_id, photo, view="left", **bbox).json()
        path = f"/v1/studio/sessions/{session_id}/views/{view['view_id']}"
        far = api.patch(path, json={"points": [{"x": 0.95, "y": 0.5, "keep": True}]}).json()["bbox"]
        assert far[2] > 0.95 > view["bbox"][2]
        assert api.patch(path, json={"points": [{"x": 0.5, "y": 0.5, "keep": True}]}).json()["bbox"] == view["bbox"]
    first, second = order_of(gateway, api, session_id).views
    assert (first.box.x2, second.box.x2) == (CAMERA_BOX[2], BOX[2])


def test_the_whole_frame_has_no_shape_of_its_own(
    stack: Installation, api: httpx.Client, photo: bytes, session_id: str
) -> None:
    """A tall thing's back is no other shape than a square photo that shows it."""
    stack.detect.detector.box = (0.44, 0.02, 0.56, 0.98)
    assert add(api, session_id, photo, view="back").json()["code"] == "subject_unlike"
    frame = len(api.get(f"/v1/studio/sessions/{session_id}").json()["objects"]) - 1
    answer = add(api, session_id, photo, view="back", object_index=str(frame))
    assert (answer.status_code, answer.json().get("suggested_actions")) == (200, [])


def test_another_proposal_is_taken_where_it_is_clearly_more_like(
    stack: Installation, api: httpx.Client, photo: bytes, session_id: str
) -> None:
    """Not the photo's first object but the one that the session is about."""
    stack.detect.detector.likeness = (0.3, 0.9, 0.2)
    answer = add(api, session_id, photo)
    assert (answer.status_code, answer.json()["code"]) == (400, "crop_too_small")
    stack.detect.detector.likeness = (0.8, 0.9, 0.2)
    assert add(api, session_id, photo).json()["bbox"] == list(CAMERA_BOX)


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"view": "bottom"}, "invalid_request", "view must be one of front, back, left, right, top or detail"),
        ({"bbox": "[0.2, 0.2, 0.6]"}, "invalid_request", "bbox must have at least 4 entr"),
        ({"bbox": "0.2,0.2,0.6,0.6"}, "invalid_request", "bbox must be JSON, such as [0.2"),
        ({"bbox": "[0.6, 0.2, 0.2, 0.6]"}, "invalid_request", "x1 < x2"),
        ({"points": '[{"x": 0.5}]'}, "invalid_request", "points.0.y is required"),
        ({"object_index": "first"}, "invalid_request", "object_index must be an integer from 0, not 'first'"),
        ({"object_index": "7"}, "object_index_out_of_range", "from 0 to 2"),
        ({"bbox": "[0.2, 0.2, 0.21, 0.21]"}, "crop_too_small", "bbox is 10 x 8 pixels"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    gateway: Gateway,
    api: httpx.Client,
    key: str,
    photo: bytes,
    session_id: str,
    fields: dict[str, str],
    code: str,
    says: str,
) -> None:
    """Field, limit and value, and nothing is charged."""
    before = gateway.balance(key)
    answer = add(api, session_id, photo, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert says in answer.json()["detail"], answer.json()["detail"]
    assert gateway.balance(key) == before


def test_what_is_no_photo_is_refused_as_by_init(api: httpx.Client, session_id: str) -> None:
    """The same limits and the same sentences."""
    path = f"/v1/studio/sessions/{session_id}/views"
    assert add(api, session_id, b"hello").json()["code"] == "invalid_image"
    assert add(api, session_id, b"").json()["code"] == "invalid_image"
    assert "image is required" in api.post(path, files={"photo": b"x"}).json()["detail"]


def test_views_of_another_session_or_key_are_not_found(gateway: Gateway, api: httpx.Client, photo: bytes) -> None:
    """A view belongs to its session and to the key that made it; an unknown session has none."""
    first, second = (api.post("/v1/studio/init", files={"image": photo}).json()["session_id"] for _ in range(2))
    view_id = add(api, first, photo).json()["view_id"]
    for name in (view_id, str(uuid.uuid4()), "x"):
        answer = api.delete(f"/v1/studio/sessions/{second}/views/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "view_not_found")
    stranger = {"Authorization": f"Bearer {gateway.api_key(100)}"}
    path = f"/v1/studio/sessions/{first}/views"
    for answer in (
        api.get(path, headers=stranger),
        api.post(path, files={"image": photo}, headers=stranger),
        api.patch(f"{path}/{view_id}", json={}, headers=stranger),
        api.delete(f"{path}/{view_id}", headers=stranger),
        add(api, str(uuid.uuid4()), photo),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")


def test_nothing_is_charged_where_it_cannot_be_looked_at_or_paid(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """503 while detection is away, 402 without the credits; the photo is not kept."""
    before = gateway.balance(key)
    stack.detect.detector.fails_with = grpc.StatusCode.UNAVAILABLE
    assert add(api, session_id, photo).status_code == 503
    stack.detect.detector.fails_with = None
    assert gateway.balance(key) == before and views_of(api, session_id) == []
    poor = {"Authorization": f"Bearer {gateway.api_key(6)}"}
    with httpx.Client(base_url=gateway.base_url, headers=poor) as other:
        session = other.post("/v1/studio/init", files={"image": photo}).json()["session_id"]
        answer = add(other, session, photo)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert "1 credits" in answer.json()["detail"] and "2" in answer.json()["detail"]
