"""Further photos in the pipeline: cut out before the mesh is made, and what became of each after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from gateway.jobs.codec import view_cutout_field, view_quality_fields
from gateway.jobs.photos import OrderedView, ViewCutout, ViewQuality
from gateway.pipeline.calls import streamed
from lensora.api.mesh.v1 import mesher_pb2
from lensora.api.segment.v1 import segmenter_pb2
from lensora.core.artifacts import ModelUse
from lensora.core.errors import FailedPrecondition, InvalidInput
from lensora.core.words import ViewOmission, ViewSide
from lensora.observability import logs
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_to_proto,
    model_use_from_proto,
    point_to_proto,
)

_log = logs.get(__name__)

AT_ONCE = 2
"""Cutouts of one job's further photos at a time: the scene is painted beside them, and each takes what memory a photo
takes."""

SIDES: Mapping[ViewSide, mesher_pb2.Side] = {
    ViewSide.FRONT: mesher_pb2.SIDE_FRONT,
    ViewSide.BACK: mesher_pb2.SIDE_BACK,
    ViewSide.LEFT: mesher_pb2.SIDE_LEFT,
    ViewSide.RIGHT: mesher_pb2.SIDE_RIGHT,
    ViewSide.TOP: mesher_pb2.SIDE_TOP,
    ViewSide.DETAIL: mesher_pb2.SIDE_DETAIL,
}
"""The proto's words for the public ones."""

OMISSIONS: Mapping[int, ViewOmission] = {
    mesher_pb2.OMISSION_SIDE_UNCLEAR: ViewOmission.SIDE_UNCLEAR,
    mesher_pb2.OMISSION_DISAGREES: ViewOmission.DISAGREES,
    mesher_pb2.OMISSION_NO_PLACE: ViewOmission.NO_PLACE,
    mesher_pb2.OMISSION_UNSUPPORTED: ViewOmission.UNSUPPORTED,
    mesher_pb2.OMISSION_TURN_UNCLEAR: ViewOmission.TURN_UNCLEAR,
}
"""The public words for those of the mesh service."""

Note = Callable[[str, ViewCutout], Awaitable[None]]
"""Keeps the cutout of a view, by its key, for an attempt that takes the job over."""


@dataclass(frozen=True, slots=True)
class CutViews:
    """The further photos of a job, with their cutouts, in the order's order.

    Attributes:
        views: each with its cutout.
    """

    views: tuple[tuple[OrderedView, ViewCutout], ...]

    @property
    def messages(self) -> list[mesher_pb2.View]:
        """Those that show something, for the mesh service."""
        return [
            mesher_pb2.View(
                cutout=artifact_to_proto(cutout.artifact),
                side=mesher_pb2.SIDE_UNSPECIFIED if view.side is None else SIDES[view.side],
                filmed=None
                if view.frame is None
                else mesher_pb2.Filmed(share=view.frame.share, direction=view.frame.direction),
            )
            for view, cutout in self.views
            if cutout.artifact is not None
        ]

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """What made the cutouts, each once."""
        return tuple(dict.fromkeys(use for _view, cutout in self.views for use in cutout.models))

    def public(self, uses: Sequence[mesher_pb2.ViewUse]) -> tuple[tuple[str, str], ...]:
        """The job's fields that say what became of each; none where there are none.

        Args:
            uses: of those that the mesh service was given, in their order; a service that knows of no views tells of
                none, and has used none.
        """
        if not self.views:
            return ()
        told = iter(uses)
        rows: dict[str, list[ViewQuality]] = {}
        films = {view.view_id for view, _cutout in self.views if view.frame is not None}
        for view, cutout in self.views:
            if cutout.artifact is not None:
                row = _quality(view, next(told, None))
            else:
                row = ViewQuality(view.view_id, view.side, used=False, reason=ViewOmission.NOTHING_FOUND)
            rows.setdefault(view.view_id, []).append(row)
        # The cutouts too, though they are noted already: whoever films the model again takes over what is told here.
        cutouts = (view_cutout_field(view.key, cutout) for view, cutout in self.views)
        return (
            *view_quality_fields([_film(each) if name in films else each[0] for name, each in rows.items()]),
            *cutouts,
        )


