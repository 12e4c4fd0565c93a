"""How good are the meshes? Source view, shape against the truth, time and size, beside two baselines.

``python -m bench.mesh --data DIR [--sheet FILE.jpg] [--limit N]`` takes folders of input.png, mask.png, mesh.glb
(the truth, +Y up) and optionally camera.json. For each it makes a mesh from the photo and the mask alone, and
compares it with the truth:

- iou: silhouette of the finished GLB from the photo's own view (as recorded in the file) against mask.png;
- fscore, chamfer: both surfaces scaled to the unit sphere, after the same small alignment search for every method
(turns about
  the vertical, tilts, then a few rounds of ICP with scale): F-score at 0.05, mean of both mean distances;
- viou: volume IoU on 64^3 cells after that alignment;
- seconds, triangles, bytes.

Baselines in the same run: ``slab`` (the silhouette with flat front and back) and ``inflation`` (the plain Poisson
one: a sphere over a disc). Any backend's meshes can be put in the place of ours: nothing here looks at how they
were made.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from scipy.spatial import cKDTree

from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.model import ModelRequest, create_model
from services.mesh.raster import covering, far_to_near, weights_at
from services.mesh.shape.inflation import poisson_square
from services.mesh.shape.relief import relief
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]

THRESHOLD = 0.05
"""F-score's distance, in radii of the unit sphere."""

SURFACE_SAMPLES, SEARCH_SAMPLES = 20_000, 1_500
"""Points on a surface for the figures, and for the alignment search."""

CELLS = 64
"""Cells along each side of the grid for the volume IoU."""

SLAB_HALF_THICKNESS = 0.08
"""Of the flat baseline, in radii of the silhouette."""


@dataclass(frozen=True)
class Shape:
    """One method's agreement with the truth."""

    fscore: float
    chamfer: float
    volume_iou: float


