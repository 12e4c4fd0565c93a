"""The shape network's predictor and the solid that is cut from what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.errors import InferenceFailed, LensoraError
from lensora.testing.inference import FakeModel, TensorSpec
from services.mesh.camera import upright_rotation
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.field.carving import Carving, solid_from_prediction
from services.mesh.network import FieldFrame, ShapeNetwork, ShapePrediction, network_input, square_picture
from services.mesh.raster import covering

FRAME = FieldFrame()
Respond = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]


def _network(respond: Respond) -> ShapeNetwork:
    use = ModelUse(name="lensora-shape", version="0", sha256="0" * 64, license="Apache-2.0", stage="mesh")
    model = FakeModel(
        respond,
        inputs={"picture": TensorSpec(np.float32, (None, 6, 128, 128))},
        outputs=["field", "surface", "camera"],
        use=use,
    )
    return ShapeNetwork(model)


def _answer(field: NDArray[np.floating], surface: NDArray[np.floating], camera: list[float]) -> Respond:
    """A network that says this of every picture, and its mirror image of a mirrored one."""

    def respond(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        count = len(inputs["picture"])
        assert count == 2
        flipped = surface[:, :, ::-1] * np.array([1, -1, 1, 1, 1])[:, None, None]
        turned = np.array(camera) * [1, -1, 1, 1, 1, 1]
        return {
            "field": np.stack([field, field[:, :, ::-1]]).astype(np.float32),
            "surface": np.stack([surface, flipped]).astype(np.float32),
            "camera": np.stack([camera, turned]).astype(np.float32),
        }

    return respond


def _ball(distance: float) -> Respond:
    """What is right to say of a ball whose outline has the radius 1 / margin."""
    outline = 1 / FRAME.margin
    radius = distance * outline / np.hypot(distance, outline)
    line = (np.arange(64) + 0.5) / 32 - 1
    z = -line[:, None, None] * FRAME.reach
    away = (distance - z) / distance
    x, y = line[None, None, :] * away, -line[None, :, None] * away
    field = (radius - np.sqrt(x**2 + y**2 + z**2)) * 30
    fine = (np.arange(128) + 0.5) / 64 - 1
    height = np.sqrt(np.maximum(radius**2 - fine[None, :] ** 2 - fine[:, None] ** 2, 0))
    surface = np.stack([height, np.broadcast_to(fine, (128, 128)), -np.broadcast_to(fine, (128, 128)).T, height + 0.01])
    surface = np.concatenate([surface, np.full((1, 128, 128), -3.0)])
    return _answer(field, surface, [0.3, 0.1, float(np.log(distance)), -2.0, -2.0, -2.0])


def _disc(side: int = 200, at: tuple[int, int] = (90, 110), radius: int = 70) -> Cutout:
    rgba = np.zeros((side, side, 4), np.uint8)
    cv2.circle(rgba, at, radius, (200, 120, 60, 255), -1, cv2.LINE_AA)
    return read_cutout(rgba)


def _outline_iou(solid: Any, camera: Any, cutout: Cutout) -> float:
    pixels, _ = camera.project(solid.vertices)
    height, width = cutout.alpha.shape
    drawn = covering(pixels * 4, solid.faces, (width * 4, height * 4)) >= 0
    seen = cv2.resize(drawn.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) >= 0.5
    return float((seen & cutout.mask).sum() / (seen | cutout.mask).sum())


def test_the_picture_holds_the_subject_in_its_middle() -> None:
    """The square picture is centred on the subject's box with the margin, whatever its place and size in the cutout."""
    for at, radius, side in (((90, 110), 70, 200), ((400, 300), 250, 700), ((20, 20), 9, 60)):
        picture, _, half = square_picture(_disc(side, at, radius), FRAME)
        rows, columns = np.nonzero(picture[..., 3] >= 128)
        assert abs(rows.min() + rows.max() - 127) <= 2
        assert abs(columns.min() + columns.max() - 127) <= 2
        assert np.ptp(rows) + 1 == pytest.approx(128 / 1.1, abs=3)
        assert half == pytest.approx(radius * 1.1, rel=0.12)
        assert np.abs(picture[64, 64, :3].astype(int) - [200, 120, 60]).max() <= 1


