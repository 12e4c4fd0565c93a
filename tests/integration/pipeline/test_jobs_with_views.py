"""Jobs made with further photos: what is cut out, what the mesh service gets, and every way that such a job ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest

from gateway.jobs.codec import view_cutout_field
from gateway.jobs.photos import OrderedFrame, OrderedView, ViewCutout
from gateway.jobs.records import ENDED as NO_OUTLOOK
from gateway.jobs.records import ApiKey, Job, NewJob, Order
from gateway.jobs.store import Store
from gateway.jobs.testing import PHOTO, SIDE_PX, customer, order, submit
from gateway.jobs.work import Claim, LostClaim
from gateway.links import FileLinks, UrlSigner
from gateway.pipeline.worker import Worker
from gateway.results import OMITTED, result_of
from lensora.adapters.artifacts import ObjectArtifacts
from lensora.api.mesh.v1 import mesher_pb2
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box, Point
from lensora.core.errors import InferenceFailed, Overloaded, SubjectNotFound
from lensora.core.steps import JobStatus, Step
from lensora.core.words import ViewSide
from lensora.testing.stages import Behaviour, picture

LOOKED = ModelUse("cheap-detect", "1", "", "Apache-2.0", "detect")


class House(Protocol):
    """What conftest's fixture gives."""

    store: Store
    artifacts: ObjectArtifacts
    behaviour: Behaviour

    def worker(self, *, slots: int = 4) -> Worker:
        """A worker."""
        ...


def view(view_id: str, side: ViewSide | None = None) -> OrderedView:
    """A further photo, its thing in a box of its own."""
    left = 0.1 + len(view_id) / 100
    return OrderedView(view_id, side, PHOTO, SIDE_PX, SIDE_PX, Box(left, 0.2, 0.7, 0.8), models=(LOOKED,))


def ordered(*views: OrderedView) -> Order:
    """An order with these further photos."""
    return replace(order(), views=views)


async def with_cutout(house: House, *views: OrderedView) -> Order:
    """The same with a cutout of the first photo that was made before: the further ones are the only ones to be made."""
    kept = await house.artifacts.put_async("sessions/s/c/cutout.png", picture("PNG", "RGBA"), "image/png")
    return replace(ordered(*views), cutout=kept)