@dataclass(frozen=True)
class Row:
    """One object."""

    name: str
    method: str
    iou: float
    ours: Shape
    slab: Shape
    inflation: Shape
    seconds: float
    cpu_seconds: float
    triangles: int
    glb_bytes: int
    watertight: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench and print its table and its last line."""
    parser = argparse.ArgumentParser(prog="bench.mesh", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of folders with input.png, mask.png, mesh.glb")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet (JPEG): truth against ours from four sides")
    parser.add_argument("--limit", type=int, default=0, help="only the first N objects")
    options = parser.parse_args(arguments)
    folders = sorted(f for f in options.data.iterdir() if (f / "mesh.glb").exists() and (f / "mask.png").exists())
    if not folders:
        raise SystemExit(f"{options.data}: no folder in it holds input.png, mask.png and mesh.glb")
    folders = folders[: options.limit] if options.limit > 0 else folders
    warm_up()
    rows, strips = [], []
    print(
        f"{'object':<22}{'method':<14}{'iou':>7}{'fscore':>8}{'slab':>7}{'infl.':>7}{'chamfer':>9}{'viou':>7}", end=""
    )
    print(f"{'s':>7}{'cpu s':>7}{'triangles':>11}{'kB':>7}  closed")
    for folder in folders:
        row, strip = evaluate(folder, with_strip=options.sheet is not None)
        rows.append(row)
        if strip is not None:
            strips.append(strip)
        print(
            f"{row.name:<22}{row.method:<14}{row.iou:>7.3f}{row.ours.fscore:>8.3f}{row.slab.fscore:>7.3f}"
            f"{row.inflation.fscore:>7.3f}{row.ours.chamfer:>9.4f}{row.ours.volume_iou:>7.3f}{row.seconds:>7.2f}"
            f"{row.cpu_seconds:>7.2f}{row.triangles:>11}{row.glb_bytes // 1000:>7}"
            f"  {'yes' if row.watertight else 'no'}",
            flush=True,
        )
    summary = {
        "objects": len(rows),
        "iou_mean": _mean([r.iou for r in rows]),
        "fscore_mean": _mean([r.ours.fscore for r in rows]),
        "slab_fscore_mean": _mean([r.slab.fscore for r in rows]),
        "inflation_fscore_mean": _mean([r.inflation.fscore for r in rows]),
        "chamfer_mean": _mean([r.ours.chamfer for r in rows]),
        "slab_chamfer_mean": _mean([r.slab.chamfer for r in rows]),
        "inflation_chamfer_mean": _mean([r.inflation.chamfer for r in rows]),
        "volume_iou_mean": _mean([r.ours.volume_iou for r in rows]),
        "mesh_p50_s": round(float(np.median([r.seconds for r in rows])), 3),
        "mesh_cpu_p50_s": round(float(np.median([r.cpu_seconds for r in rows])), 3),
        "triangles_max": max(r.triangles for r in rows),
        "glb_bytes_max": max(r.glb_bytes for r in rows),
        "watertight_all": all(r.watertight for r in rows),
    }
    if options.sheet is not None:
        height = 150 if len(strips) > 6 else 200
        sheet = np.vstack([cv2.resize(s, (s.shape[1] * height // s.shape[0], height)) for s in strips])
        cv2.imwrite(str(options.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
        print(f"{options.sheet}: photo, then truth and ours in turn from 0, 90, 180 and 270 degrees")
    print(f"mean of {len(rows)}: iou {summary['iou_mean']}, fscore {summary['fscore_mean']} (slab", end=" ")
    print(f"{summary['slab_fscore_mean']}, plain inflation {summary['inflation_fscore_mean']})")
    print(json.dumps(summary))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def warm_up() -> None:
    """One small mesh, so that the first object does not pay for imports and first calls."""
    rgba = np.zeros((96, 96, 4), np.uint8)
    cv2.circle(rgba, (48, 48), 36, (180, 120, 60, 255), -1)
    create_model(rgba, ModelRequest(), SilhouetteBackend(), lambda _phase, _done: None)


def evaluate(folder: Path, *, with_strip: bool) -> tuple[Row, NDArray[np.uint8] | None]:
    """Make and measure one object's mesh."""
    photo = cv2.imread(str(folder / "input.png"), cv2.IMREAD_COLOR)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE)
    if photo is None or mask is None:
        raise SystemExit(f"{folder}: input.png or mask.png cannot be read")
    rgba = np.dstack([cv2.cvtColor(photo, cv2.COLOR_BGR2RGB), mask])
    started, cpu = time.perf_counter(), time.process_time()
    model = create_model(rgba, ModelRequest(name=folder.name), SilhouetteBackend(), lambda _phase, _done: None)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    ours, extras = read_back(model.glb)
    truth = load_mesh(folder / "mesh.glb")
    target = _Target(truth)
    row = Row(
        name=folder.name,
        method=model.method,
        iou=source_view_iou(ours, extras, mask),
        ours=target.compare(ours),
        slab=target.compare(slab_baseline(rgba)),
        inflation=target.compare(inflation_baseline(rgba)),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        triangles=len(ours.faces),
        glb_bytes=len(model.glb),
        watertight=bool(ours.is_watertight and ours.is_winding_consistent),
    )
    return row, _strip(rgba, truth, model.glb) if with_strip else None


def read_back(glb: bytes) -> tuple[trimesh.Trimesh, dict[str, object]]:
    """The GLB as another library reads it, seams welded by position; and its ``asset.extras``."""
    scene = trimesh.load(trimesh.util.wrap_as_stream(glb), file_type="glb", process=False)
    mesh = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
    assert isinstance(mesh, trimesh.Trimesh)
    mesh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    mesh.merge_vertices()
    length = struct.unpack("<I", glb[12:16])[0]
    return mesh, json.loads(glb[20 : 20 + length])["asset"]["extras"]


def load_mesh(path: Path) -> trimesh.Trimesh:
    """A mesh file as one mesh in its scene's frame."""
    scene = trimesh.load(path, process=False)
    mesh = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
    assert isinstance(mesh, trimesh.Trimesh)
    return mesh


def source_view_iou(mesh: trimesh.Trimesh, extras: dict[str, object], mask: NDArray[np.uint8]) -> float:
    """IoU of the mesh's silhouette from the view in ``source_view`` with the mask."""
    view = extras["source_view"]
    assert isinstance(view, dict)
    matrix = np.array(view["world_to_camera"], np.float64)
    seen = mesh.vertices @ matrix[:, :3].T + matrix[:, 3]
    depth = -seen[:, 2]
    pixels = np.stack(
        [
            view["center_px"][0] + view["focal_px"] * seen[:, 0] / depth,
            view["center_px"][1] - view["focal_px"] * seen[:, 1] / depth,
        ],
        axis=1,
    )
    height, width = mask.shape
    # Drawn four times as fine: the drawing adds half a pixel all around.
    covered = covering(pixels * 4, np.asarray(mesh.faces), (width * 4, height * 4)) >= 0
    inside = cv2.resize(covered.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) >= 0.5
    truth = mask >= 128
    return float((inside & truth).sum()) / float((inside | truth).sum())


