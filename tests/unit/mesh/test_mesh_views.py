"""Further photos of one thing: where they were taken from, the solid, its colours, and what does not fit."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensora.core.errors import Cancelled
from lensora.core.words import ViewOmission, ViewSide
from quality.gl import Pose, Renderer, TexturedMesh
from quality.measure.drawing import Drawer, from_yaw
from quality.measure.glb import read_glb
from quality.network import shape_network
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.inflation import Inflation
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.views.combining import combined
from services.mesh.views.evidence import evidence_of
from services.mesh.views.fusion import fused
from services.mesh.views.registration import Found, Witness, find
from services.mesh.views.sides import FurtherPhoto
from services.mesh.views.starts import begin
from services.mesh.views.verdict import better

Bytes = NDArray[np.uint8]

COLORS = {"front": (200, 60, 50), "back": (50, 90, 200), "left": (60, 170, 70), "right": (210, 190, 60)}
YAWS = {"front": 0.0, "right": math.pi / 2, "back": math.pi, "left": -math.pi / 2}
HALF = np.array([0.5, 0.7, 0.25])
"""Width, height and depth of the box, halved."""


def box(half: NDArray[np.float64], low: float = -1.0) -> TexturedMesh:
    """A box with a colour for each side, grey above and below; ``low``: its lower end, in half heights."""
    faces = {
        "front": (2, 1.0),
        "back": (2, -1.0),
        "right": (0, 1.0),
        "left": (0, -1.0),
        "top": (1, 1.0),
        "low": (1, low),
    }
    points, colors, triangles = [], [], []
    for name, (axis, sign) in faces.items():
        u, v = (axis + 1) % 3, (axis + 2) % 3
        corners = np.zeros((4, 3))
        corners[:, axis] = sign
        corners[:, u], corners[:, v] = (-1, 1, 1, -1), (-1, -1, 1, 1)
        if axis != 1:
            corners[:, 1] = np.where(corners[:, 1] < 0, low, 1.0)
        order = (0, 1, 2, 3) if sign > 0 else (3, 2, 1, 0)
        start = 4 * len(points)
        points.append(corners[list(order)] * half)
        colors.append(np.tile(np.array(COLORS.get(name, (150, 150, 150))) / 255.0, (4, 1)))
        triangles += [[start, start + 1, start + 2], [start, start + 2, start + 3]]
    return TexturedMesh(
        np.concatenate(points).astype(np.float32),
        np.array(triangles, np.int32),
        np.concatenate(colors).astype(np.float32),
    )


def joined(*parts: TexturedMesh) -> TexturedMesh:
    """Several as one."""
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    return TexturedMesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]).astype(np.int32),
        np.concatenate([part.colors for part in parts]),
    )


@pytest.fixture(scope="module")
def taken() -> Callable[..., Cutout]:
    """Photographs a mesh by OpenGL, which shares no code with the stage: (mesh, yaw, pitch)."""

    def take(mesh: TexturedMesh, yaw: float, pitch: float = 0.25, distance: float = 3.6) -> Cutout:
        with Renderer(240) as renderer:  # of its own: another's context may have been used since
            shown = renderer.upload(mesh)
            picture = renderer.draw(shown, Pose(yaw, pitch, 0.0, distance))
            shown.release()
        return read_cutout(picture.rgba)

    return take


@pytest.fixture(scope="module")
def crate(taken: Callable[..., Cutout]) -> dict[str, Cutout]:
    """The box from all four sides, each a few degrees off."""
    off = {"front": 0.0, "back": 0.1, "left": -0.08, "right": 0.05}
    return {side: taken(box(HALF), yaw + off[side]) for side, yaw in YAWS.items()}


def silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


def made(front: Cutout, *further: FurtherPhoto, report: Callable[[str, float], None] = silent) -> Model:
    """The model as users get it."""
    backend = SilhouetteBackend(shape_network())
    return create_model(front, ModelRequest(name="thing"), backend, report, None, further, backend.explainer)


@pytest.fixture(scope="module")
def crate_model(crate: dict[str, Cutout]) -> Model:
    """The box from its front, back and left."""
    return made(crate["front"], FurtherPhoto(crate["back"], ViewSide.BACK), FurtherPhoto(crate["left"], ViewSide.LEFT))


def test_a_side_tells_how_deep_a_thing_is(crate_model: Model) -> None:
    """From front, back and left a box gets about its true proportions, and every photo is used. The left one is off by
    five degrees that nothing tells, and from there a box looks a tenth deeper."""
    assert [use.used for use in crate_model.further] == [True, True]
    extent = np.ptp(crate_model.solid.vertices, axis=0)
    assert extent[2] / extent[0] == pytest.approx(HALF[2] / HALF[0], rel=0.3)
    assert extent[1] / extent[0] == pytest.approx(HALF[1] / HALF[0], rel=0.2)
    assert crate_model.solid.is_closed()
    assert len(crate_model.surface.faces) <= 20_000
    assert all(use.fidelity.silhouette_iou > 0.9 for use in crate_model.further)


def test_each_side_has_the_colour_of_its_photo(crate_model: Model) -> None:
    """Drawn from each photographed side, the middle of the model has that side's colour."""
    finished = read_glb(crate_model.glb)
    with Drawer() as drawer:
        for side in ("front", "back", "left"):
            drawn = drawer.draw(finished, from_yaw(finished, 96, YAWS[side]), (96, 96))
            shown = drawn[40:60, 42:54, :3].reshape(-1, 3).mean(axis=0)
            nearest = min(COLORS, key=lambda name: float(np.abs(_hue(shown) - _hue(np.array(COLORS[name]))).sum()))
            assert nearest == side, (side, shown)


