"""The measures against cases whose answer is known."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from PIL import Image

from quality.measure.drawing import Drawer, from_behind, projected
from quality.measure.glb import FinishedModel, SourceView, read_glb
from quality.measure.look import (
    against_back,
    against_photo,
    histogram_distance,
    psnr_behind,
    silhouette_iou,
    ssim_map,
)
from quality.measure.noise import by_object, paired_error, worst_decile
from quality.measure.sample import Sample, samples_in
from quality.measure.shape import Truth


def _square(texture: np.ndarray) -> FinishedModel:
    """A square of side 2 in the plane z = 0, facing +z, with the camera of its photo 4 units before it."""
    corners = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    uv = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    view = {"world_to_camera": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -4.0]], "focal_px": 120.0, "center_px": [50, 40]}
    return FinishedModel(corners, np.array([[0, 1, 2], [0, 2, 3]]), uv, texture, {"source_view": view})


@pytest.fixture(scope="module")
def halves() -> np.ndarray:
    """(64, 64, 3): red above, blue below, a green left edge."""
    texture = np.zeros((64, 64, 3), np.uint8)
    texture[:32] = (220, 30, 20)
    texture[32:] = (20, 40, 210)
    texture[:, :16] = (30, 200, 40)
    return texture


def test_a_model_is_drawn_where_the_pinhole_formula_puts_it(halves: np.ndarray) -> None:
    """Corners, up and left of a textured square come out at the pixels that the camera's numbers give by hand."""
    model = _square(halves)
    with Drawer() as drawer:
        drawn = drawer.draw(model, model.source_view(), (100, 90))
    rows, columns = np.nonzero(drawn[..., 3] >= 128)
    # 120 / 4 = 30 pixels to a unit: from 20 to 80 and from 10 to 70.
    assert (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1) == (20, 80, 10, 70)
    assert drawn[20, 60, :3].tolist() == pytest.approx([220, 30, 20], abs=2)
    assert drawn[60, 60, :3].tolist() == pytest.approx([20, 40, 210], abs=2)
    assert drawn[40, 24, :3].tolist() == pytest.approx([30, 200, 40], abs=2)


def test_the_nearer_of_two_surfaces_hides_the_other(halves: np.ndarray) -> None:
    """The depth test keeps what is nearer to the camera, in whichever order the faces come."""
    front = _square(halves)
    vertices = np.vstack([front.vertices, front.vertices * 0.5 + [0, 0, 1]])
    faces = np.vstack([front.faces, front.faces + 4])
    uv = np.vstack([front.uv, np.full((4, 2), 0.9)])
    with Drawer() as drawer:
        for order in (faces, faces[::-1]):
            model = FinishedModel(vertices, order, uv, halves, front.extras)
            drawn = drawer.draw(model, model.source_view(), (100, 90))
            # The nearer one is red all over and ends at row 60; the farther one is blue there.
            assert drawn[55, 60, :3].tolist() == pytest.approx([220, 30, 20], abs=4)
            assert drawn[65, 60, :3].tolist() == pytest.approx([20, 40, 210], abs=4)


def test_the_view_from_behind_looks_the_other_way_from_as_high(halves: np.ndarray) -> None:
    """Half a turn about the vertical: the camera's height stays, its other coordinates change sign about the middle."""
    model = _square(halves)
    down = np.radians(30.0)
    turn = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    matrix = np.hstack([turn, [[0.3], [0.0], [-4.0]]])
    model.extras["source_view"]["world_to_camera"] = matrix.tolist()
    behind = from_behind(model, 64)

    def eye(world_to_camera: np.ndarray) -> np.ndarray:
        return -world_to_camera[:, :3].T @ world_to_camera[:, 3]

    assert eye(behind.world_to_camera) == pytest.approx(eye(matrix) * [-1, 1, -1])
    pixels, _ = projected(model.vertices, behind)
    assert 0.5 * (pixels.min(axis=0) + pixels.max(axis=0)) == pytest.approx([32, 32])
    assert float(np.ptp(pixels, axis=0).max()) == pytest.approx(0.9 * 64)


