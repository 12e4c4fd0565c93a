"""What a file says of the photos behind its model: read where it is sound, and no error where it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensora.testing.meshes import box, glb
from services.render.photos import confidence_of, elevation_of, photo_sides, source_view


def _from_above(angle: float) -> dict[str, object]:
    c, s = math.cos(angle), math.sin(angle)
    view = [[1.0, 0.0, 0.0, 0.0], [0.0, c, -s, 0.0], [0.0, s, c, -2.0]]
    return {"asset": {"version": "2.0", "extras": {"source_view": {"world_to_camera": view}}}}


def _view(data: bytes) -> np.ndarray:
    view = source_view(data)
    assert view is not None
    return view


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, -0.2])
def test_the_photos_elevation_is_read(angle: float) -> None:
    """The view that the mesh stage writes into the file tells from how far above the photo was taken."""
    assert elevation_of(_view(glb(box(), None, _from_above(angle)))) == pytest.approx(angle)


@pytest.mark.parametrize(
    "view",
    [
        None,
        [],
        [[1, 0, 0]],
        "up",
        [[0, 0, 0]] * 3,
        [[0, 0, 0], [0, 0, 0], [0, float("inf"), 0]],
        [[10**400] * 3] * 3,
        {"a": 1},
    ],
)
def test_views_that_say_nothing_are_no_error(view: object) -> None:
    """A file without the photo's view, or with a damaged one, has no elevation; neither has one that is no GLB."""
    asset = {"version": "2.0", "extras": {"source_view": {"world_to_camera": view}}}
    assert source_view(glb(box(), None, {"asset": asset})) is None
    assert source_view(glb(box())) is None
    assert source_view(b"solid stl") is None


@pytest.mark.parametrize(
    ("said", "trust"),
    [(0.4, 0.4), (7, 1.0), (-1, 0.0), ("much", 1.0), pytest.param(10**400, 1.0, id="huge"), (None, 1.0)],
)
def test_trust_in_unseen_sides_is_read(said: object, trust: float) -> None:
    """What the mesh stage writes of its confidence is read within its bounds; a file that says nothing is trusted."""
    asset = {"version": "2.0", "extras": {"confidence": said}}
    assert confidence_of(glb(box(), None, {"asset": asset})) == trust
    assert confidence_of(b"no glb") == 1.0


def _with_further(angle: float, further: object) -> bytes:
    document = _from_above(angle)
    document["asset"]["extras"]["further_views"] = further  # type: ignore[index]
    return glb(box(), None, document)


def test_the_sides_of_all_photos_are_read() -> None:
    """The main photo's first; those of the right and the back from there, as high; that of the top from right above."""
    said = [{"side": "right", "yaw_deg": 90.0}, {"side": "back", "yaw_deg": 180.0}, {"side": "top", "yaw_deg": 3.0}]
    c, s = math.cos(0.3), math.sin(0.3)
    assert photo_sides(_with_further(0.3, said)) == pytest.approx(
        np.array([[0.0, s, c], [c, s, 0.0], [0.0, s, -c], [0.0, 1.0, 0.0]])
    )


def test_no_more_photos_are_read_than_a_session_has() -> None:
    """A stranger's file may claim as many as it likes."""
    assert len(photo_sides(_with_further(0.1, [{"side": "left", "yaw_deg": -90.0}] * 1000))) == 6


@pytest.mark.parametrize("said", [7, {}, [{"side": "left"}], [{"side": "left", "yaw_deg": "far"}], [None]])
def test_damaged_notes_of_further_photos_count_as_none(said: object) -> None:
    """The main photo's side is left; a file without any has no sides."""
    assert len(photo_sides(_with_further(0.0, said))) == 1
    assert len(photo_sides(glb(box()))) == 0
