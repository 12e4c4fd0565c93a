"""The tools: one for each call of the API that an agent needs, with pictures in the answers.

Written with the protocol's official SDK. Each tool's docstring and types are what the agent reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import httpx
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from lensora import __version__
from lensora.client import AsyncClient, Result
from lensora.contract.shapes import PublicAnswer
from lensora.core.errors import LensoraError
from lensora.core.words import Aspect, CameraMove, OutputFormat, ViewSide

INSTRUCTIONS = (
    "Lensora Studio turns one product photo into a cutout, a composited scene, a textured 3D model and a short film. "
    "Order: init (a photo) -> transform (starts a job) -> result (until status is completed). cutout shows the cutout "
    "before a film is paid for; add_view adds photos of other sides. Each call says what it costs in credits; a job "
    "that does not complete costs nothing."
)

MAX_PICTURE_BYTES = 1_000_000
"""A picture of more bytes is left out of an answer: most agents refuse it. Its link is there all the same."""

MAX_WAIT_S = 300
PICTURE_TIMEOUT_S = 20.0

READS = ToolAnnotations(read_only_hint=True)
PAYS = ToolAnnotations(destructive_hint=False)

P = ParamSpec("P")
Answer = list[str | Image]
SessionId = Annotated[str, Field(description="From init.")]
JobId = Annotated[str, Field(description="From transform or render.")]
BACKGROUND = '"remove" for a clean white plate, a colour as #rrggbb, the public URL of a picture, or a scene in words.'
Background = Annotated[str, Field(description=BACKGROUND)]


def _told(tool: Callable[P, Awaitable[Answer]]) -> Callable[P, Awaitable[Answer]]:
    """A tool whose errors are the API's own sentence and code, for the agent to act on."""

    @functools.wraps(tool)
    async def with_errors(*given: P.args, **named: P.kwargs) -> Answer:
        try:
            return await tool(*given, **named)
        except LensoraError as error:
            raise ToolError(f"{error.code}: {error.message}") from error

    return with_errors


def _file(name: str) -> Path:
    """A file of this machine. Raises ToolError."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise ToolError(f"There is no file {name}.")
    return path


def _chosen(formats: list[OutputFormat] | None, aspect: Aspect | None) -> dict[str, object] | None:
    """The film's choices that were made; None for none."""
    chosen: dict[str, object] = {"formats": list(formats)} if formats else {}
    return chosen | ({"aspect": aspect} if aspect else {}) or None


