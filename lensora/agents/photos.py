"""Tools for photos: a session, its further photos, and the look at a cutout."""

from __future__ import annotations

import json
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from lensora.agents.desk import ENDS, READS, WRITES, Answer, Desk, OwnBox, PhotoPath, SessionId, file_of, told
from lensora.core.words import ViewSide

Side = Annotated[
    ViewSide | None, Field(description="The side that it shows; say it: without, the photo is seldom used.")
]
ViewId = Annotated[str, Field(description="From add_view or views.")]


def add_photo_tools(server: MCPServer[Any], desk: Desk) -> None:
    """Add them to the server."""

    @server.tool(title="Find the objects in a photo", annotations=WRITES, structured_output=False)
    @told
    async def init(
        photo: PhotoPath,
        max_objects: Annotated[int, Field(ge=2, le=8, description="Most objects to return.")] = 6,
    ) -> Answer:
        """Upload a photo and find the objects in it; answers a session_id for cutout and transform. 5 credits."""
        return await desk.shown(await desk.client.init(file_of(photo), max_objects))

    @server.tool(title="Add a further photo of the subject", annotations=WRITES, structured_output=False)
    @told
    async def add_view(
        session_id: SessionId,
        photo: PhotoPath,
        view: Side = None,
        bbox: OwnBox = None,
    ) -> Answer:
        """Add a photo of another side, up to five, before transform: the model is then true on that side too. 2
        credits."""
        return await desk.shown(await desk.client.add_view(session_id, file_of(photo), view, bbox=bbox))

    @server.tool(title="Add a film of the subject turning", annotations=WRITES, structured_output=False)
    @told
    async def add_turn(
        session_id: SessionId,
        video: Annotated[str, Field(description="Path of an MP4 or MOV file on this machine, 3 to 15 seconds.")],
    ) -> Answer:
        """Add a film in which the subject turns once round, from the front on, in place of photos of its sides. 10
        credits."""
        return await desk.shown(await desk.client.add_turn(session_id, file_of(video)))

    @server.tool(title="List the further photos", annotations=READS, structured_output=False)
    @told
    async def views(session_id: SessionId) -> Answer:
        """The session's photos of other sides, each with what it was taken to show. Free."""
        found = await desk.client.views(session_id)
        return [json.dumps({"views": [view.as_json() for view in found]}, ensure_ascii=False)]

    @server.tool(title="Correct a further photo", annotations=WRITES, structured_output=False)
    @told
    async def change_view(
        session_id: SessionId,
        view_id: ViewId,
        view: Annotated[ViewSide | None, Field(description="The side that it shows.")] = None,
        bbox: OwnBox = None,
    ) -> Answer:
        """Say which side a further photo shows, or where the subject is in it; what is not given stays. Free."""
        return await desk.shown(await desk.client.change_view(session_id, view_id, view=view, bbox=bbox))

    @server.tool(title="Take a further photo out", annotations=ENDS, structured_output=False)
    @told
    async def delete_view(session_id: SessionId, view_id: ViewId) -> Answer:
        """Later films are made without it. Free; nothing is paid back."""
        await desk.client.delete_view(session_id, view_id)
        return [json.dumps({"deleted": view_id})]

    @server.tool(title="Look at the cutout", annotations=WRITES, structured_output=False)
    @told
    async def cutout(
        session_id: SessionId,
        object_index: Annotated[int | None, Field(description="Index into the session's objects.")] = None,
        bbox: OwnBox = None,
    ) -> Answer:
        """Cut one object out and look at it before a film is made; transform takes its cutout_id. 5 credits."""
        made = await desk.client.cutout(session_id, object_index=object_index, bbox=bbox)
        return await desk.shown(made, made.cutout_url)
