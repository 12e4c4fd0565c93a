"""A film of a session's subject turning: added, listed, taken out, ordered with, paid for once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from gateway.http.testing import CAMERA_BOX, FRAME, Gateway, Installation
from lensora.core.errors import InvalidVideo
from lensora.core.steps import STAGES
from lensora.testing.films import film_of, turning

FILM = film_of(turning(36), rate=12)
REMOVE = {"type": "remove"}


def add(
    api: httpx.Client, session_id: str, film: bytes = FILM, *, headers: Any = None, **fields: str
) -> httpx.Response:
    """An upload of a film."""
    path = f"/v1/studio/sessions/{session_id}/turn"
    return api.post(path, files={"video": ("turn.mp4", film)}, data=fields, headers=headers)


def kept(gateway: Gateway, session_id: str) -> list[str]:
    """The keys of the session's files of views."""

    async def listed() -> list[str]:
        return [file.key async for file in gateway.artifacts.list_async(f"sessions/{session_id}/views/")]

    return list(gateway.run(listed()))


def test_a_film_costs_ten_credits(gateway: Gateway, api: httpx.Client, key: str, session_id: str) -> None:
    """The answer is a view with the film's pictures, each with the subject's box; the list has the same."""
    before = gateway.balance(key)
    answer = add(api, session_id)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "side" not in body and (body["bbox"], body["suggested_actions"]) == (list(CAMERA_BOX), [])
    assert [frame["second"] for frame in body["frames"]] == [0.5 + place for place in range(8)]
    assert all(frame["bbox"] == list(CAMERA_BOX) for frame in body["frames"])
    assert all(httpx.get(link).content == FRAME for link in (body["source_url"], body["frames"][7]["source_url"]))
    assert (body["credits_used"], before - gateway.balance(key)) == (10, 10)
    listed = api.get(f"/v1/studio/sessions/{session_id}/views").json()["views"]
    assert listed == [body | {"credits_used": 0}]
    assert api.get("/v1/account/ledger").json()["entries"][0]["memo"] == "turn"
    assert api.get("/v1/studio/prices").json()["turn"] == 10


def test_how_like_a_film_is_has_three_decimals(stack: Installation, api: httpx.Client, session_id: str) -> None:
    """As how like a photo is, though it is the middle of its pictures'."""

    class Uneven(tuple[float, ...]):
        """Every other picture is a little less like."""

        asked = 0

        def __iter__(self) -> Iterator[float]:
            self.asked += 1
            return iter((0.974 - 0.001 * (self.asked % 2), 0.2, 0.5))

    stack.detect.detector.likeness = Uneven()
    likeness = add(api, session_id).json()["likeness"]
    assert 0.973 <= likeness <= 0.974 and likeness == round(likeness, 3)


def test_a_job_is_ordered_with_all_pictures(
    gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str
) -> None:
    """Beside the photos, each with its place in the turn; for the customer the film is one view. A job that is canceled
    gives its whole price back, and the next one has the film for nothing."""
    film = add(api, session_id).json()
    files = {"image": ("back.jpg", photo)}
    back = api.post(f"/v1/studio/sessions/{session_id}/views", files=files, data={"view": "back"}).json()
    body = {"session_id": session_id, "background": REMOVE}
    assert api.post("/v1/studio/quote", json=body).json()["credits"] == 75
    balance = gateway.balance(key)
    given_up = api.post("/v1/studio/transform", json=body).json()["job_id"]
    assert api.post(f"/v1/studio/jobs/{given_up}/cancel").json()["credits_refunded"] == 75
    job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
    assert balance - gateway.balance(key) == 75
    gateway.take(job_id)
    ordered = gateway.claims[job_id].job.order.views
    assert [view.key for view in ordered] == [*(f"{film['view_id']}.{n}" for n in range(8)), back["view_id"]]
    places = [(view.frame.number, view.frame.direction) for view in ordered if view.frame is not None]
    assert places == [(number, 0.9) for number in range(8)]
    assert gateway.run(gateway.artifacts.get_async(ordered[3].photo)) == FRAME
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)
    done = api.get(f"/v1/studio/result/{job_id}").json()
    assert done["order"]["views"] == [{"view_id": film["view_id"]}, {"view_id": back["view_id"], "side": "back"}]
    assert [(row["view_id"], row["used"], row.get("frames_used")) for row in done["quality"]["views"]] == [
        (film["view_id"], True, 8), (back["view_id"], True, None),
    ]  # fmt: skip


