"""Reads of one moment go to Redis together: in a pipeline a command costs a third of what it costs alone."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NamedTuple

import redis.asyncio as aioredis

from gateway.jobs.redis_client import AWAY

MOST_TOGETHER = 64
"""Commands of one pipeline: enough that more would save nothing, few enough that the first is not kept waiting."""

Argument = str | int | float


class _Question(NamedTuple):
    """A command, and where its answer goes."""

    command: tuple[Argument, ...]
    answer: asyncio.Future[Any]


class Reads:
    """Commands that change nothing, of everybody in this process.

    While a pipeline is under way what is asked waits for the next one. So an idle process sends each command at once,
    and a busy one sends many together. A Redis that is away is told to everybody who waits: nobody waits longer than
    for two answers.
    """

    def __init__(self, client: aioredis.Redis) -> None:
        self._client = client
        self._waiting: deque[_Question] = deque()
        self._under_way: list[_Question] = []
        self._sending: asyncio.Task[None] | None = None

    async def ask(self, *command: Argument) -> Any:
        """The answer to a command. Raises what Redis answers to it, and what the client raises where Redis is away."""
        loop = asyncio.get_running_loop()
        question = _Question(command, loop.create_future())
        self._waiting.append(question)
        if self._sending is None:
            # It begins in the loop's next round: what others ask in this one goes with it.
            self._sending = loop.create_task(self._send())
            self._sending.add_done_callback(self._ended)
        return await question.answer

    async def close(self) -> None:
        """Wait until everything that was asked is answered."""
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def _send(self) -> None:
        while self._waiting:
            self._under_way = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
            try:
                answers = await self._answers(self._under_way)
            except Exception as error:
                if isinstance(error, AWAY):
                    self._under_way += self._waiting
                    self._waiting.clear()
                answers = [error] * len(self._under_way)
            for question, answer in zip(self._under_way, answers, strict=True):
                _give(question.answer, answer)
        self._sending = None

    def _ended(self, sending: asyncio.Task[None]) -> None:
        """Where the task was cancelled, perhaps before it began, whoever asked ends with it."""
        if self._sending is sending:
            self._sending = None
            for question in (*self._under_way, *self._waiting):
                question.answer.cancel()
            self._waiting.clear()

    async def _answers(self, questions: list[_Question]) -> list[Any]:
        """An answer, or an exception, for each."""
        async with self._client.pipeline(transaction=False) as pipe:
            for question in questions:
                pipe.execute_command(*question.command)
            return list(await pipe.execute(raise_on_error=False))


def _give(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # whoever asked has gone away
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
