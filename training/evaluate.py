"""How good is the network's solid on objects that nothing was trained on, against a plain inflation of the outline?

``python -m training.evaluate --model lensora-shape.onnx --meshes FOLDER`` draws reserved objects (meshes by the hash of
their names, made objects by their seeds) from a fixed pose each, cuts them out exactly, asks the network, and measures
the solid as ``bench.mesh`` does: F-score at 0.05 of the unit sphere after alignment. Prints a table per kind; ``--csv``
keeps a row per object, ``--sheet`` draws photo, truth and solid side by side. Nothing here needs PyTorch.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from lensora.adapters.inference import OnnxModel
from lensora.core.artifacts import ModelUse
from quality.baselines import inflation
from quality.gl import Lighting, Pose, Renderer, TexturedMesh, random_lighting, random_pose
from quality.measure.shape import Truth
from services.mesh.cutout import read_cutout
from services.mesh.kinds.field import Field
from services.mesh.network import MODEL, FieldFrame, ShapeNetwork
from services.mesh.solid import Solid
from services.mesh.view import View
from training.objects import KINDS, RESERVED_SEEDS, make
from training.shards import Item, made_items, mesh_items

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """One object: its F-scores, how far off the pitch is, degrees, and how long predictor and solid took."""

    name: str
    kind: str
    ours: float
    inflation: float
    pitch_deg: float
    pitch_error_deg: float
    seconds: float


def reserved_items(meshes: Path | None, made: int, a_kind: int) -> list[Item]:
    """Reserved meshes, at most ``a_kind`` of each kind in the order of their names' hash, and reserved seeds."""
    chosen: list[Item] = []
    of_kind: dict[str, int] = defaultdict(int)
    items = mesh_items(meshes, 1) if meshes else []
    for item in sorted(items, key=lambda i: zlib.crc32(i.name.encode())):
        if item.reserved and of_kind[item.kind] < a_kind:
            of_kind[item.kind] += 1
            chosen.append(item)
    first = RESERVED_SEEDS.start
    return chosen + made_items(range(first, first + made), 1)


def measured(
    item: Item, mesh: TexturedMesh, renderer: Renderer, network: ShapeNetwork, inflated: float | None = None
) -> tuple[Row, Bytes]:
    """Draw an object, ask the network, compare; and a strip of pictures. ``inflated``: F of its inflation if known."""
    kind = f"made {KINDS[make(item.source)[1]]}" if isinstance(item.source, int) else item.kind
    rng = np.random.default_rng(zlib.crc32(f"evaluate {item.name}".encode()))
    shown = renderer.upload(mesh)
    picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
    turned = [renderer.draw(shown, Pose(picture.camera.pose.azimuth + turn, 0.2)).rgba for turn in (0.0, math.pi / 2)]
    shown.release()
    cutout = read_cutout(picture.rgba)
    began = time.perf_counter()
    said = network.predict(cutout)
    [proposed] = Field().propose(View(cutout, said))
    solid = proposed.solid
    seconds = time.perf_counter() - began
    target = Truth(trimesh.Trimesh(mesh.vertices, mesh.faces, process=False), with_volume=False)
    ours = target.compare(trimesh.Trimesh(solid.vertices, solid.faces, process=False))
    plain = target.compare(inflation(picture.rgba)).fscore if inflated is None else inflated
    pitch = math.degrees(picture.camera.pose.pitch)
    row = Row(
        item.name,
        kind,
        ours.fscore,
        plain,
        pitch,
        abs(math.degrees(said.pitch) - pitch),
        seconds,
    )
    views = [_flat(picture.rgba), *(_flat(rgba) for rgba in turned)]
    views += [_flat(drawn) for drawn in _drawn(solid, renderer)]
    return row, np.hstack(views)


def _drawn(solid: Solid, renderer: Renderer) -> list[Bytes]:
    """The solid, grey, from the front and from the side at the same height as the truth."""
    vertices = np.asarray(solid.vertices, np.float32)
    mesh = TexturedMesh(vertices, np.asarray(solid.faces, np.int32), np.full_like(vertices, 0.7)).unit()
    shown = renderer.upload(mesh)
    pictures = [renderer.draw(shown, Pose(turn, 0.2), Lighting()).rgba for turn in (0.0, math.pi / 2)]
    shown.release()
    return pictures


def _flat(rgba: Bytes) -> Bytes:
    """A picture over white, RGB."""
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    return np.asarray(rgba[..., :3] * alpha + 255.0 * (1.0 - alpha), np.uint8)


def table(rows: list[Row]) -> str:
    """A Markdown table per kind: objects, F of the field and of inflation, median error of pitch."""
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        kinds[row.kind].append(row)
    lines = ["| kind | objects | F field | F inflation | gain | pitch error, median |"]
    lines.append("|---|---|---|---|---|---|")
    for kind, some in [*sorted(kinds.items()), ("all", rows)]:
        ours, plain = (float(np.mean([getattr(r, name) for r in some])) for name in ("ours", "inflation"))
        pitch = float(np.median([r.pitch_error_deg for r in some]))
        lines.append(f"| {kind} | {len(some)} | {ours:.3f} | {plain:.3f} | {ours - plain:+.3f} | {pitch:.1f}° |")
    return "\n".join(lines)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="training.evaluate", description="Measure the network on reserved objects.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--meshes", type=Path, help="folder of GLBs; those that the split reserves are measured")
    parser.add_argument("--made", type=int, default=24, help="made objects, from the reserved seeds")
    parser.add_argument("--a-kind", type=int, default=6, help="meshes of a kind at most")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--known", type=Path, help="the --csv of an earlier run: its figures of inflation hold again")
    parser.add_argument("--sheet", type=Path, help="JPEG: photo, truth from two sides, solid from two sides")
    options = parser.parse_args()
    use = ModelUse(name=MODEL, version="", sha256="", license="Apache-2.0", stage="mesh")
    network = ShapeNetwork(OnnxModel(options.model, use, threads=1), FieldFrame())
    known: dict[str, float] = {}
    if options.known:
        with options.known.open(newline="") as file:
            known = {row["name"]: float(row["inflation"]) for row in csv.DictReader(file)}
    rows, strips = [], []
    with Renderer(256) as renderer:
        for item in reserved_items(options.meshes, options.made, options.a_kind):
            try:
                mesh = item.mesh()
            except ValueError as error:
                print(f"left out: {error}", flush=True)
                continue
            row, strip = measured(item, mesh, renderer, network, known.get(item.name))
            rows.append(row)
            strips.append(cv2.resize(strip, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
            figures = f"{row.ours:.3f}  {row.inflation:.3f}  {row.pitch_error_deg:5.1f}"
            print(f"{row.name:<44}{row.kind:<16}{figures}", flush=True)
    if not rows:
        raise SystemExit("nothing to measure: no reserved mesh in --meshes, and --made is 0")
    print(table(rows))
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(Row.__dataclass_fields__)
            writer.writerows([getattr(row, name) for name in Row.__dataclass_fields__] for row in rows)
    if options.sheet:
        columns = [np.vstack(strips[start::3]) for start in range(min(3, len(strips)))]
        height = max(len(column) for column in columns)
        sheet = np.hstack([np.pad(c, ((0, height - len(c)), (0, 12), (0, 0)), constant_values=255) for c in columns])
        cv2.imwrite(str(options.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
