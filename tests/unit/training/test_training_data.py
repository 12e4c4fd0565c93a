"""The shape network's training data: objects, what is solid of them, and what the network shall say of a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from quality.gl import Pose, Renderer, TexturedMesh
from services.mesh.network import FieldFrame
from training.batches import PIXELS, RAYS, Cache, disturbed
from training.objects import FAMILIES, KINDS, RESERVED_SEEDS, make
from training.objects.painted import painted
from training.occupancy import Carving, distance_grid, is_closed, sampled
from training.proportions import reproportioned
from training.shards import Item, made_items, main, mesh_items, write_shards
from training.targets import target

FRAME = FieldFrame()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    """One context for the module."""
    with Renderer(FRAME.image_px) as made:
        yield made


def _mesh(shape: trimesh.Trimesh) -> TexturedMesh:
    vertices = np.asarray(shape.vertices, np.float32)
    return TexturedMesh(vertices, np.asarray(shape.faces, np.int32), np.full_like(vertices, 0.7))


def test_every_family_makes_closed_textured_objects_of_a_known_kind() -> None:
    """Each family gives a closed surface inside the unit sphere, with a texture, and has a kind."""
    assert set(KINDS) == set(FAMILIES)
    for name, family in FAMILIES.items():
        rng = np.random.default_rng(11)
        mesh = painted(family(rng), rng)
        assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(1.0, abs=1e-4), name
        assert is_closed(mesh), name
        assert mesh.texture is not None
        assert mesh.uv is not None
        assert mesh.uv.min() >= 0.0, name
        assert mesh.uv.max() <= 1.0, name


def test_a_seed_always_makes_the_same_object() -> None:
    """Shape and print follow from the seed; another seed gives another object."""
    first, again, other = make(5)[0], make(5)[0], make(6)[0]
    assert np.array_equal(first.vertices, again.vertices)
    assert first.texture is not None
    assert again.texture is not None
    assert np.array_equal(first.texture, again.texture)
    assert first.vertices.shape != other.vertices.shape or not np.array_equal(first.vertices, other.vertices)


def test_the_distance_grid_of_a_box_is_that_of_the_box(renderer: Renderer) -> None:
    """Near the surface of a box, carved distances are the analytic ones within a third of a cell."""
    half = np.array([0.6, 0.4, 0.3])
    shown = renderer.upload(_mesh(trimesh.creation.box(extents=2 * half)))
    how = Carving()
    grid = distance_grid(renderer, shown, how)
    shown.release()
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (20_000, 3))
    apart = np.abs(points) - half
    real = np.linalg.norm(np.maximum(apart, 0), axis=1) + np.minimum(apart.max(axis=1), 0)
    flat = (np.sort(apart, axis=1)[:, 1] < -0.06) & (np.abs(real) < 0.03)  # near a face, away from its edges
    found = sampled(grid, points, how)
    assert flat.sum() > 200
    assert np.percentile(np.abs(found - real)[flat], 95) < 2 * how.reach / how.cells / 3
    assert ((found < 0) == (real < 0))[np.abs(real) > 0.03].mean() > 0.995


def test_an_open_vessel_is_hollow_and_a_sheet_is_thin(renderer: Renderer) -> None:
    """What can be looked into is free; a surface that encloses nothing gets the thickness of a sheet and no more."""
    how = Carving()
    cup = trimesh.creation.annulus(0.5, 0.6, 1.0).union(trimesh.creation.cylinder(0.55, 0.1))
    cup.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    sheet = trimesh.Trimesh([[-0.7, 0, -0.7], [0.7, 0, -0.7], [0.7, 0, 0.7], [-0.7, 0, 0.7]], [[0, 1, 2], [0, 2, 3]])
    grids = []
    for shape in (cup, sheet):
        shown = renderer.upload(_mesh(shape))
        grids.append(distance_grid(renderer, shown, how))
        shown.release()
    inner = sampled(grids[0], np.array([[0.0, 0.3, 0.0], [0.55, 0.3, 0.0], [0.0, 0.0, 0.0]]), how)
    assert inner[0] > 0
    assert inner[1] < 0
    assert inner[2] < 0
    height = np.linspace(-0.1, 0.1, 81)
    solid = sampled(grids[1], np.column_stack([np.full(81, 0.2), height, np.full(81, 0.1)]), how) < 0
    assert 0.5 * how.sheet < np.ptp(height[solid]) < 4 * how.sheet


@pytest.mark.parametrize("pose", [Pose(0.0, 0.0, 0.0, 4.0), Pose(0.7, 0.5, 0.1, 3.0)])
def test_the_field_of_a_known_cube_is_the_analytic_one(renderer: Renderer, pose: Pose) -> None:
    """Bin by bin along every ray inside the outline, the stored field is inside where the cube is."""
    half = 0.5
    shown = renderer.upload(_mesh(trimesh.creation.box(extents=[2 * half] * 3)))
    how = Carving()
    picture = renderer.draw(shown, pose)
    truth = target(picture, distance_grid(renderer, shown, how), how, FRAME)
    shown.release()
    camera, cells = picture.camera, FRAME.cells
    side = float(truth.camera[3])
    line = (np.arange(cells) + 0.5) / cells * 2 - 1
    z = -line[:, None, None] * FRAME.reach * side
    away = (camera.distance - z) / camera.distance
    view = np.stack(np.broadcast_arrays(line[None, None, :] * side * away, -line[None, :, None] * side * away, z), -1)
    world = (view - camera.world_to_view[:, 3]) @ camera.world_to_view[:, :3]
    apart = np.abs(world).max(axis=-1) - half
    rays = truth.field.max(axis=0) > 0
    clear = (np.abs(apart) > 0.03) & rays
    assert rays.sum() > 800
    assert ((truth.field > 127) == (apart < 0))[clear].mean() > 0.995
    assert truth.camera[:2] == pytest.approx([pose.pitch, pose.roll])


def test_front_depth_agrees_with_the_field(renderer: Renderer) -> None:
    """Along rays inside the outline, the first solid bin lies at the stored front depth, within one and a half bins."""
    shown = renderer.upload(make(3)[0])
    how = Carving()
    truth = target(renderer.draw(shown, Pose(0.4, 0.3, 0.0, 4.0)), distance_grid(renderer, shown, how), how, FRAME)
    shown.release()
    step = FRAME.image_px // FRAME.cells
    inside = (truth.rgba[..., 3] == 255).reshape(FRAME.cells, step, FRAME.cells, step).all(axis=(1, 3))
    depth = truth.depth.astype(float).reshape(FRAME.cells, step, FRAME.cells, step)
    flat = inside & (np.ptp(depth, axis=(1, 3)) < 0.05)
    first = (truth.field > 127).argmax(axis=0)
    bin_depth = 2 * FRAME.reach / FRAME.cells
    found = FRAME.reach - (first + 0.5) * bin_depth
    assert flat.sum() > 300
    assert np.percentile(np.abs(found - depth.mean(axis=(1, 3)))[flat], 90) < 1.5 * bin_depth


def test_shards_keep_reserved_objects_apart_and_batches_number_their_places(tmp_path: Path) -> None:
    """Reserved seeds land in their own folder; a batch's rays and pixels are the truth at the places that it names."""
    items = [*made_items(range(2), 3), *made_items(range(RESERVED_SEEDS.start, RESERVED_SEEDS.start + 1), 3)]
    assert list(write_shards(items, tmp_path, FRAME, "test"))[-1] == (3, 9)
    assert not list(write_shards(items, tmp_path, FRAME, "test")), "shards that are there are kept"
    train, reserved = Cache(tmp_path / "train"), Cache(tmp_path / "reserved")
    assert (train.refresh(), reserved.refresh()) == (6, 3)
    names = [row["name"] for path in (tmp_path / "train").glob("*/views.json") for row in json.loads(path.read_text())]
    assert set(names) == {"made_0", "made_1"}
    batch = train.batch(np.arange(6), np.random.default_rng(0), disturb=False)
    arrays = {path.stem: np.load(path) for path in next((tmp_path / "train").iterdir()).glob("*.npy")}
    cell, place = np.divmod(batch.rays[4], 4)
    row, column = cell // 32 * 2 + place // 2, cell % 32 * 2 + place % 2
    assert batch.field.shape == (6, RAYS, FRAME.cells)
    assert np.array_equal(batch.field[4], arrays["field"][4][:, row, column].T)
    cell, place = np.divmod(batch.pixels[4], 16)
    row, column = cell // 32 * 4 + place // 4, cell % 32 * 4 + place % 4
    assert batch.depth.shape == (6, PIXELS)
    assert np.array_equal(batch.depth[4], arrays["depth"][4][row, column].astype(np.float32))
    assert np.abs(np.linalg.norm(batch.normals, axis=2) - 1).max() < 0.03


