"""Reads that go to Redis together: each gets its own answer or fault, few round trips are made, nobody hangs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.exceptions import ResponseError

from gateway.jobs.reads import MOST_TOGETHER
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, submit
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer
from lensora.core.errors import Unavailable

MANY = 5 * MOST_TOGETHER


async def socket_reads(store: Store) -> int:
    """How often the server has read from a connection; this question counts too."""
    stats = await store.scripts.client.info("stats")
    return int(stats["total_reads_processed"])


async def test_many_reads_at_once_get_their_own_answers_in_few_round_trips(store: Store) -> None:
    """Three hundred hashes, asked for at the same moment: each is its own, and the server is asked a few times."""
    for number in range(MANY):
        await store.scripts.client.hset(store.scripts.key(f"thing:{number}"), "number", str(number))
    before = await socket_reads(store)
    found = await asyncio.gather(*(store.scripts.read_hash(f"thing:{number}") for number in range(MANY)))
    assert [int(one["number"]) for one in found] == list(range(MANY))
    assert await socket_reads(store) - before <= 3 * MANY // MOST_TOGETHER


async def test_a_fault_is_that_of_whoever_asked(store: Store) -> None:
    """One command that the server refuses spoils no other of the same pipeline."""
    await store.scripts.client.set(store.scripts.key("text"), "no hash")
    await store.scripts.client.hset(store.scripts.key("thing"), "a", "b")
    good, bad, other = await asyncio.gather(
        store.scripts.read_hash("thing"),
        store.scripts.read_hash("text"),
        store.scripts.read_hash("thing"),
        return_exceptions=True,
    )
    assert (good, other) == ({"a": "b"}, {"a": "b"})
    assert isinstance(bad, ResponseError) and "WRONGTYPE" in str(bad)


async def test_whoever_goes_away_disturbs_nobody(store: Store) -> None:
    """A read that is cancelled while it is under way is dropped; the one beside it is answered."""
    await store.scripts.client.hset(store.scripts.key("thing"), "a", "b")
    leaving = asyncio.create_task(store.scripts.read_hash("thing"))
    staying = asyncio.create_task(store.scripts.read_hash("thing"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == {"a": "b"}
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_whoever_asks_of_a_process_that_ends_does_not_hang(store: Store) -> None:
    """Where the loop ends all its tasks, a read that is under way ends too."""
    others = asyncio.all_tasks()
    asking = asyncio.create_task(store.scripts.read_hash("thing"))
    await asyncio.sleep(0)
    (sending,) = asyncio.all_tasks() - others - {asking}
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await store.scripts.read_hash("thing") == {}


async def test_a_server_that_has_forgotten_a_script_is_told_it_again(store: Store) -> None:
    """After a restart of Redis the place in the queue is read as before."""
    job = await submit(store, await customer(store, 100))
    await store.scripts.client.script_flush()
    assert (await store.jobs.outlook(job)).queue_position == 0


async def test_redis_that_is_away_is_told_to_everybody_at_once(tmp_path: Path) -> None:
    """Everybody who waits is refused, none of them hangs, and the next read after its return is answered."""
    server = RedisServer(tmp_path, appendfsync="no")
    server.start()
    async with open_store(RedisSettings(redis_url=SecretStr(server.url))) as store:
        await store.scripts.client.hset(store.scripts.key("thing"), "a", "b")
        server.kill()
        async with asyncio.timeout(20):
            found = await asyncio.gather(
                *(store.scripts.read_hash("thing") for _ in range(MANY)), return_exceptions=True
            )
        assert {type(one) for one in found} == {Unavailable}
        server.start()
        assert await store.scripts.read_hash("thing") == {"a": "b"}
    server.stop()
