"""The Lua scripts: each file of ``lua/`` behind the shared prelude, called by its name."""

from __future__ import annotations

import asyncio
import hashlib
from importlib import resources
from typing import Any

import redis.asyncio as aioredis
from redis import exceptions

from gateway.jobs.reads import Reads
from gateway.jobs.redis_client import translated
from lensora.core.errors import Unavailable

PRELUDE = "prelude"

QUICK_TRIES = 3
"""A pooled connection that a restart has broken fails at once; the second or third is a fresh one."""
QUICK_PAUSE_S = 0.05


class Scripts:
    """Every script of the store, on one client and one prefix."""

    def __init__(self, client: aioredis.Redis, prefix: str) -> None:
        """
        Args:
            client: for commands that answer at once.
            prefix: every key starts with ``{prefix}:``; the braces put all keys into one slot.
        """
        self.client = client
        self._reads = Reads(client)
        self.prefix = f"{{{prefix}}}:"
        folder = resources.files("gateway.jobs") / "lua"
        texts = {
            entry.name.removesuffix(".lua"): entry.read_text()
            for entry in folder.iterdir()
            if entry.name[-4:] == ".lua"
        }
        prelude = texts.pop(PRELUDE)
        self._text = {name: f"{prelude}\n{text}" for name, text in texts.items()}
        self._sha = {name: hashlib.sha1(text.encode()).hexdigest() for name, text in self._text.items()}  # noqa: S324

    @property
    def names(self) -> list[str]:
        """Every script's name."""
        return sorted(self._text)

    def key(self, name: str) -> str:
        """The full name of a key."""
        return self.prefix + name

    async def read_hash(self, name: str) -> dict[str, str]:
        """A hash, empty where there is none. Raises Unavailable."""
        with translated():
            found: dict[str, str] = await self._reads.ask("HGETALL", self.key(name))
        return found

    async def read_set(self, name: str) -> list[str]:
        """A set's members in order, empty where there is none. Raises Unavailable."""
        with translated():
            found: Any = await self.client.smembers(self.key(name))
        return sorted(found)

    async def read(self, script: str, *arguments: str | int | float) -> Any:
        """Run a script that changes nothing. Raises Unavailable."""
        with translated():
            try:
                return await self._reads.ask("EVALSHA", self._sha[script], 1, self.prefix, *arguments)
            except exceptions.NoScriptError:
                return await self.client.eval(self._text[script], 1, self.prefix, *arguments)

    async def close(self) -> None:
        """Wait for what was asked; the client stays open."""
        await self._reads.close()

    async def call(self, script: str, *arguments: str | int | float) -> Any:
        """Run a script once.

        Raises:
            Unavailable: Redis is away; the script may or may not have run.
        """
        with translated():
            try:
                return await self.client.evalsha(self._sha[script], 1, self.prefix, *arguments)
            except exceptions.NoScriptError:
                return await self.client.eval(self._text[script], 1, self.prefix, *arguments)

    async def repeat(self, script: str, *arguments: str | int | float) -> Any:
        """Run a script whose repetition changes nothing: a broken connection is tried again, a silent Redis is not.

        Raises:
            Unavailable: as ``call``.
        """
        for left in reversed(range(QUICK_TRIES)):
            try:
                return await self.call(script, *arguments)
            except Unavailable as error:
                if not left or isinstance(error.__cause__, exceptions.TimeoutError):
                    raise
                await asyncio.sleep(QUICK_PAUSE_S)
        raise AssertionError("the last try returns or raises")
