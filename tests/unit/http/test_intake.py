"""Places for uploads: given back before the photo is looked at, and fair between accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.http.plumbing.intake import HELD_BYTES, Intake, IntakeLimits
from lensora.core.errors import RateLimited

LIMITS = IntakeLimits(work=2, per_account=1, waiting=1, wait_s=0.05)


async def chunks() -> AsyncIterator[bytes]:
    """An upload of ten bytes."""
    yield b"0123456789"


async def test_an_upload_that_has_left_makes_room() -> None:
    """Its place and its bytes are free before its end, and are given back once only."""
    intake = Intake(LIMITS)
    async with intake.place("a") as first:
        assert [chunk async for chunk in first.counted(chunks())] == [b"0123456789"]
        assert HELD_BYTES._value.get() == 10
        with pytest.raises(RateLimited):
            async with intake.place("a"):
                raise AssertionError("there is one place")
        first.leave()
        assert HELD_BYTES._value.get() == 0
        async with intake.place("a") as second:
            assert [chunk async for chunk in second.counted(chunks())] == [b"0123456789"]
            first.leave()
            assert HELD_BYTES._value.get() == 10
    assert HELD_BYTES._value.get() == 0
    assert not intake._accounts


async def test_one_account_does_not_take_every_place_for_work() -> None:
    """However many of its photos have left their places, another account's is looked at at once."""
    intake = Intake(LIMITS)
    done = asyncio.Event()

    async def look(account: str) -> None:
        async with intake.work(account):
            await done.wait()

    greedy = [asyncio.create_task(look("a")) for _ in range(5)]
    await asyncio.sleep(0)
    async with asyncio.timeout(1.0), intake.work("b"):
        assert not any(task.done() for task in greedy)
    done.set()
    await asyncio.gather(*greedy)
    assert not intake._accounts
