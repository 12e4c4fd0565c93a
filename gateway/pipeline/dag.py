"""Run the steps of a graph, each as soon as those that it needs are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from lensora.core.steps import Step


async def run_graph(
    steps: Sequence[Step],
    needs: Mapping[Step, Sequence[Step]],
    finished: set[Step],
    run: Callable[[Step], Awaitable[None]],
) -> None:
    """Run every step that is not finished; those that do not need each other run at the same time.

    Args:
        steps: all steps; of two that could start, the first starts first.
        needs: what each step waits for.
        finished: done before; the steps that run are added to it.
        run: runs one step.

    Raises:
        BaseException: the first that a step raised, after the steps beside it were cancelled and have ended.
    """
    running: dict[asyncio.Task[None], Step] = {}

    async def one(step: Step) -> None:
        await run(step)

    def start_ready() -> None:
        busy = set(running.values())
        for step in steps:
            if step not in finished and step not in busy and finished.issuperset(needs[step]):
                running[asyncio.create_task(one(step), name=f"stage {step}")] = step

    try:
        start_ready()
        while running:
            done, _waiting = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                step = running.pop(task)
                task.result()
                finished.add(step)
            start_ready()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if len(finished.intersection(steps)) != len(steps):
        raise ValueError(f"the graph has a cycle: {sorted(set(steps) - finished)} cannot start")