def test_a_hole_costs_a_back_its_outline_and_not_its_colours() -> None:
    """Over what both backs cover a hole does not count; another colour counts by its square everywhere."""
    back = np.zeros((120, 120, 4), np.uint8)
    cv2.circle(back, (60, 60), 50, (180, 90, 40, 255), -1)
    holed = back.copy()
    cv2.circle(holed, (60, 60), 15, (0, 0, 0, 0), -1)
    assert psnr_behind(holed, back, within=True) > psnr_behind(holed, back) + 10.0
    darker = back.copy()
    darker[..., :3] = np.maximum(back[..., :3].astype(int) - 20, 0)
    for within in (False, True):
        assert psnr_behind(darker, back, within=within) == pytest.approx(20.0 * np.log10(255.0 / 20.0), abs=0.2)


def test_a_picture_is_most_like_itself_and_less_like_what_was_done_to_it() -> None:
    """SSIM is 1 and the colour error 0 for the same picture; blur, shift of colour and a hole each cost."""
    random = np.random.default_rng(3)
    photo = np.zeros((120, 140, 4), np.uint8)
    photo[..., :3] = cv2.resize(
        random.integers(30, 220, (12, 14, 3), np.uint8), (140, 120), interpolation=cv2.INTER_CUBIC
    )
    matte = np.zeros((120, 140), np.uint8)
    cv2.ellipse(matte, (70, 60), (50, 40), 0, 0, 360, 255, -1)
    photo[..., 3] = matte
    same = against_photo(photo, photo)
    assert same.ssim == pytest.approx(1.0, abs=1e-4)
    assert same.color_error == pytest.approx(0.0, abs=1e-3)
    blurred = photo.copy()
    blurred[..., :3] = cv2.GaussianBlur(photo[..., :3], (0, 0), 9)
    assert against_photo(blurred, photo).ssim < 0.9
    redder = photo.copy()
    redder[..., 0] = np.minimum(redder[..., 0].astype(int) + 25, 255)
    assert against_photo(redder, photo).color_error > 4.0
    holed = photo.copy()
    holed[50:70, 60:80] = 0
    assert against_photo(holed, photo).ssim < same.ssim - 0.02
    assert silhouette_iou(holed, matte) == pytest.approx(1 - 400 / (matte > 0).sum(), abs=0.002)


def test_what_lies_outside_the_matte_does_not_count() -> None:
    """The photo's background and the model's colour outside the silhouette change nothing."""
    photo = np.full((64, 64, 4), 90, np.uint8)
    photo[..., 3] = 0
    photo[16:48, 16:48, 3] = 255
    other = photo.copy()
    other[:16] = (255, 0, 255, 0)
    assert against_photo(other, photo) == against_photo(photo, photo)


def test_ssim_agrees_with_its_definition() -> None:
    """At a pixel of two flat pictures only the luminance term is left: (2ab + c) / (a^2 + b^2 + c)."""
    a, b, c = 100.0, 140.0, (0.01 * 255) ** 2
    measured = ssim_map(np.full((20, 20), a, np.float32), np.full((20, 20), b, np.float32))
    assert float(measured[10, 10]) == pytest.approx((2 * a * b + c) / (a * a + b * b + c), rel=1e-3)


def test_the_histogram_distance_is_how_far_colours_must_move() -> None:
    """Ten levels of one channel of three are ten thirds on average; the order of pixels does not matter."""
    first = np.random.default_rng(1).uniform(20, 60, (500, 3)).astype(np.float32)
    assert histogram_distance(first, first[::-1]) == pytest.approx(0.0, abs=1e-4)
    assert histogram_distance(first, first + np.float32([10, 0, 0])) == pytest.approx(10 / 3, rel=1e-3)


def test_backs_are_compared_over_both_silhouettes() -> None:
    """A back that is too narrow loses where the truth is and it is not."""
    truth = np.full((64, 64, 4), (200, 60, 60, 255), np.uint8)
    truth[:, :10, 3] = truth[:, 54:, 3] = 0
    narrow = truth.copy()
    narrow[:, :24, 3] = 0
    assert against_back(truth, truth).ssim == pytest.approx(1.0, abs=1e-4)
    assert against_back(narrow, truth).ssim < 0.95
    assert against_back(narrow, truth).histogram == pytest.approx(0.0, abs=0.5)


