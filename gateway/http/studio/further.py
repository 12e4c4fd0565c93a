"""The subject in a further photo: what it is compared with, where it is, what a person should look at. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.http.orders.choices import check_size, drawn, marks, object_of
from gateway.http.studio.corners import corners
from gateway.http.studio.detection import Detected, Reference
from gateway.http.studio.matching import Match, advice, aspect_of, matched, own_actions
from gateway.jobs.photos import BY_BOX, Choice, KeptFrame, KeptView
from gateway.jobs.records import ApiKey, Session
from gateway.links import FileLinks
from lensora.contract import answers
from lensora.contract import views as contract
from lensora.core.artifacts import SUFFIX, Artifact, MediaType
from lensora.core.boxes import Box, Category, Proposal

MAX_OBJECTS = 6
"""Proposals of a further photo, the full frame included: as many as ``/init`` gives by itself."""


def reference_of(session: Session, said: contract.ViewForm) -> Reference | None:
    """What the photo's things are compared with; nothing where a person says where the thing is.

    Raises:
        ObjectIndexOutOfRange: no such object of the session.
    """
    things = _things(session, said)
    if said.body.bbox is not None:
        return None
    return Reference(session.photo, tuple(thing.box for thing in things))


def _things(session: Session, said: contract.ViewForm) -> Sequence[Proposal]:
    """The session's objects that the photo may show. Raises ObjectIndexOutOfRange."""
    return session.proposals if said.object_index is None else [object_of(session, said.object_index)]


def view_of(
    view_id: str, key: ApiKey, session: Session, photo: Artifact, found: Detected, said: contract.ViewForm
) -> KeptView:
    """The photo with the thing in it. Raises SubjectUnlike, CropTooSmall."""
    return advised(found_in(view_id, key, session, photo, found, said), session)


def found_in(
    view_id: str, key: ApiKey, session: Session, photo: Artifact, found: Detected, said: contract.ViewForm
) -> KeptView:
    """The same without what a person should look at. Raises SubjectUnlike, CropTooSmall."""
    body = said.body
    # A person's word about where the thing is stands, whatever it looks like.
    match = (
        matched(found.proposals, found.likeness, _things(session, said), body.view) if body.bbox is None else Match(0)
    )
    proposal = found.proposals[match.index]
    view = KeptView(
        view_id=view_id,
        session_id=session.session_id,
        key_id=key.key_id,
        account_id=key.account_id,
        side=body.view,
        photo=photo,
        width=found.width,
        height=found.height,
        choice=Choice(match.index, proposal.label, proposal.category, proposal.box),
        proposals=found.proposals,
        suggested_actions=found.actions,
        likeness=match.likeness,
        subject_index=match.thing if said.object_index is None else said.object_index,
        models=found.models,
    )
    return replace(view, choice=corrected(view, body))


def corrected(view: KeptView, body: contract.ViewBody) -> Choice:
    """Where the thing is, with a person's word about it. Raises CropTooSmall."""
    points = marks(body.points) if body.points is not None else view.choice.points
    if body.bbox is not None:
        return replace(drawn(view, body.bbox, points), box=Box(*body.bbox))
    check_size(view, view.choice.box.around(points), "the subject", "image")
    return replace(view.choice, points=points)


def advised(view: KeptView, session: Session) -> KeptView:
    """The view with what a person should look at. Raises SubjectUnlike."""
    subject = session.proposals[view.subject_index]
    aspects = None
    # The whole frame's shape is the photo's, not that of the thing in it.
    if Category.FULL_FRAME not in (subject.category, view.choice.category):
        aspects = (
            aspect_of(subject.box, session.width, session.height),
            aspect_of(view.box, view.width, view.height),
        )
    found = advice(view.likeness, view.side, aspects, drawn=view.choice.object_index == BY_BOX)
    return replace(view, suggested_actions=(*own_actions(view.suggested_actions), *found))


def view_answer(view: KeptView, session: Session, files: FileLinks, price: int) -> contract.View:
    """The view as the public contract tells it.

    Args:
        view: as the store has it.
        session: whose it is.
        files: makes the link.
        price: credits that this call cost.
    """
    suffix = SUFFIX[MediaType(view.photo.media_type)]
    ends = session.expires_ms // 1000
    frames = None if view.film is None else tuple(_frame(frame, files, ends) for frame in view.film.frames)
    optional: dict[str, Any] = {"side": view.side, "likeness": view.likeness, "frames": frames}
    return contract.View(
        view_id=view.view_id,
        session_id=view.session_id,
        source_url=files.of(view.photo, f"view{suffix}", ends),
        objects=tuple(
            answers.DetectedObject(
                label=proposal.label, category=Category(proposal.category), bbox=corners(proposal.box)
            )
            for proposal in view.proposals
        ),
        bbox=corners(view.box),
        points=tuple(contract.Mark(x=mark.x, y=mark.y, keep=mark.keep) for mark in view.choice.points),
        suggested_actions=tuple(
            answers.SuggestedAction(code=action.code, message=action.message) for action in view.suggested_actions
        ),
        credits_used=price,
        **{name: value for name, value in optional.items() if value is not None},
    )


def _frame(frame: KeptFrame, files: FileLinks, ends: int) -> contract.Frame:
    return contract.Frame(
        source_url=files.of(frame.photo, f"frame{SUFFIX[MediaType(frame.photo.media_type)]}", ends),
        bbox=corners(frame.box),
        second=round(frame.second, 3),
    )
