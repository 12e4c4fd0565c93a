"""Webhooks to a real receiver, and the sweep of what has expired."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.batch_results import batch_of
from gateway.egress import Answer, Egress, EgressPolicy
from gateway.jobs.batch_records import Batch
from gateway.jobs.brands import Brand
from gateway.jobs.records import ENDED, ApiKey, Job, KeptBackplate
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, order, session, submit, submit_batch
from gateway.links import FileLinks, UrlSigner
from gateway.pipeline.sweeper import MOST_FAILURES, Sweeper
from gateway.pipeline.webhooks import DELAYS_S, PER_ACCOUNT, Deliveries, Poster, Tidings
from gateway.results import result_of
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts, Stored
from lensora.client import webhooks
from lensora.contract.answers import Result
from lensora.contract.batches import Batch as PublicBatch
from lensora.contract.batches import BatchEnded
from lensora.contract.events import JobEvent
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.errors import Unavailable
from lensora.core.words import BatchEvent, WebhookEvent

EVERY_PORT = frozenset(range(1, 65536))


class House(Protocol):
    """What conftest's fixture gives."""

    store: Store
    settings: RedisSettings
    artifacts: ObjectArtifacts


@dataclass
class Receiver:
    """A customer's server: answers with ``status`` and keeps what it gets."""

    status: int = 200
    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield kept
        server.shutdown()


def result(job: Job) -> Result:
    """A job as a message's data."""
    signer = UrlSigner(["a-signing-key-for-tests-of-webhooks"], "http://studio.test")
    return result_of(job, ENDED, FileLinks(signer, lambda uri: uri))


def batch_result(batch: Batch) -> PublicBatch:
    """A batch as a message's data."""
    signer = UrlSigner(["a-signing-key-for-tests-of-webhooks"], "http://studio.test")
    return batch_of(batch, FileLinks(signer, lambda uri: uri))


def deliveries(house: House, *, private: bool = True) -> Deliveries:
    """Deliveries through the real guard; loopback is let through where the test says so."""
    hosts = frozenset({"127.0.0.1"}) if private else frozenset[str]()
    return delivered_by(house, Egress(EgressPolicy(private_hosts=hosts, ports=EVERY_PORT)))


def delivered_by(house: House, poster: Poster) -> Deliveries:
    """Deliveries through this way out."""
    store = house.store
    tidings = Tidings(store.jobs, store.batches, result=result, batch=batch_result)
    return Deliveries(store.hooks, tidings, store.webhook_secrets, poster, clock=time.time)


async def ended_job(house: House, url: str, *events: WebhookEvent) -> tuple[ApiKey, Job]:
    """A canceled job that wants to tell ``url`` of these events."""
    key = await customer(house.store, 75)
    job = await submit(house.store, key, order(webhook_url=url, webhook_events=events or tuple(WebhookEvent)))
    await house.store.jobs.cancel(key.key_id, job.job_id)
    return key, job


async def hook_times(house: House) -> list[float]:
    """Seconds until each message that waits is due."""
    name = house.store.scripts.key("hooks")
    rows: Any = await house.store.scripts.client.zrange(name, 0, -1, withscores=True)
    return [score / 1000 - time.time() for _name, score in rows]


async def make_due(house: House) -> None:
    """Let the time to the next try pass."""
    name = house.store.scripts.key("hooks")
    for hook in await house.store.scripts.client.zrange(name, 0, -1):
        await house.store.scripts.client.zadd(name, {hook: 1})


async def test_a_message_is_signed_and_delivered_once(house: House, receiver: Receiver) -> None:
    """The receiver verifies the message by the Standard Webhooks library; it is not sent again."""
    key, job = await ended_job(house, receiver.url)
    secret = await house.store.webhook_secrets.current(key.account_id)
    worker = deliveries(house)
    await asyncio.gather(worker.deliver_due(), worker.deliver_due())
    ((headers, data),) = receiver.got
    message: Any = Webhook(secret).verify(data, headers)
    event = JobEvent(**message)
    assert event.type is WebhookEvent.CANCELED
    assert event.data == result(await house.store.jobs.get(key.key_id, job.job_id))
    assert headers["webhook-id"] == f"msg_{job.job_id}" and headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(data.replace(b"canceled", b"completed"), headers)
    assert await hook_times(house) == []


