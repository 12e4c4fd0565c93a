"""What every tool shares: answers with pictures in them, errors that an agent can act on, and words of arguments."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ParamSpec

import httpx
from mcp.server.mcpserver import Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from lensora.client import AsyncClient
from lensora.contract.shapes import PublicAnswer
from lensora.core.errors import LensoraError
from lensora.core.words import Aspect, OutputFormat

MAX_PICTURE_BYTES = 1_000_000
"""A picture of more bytes is left out of an answer: most agents refuse it. Its link is there all the same."""

MAX_WAIT_S = 300
PICTURE_TIMEOUT_S = 20.0

READS = ToolAnnotations(read_only_hint=True)
WRITES = ToolAnnotations(destructive_hint=False)
ENDS = ToolAnnotations(destructive_hint=True)

P = ParamSpec("P")
Answer = list[str | Image]
SessionId = Annotated[str, Field(description="From init.")]
JobId = Annotated[str, Field(description="From transform or render.")]
PhotoPath = Annotated[str, Field(description="Path of a JPEG, PNG or WebP file on this machine.")]
Folder = Annotated[str, Field(description="Folder on this machine; made where missing.")]
BACKGROUND = '"remove" for a clean white plate, a colour as #rrggbb, the public URL of a picture, or a scene in words.'
BrandOrBackground = Annotated[str | None, Field(description=f"{BACKGROUND} Required unless the brand has one.")]
Brand = Annotated[str | None, Field(description="From brands: its choices hold where this call has none.")]
Formats = Annotated[list[OutputFormat] | None, Field(description="Files beside MP4 and GLB.")]
Shape = Annotated[Aspect | None, Field(description="Width to height of film and still.")]
OwnBox = Annotated[
    list[float] | None, Field(description="A box of your own: [x1, y1, x2, y2], fractions, origin top left.")
]
Seconds = Annotated[int, Field(ge=0, le=MAX_WAIT_S, description="Wait so long for the end; 0 answers at once.")]


def told(tool: Callable[P, Awaitable[Answer]]) -> Callable[P, Awaitable[Answer]]:
    """A tool whose errors are the API's own sentence and code, for the agent to act on."""

    @functools.wraps(tool)
    async def with_errors(*given: P.args, **named: P.kwargs) -> Answer:
        try:
            return await tool(*given, **named)
        except LensoraError as error:
            raise ToolError(f"{error.code}: {error.message}") from error

    return with_errors


def file_of(name: str) -> Path:
    """A file of this machine. Raises ToolError."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise ToolError(f"There is no file {name}.")
    return path


def chosen(formats: list[OutputFormat] | None, aspect: Aspect | None = None) -> dict[str, object] | None:
    """The film's choices that were made; None for none."""
    made: dict[str, object] = {"formats": list(formats)} if formats else {}
    return made | ({"aspect": aspect} if aspect else {}) or None


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with.

    Attributes:
        client: talks to one installation with one key.
        pictures: fetches artifacts by their links, without a key.
    """

    client: AsyncClient
    pictures: httpx.AsyncClient

    async def shown(self, answer: PublicAnswer, *urls: str | None) -> Answer:
        """An answer as JSON, and the pictures behind some of its links."""
        parts: Answer = [json.dumps(answer.as_json(), ensure_ascii=False)]
        for url in urls:
            picture = await self._picture(url) if url else None
            if picture is not None:
                parts.append(picture)
        return parts

    async def _picture(self, url: str) -> Image | None:
        """The picture behind a link; None where it cannot be had or is too large for an answer."""
        try:
            answer = await self.pictures.get(url, timeout=PICTURE_TIMEOUT_S)
        except httpx.HTTPError:
            return None
        kind, _, form = answer.headers.get("content-type", "").partition("/")
        if not answer.is_success or kind != "image" or len(answer.content) > MAX_PICTURE_BYTES:
            return None
        return Image(data=answer.content, format=form.partition(";")[0])