def test_the_network_is_given_nothing_outside_the_subject() -> None:
    """All six planes are 0 where the matte is, and the height runs from 1 at the top to -1 at the bottom."""
    picture, _, _ = square_picture(_disc(), FRAME)
    planes = network_input(picture)
    assert planes.shape == (6, 128, 128)
    assert not planes[:, picture[..., 3] == 0].any()
    assert planes[5, 10, 64] > 0.5 > -0.5 > planes[5, 118, 64]
    assert planes[4].max() == pytest.approx(58 * 4 / 128, rel=0.05)


def test_picture_and_mirror_image_are_averaged_in_one_frame() -> None:
    """A network that answers a mirrored picture with mirrored words is repeated word by word, with no doubt added."""
    field = np.random.default_rng(1).normal(size=(64, 64, 64))
    surface = np.random.default_rng(2).normal(size=(5, 128, 128))
    said = _network(_answer(field, surface, [0.4, 0.2, 1.2, -1.0, -1.5, 0.0])).predict(_disc())
    assert np.abs(said.field - field).max() < 1e-5
    assert np.abs(said.depth - surface[0]).max() < 1e-5
    assert np.abs(np.linalg.norm(said.normals, axis=2) - 1).max() < 1e-5
    assert (said.pitch, said.roll) == (pytest.approx(0.4), pytest.approx(0.2))
    assert said.pitch_spread == pytest.approx(np.exp(-1.0))
    assert said.distance == pytest.approx(np.exp(1.2), rel=1e-5)