async def test_a_batch_is_told_of_once_when_its_last_film_has_ended(house: House, receiver: Receiver) -> None:
    """One signed message for the whole, with every item; a receiver that was down gets it with the next try."""
    store = house.store
    key = await customer(store, 75 * 3)
    batch_id, jobs = await submit_batch(store, key, 3, webhook_url=receiver.url)
    worker = deliveries(house)
    for job_id in jobs[:2]:
        await store.jobs.cancel(key.key_id, job_id)
    await worker.deliver_due()
    assert receiver.got == []
    receiver.status = 500
    await store.jobs.cancel(key.key_id, jobs[2])
    await worker.deliver_due()
    receiver.status = 200
    scripts = store.scripts
    await scripts.client.zadd(scripts.key("hooks:batches"), {f"msg_{batch_id}": 1})
    await worker.deliver_due()
    await worker.deliver_due()
    (_failed, (headers, data)) = receiver.got
    secret = await store.webhook_secrets.current(key.account_id)
    event = webhooks.event(secret, headers, data)
    assert isinstance(event, BatchEnded) and event.type is BatchEvent.ENDED
    assert event.data == batch_result(await store.batches.get(key.key_id, batch_id))
    assert (event.data.status, event.data.counts.canceled, headers["webhook-id"]) == ("canceled", 3, f"msg_{batch_id}")


async def test_both_secrets_sign_while_one_is_rotated(house: House, receiver: Receiver) -> None:
    """A receiver that has not yet taken the new secret goes on verifying."""
    key, _job = await ended_job(house, receiver.url)
    before = await house.store.webhook_secrets.current(key.account_id)
    after = await house.store.webhook_secrets.rotate(key.account_id)
    await deliveries(house).deliver_due()
    headers, data = receiver.got[0]
    assert Webhook(before).verify(data, headers) == Webhook(after).verify(data, headers)


async def test_ten_tries_over_two_hours(house: House, receiver: Receiver) -> None:
    """A receiver that is down gets ten tries, each later than the one before, about two hours in all."""
    receiver.status = 500
    await ended_job(house, receiver.url)
    worker = deliveries(house)
    waits = []
    for _try in range(10):
        await worker.deliver_due()
        waits += await hook_times(house)
        await make_due(house)
    await worker.deliver_due()
    assert len(receiver.got) == 10 and len({headers["webhook-id"] for headers, _body in receiver.got}) == 1
    assert all(0.85 * planned <= wait <= 1.15 * planned for wait, planned in zip(waits, DELAYS_S, strict=True))
    assert 1.9 * 3600 < sum(DELAYS_S) < 2.1 * 3600


async def test_gone_disables_the_url(house: House, receiver: Receiver) -> None:
    """After a 410 the account's URL gets nothing more, neither this message nor those of later jobs."""
    receiver.status = 410
    key, _job = await ended_job(house, receiver.url)
    worker = deliveries(house)
    await worker.deliver_due()
    await house.store.credits.grant(key.account_id, 75, reference="second")
    again = await submit(house.store, key, order(webhook_url=receiver.url, webhook_events=tuple(WebhookEvent)))
    await house.store.jobs.cancel(key.key_id, again.job_id)
    await make_due(house)
    await worker.deliver_due()
    assert len(receiver.got) == 1


async def test_events_that_were_not_asked_for_are_not_sent(house: House, receiver: Receiver) -> None:
    """A job that ends in another way than the events named sends nothing."""
    await ended_job(house, receiver.url, WebhookEvent.COMPLETED)
    await deliveries(house).deliver_due()
    assert receiver.got == []


async def test_private_addresses_are_refused_when_connecting(house: House, receiver: Receiver) -> None:
    """The guard looks at the address of the connection itself, and a refused URL is not tried again."""
    await ended_job(house, receiver.url)
    await deliveries(house, private=False).deliver_due()
    assert receiver.got == [] and await hook_times(house) == []


