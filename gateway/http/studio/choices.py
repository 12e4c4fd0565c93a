"""Which thing of a photo a request means: an object of the session, or a box that a person drew. Pure."""

from __future__ import annotations

from gateway.jobs.records import BY_BOX, Choice, Session
from lensora.contract.requests import ChoiceBody
from lensora.core.boxes import MIN_CROP_SIDE_PX, Box, Category, Point, Proposal
from lensora.core.errors import CropTooSmall, InvalidRequest, ObjectIndexOutOfRange

SAME_IOU = 0.5
"""A drawn box that overlaps an object's this much is about that object, and takes its label."""


def choice_of(session: Session, body: ChoiceBody) -> Choice:
    """What the body says of the thing that is meant.

    Raises:
        InvalidRequest: a box and an index were given.
        ObjectIndexOutOfRange: no such object.
        CropTooSmall: too little to cut out.
    """
    points = tuple(Point(point.x, point.y, point.keep) for point in body.points or ())
    if body.bbox is None:
        proposal = _object(session, body.object_index)
        box = proposal.box.around(points)
        _check_size(session, box, f"object_index {body.object_index}", "object_index")
        return Choice(body.object_index, proposal.label, proposal.category, box, points)
    if "object_index" in body.model_fields_set:
        raise InvalidRequest(
            f"bbox stands in place of object_index; both were given, object_index as {shown(body.object_index)}.",
            field="bbox",
        )
    box = Box(*body.bbox).around(points)
    _check_size(session, box, "bbox", "bbox")
    label, category = _words(session, box)
    return Choice(BY_BOX, label, category, box, points)


def shown(index: int) -> str:
    """A number as a sentence repeats it."""
    return str(index) if abs(index) < 10**9 else "a number of more than nine digits"


def _object(session: Session, index: int) -> Proposal:
    last = len(session.proposals) - 1
    if not 0 <= index <= last:
        raise ObjectIndexOutOfRange(
            f"object_index must be from 0 to {last}, the indices of the session's objects, not {shown(index)}.",
            field="object_index",
        )
    return session.proposals[index]


def _check_size(session: Session, box: Box, name: str, field: str) -> None:
    left, top, right, bottom = box.padded(session.width, session.height).pixels(session.width, session.height)
    if min(right - left, bottom - top) < MIN_CROP_SIDE_PX:
        raise CropTooSmall(
            f"{name} is {right - left} x {bottom - top} pixels with its padding; each side must have at "
            f"least {MIN_CROP_SIDE_PX} pixels.",
            field=field,
        )


def _words(session: Session, box: Box) -> tuple[str, str]:
    """Label and category of the object that a drawn box is about."""
    best = max(session.proposals, key=lambda proposal: proposal.box.iou(box))
    if best.category != Category.FULL_FRAME and best.box.iou(box) >= SAME_IOU:
        return best.label, best.category
    return Category.OBJECT.value, Category.OBJECT.value
