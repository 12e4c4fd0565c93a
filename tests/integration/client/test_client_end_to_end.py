"""Both clients against a real gateway."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from gateway.http.testing import Gateway, Installation, installation
from gateway.jobs.records import JobError
from lensora.client import AsyncClient, Client, image, prompt, remove
from lensora.core.errors import (
    InsufficientCredits,
    InvalidBackground,
    InvalidImage,
    InvalidRequest,
    InvalidVideo,
    JobNotFound,
    SessionNotFound,
    Unauthorized,
    Unavailable,
)
from lensora.core.steps import STAGES, JobStatus, Step
from lensora.core.words import ViewSide
from lensora.testing.films import film_of, turning


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The running installation."""
    with installation(tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture
def gateway(stack: Installation) -> Gateway:
    """Its gateway."""
    return stack.gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Client]:
    """A client with 1,000 credits."""
    with Client(gateway.base_url + "/", gateway.api_key(1_000)) as made:
        yield made


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo as a file."""
    path = tmp_path / "rolleiflex.jpg"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(path)
    return path


def complete(gateway: Gateway, job_id: str) -> None:
    """Do a job's work."""
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES)
    gateway.finish(job_id)


def test_a_cutout_is_looked_at_and_used(gateway: Gateway, client: Client, photo: Path) -> None:
    """The SDK makes a cutout of a box and points, and names it in the job."""
    session = client.init(photo)
    look = client.cutout(session.session_id, bbox=(0.2, 0.2, 0.7, 0.7), points=[(0.5, 0.5, True)])
    assert (look.credits_used, look.box.x2, look.confidence, look.suggested_actions) == (5, 0.7, 0.97, ())
    ticket = client.transform(session.session_id, remove(), cutout_id=look.cutout_id)
    gateway.take(ticket.job_id)
    kept = gateway.claims[ticket.job_id].job.order.cutout
    assert kept is not None and look.cutout_id in kept.uri


def test_further_photos_are_added_corrected_and_taken_out(gateway: Gateway, client: Client, photo: Path) -> None:
    """The SDK has the four calls; the job is made with what is left."""
    session_id = client.init(photo).session_id
    back = client.add_view(session_id, photo, "back")
    assert (back.side, back.likeness, back.box.x1, back.credits_used) == (ViewSide.BACK, 0.9, 0.18, 2)
    drawn = client.add_view(session_id, photo, bbox=(0.2, 0.2, 0.7, 0.7), points=[(0.5, 0.5, True)], object_index=0)
    assert (drawn.side, drawn.likeness, drawn.points[0].keep) == (None, None, True)
    changed = client.change_view(session_id, drawn.view_id, view="left", bbox=(0.1, 0.2, 0.7, 0.7))
    assert (changed.side, changed.bbox, changed.credits_used) == (ViewSide.LEFT, (0.1, 0.2, 0.7, 0.7), 0)
    assert client.change_view(session_id, drawn.view_id, view="").side is None
    client.delete_view(session_id, back.view_id)
    assert [view.view_id for view in client.views(session_id)] == [drawn.view_id]
    ticket = client.transform(session_id, remove())
    order = client.result(ticket).order
    assert order is not None and order.views is not None
    assert [view.view_id for view in order.views] == [drawn.view_id]
    with pytest.raises(InvalidRequest, match="view must be one of"):
        client.add_view(session_id, photo, "bottom")


def test_a_film_of_a_turn_is_added_and_taken_out(client: Client, photo: Path, tmp_path: Path) -> None:
    """By its path or its bytes; its pictures come as frames of one view."""
    session_id = client.init(photo).session_id
    film = tmp_path / "turn.mp4"
    film.write_bytes(film_of(turning(36), rate=12))
    added = client.add_turn(session_id, film, object_index=0)
    assert added.frames is not None and len(added.frames) == 8
    assert (added.side, added.frames[0].second, added.credits_used) == (None, 0.5, 10)
    client.delete_view(session_id, added.view_id)
    assert client.views(session_id) == ()
    with pytest.raises(InvalidVideo, match="must be an MP4 or MOV file"):
        client.add_turn(session_id, b"no film")


async def test_the_async_client_has_further_photos_too(gateway: Gateway, photo: Path) -> None:
    """The same calls, to be awaited."""
    async with AsyncClient(gateway.base_url, gateway.api_key(100)) as client:
        session_id = (await client.init(photo)).session_id
        view = await client.add_view(session_id, photo, ViewSide.TOP)
        assert (await client.change_view(session_id, view.view_id, view=ViewSide.DETAIL)).side is ViewSide.DETAIL
        assert len(await client.views(session_id)) == 1
        await client.delete_view(session_id, view.view_id)
        assert await client.views(session_id) == ()
        assert len((await client.add_turn(session_id, film_of(turning(36), rate=12))).frames or ()) == 8


