"""Tools for films: what one costs, its order, its end, its files."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from lensora.agents.desk import (
    ENDS,
    READS,
    WRITES,
    Answer,
    Brand,
    BrandOrBackground,
    Desk,
    Folder,
    Formats,
    JobId,
    Seconds,
    SessionId,
    Shape,
    chosen,
    told,
)
from lensora.client import AsyncClient, Result
from lensora.core.words import CameraMove


def add_film_tools(server: MCPServer[Any], desk: Desk) -> None:
    """Add them to the server."""

    @server.tool(title="Ask what a film costs", annotations=READS, structured_output=False)
    @told
    async def quote(
        session_id: SessionId,
        background: BrandOrBackground = None,
        brand: Brand = None,
        formats: Formats = None,
    ) -> Answer:
        """What transform would charge, how long it would take, and the balance. Free; nothing is started."""
        quoted = await desk.client.quote(session_id, background, brand=brand, output=chosen(formats))
        return await desk.shown(quoted)

    @server.tool(title="List the brands", annotations=READS, structured_output=False)
    @told
    async def brands() -> Answer:
        """Sets of choices that are saved under a name: background, shape, camera, logo and end colour. Free."""
        return await desk.shown(await desk.client.brands())

    @server.tool(title="Start a film", annotations=WRITES, structured_output=False)
    @told
    async def transform(
        session_id: SessionId,
        background: BrandOrBackground = None,
        brand: Brand = None,
        object_index: Annotated[int | None, Field(description="Index into the session's objects.")] = None,
        cutout_id: Annotated[str | None, Field(description="From cutout, in place of object_index.")] = None,
        camera_preset: Annotated[
            CameraMove | None, Field(description="The camera's move; turntable by default.")
        ] = None,
        formats: Formats = None,
        aspect: Shape = None,
        real_height_cm: Annotated[
            float | None, Field(description="The thing's true height: its model is made at this size, for AR.")
        ] = None,
    ) -> Answer:
        """Start a job: cutout, scene, 3D model and film. Answers a job_id for result. 75 credits, returned if it
        fails."""
        ticket = await desk.client.transform(
            session_id,
            background,
            brand=brand,
            object_index=object_index,
            cutout_id=cutout_id,
            camera_preset=camera_preset,
            output=chosen(formats, aspect),
            real_height_cm=real_height_cm,
        )
        return await desk.shown(ticket)

    @server.tool(title="Look at a job", annotations=READS, structured_output=False)
    @told
    async def result(
        job_id: JobId,
        context: Context[Any, Any],
        wait_seconds: Seconds = 60,
    ) -> Answer:
        """A job's state, with the cutout's and the scene's pictures as soon as they exist, and links to all files once
        it has completed. Free."""
        now = await desk.client.result(job_id)
        if not now.terminal and wait_seconds:
            now = await _waited(desk.client, now, wait_seconds, context)
        output = now.output
        if output is not None:
            return await desk.shown(now, output.removed_bg_url, output.scene_url, output.poster_url)
        return await desk.shown(now, now.removed_bg_url, now.scene_url)

    @server.tool(title="Stop a film", annotations=ENDS, structured_output=False)
    @told
    async def cancel(job_id: JobId) -> Answer:
        """Stop a job that has not ended; its price comes back. Free."""
        return await desk.shown(await desk.client.cancel(job_id))

    @server.tool(title="Film a model again", annotations=WRITES, structured_output=False)
    @told
    async def render(
        job_id: JobId,
        camera_preset: Annotated[CameraMove | None, Field(description="Another camera move.")] = None,
        background: Annotated[str | None, Field(description="Another background, as for transform.")] = None,
    ) -> Answer:
        """Film a completed job's model again with another camera or background; answers a new job_id. 25 credits."""
        return await desk.shown(await desk.client.render(job_id, camera_preset=camera_preset, background=background))

    @server.tool(title="Save a job's files", annotations=WRITES, structured_output=False)
    @told
    async def download(job_id: JobId, folder: Folder) -> Answer:
        """Save every file of a completed job: film, 3D model, scene, cutout and what else was asked for. Free."""
        now = await desk.client.result(job_id)
        if now.output is None:
            raise ToolError(f"The job has no files: it is {now.status}.")
        files = await desk.client.download(now.output, Path(folder).expanduser())
        return [json.dumps({name: str(path) for name, path in files.items()})]

    @server.tool(title="Look at the account", annotations=READS, structured_output=False)
    @told
    async def account() -> Answer:
        """Balance in credits, and the account's limits. Free."""
        return await desk.shown(await desk.client.account())


async def _waited(client: AsyncClient, now: Result, wait_s: int, context: Context[Any, Any]) -> Result:
    """The job when it has ended, or as it is when the time is over; its progress is told on the way."""
    last = now
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            async for last in client.stream(now):
                await context.report_progress(last.progress, 100, last.step)
    return last
