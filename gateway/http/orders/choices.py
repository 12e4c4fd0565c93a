"""Which thing of a photo a request means: an object of the session, or a box that a person drew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.jobs.photos import BY_BOX, Choice
from gateway.jobs.records import Session
from lensora.contract.requests import ChoiceBody, PointBody
from lensora.core.boxes import MIN_CROP_SIDE_PX, Box, Category, Point, Proposal
from lensora.core.errors import CropTooSmall, InvalidRequest, ObjectIndexOutOfRange

SAME_IOU = 0.5
"""A drawn box that overlaps an object's this much is about that object, and takes its label."""


class Looked(Protocol):
    """A photo that was looked at: a session's, or a further one."""

    @property
    def width(self) -> int:
        """Of the upright photo, pixels."""
        ...

    @property
    def height(self) -> int:
        """Of the upright photo, pixels."""
        ...

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """What was found in it, best first, the full frame last."""
        ...


def choice_of(session: Session, body: ChoiceBody) -> Choice:
    """What the body says of the thing that is meant.

    Raises:
        InvalidRequest: a box and an index were given.
        ObjectIndexOutOfRange: no such object.
        CropTooSmall: too little to cut out.
    """
    points = marks(body.points)
    if body.bbox is None:
        proposal = object_of(session, body.object_index)
        box = proposal.box.around(points)
        check_size(session, box, f"object_index {body.object_index}", "object_index")
        return Choice(body.object_index, proposal.label, proposal.category, box, points)
    if "object_index" in body.model_fields_set:
        raise InvalidRequest(
            f"bbox stands in place of object_index; both were given, object_index as {shown(body.object_index)}.",
            field="bbox",
        )
    return drawn(session, body.bbox, points)


def drawn(photo: Looked, corners: Sequence[float], points: tuple[Point, ...]) -> Choice:
    """The thing in a box that a person drew. Raises CropTooSmall."""
    box = Box(*corners).around(points)
    check_size(photo, box, "bbox", "bbox")
    label, category = _words(photo, box)
    return Choice(BY_BOX, label, category, box, points)


def marks(points: Iterable[PointBody] | None) -> tuple[Point, ...]:
    """Points of a body."""
    return tuple(Point(point.x, point.y, point.keep) for point in points or ())


def shown(index: int) -> str:
    """A number as a sentence repeats it."""
    return str(index) if abs(index) < 10**9 else "a number of more than nine digits"


def object_of(session: Session, index: int) -> Proposal:
    """The session's object with this index. Raises ObjectIndexOutOfRange."""
    last = len(session.proposals) - 1
    if not 0 <= index <= last:
        raise ObjectIndexOutOfRange(
            f"object_index must be from 0 to {last}, the indices of the session's objects, not {shown(index)}.",
            field="object_index",
        )
    return session.proposals[index]


def check_size(photo: Looked, box: Box, name: str, field: str) -> None:
    """Raises CropTooSmall where a box, padded, holds too little to cut out."""
    left, top, right, bottom = box.padded(photo.width, photo.height).pixels(photo.width, photo.height)
    if min(right - left, bottom - top) < MIN_CROP_SIDE_PX:
        raise CropTooSmall(
            f"{name} is {right - left} x {bottom - top} pixels with its padding; each side must have at "
            f"least {MIN_CROP_SIDE_PX} pixels.",
            field=field,
        )


def _words(photo: Looked, box: Box) -> tuple[str, str]:
    """Label and category of the object that a drawn box is about."""
    best = max(photo.proposals, key=lambda proposal: proposal.box.iou(box))
    if best.category != Category.FULL_FRAME and best.box.iou(box) >= SAME_IOU:
        return best.label, best.category
    return Category.OBJECT.value, Category.OBJECT.value
