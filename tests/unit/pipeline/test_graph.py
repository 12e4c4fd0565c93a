"""The runner of the graph, without any service."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.dag import run_graph
from lensora.core.steps import NEEDS, STAGES, Step


async def test_every_step_runs_once_after_what_it_needs() -> None:
    """The order respects the graph, and steps that are independent overlap."""
    finished: set[Step] = set()
    ran: list[Step] = []
    together: set[frozenset[Step]] = set()
    running: set[Step] = set()

    async def run(step: Step) -> None:
        assert finished.issuperset(NEEDS[step])
        running.add(step)
        await asyncio.sleep(0)
        together.add(frozenset(running))
        await asyncio.sleep(0)
        running.discard(step)
        ran.append(step)

    await run_graph(STAGES, NEEDS, finished, run)
    assert sorted(ran) == sorted(STAGES) and finished == set(STAGES)
    assert frozenset({Step.GENERATING_BG, Step.GENERATING_3D}) in together


@given(st.sets(st.sampled_from(STAGES)))
def test_finished_steps_do_not_run_again(done: set[Step]) -> None:
    """Whatever was finished before, only the rest runs."""
    closed = {step for step in done if all(need in done for need in NEEDS[step])}
    ran: list[Step] = []

    async def run(step: Step) -> None:
        ran.append(step)

    asyncio.run(run_graph(STAGES, NEEDS, set(closed), run))
    assert not closed.intersection(ran) and len(ran) == len(set(ran))
    assert closed.union(ran) >= set(STAGES)


async def test_an_error_stops_the_steps_beside_it() -> None:
    """When one branch fails the other is cancelled and has ended before the error is raised."""
    ended: list[Step] = []

    async def run(step: Step) -> None:
        if step is Step.GENERATING_3D:
            await asyncio.sleep(0.01)
            raise ValueError("the mesh failed")
        try:
            await asyncio.sleep(0 if step in (Step.CROPPING, Step.REMOVING_BG) else 30)
        finally:
            ended.append(step)

    with pytest.raises(ValueError, match="the mesh failed"):
        await run_graph(STAGES, NEEDS, set(), run)
    assert Step.GENERATING_BG in ended and Step.COMPOSITING not in ended


async def test_cancelling_ends_every_step() -> None:
    """A cancel of the whole reaches each running step."""
    ended: list[Step] = []
    both = asyncio.Event()

    async def run(step: Step) -> None:
        if step in (Step.CROPPING, Step.REMOVING_BG):
            return
        if step is Step.GENERATING_3D:
            both.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(step)

    task = asyncio.create_task(run_graph(STAGES, NEEDS, set(), run))
    await both.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(ended) == {Step.GENERATING_BG, Step.GENERATING_3D}


async def test_a_cycle_is_named() -> None:
    """A graph that cannot start says which steps hang."""
    needs = {Step.CROPPING: (Step.REMOVING_BG,), Step.REMOVING_BG: (Step.CROPPING,)}

    async def run(_step: Step) -> None:
        return

    with pytest.raises(ValueError, match="cycle"):
        await run_graph([Step.CROPPING, Step.REMOVING_BG], needs, set(), run)