def test_one_film_is_the_most(gateway: Gateway, api: httpx.Client, key: str, photo: bytes, session_id: str) -> None:
    """A second is refused and costs nothing, also when both come at once; it counts as one of five views, and makes
    room when it is taken out."""
    before = gateway.balance(key)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: add(api, session_id), range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert before - gateway.balance(key) == 10
    (refused, *_), (added, *_) = (
        [answer.json() for answer in answers if answer.status_code == code] for code in (409, 200)
    )
    assert refused["code"] == "too_many_views" and "has a film of a turn" in refused["detail"]
    path = f"/v1/studio/sessions/{session_id}/views"
    for _ in range(4):
        assert api.post(path, files={"image": photo}).status_code == 200
    assert api.post(path, files={"image": photo}).status_code == 409
    assert api.delete(f"{path}/{added['view_id']}").status_code == 204
    assert add(api, session_id).status_code == 200


def test_a_repeat_is_one_film(gateway: Gateway, api: httpx.Client, key: str, session_id: str) -> None:
    """The same Idempotency-Key gives the same answer and one charge; another film is another request."""
    before = gateway.balance(key)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first, second = add(api, session_id, headers=headers), add(api, session_id, headers=headers)
    assert first.content == second.content and second.headers["idempotent-replayed"] == "true"
    assert before - gateway.balance(key) == 10
    other = add(api, session_id, FILM + b"\0", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


def test_what_cannot_be_used_costs_nothing_and_leaves_nothing(
    gateway: Gateway, stack: Installation, api: httpx.Client, key: str, session_id: str
) -> None:
    """What the detector refuses, and a film of another thing. One that may be of another is told so, and of it the
    pictures are left alone."""
    before = gateway.balance(key)
    stack.detect.detector.film_fails_with = InvalidVideo("video must be 3 to 15 seconds long, not 1.0.", field="video")
    refused = add(api, session_id)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_video")
    assert "not 1.0" in refused.json()["detail"]
    stack.detect.detector.film_fails_with = None
    stack.detect.detector.likeness = (0.01, 0.0, 0.5)
    unlike = add(api, session_id)
    assert (unlike.status_code, unlike.json()["code"]) == (400, "subject_unlike")
    assert "0 of its 8 chosen pictures do, and at least 4 must" in unlike.json()["detail"]
    assert gateway.balance(key) == before
    assert kept(gateway, session_id) == []
    stack.detect.detector.likeness = (0.2, 0.1, 0.5)
    doubtful = add(api, session_id).json()
    assert (doubtful["likeness"], [one["code"] for one in doubtful["suggested_actions"]]) == (0.2, ["view_unlike"])
    assert doubtful["suggested_actions"][0]["message"].startswith("This film may show another thing")
    assert len(kept(gateway, session_id)) == 8


@pytest.mark.parametrize(
    ("files", "fields", "code", "says"),
    [
        ({"video": b"text"}, {}, "invalid_video", "video must be an MP4 or MOV file."),
        ({"image": FILM}, {}, "invalid_request", "video is required: an MP4 or MOV file of at most 20 MB."),
        ({"video": FILM}, {"object_index": "9"}, "object_index_out_of_range", "from 0 to 2"),
        ({"video": FILM}, {"object_index": "one"}, "invalid_request", "object_index must be an integer from 0"),
        ({"video": bytes(20_000_001)}, {}, "invalid_video", "video must have at most 20 MB (20,000,000 bytes), not"),
        ({"video": bytes(20_100_000)}, {}, "invalid_video", "20.1 MB"),
    ],
    ids=["text", "image", "index", "word", "large", "larger"],
)
def test_what_is_wrong_is_named(
    api: httpx.Client, session_id: str, files: dict[str, bytes], fields: dict[str, str], code: str, says: str
) -> None:
    """Field, limit and value."""
    answer = api.post(f"/v1/studio/sessions/{session_id}/turn", files=files, data=fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert says in answer.json()["detail"], answer.json()["detail"]


def test_a_film_is_not_corrected(api: httpx.Client, session_id: str) -> None:
    """It shows every side, and has a box in each picture."""
    film = add(api, session_id).json()
    answer = api.patch(f"/v1/studio/sessions/{session_id}/views/{film['view_id']}", json={"view": "back"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "delete it, and add another" in answer.json()["detail"]


def test_another_keys_session_is_unknown(gateway: Gateway, session_id: str) -> None:
    """As for every call about a session."""
    with httpx.Client(
        base_url=gateway.base_url, headers={"Authorization": f"Bearer {gateway.api_key(100)}"}
    ) as stranger:
        assert add(stranger, session_id).json()["code"] == "session_not_found"
