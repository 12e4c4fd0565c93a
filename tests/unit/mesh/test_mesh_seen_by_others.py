"""Things drawn, and models looked at, by renderers that share no code with the stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import trimesh

from quality.gl import Picture, Pose, Renderer, TexturedMesh
from quality.measure.drawing import Drawer
from quality.measure.glb import FinishedModel, read_glb
from quality.measure.look import against_photo, silhouette_iou
from services.mesh.model import Model

RED, BLUE, YELLOW, GREY = (0.8, 0.15, 0.1), (0.15, 0.2, 0.8), (0.85, 0.75, 0.1), (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Shot:
    """A thing's photo by one renderer, and the finished file that came of it, read by another library."""

    picture: Picture
    model: FinishedModel

    def pitch_deg(self) -> float:
        """How far above the horizon the file says that the photo was taken."""
        matrix = self.model.source_view().world_to_camera
        eye = -matrix[:, :3].T @ matrix[:, 3]
        middle = 0.5 * (self.model.vertices.min(axis=0) + self.model.vertices.max(axis=0))
        return float(np.degrees(np.arcsin((eye - middle)[1] / np.linalg.norm(eye - middle))))


def _box() -> TexturedMesh:
    """A box 1.0 wide, 0.7 high, 0.5 deep: yellow top, red front (+z), blue right side (+x)."""
    box = trimesh.creation.box((1.0, 0.7, 0.5))
    vertices = box.vertices[box.faces].reshape(-1, 3)
    paint = {(0, 0, 1): RED, (1, 0, 0): BLUE, (0, 1, 0): YELLOW}
    colors = [paint.get(tuple(np.round(normal).astype(int)), GREY) for normal in box.face_normals]
    faces = np.arange(len(vertices)).reshape(-1, 3)
    return TexturedMesh(
        np.float32(vertices), np.int32(faces), np.float32(np.repeat(colors, 3, axis=0)).reshape(-1, 3)
    ).unit()


def _bottle() -> TexturedMesh:
    """A bottle 1.0 high and 0.5 across with a neck, grey."""
    outline = np.array([[0.0, 0.0], [0.25, 0.0], [0.25, 0.6], [0.1, 0.75], [0.1, 1.0], [0.0, 1.0]])
    turned = trimesh.creation.revolve(outline, sections=64)
    vertices = turned.vertices[:, [0, 2, 1]]
    faces = turned.faces[:, ::-1]
    return TexturedMesh(np.float32(vertices), np.int32(faces), np.full((len(vertices), 3), 0.5, np.float32)).unit()


def _shot(mesh: TexturedMesh, pose: Pose, made: Callable[[np.ndarray], Model]) -> Shot:
    with Renderer(384) as renderer:
        shown = renderer.upload(mesh)
        picture = renderer.draw(shown, pose)
    return Shot(picture, read_glb(made(picture.rgba).glb))


@pytest.fixture(scope="module")
def box_shot(made: Callable[[np.ndarray], Model]) -> Shot:
    """The box from its front right, 25 degrees from above."""
    return _shot(_box(), Pose(azimuth=np.radians(35.0), pitch=np.radians(25.0)), made)


@pytest.fixture(scope="module")
def bottle_shot(made: Callable[[np.ndarray], Model]) -> Shot:
    """The bottle, 18 degrees from above."""
    return _shot(_bottle(), Pose(pitch=np.radians(18.0)), made)


@pytest.mark.parametrize("name", ["box_shot", "bottle_shot"])
def test_the_model_lies_over_its_photo(name: str, request: pytest.FixtureRequest) -> None:
    """Drawn from the camera that the file records, outline and colours are the photo's."""
    shot: Shot = request.getfixturevalue(name)
    with Drawer() as drawer:
        drawn = drawer.draw(shot.model, shot.model.source_view(), (384, 384))
    assert silhouette_iou(drawn, shot.picture.rgba[..., 3]) > 0.97
    look = against_photo(drawn, shot.picture.rgba)
    assert look.ssim > 0.9
    assert look.color_error < 4.0


def test_the_box_is_told_from_how_high_it_was_taken(box_shot: Shot) -> None:
    """A pitch of the wrong sign or in the wrong unit would miss by tens of degrees."""
    assert box_shot.pitch_deg() == pytest.approx(25.0, abs=8.0)


def test_the_bottle_is_told_from_how_high_it_was_taken(bottle_shot: Shot) -> None:
    """Likewise for a turned thing, whose ellipses tell it."""
    assert bottle_shot.pitch_deg() == pytest.approx(18.0, abs=10.0)


def test_the_box_keeps_its_proportions(box_shot: Shot) -> None:
    """Sorted sides of the upright box are those of the true one, height along y."""
    size = np.ptp(box_shot.model.vertices, axis=0)
    across = trimesh.bounds.oriented_bounds_2D(box_shot.model.vertices[:, [0, 2]])[1]
    assert size[1] / max(across) == pytest.approx(0.7, abs=0.12)
    assert min(across) / max(across) == pytest.approx(0.5, abs=0.12)


def test_the_box_is_no_mirror_image(box_shot: Shot) -> None:
    """Seen from the photo's camera red is left of blue and yellow above both, on the model as in the photo; and the
    outside of its faces is on the outside."""
    with Drawer() as drawer:
        drawn = drawer.draw(box_shot.model, box_shot.model.source_view(), (384, 384)).astype(int)
    seen = drawn[..., 3] > 200
    red, green, blue = drawn[..., 0], drawn[..., 1], drawn[..., 2]
    places = {
        "red": seen & (red > green + 40) & (red > blue + 40),
        "blue": seen & (blue > red + 40) & (blue > green + 40),
        "yellow": seen & (red > blue + 40) & (green > blue + 40),
    }
    middle = {name: np.argwhere(where).mean(axis=0) for name, where in places.items()}
    assert all(where.sum() > 2000 for where in places.values())
    assert middle["red"][1] < middle["blue"][1]
    assert middle["yellow"][0] < min(middle["red"][0], middle["blue"][0])
    assert box_shot.model.welded().volume > 0


def test_the_bottle_stands_on_its_foot(bottle_shot: Shot) -> None:
    """The wide end is down: up in the photo is +y in the file."""
    vertices = bottle_shot.model.vertices
    low, high = vertices[:, 1].min(), vertices[:, 1].max()
    foot = vertices[vertices[:, 1] < low + 0.2 * (high - low)]
    neck = vertices[vertices[:, 1] > high - 0.15 * (high - low)]
    assert np.ptp(foot[:, 0]) > 1.6 * np.ptp(neck[:, 0])
    assert np.ptp(vertices[:, 0]) / (high - low) == pytest.approx(0.5, abs=0.1)