def _hue(color: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.float64]:
    return np.asarray(color, np.float64) / float(np.sum(color))


def test_a_photo_of_another_thing_is_left_out(crate: dict[str, Cutout], taken: Callable[..., Cutout]) -> None:
    """What cannot be the same thing changes nothing: the mesh is that of the one photo."""
    plate = taken(box(np.array([0.9, 0.15, 0.3])), math.pi)
    backend = SilhouetteBackend(kinds=[Inflation()])
    raw = backend.reconstruct(crate["front"], silent)
    together = combined(crate["front"], raw, [FurtherPhoto(plate, ViewSide.BACK)], backend.explainer, silent)
    assert together.raw is raw
    assert not together.placed
    assert together.omitted == {0: ViewOmission.DISAGREES}


def test_the_top_of_a_tall_thing_is_as_wide_as_its_front(taken: Callable[..., Cutout]) -> None:
    """Not as large: from above a bottle fills its photo though it is a fifth of what it is from the front."""
    half = np.array([0.25, 0.9, 0.15])
    front, top = taken(box(half), 0.0), taken(box(half), 0.0, math.radians(80.0))
    backend = SilhouetteBackend(kinds=[Inflation()])
    raw = backend.reconstruct(front, silent)
    together = combined(front, raw, [FurtherPhoto(top, ViewSide.TOP)], backend.explainer, silent)
    assert together.omitted == {}
    (placed,) = together.placed
    assert placed.side is ViewSide.TOP and placed.camera.pitch() > math.radians(65.0)
    assert raw.camera is not None
    large, small = (float(np.linalg.norm(one.to_view[0, :3])) * one.pixels for one in (placed.camera, raw.camera))
    assert large > 1.8 * small


def test_a_back_is_as_level_as_the_solid_that_it_is_laid_on(taken: Callable[..., Cutout]) -> None:
    """An inflation is level with its photo, wherever that was taken from. A photo from behind and as high up is then
    laid on it as a level one; on a ball no outline would tell."""
    globe = trimesh.creation.icosphere(subdivisions=3)
    vertices = np.asarray(globe.vertices, np.float32)
    ball = TexturedMesh(vertices, np.asarray(globe.faces, np.int32), np.abs(vertices))
    backend = SilhouetteBackend(kinds=[Inflation()])
    front, back = taken(ball, 0.0, 0.45), taken(ball, math.pi, 0.45)
    raw = backend.reconstruct(front, silent)
    together = combined(front, raw, [FurtherPhoto(back, ViewSide.BACK)], backend.explainer, silent)
    assert together.raw is raw
    assert abs(together.placed[0].camera.pitch()) < 0.12
    assert abs(math.remainder(together.placed[0].yaw - math.pi, 2 * math.pi)) < 0.25


