"""``lensora mcp``: the API as tools for an agent that starts this command, over standard input and output."""

from __future__ import annotations

import asyncio

import click
import httpx

from lensora.agents.tools import server_of
from lensora.cli.options import Address, gateway_options
from lensora.client import AsyncClient
from lensora.core.errors import ConfigurationError


@click.command()
@gateway_options
def mcp(address: Address) -> None:
    """Serve the API as tools by the Model Context Protocol, on standard input and output."""
    known = address.known()
    if known is None:
        raise ConfigurationError(
            "no stack runs here: start one with lensora up, or name a gateway with --base-url and --api-key"
        )
    asyncio.run(_serve(*known))


async def _serve(base_url: str, api_key: str) -> None:
    async with AsyncClient(base_url, api_key) as client, httpx.AsyncClient() as pictures:
        await server_of(client, pictures).run_stdio_async()
