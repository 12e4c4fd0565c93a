"""How good are the meshes? Source view, shape and look against the truth, time and size, beside two baselines.

``python -m bench.mesh --data DIR [--sheet FILE.jpg] [--limit N]`` takes folders in the layout of
``quality.measure.sample`` (``quality/corpus/tune``, for one). For each it makes a mesh from the photo and the matte
alone, and compares it with the truth:

- iou: silhouette of the finished GLB from the photo's own view (as recorded in the file) against the matte;
- fscore, chamfer, viou: ``quality.measure.shape``, the same alignment search for every method;
- ssim, dE: the textured model from the photo's own view against the photo (``quality.measure.look``);
- back, hist: its back against the truth's, where the folder holds that;
- conf: the model's own confidence, where its report has one;
- seconds, triangles, bytes.

Baselines in the same run: ``slab`` (the silhouette with flat front and back) and ``inflation`` (the plain Poisson
one: a sphere over a disc).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from quality import baselines
from quality.measure.drawing import Drawer
from quality.measure.sample import samples_in
from quality.measure.shape import Agreement, Truth
from quality.trial import Trial, made_by_us, tried
from services.mesh.camera import PhotoCamera
from services.mesh.raster import covering, far_to_near, weights_at

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One object, beside its baselines."""

    ours: Trial
    slab: Agreement
    inflation: Agreement


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench and print its table and its last line."""
    parser = argparse.ArgumentParser(prog="bench.mesh", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of folders with photo, mask.png and mesh")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet (JPEG): truth against ours from four sides")
    parser.add_argument("--limit", type=int, default=0, help="only the first N objects")
    options = parser.parse_args(arguments)
    samples = samples_in(options.data)
    if not samples:
        raise SystemExit(f"{options.data}: no folder in it holds input.png or input.jpg, mask.png and a mesh")
    samples = samples[: options.limit] if options.limit > 0 else samples
    warm_up()
    rows, strips = [], []
    print(
        f"{'object':<30}{'method':<14}{'iou':>6}{'fscore':>8}{'slab':>7}{'infl.':>7}{'chamfer':>9}{'viou':>7}", end=""
    )
    print(f"{'ssim':>7}{'dE':>6}{'back':>7}{'hist':>6}{'conf':>6}{'s':>7}{'cpu s':>7}{'tri.':>7}{'kB':>6}  closed")
    with Drawer() as drawer:
        for sample in samples:
            truth, rgba = Truth(sample.truth()), sample.rgba()
            trial, made = tried(sample, truth, drawer)
            row = Row(trial, truth.compare(baselines.slab(rgba)), truth.compare(baselines.inflation(rgba)))
            rows.append(row)
            print(line(row), flush=True)
            if options.sheet is not None:
                strips.append(_strip(rgba, sample.truth(), made.glb))
    if options.sheet is not None:
        height = 150 if len(strips) > 6 else 200
        sheet = np.vstack([cv2.resize(s, (s.shape[1] * height // s.shape[0], height)) for s in strips])
        cv2.imwrite(str(options.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
        print(f"{options.sheet}: photo, then truth and ours in turn from 0, 90, 180 and 270 degrees")
    figures = summary(rows)
    print(f"mean of {len(rows)}: iou {figures['iou_mean']}, fscore {figures['fscore_mean']} (slab", end=" ")
    print(f"{figures['slab_fscore_mean']}, plain inflation {figures['inflation_fscore_mean']}),", end=" ")
    print(f"texture ssim {figures['texture_ssim_mean']}, dE {figures['texture_color_error_mean']}")
    print(json.dumps(figures))


def line(row: Row) -> str:
    """A row of the table."""
    ours = row.ours
    back = (f"{ours.back.ssim:.3f}", f"{ours.back.histogram:.1f}") if ours.back else ("-", "-")
    confidence = "-" if ours.confidence is None else f"{ours.confidence:.2f}"
    return (
        f"{ours.name[:29]:<30}{ours.method:<14}{ours.iou:>6.3f}{ours.shape.fscore:>8.3f}{row.slab.fscore:>7.3f}"
        f"{row.inflation.fscore:>7.3f}{ours.shape.chamfer:>9.4f}{ours.shape.volume_iou:>7.3f}"
        f"{ours.texture.ssim:>7.3f}{ours.texture.color_error:>6.1f}{back[0]:>7}{back[1]:>6}{confidence:>6}"
        f"{ours.seconds:>7.2f}{ours.cpu_seconds:>7.2f}{ours.triangles:>7}{ours.glb_bytes // 1000:>6}"
        f"  {'yes' if ours.watertight else 'no'}"
    )


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """The last line's figures; those that no sample has are left out."""
    ours = [row.ours for row in rows]
    backs = [t.back for t in ours if t.back is not None]
    sure = [t.confidence for t in ours if t.confidence is not None]
    figures: dict[str, object] = {
        "objects": len(rows),
        "iou_mean": _mean([t.iou for t in ours]),
        "fscore_mean": _mean([t.shape.fscore for t in ours]),
        "slab_fscore_mean": _mean([r.slab.fscore for r in rows]),
        "inflation_fscore_mean": _mean([r.inflation.fscore for r in rows]),
        "under_inflation_max": round(max(r.inflation.fscore - r.ours.shape.fscore for r in rows), 4),
        "chamfer_mean": _mean([t.shape.chamfer for t in ours]),
        "slab_chamfer_mean": _mean([r.slab.chamfer for r in rows]),
        "inflation_chamfer_mean": _mean([r.inflation.chamfer for r in rows]),
        "volume_iou_mean": _mean([t.shape.volume_iou for t in ours]),
        "texture_ssim_mean": _mean([t.texture.ssim for t in ours]),
        "texture_color_error_mean": _mean([t.texture.color_error for t in ours]),
    }
    if backs:
        figures["back_ssim_mean"] = _mean([b.ssim for b in backs])
        figures["back_histogram_mean"] = _mean([b.histogram for b in backs])
    if sure:
        figures["confidence"] = _mean(sure)
    return figures | {
        "mesh_p50_s": round(float(np.median([t.seconds for t in ours])), 3),
        "mesh_max_s": round(max(t.seconds for t in ours), 3),
        "mesh_cpu_p50_s": round(float(np.median([t.cpu_seconds for t in ours])), 3),
        "triangles_max": max(t.triangles for t in ours),
        "glb_bytes_max": max(t.glb_bytes for t in ours),
        "watertight_all": all(t.watertight for t in ours),
    }


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def warm_up() -> None:
    """One small mesh, so that the first object does not pay for imports and first calls."""
    rgba = np.zeros((96, 96, 4), np.uint8)
    cv2.circle(rgba, (48, 48), 36, (180, 120, 60, 255), -1)
    made_by_us(rgba, "ball")


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