async def cut_out(
    views: Sequence[OrderedView],
    known: Mapping[str, ViewCutout],
    *,
    segmenter: Any,
    call: Callable[[], dict[str, Any]],
    prefix: str,
    marked: bool,
    note: Note,
    progress: Callable[[float], None],
) -> CutViews:
    """Cut the thing out of each further photo, a few at a time.

    A photo in which nothing stands out is left out: the model is made without it, and the report says so.

    Args:
        views: as ordered.
        known: cutouts that an attempt before this one has made.
        segmenter: the segment service's stub.
        call: arguments of each call.
        prefix: where outputs lie in the artifact store.
        marked: True for an order with a test key.
        note: is told of each new cutout.
        progress: takes the share that is done, 0 to 1.

    Raises:
        LensoraError: of the service, but for what the photo itself lacks.
    """
    found = dict(known)
    room = asyncio.Semaphore(AT_ONCE)

    async def one(view: OrderedView) -> None:
        async with room:
            found[view.key] = await _cut(view, segmenter, call, prefix, marked)
            await note(view.key, found[view.key])
            progress(sum(each.key in found for each in views) / len(views))

    tasks = [asyncio.ensure_future(one(view)) for view in views if view.key not in found]
    try:
        for task in tasks:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return CutViews(tuple((view, found[view.key]) for view in views))


async def _cut(
    view: OrderedView, segmenter: Any, call: Callable[[], dict[str, Any]], prefix: str, marked: bool
) -> ViewCutout:
    request = segmenter_pb2.CutoutRequest(
        photo=artifact_to_proto(view.photo),
        box=box_to_proto(view.box),
        crop=box_to_proto(view.box.padded(view.photo_width, view.photo_height)),
        output_prefix=prefix,
        points=[point_to_proto(point) for point in view.points],
        marked=marked,
    )
    try:
        result = await streamed(segmenter.Cutout(request, **call()), "segment", lambda _fraction: None)
    except (FailedPrecondition, InvalidInput) as error:
        _log.warning("view_left_out", view_id=view.view_id, code=error.code, error=error.message)
        return ViewCutout(None)
    models = tuple(model_use_from_proto(use) for use in result.models)
    return ViewCutout(artifact_from_proto(result.cutout, field="cutout"), models)


def _quality(view: OrderedView, use: mesher_pb2.ViewUse | None) -> ViewQuality:
    if use is None:
        return ViewQuality(view.view_id, view.side, used=False)
    side = next((word for word, side in SIDES.items() if side == use.side), view.side)
    compared = use.HasField("fidelity")
    return ViewQuality(
        view.view_id,
        side,
        used=use.used,
        yaw_deg=round(use.yaw_deg, 1) if use.used else None,
        silhouette_iou=use.fidelity.silhouette_iou if compared else None,
        image_similarity=use.fidelity.image_similarity if compared else None,
        reason=None if use.used else OMISSIONS.get(use.omission),
    )


def _film(rows: Sequence[ViewQuality]) -> ViewQuality:
    """One row for all pictures of a film: the means of those that were used, or why none was."""
    used = [row for row in rows if row.used]
    reasons = [row.reason for row in rows if row.reason is not None]
    # What most pictures have in common; of reasons as common, the first.
    reason = None if used or not reasons else max(reasons, key=reasons.count)
    return ViewQuality(
        rows[0].view_id,
        None,
        used=bool(used),
        silhouette_iou=_mean([row.silhouette_iou for row in used]),
        image_similarity=_mean([row.image_similarity for row in used]),
        reason=reason,
        frames_used=len(used),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