BACK, ANY = view("back", ViewSide.BACK), view("anywhere")
FILMED = replace(view("film"), frame=OrderedFrame(0, 0.1, 0.9))
"""A picture of a film."""


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """The worker at work inside the block, told to stop at its end."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop, drain_s=5.0))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(store: Store, key: ApiKey, job: Job, ready: Callable[[Job], bool]) -> Job:
    """The job once it is so."""
    end = time.monotonic() + 15.0
    while time.monotonic() < end:
        now = await store.jobs.get(key.key_id, job.job_id)
        if ready(now):
            return now
        await asyncio.sleep(0.02)
    raise AssertionError(f"job stayed {now.status} at {now.step}")


def ended(job: Job) -> bool:
    """Whether it has."""
    return job.status.terminal


async def made(house: House, what: Order) -> tuple[ApiKey, Job]:
    """A job of this order, at its end."""
    key = await customer(house.store, 100)
    async with running(house.worker()):
        return key, await until(house.store, key, await submit(house.store, key, what), ended)


def runs(house: House, method: str) -> list[dict[str, Any]]:
    """Runs of a method, in the order of their ends."""
    return [run for run in house.behaviour.runs if run["method"] == method]


async def test_the_model_is_made_with_every_view(house: House) -> None:
    """Each is cut out in its own box, the mesh service gets side and cutout, and the report says what became of it."""
    marked = replace(ANY, points=(Point(0.5, 0.5, True),))
    _key, job = await made(house, ordered(BACK, marked))
    assert job.status is JobStatus.COMPLETED
    (request,) = house.behaviour.meshes
    assert [one.side for one in request.views] == [mesher_pb2.SIDE_BACK, mesher_pb2.SIDE_UNSPECIFIED]
    cutouts = {request.cutout.uri, *(one.cutout.uri for one in request.views)}
    assert len(cutouts) == 3 and all(f"/jobs/{job.job_id}/" in uri for uri in cutouts)
    assert [use.name for use in request.upstream_models] == ["cheap-detect", "cheap-segment"]
    first, *further = house.behaviour.cutouts
    assert first.box.x1 == order().box.x1
    assert {(each.box.x1, len(each.points)) for each in further} == {(BACK.box.x1, 0), (marked.box.x1, 1)}
    assert job.quality is not None
    told = [(each.view_id, each.side, each.used, each.yaw_deg, each.silhouette_iou) for each in job.quality.views]
    assert told == [("back", ViewSide.BACK, True, 180.0, 0.95), ("anywhere", None, False, None, 0.4)]


async def test_the_answer_says_which_photos_were_used(house: House) -> None:
    """In the report, in what was ordered, and beside each model that worked on them."""
    _key, job = await made(house, ordered(BACK, ANY))
    signer = UrlSigner(["a-signing-key-for-tests-of-further-photos"], "http://studio.test")
    body = result_of(job, NO_OUTLOOK, FileLinks(signer, lambda uri: uri)).as_json()
    assert body["order"]["views"] == [{"view_id": "back", "side": "back"}, {"view_id": "anywhere"}]
    assert body["quality"]["views"] == [
        {
            "view_id": "back", "side": "back", "used": True, "yaw_deg": 180.0, "silhouette_iou": 0.95,
            "image_similarity": 0.8,
        },
        {
            "view_id": "anywhere", "used": False, "reason": "side_unclear", "message": OMITTED["side_unclear"],
            "silhouette_iou": 0.4, "image_similarity": 0.1,
        },
    ]  # fmt: skip
    assert {use["name"]: use.get("views") for use in body["models"]} == {
        "cheap-detect": ["back", "anywhere"],
        "cheap-segment": ["back", "anywhere"],
        "cheap-mesh": ["back"],
        "cheap-render": None,
    }


async def test_a_job_of_one_photo_says_nothing_of_views(house: House) -> None:
    """Its answer is what it was before."""
    _key, job = await made(house, order())
    signer = UrlSigner(["a-signing-key-for-tests-of-further-photos"], "http://studio.test")
    text = result_of(job, NO_OUTLOOK, FileLinks(signer, lambda uri: uri)).encoded()
    assert b"views" not in text and len(runs(house, "Cutout")) == 1


async def test_views_delay_neither_the_cutout_nor_the_scene(house: House) -> None:
    """The subject is cut out alone; then the scene is painted while the further photos are cut out, two at a time."""
    house.behaviour.delay_s = {"Cutout": 0.3, "CreateBackplate": 0.3}
    await made(house, ordered(*(view(name) for name in ("a", "bb", "ccc"))))
    first, *further = sorted(runs(house, "Cutout"), key=lambda run: run["started_ms"])
    (scene,) = runs(house, "CreateBackplate")
    assert all(run["started_ms"] >= first["ended_ms"] for run in further)
    assert scene["started_ms"] < min(run["ended_ms"] for run in further)
    assert further[1]["started_ms"] < further[0]["ended_ms"]
    assert further[2]["started_ms"] >= min(run["ended_ms"] for run in further[:2])


async def test_a_job_goes_on_from_the_views_that_are_cut_out(house: House) -> None:
    """A worker that stops in the middle of the mesh hands the cutouts over; the next makes none of them again."""
    house.behaviour.delay_s = {"CreateMesh": 30.0}
    key = await customer(house.store, 100)
    job = await submit(house.store, key, ordered(BACK, ANY, FILMED))
    async with running(house.worker()):
        await until(house.store, key, job, lambda now: len(now.view_cutouts) == 3 and now.progress > 30)
    house.behaviour.delay_s = {}
    async with running(house.worker()):
        job = await until(house.store, key, job, ended)
    assert job.status is JobStatus.COMPLETED and job.quality is not None
    assert [each.used for each in job.quality.views] == [True, False, True]
    assert len(runs(house, "Cutout")) == 4


async def test_only_what_is_missing_is_done_by_the_next_worker(house: House) -> None:
    """A worker that dies between photo and film leaves the photo's cutout behind; the next makes the film's alone."""
    key = await customer(house.store, 100)
    job = await submit(house.store, key, await with_cutout(house, BACK, FILMED))
    (claim,) = await house.store.work("dies", lease_s=0.2, attempts=3, block_ms=50).take(1)
    assert isinstance(claim, Claim)
    kept = ViewCutout(PHOTO, (LOOKED,))
    await house.store.work("dies", lease_s=0.2, attempts=3).note(claim, *view_cutout_field("back", kept))
    async with running(house.worker()):
        job = await until(house.store, key, job, ended)
    assert job.status is JobStatus.COMPLETED and job.view_cutouts["back"] == kept
    assert [request.box.x1 for request in house.behaviour.cutouts] == [FILMED.box.x1]


async def test_an_attempt_that_has_lost_its_job_notes_nothing(house: House) -> None:
    """The token fences it, as every write of a worker."""
    key = await customer(house.store, 75)
    job = await submit(house.store, key, ordered(BACK))
    work = house.store.work("late", lease_s=30.0, attempts=3, block_ms=50)
    (claim,) = await work.take(1)
    assert isinstance(claim, Claim)
    await house.store.jobs.cancel(key.key_id, job.job_id)
    with pytest.raises(LostClaim):
        await work.note(claim, *view_cutout_field("back", ViewCutout(None)))
    assert not (await house.store.jobs.get(key.key_id, job.job_id)).view_cutouts


async def test_a_cancel_stops_the_views_and_refunds(house: House) -> None:
    """The cutouts of photo and film that run are given up, no mesh is begun, and the whole price comes back."""
    house.behaviour.delay_s = {"Cutout": 30.0}
    key = await customer(house.store, 75)
    job = await submit(house.store, key, await with_cutout(house, BACK, FILMED))
    async with running(house.worker()):
        await until(house.store, key, job, lambda _now: len(house.behaviour.cutouts) == 2)
        assert (await house.store.jobs.cancel(key.key_id, job.job_id)).credits_refunded == 75
        await until(house.store, key, job, lambda _now: len(runs(house, "Cutout")) == 2)
    assert {run["outcome"] for run in runs(house, "Cutout")} == {"aborted"}
    assert not house.behaviour.meshes
    assert await house.store.credits.balance(key.account_id) == 75


async def test_a_busy_service_is_waited_for(house: House) -> None:
    """A photo or picture of a film whose cutout found no room is tried again, and the others are not done twice."""
    house.behaviour.errors = {"Cutout": [Overloaded("no room"), Overloaded("no room")]}
    _key, job = await made(house, await with_cutout(house, BACK, FILMED))
    assert job.status is JobStatus.COMPLETED
    assert [run["outcome"] for run in runs(house, "Cutout")].count("done") == 2


async def test_a_service_that_fails_at_a_view_fails_the_job_and_refunds(house: House) -> None:
    """A photo, or a picture of a film, after as many tries as any stage has."""
    house.behaviour.errors = {"Cutout": [InferenceFailed("the net broke")] * 3}
    key, job = await made(house, await with_cutout(house, FILMED))
    assert job.status is JobStatus.FAILED and job.error is not None
    assert (job.error.code, job.error.stage) == ("inference_failed", "generating-3d")
    assert (job.credits_refunded, await house.store.credits.balance(key.account_id)) == (75, 100)


async def test_a_view_without_a_subject_costs_no_job(house: House) -> None:
    """The model is made without it, and the report says so."""
    house.behaviour.errors = {"Cutout": [SubjectNotFound("nothing stands out in the box")]}
    _key, job = await made(house, await with_cutout(house, BACK))
    assert job.status is JobStatus.COMPLETED and job.quality is not None
    (told,) = job.quality.views
    assert (told.view_id, told.used, told.yaw_deg, told.silhouette_iou) == ("back", False, None, None)
    assert list(house.behaviour.meshes[0].views) == []


async def test_a_test_key_marks_the_views_too(house: House) -> None:
    """What is made of them bears the mark, as the cutout does."""
    await made(house, replace(ordered(BACK), test=True))
    assert [request.marked for request in house.behaviour.cutouts] == [True, True]


async def test_filming_again_keeps_the_report(house: House) -> None:
    """The mesh is taken over with what became of photos and film, and with what cut them out; none is cut out again."""
    key, first = await made(house, ordered(BACK, FILMED))
    before = len(house.behaviour.cutouts)
    new = NewJob("again-1", key, first.order, 25, parent_id=first.job_id, again=(Step.RENDERING_VIDEO,))
    async with running(house.worker()):
        again = await until(house.store, key, await house.store.jobs.submit(new), ended)
    assert again.status is JobStatus.COMPLETED and again.quality == first.quality
    assert again.view_cutouts == first.view_cutouts and len(again.view_cutouts) == 2
    assert len(house.behaviour.cutouts) == before


async def test_a_film_is_cut_out_picture_by_picture(house: House) -> None:
    """The mesh service gets each with its place in the turn; report, order and bill name the film once."""
    frames = [replace(view("film"), frame=OrderedFrame(number, (number + 1) / 9, 0.9)) for number in range(8)]
    _key, job = await made(house, ordered(BACK, *frames))
    (request,) = house.behaviour.meshes
    assert [one.HasField("filmed") for one in request.views] == [False] + [True] * 8
    assert [round(one.filmed.share * 9) for one in request.views[1:]] == list(range(1, 9))
    assert {one.filmed.direction for one in request.views[1:]} == {0.9}
    assert set(job.view_cutouts) == {"back", *(f"film.{number}" for number in range(8))}
    signer = UrlSigner(["a-signing-key-for-tests-of-further-photos"], "http://studio.test")
    body = result_of(job, NO_OUTLOOK, FileLinks(signer, lambda uri: uri)).as_json()
    assert body["order"]["views"] == [{"view_id": "back", "side": "back"}, {"view_id": "film"}]
    film = body["quality"]["views"][1]
    assert film == {
        "view_id": "film", "used": True, "silhouette_iou": 0.95, "image_similarity": 0.8, "frames_used": 8,
    }  # fmt: skip
    assert {use["name"]: use.get("views") for use in body["models"]}["cheap-mesh"] == ["back", "film"]