def test_the_whole_way(gateway: Gateway, client: Client, photo: Path, tmp_path: Path) -> None:
    """Photo, session, job, progress, four files, account."""
    session = client.init(photo, max_objects=2)
    assert [found.category for found in session.objects] == ["product", "full_frame"]
    assert session.objects[0].box.x1 == 0.18
    ticket = client.transform(session.session_id, prompt("a marble table"), camera_preset="cinematic")
    assert (ticket.status, ticket.credits_used) == (JobStatus.QUEUED, 75)
    threading.Timer(0.3, complete, (gateway, ticket.job_id)).start()
    shown: list[int] = []
    result = client.wait(ticket, lambda state: shown.append(state.progress), timeout_s=30)
    assert result.status is JobStatus.COMPLETED
    assert shown[-1] == 100
    assert shown == sorted(shown)
    paths = client.download(result, tmp_path / "out")
    assert {name: path.name for name, path in paths.items()} == {
        "mp4": "turntable.mp4",
        "glb": "model.glb",
        "scene": "scene.jpg",
        "removed_bg": "cutout.png",
    }
    assert all(path.stat().st_size > 1_000 for path in paths.values())
    assert not list((tmp_path / "out").glob("*.part"))
    assert client.account().balance == 920
    assert [entry.amount for entry in client.ledger().entries] == [-75, -5, 1_000]
    assert [job.job_id for job in client.jobs(status="completed").jobs] == [ticket.job_id]
    again = client.render(ticket.job_id, camera_preset="dolly")
    assert again.credits_used == 25
    assert client.cancel(again.job_id).credits_refunded == 25


def test_photos_in_every_form(client: Client, photo: Path) -> None:
    """A path, text, bytes and an open file are the same photo."""
    with photo.open("rb") as file:
        sessions = [client.init(form) for form in (photo, str(photo), photo.read_bytes(), file)]
    assert len({session.session_id for session in sessions}) == 4
    assert len({session.objects for session in sessions}) == 1


def test_a_job_is_named_by_ticket_result_or_id(gateway: Gateway, client: Client, photo: Path, tmp_path: Path) -> None:
    """``wait``, ``stream`` and ``download`` take the same things, and so does what else names a job."""
    ticket = client.transform(client.init(photo).session_id, remove())
    queued = client.result(ticket)
    names = (ticket, queued, ticket.job_id, ticket.job_id.upper())
    for name in names:
        with pytest.raises(ValueError, match="has not completed"):
            client.download(name, tmp_path)
    complete(gateway, ticket.job_id)
    done = client.wait(ticket)
    assert done.output is not None
    for place, name in enumerate(names):
        assert client.wait(name).status is JobStatus.COMPLETED
        assert [state.job_id for state in client.stream(name)] == [ticket.job_id]
        assert len(client.download(name, tmp_path / str(place))) == 4
        assert client.cancel(name).already_terminal
        assert client.cancel(client.render(name, camera_preset="dolly")).credits_refunded == 25
    assert len(client.download(done.output, tmp_path / "output")) == 4


def test_a_stream_of_states(gateway: Gateway, client: Client, photo: Path) -> None:
    """From queued to the end."""
    ticket = client.transform(client.init(photo).session_id, remove())

    def fail() -> None:
        gateway.take(ticket.job_id)
        gateway.do_stages(ticket.job_id, Step.CROPPING)
        gateway.fail(ticket.job_id, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, False))

    threading.Timer(0.3, fail).start()
    states = list(client.stream(ticket.job_id))
    assert states[0].status is JobStatus.QUEUED
    assert states[-1].status is JobStatus.FAILED
    assert states[-1].error == "3D generation timeout"
    assert states[-1].error_detail is not None
    assert states[-1].error_detail.stage == "generating-3d"
    assert states[-1].credits_refunded == 75
    assert list(client.stream(ticket.job_id))[-1] == states[-1]


def test_errors_are_typed(gateway: Gateway, client: Client, photo: Path) -> None:
    """Each answer of the server is raised as the class that the server raised."""
    with pytest.raises(InvalidImage, match="JPEG, PNG or WebP"):
        client.init(b"no picture")
    with pytest.raises(SessionNotFound):
        client.transform("e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3", remove())
    with pytest.raises(JobNotFound):
        client.result("e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3")
    session = client.init(io.BytesIO(photo.read_bytes()))
    with pytest.raises(InvalidBackground, match="not lead to a public address") as refused:
        client.transform(session.session_id, image("http://10.0.0.1/a.jpg"))
    assert "HTTP status 400, request id" in refused.value.__notes__[0]
    with Client(gateway.base_url, "wrong") as stranger, pytest.raises(Unauthorized):
        stranger.account()
    with Client(gateway.base_url, gateway.api_key()) as poor, pytest.raises(InsufficientCredits):
        poor.init(photo)


def test_nobody_there() -> None:
    """A closed port is unavailable, named by its URL."""
    with (
        Client("http://127.0.0.1:9", "k") as client,
        pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9 does not"),
    ):
        client.account()


async def test_the_async_client(gateway: Gateway, photo: Path, tmp_path: Path) -> None:
    """The same way, awaited."""
    import asyncio

    key = await asyncio.to_thread(gateway.api_key, 1_000)
    async with AsyncClient(gateway.base_url, key) as client:
        session = await client.init(photo)
        ticket = await client.transform(session.session_id, "remove")
        done = asyncio.create_task(asyncio.to_thread(complete, gateway, ticket.job_id))
        states = [state async for state in client.stream(ticket)]
        await done
        assert states[-1].status is JobStatus.COMPLETED
        result = await client.wait(ticket)
        assert result == states[-1]
        assert len(await client.download(ticket, tmp_path / "by-ticket")) == 4
        paths = await client.download(result, tmp_path / "out")
        assert sorted(path.name for path in paths.values()) == ["cutout.png", "model.glb", "scene.jpg", "turntable.mp4"]
        assert (await client.account()).balance == 920
        with pytest.raises(JobNotFound):
            await client.cancel("nothing")