def slab_baseline(rgba: NDArray[np.uint8]) -> trimesh.Trimesh:
    """The silhouette with flat front and back."""
    alpha, camera = _grid(rgba)
    half = SLAB_HALF_THICKNESS * camera.pixels
    solid = relief(alpha, np.where(alpha >= 0.5, np.float32(half**2), np.float32(0.0)), camera)
    return _trimesh(solid)


def inflation_baseline(rgba: NDArray[np.uint8]) -> trimesh.Trimesh:
    """The plain Poisson inflation: a disc becomes a sphere."""
    alpha, camera = _grid(rgba)
    return _trimesh(relief(alpha, poisson_square(alpha), camera))


def _grid(rgba: NDArray[np.uint8]) -> tuple[NDArray[np.float32], PhotoCamera]:
    cutout = read_cutout(rgba)
    alpha, factor = cutout.working_alpha(192)
    return alpha, cutout.camera.scaled(factor, (2.0, 2.0))


def _trimesh(solid: Solid) -> trimesh.Trimesh:
    return trimesh.Trimesh(solid.vertices, solid.faces, process=False)


class _Target:
    """The truth, sampled once."""

    def __init__(self, truth: trimesh.Trimesh) -> None:
        self._points = _unit(_sampled(truth, SURFACE_SAMPLES))
        self._tree = cKDTree(self._points)
        self._few = self._points[:SEARCH_SAMPLES]
        self._few_tree = cKDTree(self._few)
        dense = _unit(_sampled(truth, 400_000))
        self._cells = _filled_cells(dense)

    def compare(self, mesh: trimesh.Trimesh) -> Shape:
        """Align a mesh and measure it."""
        dense = _sampled(mesh, 400_000)
        unit = _unit(dense)
        move = self._aligned(unit[:SEARCH_SAMPLES])
        placed = unit @ move[:, :3].T + move[:, 3]
        points = placed[:SURFACE_SAMPLES]
        to_truth, _ = self._tree.query(points)
        to_mesh, _ = cKDTree(points).query(self._points)
        precision, recall = float((to_truth < THRESHOLD).mean()), float((to_mesh < THRESHOLD).mean())
        both = precision + recall
        cells = _filled_cells(placed)
        union = float((cells | self._cells).sum())
        return Shape(
            fscore=2 * precision * recall / both if both else 0.0,
            chamfer=0.5 * float(to_truth.mean() + to_mesh.mean()),
            volume_iou=float((cells & self._cells).sum()) / union if union else 0.0,
        )

    def _aligned(self, points: Doubles) -> Doubles:
        """The (3, 4) similarity that brings points closest to the truth: turns and tilts, then ICP from the best
        four."""
        starts = []
        few = points[:500]
        for yaw in np.arange(0, 360, 15):
            for tilt in (-20.0, -10.0, 0.0, 10.0, 20.0):
                turn = trimesh.transformations.euler_matrix(np.radians(tilt), np.radians(yaw), 0.0, "rxyz")[:3, :3]
                placed = few @ turn.T
                distance = self._few_tree.query(placed)[0].mean() + cKDTree(placed).query(self._few[:500])[0].mean()
                starts.append((float(distance), turn))
        starts.sort(key=lambda start: start[0])
        best, best_move = np.inf, np.eye(3, 4)
        for _, turn in starts[:4]:
            move = np.hstack([turn, np.zeros((3, 1))])
            for _ in range(25):
                placed = points @ move[:, :3].T + move[:, 3]
                _, near = self._few_tree.query(placed)
                _, back = cKDTree(placed).query(self._few)
                source = np.concatenate([points, points[back]])
                wanted = np.concatenate([self._few[near], self._few])
                move = _similarity(source, wanted)
            placed = points @ move[:, :3].T + move[:, 3]
            distance = self._few_tree.query(placed)[0].mean() + cKDTree(placed).query(self._few)[0].mean()
            if distance < best:
                best, best_move = float(distance), move
        return best_move