def test_a_network_of_another_shape_is_refused() -> None:
    """An answer of wrong shape, or one that is not finite, is the network's failure, not a mesh."""

    def narrow(_inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        zeros = {"field": (2, 32, 64, 64), "surface": (2, 5, 128, 128), "camera": (2, 6)}
        return {name: np.zeros(shape, np.float32) for name, shape in zeros.items()}

    with pytest.raises(InferenceFailed):
        _network(narrow).predict(_disc())
    broken = _answer(np.full((64, 64, 64), np.nan), np.zeros((5, 128, 128)), [0.0] * 6)
    with pytest.raises(InferenceFailed):
        _network(broken).predict(_disc())


def test_a_ball_comes_out_as_a_ball() -> None:
    """The solid of a ball's field is closed, round within 6 %, keeps the photo's outline, and stands in the camera."""
    cutout = _disc()
    said = _network(_ball(3.5)).predict(cutout)
    solid, camera = solid_from_prediction(said, cutout)
    assert solid.is_closed()
    assert solid.volume() > 0
    reach = np.linalg.norm(solid.vertices, axis=1)
    assert reach.min() > 0.94 * reach.max()
    assert _outline_iou(solid, camera, cutout) > 0.985
    assert camera.distance == pytest.approx(3.5 * 1.1, rel=0.02)


def test_the_world_stands_upright() -> None:
    """The camera looks down by the predicted pitch: it stands above, and world-up is tilted towards it in the view."""
    cutout = _disc()
    _, camera = solid_from_prediction(_network(_ball(3.5)).predict(cutout), cutout)
    up = camera.to_view[:, :3] @ [0.0, 1.0, 0.0]
    assert up[2] == pytest.approx(np.sin(0.3), abs=1e-6)
    assert up[0] == pytest.approx(np.cos(0.3) * np.sin(0.1), abs=1e-6)
    assert camera.position()[1] > 0
    assert np.allclose(upright_rotation(0.3, 0.1) @ upright_rotation(0.3, 0.1).T, np.eye(3))


def test_thin_parts_of_the_outline_are_kept() -> None:
    """Where the network sees nothing, every part of the outline still gets a layer: the outline is the photo's."""
    rgba = np.zeros((220, 220, 4), np.uint8)
    cv2.circle(rgba, (110, 110), 60, (90, 120, 200, 255), -1)
    cv2.line(rgba, (110, 110), (200, 20), (90, 120, 200, 255), 3)
    cutout = read_cutout(rgba)
    nothing = _answer(np.full((64, 64, 64), -9.0), np.zeros((5, 128, 128)), [0.0, 0.0, 1.2, 0.0, 0.0, 0.0])
    solid, camera = solid_from_prediction(_network(nothing).predict(cutout), cutout)
    assert solid.is_closed()
    assert _outline_iou(solid, camera, cutout) > 0.95


def test_smoothing_takes_terraces_off_and_keeps_the_outline() -> None:
    """A ball whose field knows only whole bins has terraces; smoothed, it faces outwards more truly, and its outline
    stays."""
    cutout = _disc()
    ball = _network(_ball(3.5)).predict(cutout)
    values = {name: getattr(ball, name) for name in ShapePrediction.__dataclass_fields__}
    coarse = ShapePrediction(**{**values, "field": np.where(ball.field > 0, 4.0, -4.0).astype(np.float32)})
    rough, smooth = (solid_from_prediction(coarse, cutout, Carving(side=160, rounds=rounds)) for rounds in (0, 12))
    off = []
    for solid, camera in (rough, smooth):
        corners = camera.view(solid.vertices)[solid.faces]
        normal, middle = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), corners.mean(axis=1)
        front = middle[:, 2] > 0.5
        radial = (normal * middle).sum(axis=1) / (np.linalg.norm(normal, axis=1) * np.linalg.norm(middle, axis=1))
        off.append(float(np.degrees(np.arccos(np.clip(radial[front], -1, 1))).mean()))
    assert off[1] < 0.6 * off[0]
    assert abs(_outline_iou(*smooth, cutout) - _outline_iou(*rough, cutout)) < 0.003


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["noise", "full", "dot", "line", "holes"]))
def test_any_cutout_and_any_answer_give_a_closed_solid_or_an_error(seed: int, kind: str) -> None:
    """Noise, full frames, specks, lines, and a network that talks nonsense: a closed solid or one of our errors."""
    rng = np.random.default_rng(seed)
    rgba = rng.integers(0, 256, (int(rng.integers(8, 90)), int(rng.integers(8, 90)), 4), dtype=np.uint8)
    masks = {"full": 255, "dot": 0, "line": 0}
    if kind in masks:
        rgba[..., 3] = masks[kind]
    if kind == "dot":
        rgba[3, 4, 3] = 255
    if kind == "line":
        rgba[4, :, 3] = 255
    if kind == "holes":
        rgba[..., 3] = np.where(rng.random(rgba.shape[:2]) < 0.3, 0, 255)
    field = rng.normal(size=(64, 64, 64)) * rng.choice([0.1, 3.0, 100.0])
    surface = rng.normal(size=(5, 128, 128)) * 3
    try:
        cutout = read_cutout(rgba)
        said = _network(_answer(field, surface, list(rng.normal(size=6) * 3))).predict(cutout)
        solid, _ = solid_from_prediction(said, cutout)
    except LensoraError:
        return
    assert solid.is_closed()
    assert np.isfinite(solid.vertices).all()


def test_the_same_cutout_gives_the_same_solid() -> None:
    """Predictor and solid are functions of their input alone."""
    cutout = _disc()
    solids = [solid_from_prediction(_network(_ball(4.0)).predict(cutout), cutout)[0] for _ in range(2)]
    assert np.array_equal(solids[0].vertices, solids[1].vertices)
    assert np.array_equal(solids[0].faces, solids[1].faces)


def test_a_prediction_checks_itself() -> None:
    """A prediction cannot be made of arrays that do not fit its frame."""
    good = _network(_ball(4.0)).predict(_disc())
    values = {name: getattr(good, name) for name in ShapePrediction.__dataclass_fields__}
    with pytest.raises(InferenceFailed):
        ShapePrediction(**{**values, "depth": np.zeros((3, 3), np.float32)})
