"""The server with its tools: one for each call of the API that an agent needs, with pictures in the answers.

Written with the protocol's official SDK. Each tool's docstring and types are what the agent reads.
"""

from __future__ import annotations

from typing import Any

import httpx
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, InputRequiredResult, Tool
from pydantic import ValidationError

from lensora import __version__
from lensora.agents.batches import add_batch_tools
from lensora.agents.desk import Desk
from lensora.agents.films import add_film_tools
from lensora.agents.photos import add_photo_tools
from lensora.client import AsyncClient
from lensora.contract.sentences import sentence
from lensora.core.errors import InvalidRequest

INSTRUCTIONS = (
    "Lensora Studio turns one product photo into a cutout, a composited scene, a textured 3D model and a short film. "
    "Order: init (a photo) -> transform (starts a job) -> result (until status is completed). cutout shows the cutout "
    "before a film is paid for; add_view adds photos of other sides, add_turn a film of all of them. Many photos: init "
    "each, then create_batch. Each "
    "call says what it costs in credits; a job that does not complete costs nothing."
)


class StrictServer(MCPServer[Any]):
    """A server whose tools refuse what they do not take: a choice that somebody pays for is not passed over."""

    async def list_tools(self) -> list[Tool]:
        """All tools; their schemas say that they take nothing else."""
        return [
            tool.model_copy(update={"input_schema": {**tool.input_schema, "additionalProperties": False}})
            for tool in await super().list_tools()
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Raises ToolError."""
        takes = {tool.name: tool.input_schema.get("properties", {}) for tool in await self.list_tools()}
        for argument in arguments:
            if argument not in takes.get(name, arguments):
                listed = ", ".join(takes[name]) or "nothing"
                raise ToolError(f"invalid_request: {argument} is not an argument of {name}, which takes {listed}.")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            wrong = error.__cause__
            tool = self._tool_manager.get_tool(name)
            if tool is None or not isinstance(wrong, ValidationError) or isinstance(error, UnexpectedToolError):
                raise
            first = wrong.errors(include_url=False)[0]
            said = sentence([str(part) for part in first["loc"]], first, tool.fn_metadata.arg_model)
            raise ToolError(f"{InvalidRequest.code}: {said}") from wrong


def server_of(client: AsyncClient, pictures: httpx.AsyncClient) -> MCPServer[Any]:
    """The server with all its tools.

    Args:
        client: talks to one installation with one key.
        pictures: fetches artifacts by their links, without a key.
    """
    server = StrictServer(
        "lensora", title="Lensora Studio", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    desk = Desk(client, pictures)
    add_photo_tools(server, desk)
    add_film_tools(server, desk)
    add_batch_tools(server, desk)
    return server
