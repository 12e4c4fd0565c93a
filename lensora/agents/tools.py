"""The server with its tools: one for each call of the API that an agent needs, with pictures in the answers.

Written with the protocol's official SDK. Each tool's docstring and types are what the agent reads.
"""

from __future__ import annotations

from typing import Any

import httpx
from mcp.server.mcpserver import MCPServer

from lensora import __version__
from lensora.agents.batches import add_batch_tools
from lensora.agents.desk import Desk
from lensora.agents.films import add_film_tools
from lensora.agents.photos import add_photo_tools
from lensora.client import AsyncClient

INSTRUCTIONS = (
    "Lensora Studio turns one product photo into a cutout, a composited scene, a textured 3D model and a short film. "
    "Order: init (a photo) -> transform (starts a job) -> result (until status is completed). cutout shows the cutout "
    "before a film is paid for; add_view adds photos of other sides, add_turn a film of all of them. Many photos: init "
    "each, then create_batch. Each "
    "call says what it costs in credits; a job that does not complete costs nothing."
)


def server_of(client: AsyncClient, pictures: httpx.AsyncClient) -> MCPServer[Any]:
    """The server with all its tools.

    Args:
        client: talks to one installation with one key.
        pictures: fetches artifacts by their links, without a key.
    """
    server: MCPServer[Any] = MCPServer(
        "lensora", title="Lensora Studio", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    desk = Desk(client, pictures)
    add_photo_tools(server, desk)
    add_film_tools(server, desk)
    add_batch_tools(server, desk)
    return server
