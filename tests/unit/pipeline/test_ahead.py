"""Work begun ahead of the stage that asks for it: used once, repeated when it failed, ended when nobody asks."""

from __future__ import annotations

import asyncio

import pytest

from gateway.pipeline.ahead import Ahead


async def _settled() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Work:
    """Counts its runs, fails as often as told, and waits until it may end."""

    def __init__(self, failures: int = 0, *, waits: bool = False) -> None:
        self.failures = failures
        self.runs = 0
        self.ended = 0
        self.may_end = asyncio.Event()
        if not waits:
            self.may_end.set()

    async def __call__(self) -> int:
        self.runs += 1
        try:
            await self.may_end.wait()
        finally:
            self.ended += 1
        if self.failures:
            self.failures -= 1
            raise ValueError("away")
        return self.runs


async def test_it_runs_before_it_is_asked_for() -> None:
    """The work is under way when the stage comes, and is not done twice."""
    work = Work()
    ahead = Ahead(work)
    ahead.begin()
    await _settled()
    assert work.ended == 1
    assert await ahead.get() == 1
    await ahead.close()
    assert work.runs == 1


async def test_a_failure_ahead_is_the_stages_and_its_repeat_tries_again() -> None:
    """What the work raised leaves ``get``; the next ``get`` runs it anew."""
    ahead = Ahead(Work(failures=1))
    ahead.begin()
    with pytest.raises(ValueError, match="away"):
        await ahead.get()
    assert await ahead.get() == 2


async def test_without_a_beginning_it_runs_when_asked() -> None:
    """A job that was resumed past that point pays nothing ahead."""
    work = Work()
    ahead = Ahead(work)
    await ahead.close()
    assert work.runs == 0
    assert await ahead.get() == 1


async def test_what_nobody_asks_for_is_ended() -> None:
    """A job that fails before takes its work with it; a failure that nobody saw is not reported as lost."""
    work = Work(waits=True)
    ahead = Ahead(work)
    ahead.begin()
    await _settled()
    await ahead.close()
    assert work.ended == 1
    failed = Ahead(Work(failures=1))
    failed.begin()
    await _settled()
    await failed.close()
