"""Ready-made customers and orders for tests and benches of what the store holds."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from gateway.jobs.batch_records import BatchItem, NewBatch
from gateway.jobs.photos import Choice, KeptFilm, KeptFrame, KeptView
from gateway.jobs.records import TRANSFORM_CREDITS, ApiKey, Background, Job, KeptAnswer, Limits, NewJob, Order, Session
from gateway.jobs.store import Store
from gateway.jobs.work import Claim, RedisWork
from lensora.core.artifacts import Artifact, MediaType, ModelUse
from lensora.core.boxes import FULL_FRAME, FULL_FRAME_LABEL, Box, Category, Point, Proposal, SuggestedAction
from lensora.core.errors import SessionNotFound
from lensora.core.steps import STAGES, current_step
from lensora.core.words import BackgroundType, ViewSide, WebhookEvent

PHOTO = Artifact("file:///nowhere/photo.jpg", "0" * 64, 1, MediaType.JPEG)
SIDE_PX = 640


async def customer(store: Store, balance: int, *, limits: Limits | None = None) -> ApiKey:
    """A key of a new account with this balance."""
    account_id = f"account-{uuid.uuid4().hex[:12]}"
    await store.accounts.create(account_id, limits=limits)
    if balance:
        await store.credits.grant(account_id, balance, reference="first")
    key, _secret = await store.keys.create(account_id)
    return key


def order(
    photo: Artifact = PHOTO,
    background: Background | None = None,
    *,
    webhook_url: str = "",
    webhook_events: Iterable[WebhookEvent] = (),
) -> Order:
    """An order of the middle of a photo."""
    return Order(
        session_id="session",
        object_index=0,
        label="coffee mug",
        photo=photo,
        photo_width=SIDE_PX,
        photo_height=SIDE_PX,
        box=Box(0.2, 0.2, 0.8, 0.8),
        background=background or Background(BackgroundType.PROMPT, prompt="on a marble countertop"),
        webhook_url=webhook_url,
        webhook_events=tuple(webhook_events),
        request_id="request",
    )


def session(key: ApiKey, photo: Artifact = PHOTO) -> Session:
    """A session of this key, not yet opened."""
    proposal = Proposal("coffee mug", Category.PRODUCT, Box(0.2, 0.2, 0.8, 0.8), 0.9)
    frame = Proposal(FULL_FRAME_LABEL, Category.FULL_FRAME, FULL_FRAME, 0.0)
    return Session(
        session_id=str(uuid.uuid4()),
        key_id=key.key_id,
        account_id=key.account_id,
        photo=photo,
        width=SIDE_PX,
        height=SIDE_PX,
        proposals=(proposal, frame),
    )


def view(session: Session, side: ViewSide | None = None, photo: Artifact = PHOTO) -> KeptView:
    """A further photo of a session's first object, not yet added."""
    first = session.proposals[0]
    return KeptView(
        view_id=str(uuid.uuid4()),
        session_id=session.session_id,
        key_id=session.key_id,
        account_id=session.account_id,
        side=side,
        photo=photo,
        width=SIDE_PX,
        height=SIDE_PX,
        choice=Choice(0, first.label, first.category, first.box, (Point(0.5, 0.5, True),)),
        proposals=session.proposals,
        suggested_actions=(SuggestedAction("view_unlike", "Look."),),
        likeness=0.8,
        models=(ModelUse("net", "1", "", "MIT", "detect"),),
    )


def film_view(session: Session) -> KeptView:
    """A film of a session's first object turning, not yet added."""
    box = session.proposals[0].box
    frames = tuple(KeptFrame(PHOTO, SIDE_PX, SIDE_PX, box, second, (second + 1) / 9) for second in range(8))
    return replace(view(session), film=KeptFilm(frames, 0.9))


async def submit(store: Store, key: ApiKey, what: Order | None = None, *, kept: KeptAnswer | None = None) -> Job:
    """A job of this key, accepted."""
    return await store.jobs.submit(NewJob(str(uuid.uuid4()), key, what or order()), kept=kept)


async def submit_batch(
    store: Store,
    key: ApiKey,
    films: int,
    *,
    webhook_url: str = "",
    batch_id: str = "",
    price: int = TRANSFORM_CREDITS,
    kept: KeptAnswer | None = None,
) -> tuple[str, list[str]]:
    """A batch of so many films and one item that could not be ordered, accepted: its id, and those of its jobs."""
    jobs = [str(uuid.uuid4()) for _ in range(films)]
    items = [BatchItem(f"{place}", "session", job_id=job_id) for place, job_id in enumerate(jobs)]
    broken = BatchItem("broken", "lost", code=SessionNotFound.code, error="There is no such session.")
    what = order()
    choices = {
        "background": {"type": what.background.type, "prompt": what.background.prompt},
        "camera_preset": what.camera,
        "output": {"aspect": "1:1", "size": 768, "fps": 24, "seconds": 4.0, "formats": list(what.output.formats)},
    }
    name = batch_id or str(uuid.uuid4())
    new = NewBatch(name, key, (*items, broken), (what,) * films, choices, price, webhook_url)
    await store.batches.submit(new, kept=kept)
    return name, jobs


async def take_one(work: RedisWork) -> Claim:
    """The next job; raises AssertionError when there is none."""
    taken = await work.take(1)
    assert len(taken) == 1 and isinstance(taken[0], Claim), taken
    return taken[0]


async def do_stages(work: RedisWork, claim: Claim) -> None:
    """Record every stage of a claimed job that is not recorded yet, with empty results."""
    finished = set(claim.work)
    for step in STAGES:
        if step not in finished:
            await work.stage_start(claim, step, step)
            finished.add(step)
            await work.stage_done(claim, step, "{}", (), shown=current_step(set(), finished), progress=0)