def test_a_broken_mesh_of_a_folder_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is wrong with a file, the others of its folder are drawn, and training is told which are not."""
    folder = tmp_path / "meshes"
    folder.mkdir()
    whole = trimesh.creation.box()
    whole.export(folder / "whole.glb")
    data = (folder / "whole.glb").read_bytes()
    (folder / "empty.glb").write_bytes(b"")
    (folder / "half.glb").write_bytes(data[: len(data) // 2])
    (folder / "page.glb").write_text("<html>not found</html>")
    trimesh.Trimesh(whole.vertices, whole.faces + 4, process=False).export(folder / "missing.glb")
    trimesh.Trimesh(whole.vertices * 0.0, whole.faces, process=False).export(folder / "point.glb")
    assert list(write_shards(mesh_items(folder, 2), tmp_path, FRAME, "test"))
    rows = [row for path in tmp_path.glob("*/*/views.json") for row in json.loads(path.read_text())]
    assert {row["name"] for row in rows} == {"whole"}
    said = capsys.readouterr().out
    for name in ("empty", "half", "page", "missing", "point"):
        assert f"left out: {name}.glb: is no mesh that can be drawn: " in said


def test_a_folder_without_meshes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is not there or holds no GLB is refused by its name, not taken for nothing to do."""
    for folder in (tmp_path, tmp_path / "away"):
        monkeypatch.setattr("sys.argv", ["shards", "--out", str(tmp_path / "out"), "--meshes", str(folder)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2


def test_mirrored_views_are_mirrored_truths(tmp_path: Path) -> None:
    """In a disturbed batch some views are mirrored, and their rays then name the mirrored places, their roll its other
    sign."""
    list(write_shards(made_items(range(1), 8), tmp_path, FRAME, "test"))
    cache = Cache(tmp_path / "train")
    arrays = {path.stem: np.load(path) for path in next((tmp_path / "train").iterdir()).glob("*.npy")}
    batch = cache.batch(np.arange(8), np.random.default_rng(1))
    flipped = np.sign(batch.camera[:, 1]) != np.sign(arrays["camera"][:, 1])
    assert 0 < flipped.sum() < 8
    for number in range(8):
        cell, place = np.divmod(batch.rays[number], 4)
        row, column = cell // 32 * 2 + place // 2, cell % 32 * 2 + place % 2
        column = 63 - column if flipped[number] else column
        assert np.array_equal(batch.field[number], arrays["field"][number][:, row, column].T)


def test_disturbing_keeps_a_subject() -> None:
    """Whatever the dice say, a disturbed picture has its shape, its type, and a subject."""
    rgba = np.zeros((128, 128, 4), np.uint8)
    rgba[40:90, 30:100] = (120, 80, 200, 255)
    for seed in range(40):
        out = disturbed(rgba, np.random.default_rng(seed))
        assert out.shape == rgba.shape
        assert out.dtype == np.uint8
        assert 0.7 < (out[..., 3] >= 128).sum() / (rgba[..., 3] >= 128).sum() < 1.3


def test_other_proportions_keep_round_things_round() -> None:
    """A can of other proportions fills the unit sphere as before; each of its rings stays a circle about its axis."""
    can = _mesh(trimesh.creation.cylinder(0.5, 2.0, sections=24))
    rings = trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0))
    upright = replace(can, vertices=trimesh.transform_points(can.vertices, rings).astype(np.float32)).unit()
    out = reproportioned(upright, "vessel", np.random.default_rng(3), 0.2).vertices
    assert np.linalg.norm(out, axis=1).max() == pytest.approx(1.0, abs=1e-5)
    for end in (upright.vertices[:, 1] > 0, upright.vertices[:, 1] < 0):
        rim = np.hypot(out[end, 0], out[end, 2])
        assert rim[rim > 0.01] == pytest.approx(rim.max(), abs=1e-5)
        assert np.ptp(out[end, 1]) < 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_other_proportions_keep_a_thing_upright_and_alike_on_both_sides(seed: int) -> None:
    """A box with a smaller one on it: tops stay level, left and right stay mirror images, parts change on their own."""
    table = trimesh.creation.box((1.0, 0.5, 0.6))
    lamp = trimesh.creation.box((0.2, 0.6, 0.2)).apply_translation((0.0, 0.55, 0.0))
    mesh = _mesh(trimesh.util.concatenate([table, lamp])).unit()
    out = reproportioned(mesh, "furniture", np.random.default_rng(seed), 0.2).vertices
    for level in np.unique(mesh.vertices[:, 1].round(4)):
        assert np.ptp(out[np.abs(mesh.vertices[:, 1] - level) < 1e-3, 1]) < 1e-5
    left = mesh.vertices * np.array([-1.0, 1.0, 1.0])
    mirror = np.linalg.norm(mesh.vertices[:, None] - left[None], axis=2).argmin(axis=1)
    assert out[mirror] * np.array([-1.0, 1.0, 1.0]) == pytest.approx(out, abs=1e-5)
    widths = [np.ptp(part[:, 0]) / np.ptp(part[:, 1]) for part in (out[:8], out[8:], mesh.vertices[:8])]
    assert abs(np.log(widths[0] / widths[2])) > 0.02
    assert abs(np.log(widths[1] / widths[0] / (0.2 / 0.6 * 0.5))) > 0.01


def test_an_item_of_a_mesh_folder_is_split_by_its_name() -> None:
    """A mesh is reserved by the hash of its name, a made object by the range of its seed."""
    assert Item("made_5", "", 1, 5).reserved is False
    assert Item("made", "", 1, RESERVED_SEEDS.start).reserved is True
    assert {Item(f"object_{k}", "", 1, Path("x.glb")).reserved for k in range(40)} == {True, False}