def _similarity(source: Doubles, wanted: Doubles) -> Doubles:
    """The (3, 4) similarity that maps source onto wanted with the least squares (Umeyama 1991)."""
    middle_a, middle_b = source.mean(axis=0), wanted.mean(axis=0)
    a, b = source - middle_a, wanted - middle_b
    u, s, vt = np.linalg.svd(b.T @ a / len(a))
    flip = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    turn = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / (a**2).sum(axis=1).mean())
    return np.hstack([scale * turn, (middle_b - scale * turn @ middle_a)[:, None]])


def _sampled(mesh: trimesh.Trimesh, count: int) -> Doubles:
    """Points spread evenly over a surface, in random order, the same every time."""
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=1)
    return np.random.default_rng(2).permutation(np.asarray(points, np.float64))


def _unit(points: Doubles) -> Doubles:
    """Points moved and scaled so that they fit the unit sphere about the middle of their bounding box."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    centred = points - middle
    return centred / max(float(np.linalg.norm(centred, axis=1).max()), 1e-12)


def _filled_cells(points: Doubles) -> NDArray[np.bool_]:
    """Cells of the cube from -1 to 1 that hold the surface or that it encloses."""
    cells = np.zeros((CELLS,) * 3, bool)
    index = np.clip(np.floor((points + 1.0) * (CELLS / 2)).astype(int), 0, CELLS - 1)
    cells[index[:, 0], index[:, 1], index[:, 2]] = True
    return np.asarray(binary_fill_holes(cells))


def _strip(rgba: NDArray[np.uint8], truth: trimesh.Trimesh, glb: bytes) -> NDArray[np.uint8]:
    """Photo, then truth and ours in turn from four sides."""
    side = 240
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    flat = (rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    factor = side / max(flat.shape[:2])
    photo = np.full((side, side, 3), 255, np.uint8)
    small = cv2.resize(flat, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)[:side, :side]
    photo[: small.shape[0], : small.shape[1]] = small
    scene = trimesh.load(trimesh.util.wrap_as_stream(glb), file_type="glb", process=False)
    ours = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
    pictures = [photo]
    for turn in (0.0, 90.0, 180.0, 270.0):
        pictures += [_drawn(truth, turn, side), _drawn(ours, turn, side)]
    return np.hstack(pictures)


def _drawn(mesh: trimesh.Trimesh, turn_deg: float, side: int) -> NDArray[np.uint8]:
    """A mesh with its own colours under one light, from 10 degrees above."""
    yaw, pitch = np.radians(turn_deg), np.radians(10.0)
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]) @ turn
    middle = 0.5 * (mesh.bounds[0] + mesh.bounds[1])
    radius = float(np.linalg.norm(mesh.vertices - middle, axis=1).max())
    move = np.hstack([turn / radius, (-turn @ middle / radius)[:, None]])
    camera = PhotoCamera(move, (float(side), float(side)), side * 0.84)
    pixels, depth = camera.project(mesh.vertices)
    faces = np.asarray(mesh.faces)
    covered = covering(pixels, faces, (side * 2, side * 2), far_to_near(depth, faces))
    light = np.array([-0.4, 0.6, 0.7]) / np.linalg.norm([-0.4, 0.6, 0.7])
    facing = np.abs((mesh.face_normals @ turn.T) @ light)
    rows, columns, face, weights = weights_at(covered, pixels, faces)
    colors = _colors(mesh, faces[face], weights)
    picture = np.full((side * 2, side * 2, 3), 255, np.uint8)
    picture[rows, columns] = np.clip(colors * (0.45 + 0.65 * facing[face])[:, None], 0, 255)
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _colors(mesh: trimesh.Trimesh, corners: NDArray[np.int64], weights: Doubles) -> Doubles:
    """(k, 3) colours in 0..255 at corners (k, 3) weighted by (k, 3); grey where there is no texture."""
    visual = mesh.visual
    uv = getattr(visual, "uv", None)
    image = getattr(getattr(visual, "material", None), "baseColorTexture", None)
    if uv is None or image is None:
        return np.full((len(corners), 3), 190.0)
    pixels = np.asarray(image.convert("RGB"))
    at = (np.asarray(uv)[corners] * weights[..., None]).sum(axis=1) % 1.0
    x = np.clip(at[:, 0] * pixels.shape[1], 0, pixels.shape[1] - 1).astype(int)
    y = np.clip((1.0 - at[:, 1]) * pixels.shape[0], 0, pixels.shape[0] - 1).astype(int)
    return pixels[y, x].astype(np.float64)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
