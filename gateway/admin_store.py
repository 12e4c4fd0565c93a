"""The job store of an operator's command, found by its options or in the home of a running stack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from pydantic import SecretStr

from gateway.jobs.store import Store, open_store
from gateway.settings import RedisSettings
from lensora.cli.home import DEFAULT_HOME, Home
from lensora.core.errors import ConfigurationError, Unavailable
from lensora.settings import load

T = TypeVar("T")

redis_url_option = click.option(
    "--redis-url", envvar="LENSORA_REDIS_URL", help="Redis of the installation; default: the running stack's."
)
home_option = click.option("--home", envvar="LENSORA_HOME", default=DEFAULT_HOME, show_default=True)
account_option = click.option("--account", default="local", show_default=True, help="The account's id.")


def with_store(redis_url: str | None, home: str, work: Callable[[Store], Awaitable[T]]) -> T:
    """What the work answers, with the store opened and closed around it.

    Raises:
        ConfigurationError: there is no store.
        Unavailable: it does not answer; the sentence says what Redis said.
    """
    if redis_url is None:
        stack = Home.at(home).running()
        if stack is None:
            raise ConfigurationError(
                f"no stack runs in {home}: start `lensora up`, or name a Redis by --redis-url or LENSORA_REDIS_URL"
            )
        redis_url = stack.redis_url
    settings = load(RedisSettings).model_copy(update={"redis_url": SecretStr(redis_url)})

    async def run() -> T:
        store = open_store(settings)
        try:
            return await work(store)
        except Unavailable as error:
            raise Unavailable(f"{error.message} {error.cause}") from error
        finally:
            await store.close()

    return asyncio.run(run())
