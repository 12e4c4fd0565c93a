"""Tools for batches: films of many photos, ordered, followed and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
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
    Seconds,
    Shape,
    chosen,
    told,
)
from lensora.contract.batches import MOST_ITEMS
from lensora.core.words import CameraMove

BatchId = Annotated[str, Field(description="From create_batch.")]
Items = Annotated[
    list[dict[str, Any]],
    Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="One for each film: session_id (from init), and where wanted name, object_index, bbox, cutout_id, "
        "background (words, as for transform), real_height_cm.",
    ),
]
Move = Annotated[CameraMove | None, Field(description="The camera's move; turntable by default.")]


def add_batch_tools(server: MCPServer[Any], desk: Desk) -> None:
    """Add them to the server."""

    @server.tool(title="Ask what a batch costs", annotations=READS, structured_output=False)
    @told
    async def quote_batch(
        background: BrandOrBackground = None,
        brand: Brand = None,
        items: Items | None = None,
        photos: Annotated[
            int | None, Field(ge=1, le=MOST_ITEMS, description="How many photos there will be, in place of items.")
        ] = None,
        formats: Formats = None,
    ) -> Answer:
        """What the films of many photos would charge, with their init where only their number is given. Free."""
        which = items if photos is None else photos
        quote = await desk.client.batches.quote(which or [], background, brand=brand, output=chosen(formats))
        return await desk.shown(quote)

    @server.tool(title="Start films of many photos", annotations=WRITES, structured_output=False)
    @told
    async def create_batch(
        items: Items,
        background: BrandOrBackground = None,
        brand: Brand = None,
        camera_preset: Move = None,
        formats: Formats = None,
        aspect: Shape = None,
    ) -> Answer:
        """Order one film of each item, up to 200, with one set of choices. 75 credits a film, each returned if it
        fails; an item that cannot be ordered is named in refused and costs nothing."""
        ticket = await desk.client.batches.create(
            items, background, brand=brand, camera_preset=camera_preset, output=chosen(formats, aspect)
        )
        return await desk.shown(ticket)

    @server.tool(title="Look at a batch", annotations=READS, structured_output=False)
    @told
    async def batch(batch_id: BatchId, context: Context[Any, Any], wait_seconds: Seconds = 60) -> Answer:
        """A batch's state and that of each of its films; each film is a job too, which result shows. Free."""
        now = await desk.client.batches.get(batch_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                while wait_seconds and not now.terminal:
                    now = await desk.client.batches.get(batch_id, wait=wait_seconds)
                    await context.report_progress(now.progress, 100)
        return await desk.shown(now)

    @server.tool(title="List the batches", annotations=READS, structured_output=False)
    @told
    async def batches() -> Answer:
        """The newest batches of this key, without their films. Free."""
        return await desk.shown(await desk.client.batches.list())

    @server.tool(title="Stop a batch", annotations=ENDS, structured_output=False)
    @told
    async def cancel_batch(batch_id: BatchId) -> Answer:
        """Stop every film of a batch that has not ended; their prices come back. Free."""
        return await desk.shown(await desk.client.batches.cancel(batch_id))

    @server.tool(title="Save a batch's films", annotations=WRITES, structured_output=False)
    @told
    async def download_batch(batch_id: BatchId, folder: Folder) -> Answer:
        """Save every film that is ready as one ZIP in a folder: a folder for each item, and a table of all. Free."""
        place = Path(folder).expanduser()
        place.mkdir(parents=True, exist_ok=True)
        saved = await desk.client.batches.archive(batch_id, place / f"batch-{batch_id[:8]}.zip")
        return [json.dumps({"archive": str(saved)})]