def test_the_camera_of_a_further_photo_is_refined(crate: dict[str, Cutout]) -> None:
    """All lines of sight of all photos meet the thing, and a turn of five degrees is not made worse."""
    front = evidence_of(crate["front"], None)
    main = Witness(front, front.standpoint)
    back = evidence_of(crate["back"], None)
    found: Found = find(back, begin(back, ViewSide.BACK, main), [main], known=True)
    assert found.covered > 0.98
    assert abs(math.remainder(found.witness.standpoint.yaw - math.pi - 0.1, 2 * math.pi)) < math.radians(10.0)


def test_a_cancelled_job_stops_between_photos(crate: dict[str, Cutout]) -> None:
    """A report that raises ends the work, and what it raised comes through."""
    backend = SilhouetteBackend(kinds=[Inflation()])
    raw = backend.reconstruct(crate["front"], silent)
    reports = []

    def report(phase: str, _done: float) -> None:
        reports.append(phase)
        if len(reports) == 3:
            raise Cancelled("nobody waits")

    with pytest.raises(Cancelled, match="nobody waits"):
        combined(crate["front"], raw, [FurtherPhoto(crate["back"], ViewSide.BACK)], backend.explainer, report)
    assert reports == ["photos"] * 3


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([*ViewSide, None]))
def test_any_mask_is_answered_with_a_closed_solid(crate: dict[str, Cutout], seed: int, side: ViewSide | None) -> None:
    """Blots, wires and specks as a further photo: it is placed somewhere, and the fused solid is closed or there is
    none."""
    random = np.random.default_rng(seed)
    matte = np.zeros((90, 120), np.uint8)
    for _ in range(int(random.integers(1, 6))):
        x, y = int(random.integers(8, 112)), int(random.integers(8, 82))
        cv2.circle(matte, (x, y), int(random.integers(5, 30)), int(random.integers(128, 256)), -1)
        cv2.line(matte, (x, y), (int(random.integers(0, 120)), int(random.integers(0, 90))), 255, 1)
    photo = read_cutout(np.dstack([np.full((90, 120, 3), 120, np.uint8), matte]))
    front = evidence_of(crate["front"], None)
    main = Witness(front, front.standpoint)
    evidence = evidence_of(photo, None)
    found = find(evidence, begin(evidence, side, main), [main], known=side is not None)
    assert 0.0 <= found.covered <= 1.0
    solid = fused([main, found.witness]) if found.covered > 0.5 else fused([main])
    assert solid.is_closed()
    assert solid.volume() > 0


def test_the_one_photos_solid_wins_ties() -> None:
    """The solid from all photos is taken where it explains the further photos clearly better, and where it is not
    torn as the main photo sees it."""
    assert better([0.95, 0.9, 0.88], [0.98, 0.7, 0.85])
    assert not better([0.95, 0.9, 0.88], [0.95, 0.89, 0.88])
    assert not better([1.0, 1.0, 1.0], [0.98, 0.94, 0.95])
    assert not better([0.6, 0.9, 0.88], [0.98, 0.7, 0.85])
    assert not better([0.75, 0.9, 0.88], [0.98, 0.85, 0.83])
    assert better([0.95, 0.9, 0.8], [0.98, 0.5, 0.5], filmed=[0.8])
    assert not better([0.95, 0.9, 0.6], [0.98, 0.5, 0.5], filmed=[0.6])
    assert better([0.95, 0.95], [0.97, 0.9], confidence=0.4)
    assert not better([0.95, 0.95], [0.97, 0.9], confidence=0.9)
    assert not better([0.95, 0.95], [0.97, 0.9], confidence=0.4, thick=1.8)
