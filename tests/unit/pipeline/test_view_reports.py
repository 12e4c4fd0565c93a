"""What a job says of its further photos, from what the mesh service told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.jobs.photos import OrderedFrame, OrderedView, ViewCutout
from gateway.jobs.testing import PHOTO
from gateway.pipeline.views import OMISSIONS, SIDES, CutViews
from gateway.results import OMITTED, OMITTED_FILM
from lensora.api.mesh.v1 import mesher_pb2
from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box
from lensora.core.words import ViewOmission, ViewSide

NET = ModelUse("net", "1", "", "MIT", "segment")


def view(view_id: str, side: ViewSide | None) -> OrderedView:
    """A further photo."""
    return OrderedView(view_id, side, PHOTO, 640, 480, Box(0.1, 0.1, 0.9, 0.9))


def reported(cut: CutViews, *uses: mesher_pb2.ViewUse) -> list[dict[str, Any]]:
    """The job's fields, as one."""
    fields = dict(cut.public(uses))
    rows: list[dict[str, Any]] = json.loads(fields["view_quality"])
    details = json.loads(fields.get("view_details", "{}"))
    return [row | {"reason": None} | details.get(row["view_id"], {}) for row in rows]


BOTH = CutViews(
    (
        (view("a", ViewSide.LEFT), ViewCutout(None)),
        (view("b", None), ViewCutout(PHOTO, (NET,))),
        (view("c", ViewSide.TOP), ViewCutout(PHOTO, (NET,))),
    )
)


def test_every_public_side_has_its_word_of_the_protocol() -> None:
    """And each word but the one for an unknown side is taken once."""
    assert set(SIDES) == set(ViewSide)
    assert sorted(SIDES.values()) == sorted(mesher_pb2.Side.values())[1:]
    assert all(mesher_pb2.Side.Name(side) == f"SIDE_{word.name}" for word, side in SIDES.items())


def test_every_reason_of_the_protocol_has_its_public_word() -> None:
    """And the word for a photo without a subject is the pipeline's own."""
    assert sorted(OMISSIONS) == sorted(mesher_pb2.Omission.values())[1:]
    assert set(OMISSIONS.values()) == set(ViewOmission) - {ViewOmission.NOTHING_FOUND}
    assert all(mesher_pb2.Omission.Name(number) == f"OMISSION_{word.name}" for number, word in OMISSIONS.items())


def test_answers_belong_to_the_photos_that_were_sent() -> None:
    """One that could not be cut out has no answer, and takes none from the next; a side that was found out is told."""
    assert [message.side for message in BOTH.messages] == [mesher_pb2.SIDE_UNSPECIFIED, mesher_pb2.SIDE_TOP]
    assert BOTH.models == (NET,)
    found = mesher_pb2.ViewUse(
        side=mesher_pb2.SIDE_BACK,
        yaw_deg=-172.34,
        used=True,
        fidelity=mesher_pb2.Fidelity(silhouette_iou=0.9, image_similarity=0.7),
    )
    first, second, third = reported(
        BOTH, found, mesher_pb2.ViewUse(side=mesher_pb2.SIDE_TOP, omission=mesher_pb2.OMISSION_DISAGREES)
    )
    assert (first["view_id"], first["side"], first["used"], first["yaw_deg"]) == ("a", "left", False, None)
    assert (second["view_id"], second["side"], second["used"], second["yaw_deg"]) == ("b", "back", True, -172.3)
    assert (third["view_id"], third["used"], third["yaw_deg"], third["silhouette_iou"]) == ("c", False, None, None)
    assert [row["reason"] for row in (first, second, third)] == ["nothing_found", None, "disagrees"]


def test_a_film_has_one_row() -> None:
    """The means of its pictures that were used, or the commonest reason why none was."""
    pictures = [replace(view("f", None), frame=OrderedFrame(number, number / 9, 0.5)) for number in range(4)]
    film = CutViews((*((each, ViewCutout(PHOTO)) for each in pictures[:3]), (pictures[3], ViewCutout(None))))
    uses = [
        mesher_pb2.ViewUse(used=True, fidelity=mesher_pb2.Fidelity(silhouette_iou=iou, image_similarity=0.5))
        for iou in (0.9, 0.7)
    ]
    (row,) = reported(film, *uses, mesher_pb2.ViewUse())
    assert (row["used"], row["frames_used"], row["reason"]) == (True, 2, None)
    assert (row["side"], row["yaw_deg"], row["silhouette_iou"]) == (None, None, pytest.approx(0.8))
    unclear = mesher_pb2.ViewUse(omission=mesher_pb2.OMISSION_TURN_UNCLEAR)
    (row,) = reported(film, unclear, unclear, unclear)
    assert (row["used"], row["frames_used"], row["reason"]) == (False, 0, "turn_unclear")
    assert set(OMITTED) == set(OMITTED_FILM) == set(ViewOmission)


def test_a_mesh_service_that_knows_of_no_views_has_used_none() -> None:
    """The release before answers without them; the job completes and says so."""
    assert [row["used"] for row in reported(BOTH)] == [False, False, False]
    assert CutViews(()).public(()) == ()
