"""What a job says of its further photos, from what the mesh service told."""

from __future__ import annotations

import json
from typing import Any

from gateway.jobs.photos import OrderedView, ViewCutout
from gateway.jobs.testing import PHOTO
from gateway.pipeline.views import OMISSIONS, SIDES, CutViews
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
    reasons = json.loads(fields.get("view_omissions", "{}"))
    return [row | {"reason": reasons.get(row["view_id"])} for row in rows]


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
    first, second, third = reported(BOTH, found, mesher_pb2.ViewUse(side=mesher_pb2.SIDE_TOP, omission=2))
    assert (first["view_id"], first["side"], first["used"], first["yaw_deg"]) == ("a", "left", False, None)
    assert (second["view_id"], second["side"], second["used"], second["yaw_deg"]) == ("b", "back", True, -172.3)
    assert (third["view_id"], third["used"], third["silhouette_iou"]) == ("c", False, None)
    assert [row["reason"] for row in (first, second, third)] == ["nothing_found", None, "disagrees"]


def test_a_mesh_service_that_knows_of_no_views_has_used_none() -> None:
    """The release before answers without them; the job completes and says so."""
    assert [row["used"] for row in reported(BOTH)] == [False, False, False]
    assert CutViews(()).public(()) == ()