def test_the_shape_measure_finds_the_turn_and_sees_the_difference() -> None:
    """A turned and scaled copy scores 1, a sphere in place of a long box does not."""
    box = trimesh.creation.box((1.0, 0.6, 0.3))
    truth = Truth(box, samples=4000, with_volume=True)
    moved = box.copy()
    moved.apply_transform(trimesh.transformations.rotation_matrix(np.radians(75), [0, 1, 0]))
    moved.apply_scale(3.0)
    same = truth.compare(moved)
    assert same.fscore > 0.97
    assert same.volume_iou > 0.85
    ball = truth.compare(trimesh.creation.icosphere(3))
    assert ball.fscore < 0.6
    assert ball.chamfer > 3 * same.chamfer


def test_views_of_one_object_count_once() -> None:
    """Means are taken by object first; the worst decile and the paired error are of objects."""
    assert by_object([1.0, 3.0, 10.0], ["a", "a", "b"]).tolist() == [2.0, 10.0]
    assert worst_decile(np.arange(20.0)) == pytest.approx(0.5)
    values = np.random.default_rng(0).uniform(0, 1, 30)
    assert paired_error(values, values) == 0.0
    assert paired_error(values, values - 0.1) == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < paired_error(values, values + np.where(np.arange(30) < 3, -0.2, 0.0)) < 0.03


@pytest.mark.parametrize("photo", ["input.png", "input.jpg"])
def test_a_sample_reads_either_photo_and_its_mesh_wherever_it_lies(tmp_path: Path, photo: str) -> None:
    """PNG or JPEG, the mesh beside the photo or where camera.json says."""
    folder = tmp_path / "unseen" / "cup_0"
    folder.mkdir(parents=True)
    Image.new("RGB", (40, 30), (200, 100, 50)).save(folder / photo)
    Image.new("L", (40, 30), 255).save(folder / "mask.png")
    (tmp_path / "meshes").mkdir()
    trimesh.creation.box().export(tmp_path / "meshes" / "cup.glb")
    (folder / "camera.json").write_text(json.dumps({"mesh": "../../meshes/cup.glb", "object": "cup"}))
    (sample,) = samples_in(tmp_path / "unseen")
    assert sample.rgba().shape == (30, 40, 4)
    assert sample.thing == "cup"
    assert len(sample.truth().faces) == 12
    assert sample.back() is None


def test_a_sample_whose_files_do_not_fit_says_so(tmp_path: Path) -> None:
    """A matte of another size, or no photo at all, is an error that names the folder."""
    folder = tmp_path / "cup_0"
    folder.mkdir()
    Image.new("L", (40, 30), 255).save(folder / "mask.png")
    with pytest.raises(ValueError, match="cup_0"):
        Sample(folder).rgba()
    Image.new("RGB", (20, 20)).save(folder / "input.png")
    with pytest.raises(ValueError, match="one size"):
        Sample(folder).rgba()


def test_a_finished_file_is_read_as_others_read_it(halves: np.ndarray) -> None:
    """Vertices, texture, and the file's own report come back from a GLB that another library wrote."""
    plane = trimesh.creation.box((2.0, 2.0, 2.0))
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(halves))
    plane.visual = trimesh.visual.TextureVisuals(uv=np.zeros((len(plane.vertices), 2)) + 0.5, material=material)
    glb = plane.export(file_type="glb")
    length = struct.unpack("<I", glb[12:16])[0]
    document = json.loads(glb[20 : 20 + length])
    document["asset"]["extras"] = _square(halves).extras | {"quality": {"confidence": 0.7}}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = glb[20 + length :]
    model = read_glb(
        struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + rest
    )
    assert model.texture.shape == halves.shape
    assert model.welded().is_watertight
    assert model.confidence() == 0.7
    view = model.source_view()
    assert isinstance(view, SourceView)
    assert (view.focal_px, view.center_px) == (120.0, (50.0, 40.0))