def server_of(client: AsyncClient, pictures: httpx.AsyncClient) -> MCPServer[Any]:
    """The server with all its tools.

    Args:
        client: talks to one installation with one key.
        pictures: fetches artifacts by their links, without a key.
    """
    server: MCPServer[Any] = MCPServer(
        "lensora", title="Lensora Studio", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )

    async def shown(answer: PublicAnswer, *urls: str | None) -> Answer:
        """An answer as JSON, and the pictures behind some of its links."""
        parts: Answer = [json.dumps(answer.as_json(), ensure_ascii=False)]
        for url in urls:
            picture = await _picture(pictures, url) if url else None
            if picture is not None:
                parts.append(picture)
        return parts

    @server.tool(title="Find the objects in a photo", annotations=PAYS, structured_output=False)
    @_told
    async def init(
        photo: Annotated[str, Field(description="Path of a JPEG, PNG or WebP file on this machine.")],
        max_objects: Annotated[int, Field(ge=2, le=8, description="Most objects to return.")] = 6,
    ) -> Answer:
        """Upload a photo and find the objects in it; answers a session_id for cutout and transform. 5 credits."""
        return await shown(await client.init(_file(photo), max_objects))

    @server.tool(title="Add a further photo of the subject", annotations=PAYS, structured_output=False)
    @_told
    async def add_view(
        session_id: SessionId,
        photo: Annotated[str, Field(description="Path of a JPEG, PNG or WebP file on this machine.")],
        view: Annotated[
            ViewSide | None, Field(description="The side that it shows; found out where it is not given.")
        ] = None,
        bbox: Annotated[
            list[float] | None, Field(description="A box of your own around the subject: [x1, y1, x2, y2].")
        ] = None,
    ) -> Answer:
        """Add a photo of another side, up to five, before transform: the model is then true on that side too. 2
        credits."""
        return await shown(await client.add_view(session_id, _file(photo), view, bbox=bbox))

    @server.tool(title="Look at the cutout", annotations=PAYS, structured_output=False)
    @_told
    async def cutout(
        session_id: SessionId,
        object_index: Annotated[int | None, Field(description="Index into the session's objects.")] = None,
        bbox: Annotated[
            list[float] | None, Field(description="A box of your own: [x1, y1, x2, y2], fractions, origin top left.")
        ] = None,
    ) -> Answer:
        """Cut one object out and look at it before a film is made; transform takes its cutout_id. 5 credits."""
        made = await client.cutout(session_id, object_index=object_index, bbox=bbox)
        return await shown(made, made.cutout_url)

    @server.tool(title="Ask what a film costs", annotations=READS, structured_output=False)
    @_told
    async def quote(
        session_id: SessionId,
        background: Background,
        formats: Annotated[list[OutputFormat] | None, Field(description="Files beside MP4 and GLB.")] = None,
    ) -> Answer:
        """What transform would charge, how long it would take, and the balance. Free; nothing is started."""
        output = {"formats": list(formats)} if formats else None
        return await shown(await client.quote(session_id, background, output=output))

    @server.tool(title="List the brands", annotations=READS, structured_output=False)
    @_told
    async def brands() -> Answer:
        """Sets of choices that are saved under a name: background, shape, camera, logo and end colour. Free."""
        return await shown(await client.brands())

    @server.tool(title="Start a film", annotations=PAYS, structured_output=False)
    @_told
    async def transform(
        session_id: SessionId,
        background: Annotated[str | None, Field(description=f"{BACKGROUND} Required unless the brand has one.")] = None,
        brand: Annotated[
            str | None, Field(description="From brands: its choices hold where this call has none.")
        ] = None,
        object_index: Annotated[int | None, Field(description="Index into the session's objects.")] = None,
        cutout_id: Annotated[str | None, Field(description="From cutout, in place of object_index.")] = None,
        camera_preset: Annotated[
            CameraMove | None, Field(description="The camera's move; turntable by default.")
        ] = None,
        formats: Annotated[list[OutputFormat] | None, Field(description="Files beside MP4 and GLB.")] = None,
        aspect: Annotated[Aspect | None, Field(description="Width to height of film and still.")] = None,
        real_height_cm: Annotated[
            float | None, Field(description="The thing's true height: its model is made at this size, for AR.")
        ] = None,
    ) -> Answer:
        """Start a job: cutout, scene, 3D model and film. Answers a job_id for result. 75 credits, returned if it
        fails."""
        ticket = await client.transform(
            session_id,
            background,
            brand=brand,
            object_index=object_index,
            cutout_id=cutout_id,
            camera_preset=camera_preset,
            output=_chosen(formats, aspect),
            real_height_cm=real_height_cm,
        )
        return await shown(ticket)

    @server.tool(title="Look at a job", annotations=READS, structured_output=False)
    @_told
    async def result(
        job_id: JobId,
        context: Context[Any, Any],
        wait_seconds: Annotated[
            int, Field(ge=0, le=MAX_WAIT_S, description="Wait so long for the job's end; 0 answers at once.")
        ] = 60,
    ) -> Answer:
        """A job's state, with the cutout's and the scene's pictures as soon as they exist, and links to all files once
        it has completed. Free."""
        now = await client.result(job_id)
        if not now.terminal and wait_seconds:
            now = await _waited(client, now, wait_seconds, context)
        output = now.output
        if output is not None:
            return await shown(now, output.removed_bg_url, output.scene_url, output.poster_url)
        return await shown(now, now.removed_bg_url, now.scene_url)

    @server.tool(title="Film a model again", annotations=PAYS, structured_output=False)
    @_told
    async def render(
        job_id: JobId,
        camera_preset: Annotated[CameraMove | None, Field(description="Another camera move.")] = None,
        background: Annotated[str | None, Field(description="Another background, as for transform.")] = None,
    ) -> Answer:
        """Film a completed job's model again with another camera or background; answers a new job_id. 25 credits."""
        return await shown(await client.render(job_id, camera_preset=camera_preset, background=background))

    @server.tool(title="Save a job's files", annotations=PAYS, structured_output=False)
    @_told
    async def download(
        job_id: JobId, folder: Annotated[str, Field(description="Folder on this machine; made where missing.")]
    ) -> Answer:
        """Save every file of a completed job: film, 3D model, scene, cutout and what else was asked for. Free."""
        now = await client.result(job_id)
        if now.output is None:
            raise ToolError(f"The job has no files: it is {now.status}.")
        files = await client.download(now.output, Path(folder).expanduser())
        return [json.dumps({name: str(path) for name, path in files.items()})]

    @server.tool(title="Look at the account", annotations=READS, structured_output=False)
    @_told
    async def account() -> Answer:
        """Balance in credits, and the account's limits. Free."""
        return await shown(await client.account())

    return server


async def _waited(client: AsyncClient, now: Result, wait_s: int, context: Context[Any, Any]) -> Result:
    """The job when it has ended, or as it is when the time is over; its progress is told on the way."""
    last = now
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            async for last in client.stream(now):
                await context.report_progress(last.progress, 100, last.step)
    return last


async def _picture(pictures: httpx.AsyncClient, url: str) -> Image | None:
    """The picture behind a link; None where it cannot be had or is too large for an answer."""
    try:
        answer = await pictures.get(url, timeout=PICTURE_TIMEOUT_S)
    except httpx.HTTPError:
        return None
    kind, _, form = answer.headers.get("content-type", "").partition("/")
    if not answer.is_success or kind != "image" or len(answer.content) > MAX_PICTURE_BYTES:
        return None
    return Image(data=answer.content, format=form.partition(";")[0])