async def test_a_name_server_that_is_away_costs_no_message(house: House) -> None:
    """A host that cannot be resolved now is a failed try like any other: the next one comes."""
    looked_up = []

    async def resolve(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        raise OSError("the name server does not answer")

    await ended_job(house, "https://shop.test/hook")
    await delivered_by(house, Egress(EgressPolicy(), resolver=resolve)).deliver_due()
    assert looked_up == ["shop.test"]
    waits = await hook_times(house)
    assert len(waits) == 1 and 0 < waits[0] <= 1.15 * DELAYS_S[0]


async def test_a_worker_that_dies_while_delivering_is_replaced(house: House, receiver: Receiver) -> None:
    """A message that was taken and not settled is due again after a minute, not lost."""
    await ended_job(house, receiver.url)
    assert len(await house.store.hooks.due(10)) == 1
    assert await house.store.hooks.due(10) == []
    assert 50 < (await hook_times(house))[0] <= 60
    await make_due(house)
    await deliveries(house).deliver_due()
    assert len(receiver.got) == 1


@dataclass
class HangingHost:
    """The way out to two customers: posts to "slow" hang until they are let go, posts to "quick" are answered."""

    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    quick: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: int = 0
    most_hanging: int = 0
    answered: list[str] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Answer 200, or hang first."""
        if "slow" in url:
            self.hanging += 1
            self.most_hanging = max(self.most_hanging, self.hanging)
            await self.let_go.wait()
            self.hanging -= 1
        else:
            self.quick.set()
        self.answered.append(headers["webhook-id"])
        return Answer(200, b"")


async def test_one_customers_hanging_receiver_delays_no_other(house: House) -> None:
    """With more messages for a receiver that hangs than its account may have under way, another's goes out at once."""
    store = house.store
    key = await customer(store, 75 * 100)
    for _job in range(2 * PER_ACCOUNT):
        job = await submit(store, key, order(webhook_url="https://slow.test/hook", webhook_events=tuple(WebhookEvent)))
        await store.jobs.cancel(key.key_id, job.job_id)
    await ended_job(house, "https://quick.test/hook")
    out = HangingHost()
    worker = delivered_by(house, out)
    delivering = asyncio.create_task(worker.deliver_due())
    await asyncio.wait_for(out.quick.wait(), 10)
    assert out.most_hanging == PER_ACCOUNT
    out.let_go.set()
    await asyncio.wait_for(delivering, 20)
    while await hook_times(house):
        await make_due(house)
        await worker.deliver_due()
    assert len(out.answered) == len(set(out.answered)) == 2 * PER_ACCOUNT + 1


async def test_orphans_are_found_and_what_is_known_is_kept(house: House, tmp_path: Path) -> None:
    """Old files of unknown sessions and jobs go; new ones, and those of what can be read, stay; one worker looks. What
    a file system has put there stops nothing."""
    key = await customer(house.store, 500)
    opened = await house.store.sessions.open(session(key))
    job = await submit(house.store, key)
    picture = Artifact("file:///nowhere/picture.jpg", "0" * 64, 1, MediaType.JPEG)
    await house.store.backplates.keep(KeptBackplate("kept", key.key_id, key.account_id, picture, 64, 64))
    await house.store.brands.save(key, Brand("shop", "live"))
    await house.store.brands.save(key, Brand("other", "retired"))
    await house.store.brands.delete(key, "other")
    known = [f"sessions/{opened.session_id}/{name}.jpg" for name in ("photo", "views/v")]
    known += [f"jobs/{job.job_id}/model.glb", "backplates/kept/picture.jpg"]
    known += ["brands/live/logo.png", "brands/retired/logo.png"]
    old = ["sessions/dead/photo.jpg", "jobs/dead/model.glb", "backplates/dead/picture.jpg", "brands/dead/logo.png"]
    new = "sessions/uploading/photo.jpg"
    day_ago = time.time() - 86_400
    for name in (*known, *old, new):
        await house.artifacts.put_async(name, b"x" * 10, "image/jpeg")
        if name != new:
            os.utime(tmp_path / "artifacts" / name, (day_ago, day_ago))
    for name in ("jobs/dead/.nfs0001", "sessions/.DS_Store"):
        odd = tmp_path / "artifacts" / name
        odd.write_bytes(b"not ours")
        os.utime(odd, (day_ago, day_ago))
    sweeper = Sweeper(house.store.expiry, house.artifacts)
    assert await sweeper.sweep_orphans(60.0) == 40
    assert sorted([stored.key async for stored in house.artifacts.list_async("")]) == sorted([*known, new])
    assert await sweeper.sweep_orphans(60.0) == 0


async def test_what_cannot_be_deleted_holds_up_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix that the store refuses is passed over; where all are refused, the store is away and the sweep ends."""
    key = await customer(house.store, 500)
    jobs = [await submit(house.store, key) for _ in range(4)]
    for job in jobs:
        await house.artifacts.put_async(f"jobs/{job.job_id}/model.glb", b"x" * 1000, "model/gltf-binary")
        await house.store.jobs.cancel(key.key_id, job.job_id)
        await house.store.jobs.delete(key.key_id, job.job_id)
    refused = {job.job_id for job in jobs[:2]}
    asked: list[str] = []
    listed = house.artifacts.list_async

    def listing(prefix: str) -> AsyncIterator[Stored]:
        asked.append(prefix.removeprefix("jobs/"))
        if asked[-1] in refused:
            raise Unavailable("The artifact store is not available.")
        return listed(prefix)

    monkeypatch.setattr(house.artifacts, "list_async", listing)
    sweeper = Sweeper(house.store.expiry, house.artifacts)
    assert await sweeper.sweep() == 2000
    assert sorted(asked) == sorted(job.job_id for job in jobs)
    refused |= {(await submit(house.store, key)).job_id for _ in range(4)}
    for job_id in refused - {job.job_id for job in jobs}:
        await house.store.jobs.cancel(key.key_id, job_id)
        await house.store.jobs.delete(key.key_id, job_id)
    asked.clear()
    with pytest.raises(Unavailable):
        await sweeper.sweep()
    assert len(asked) == MOST_FAILURES


async def test_the_sweep_deletes_what_has_expired_and_counts_it(house: House) -> None:
    """Artifacts of expired jobs, backplates, brands and sessions with their views go, those of living ones stay."""
    hurried = house.settings.model_copy(
        update={"session_hours": 0.1 / 3600, "job_hours": 0.1 / 3600, "job_deadline_seconds": 0.001}
    )
    async with open_store(house.settings) as lasting:
        kept = await submit(lasting, await customer(lasting, 75))
    await house.artifacts.put_async(f"jobs/{kept.job_id}/model.glb", b"kept", "model/gltf-binary")
    async with open_store(hurried) as store:
        key = await customer(store, 500)
        opened = await store.sessions.open(session(key))
        job = await submit(store, key)
        await store.jobs.cancel(key.key_id, job.job_id)
        for name in (f"jobs/{job.job_id}/model.glb", f"jobs/{job.job_id}/film.mp4"):
            await house.artifacts.put_async(name, b"x" * 1000, "video/mp4")
        await house.artifacts.put_async(f"sessions/{opened.session_id}/photo.jpg", b"x" * 400, "image/jpeg")
        await house.artifacts.put_async(f"sessions/{opened.session_id}/views/v.jpg", b"x" * 100, "image/jpeg")
        await asyncio.sleep(0.2)
        picture = await house.artifacts.put_async("backplates/old/picture.jpg", b"x" * 300, "image/jpeg")
        await store.backplates.keep(KeptBackplate("old", key.key_id, key.account_id, picture, 64, 64))
        await house.artifacts.put_async("brands/first/logo.png", b"x" * 40, "image/png")
        await store.brands.save(key, Brand("shop", "first"))
        await store.brands.save(key, Brand("shop", "second"))
        await house.artifacts.put_async("brands/second/logo.png", b"x" * 20, "image/png")
        for kind, name in (("brands", "first"), ("sessions", opened.session_id), ("backplates", "old")):
            await store.scripts.client.zadd(store.scripts.key(f"expiring:{kind}"), {name: 1})
        sweeper = Sweeper(store.expiry, house.artifacts)
        assert await sweeper.sweep() == 2840
        assert await sweeper.sweep() == 0
    left = [stored.key async for stored in house.artifacts.list_async("")]
    assert sorted(left) == ["brands/second/logo.png", f"jobs/{kept.job_id}/model.glb"]


async def test_a_message_that_cannot_be_read_holds_up_no_other(house: House, receiver: Receiver) -> None:
    """A job written by a release that is not known, or damaged, costs its own message a try; the others go out."""
    store = house.store
    _key, broken = await ended_job(house, receiver.url)
    _key, unknown = await ended_job(house, receiver.url)
    _key, sound = await ended_job(house, receiver.url)
    await store.scripts.client.hset(store.scripts.key(f"job:{broken.job_id}"), "step", "a-step-of-tomorrow")
    await store.scripts.client.hset(store.scripts.key(f"hook:msg_{unknown.job_id}"), "event", "job.of-tomorrow")
    await deliveries(house).deliver_due()
    assert [headers["webhook-id"] for headers, _body in receiver.got] == [f"msg_{sound.job_id}"]
    assert len(await hook_times(house)) == 2
