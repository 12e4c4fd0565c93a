"""The cache of pictures and truths: made objects and meshes, rendered into folders of plain arrays.

``python -m training.shards --out DIR --seeds 0:600 --views 16`` adds made objects, ``--meshes FOLDER`` adds a folder of
GLBs (with a ``MANIFEST.tsv`` for their kinds, if it has one). Objects that the split reserves, and the reserved seeds,
go to ``DIR/reserved``, all others to ``DIR/train``. Each shard is a folder that appears at once when it is whole, so
training reads what is there while more is made. ``--part K/N`` does every N-th object: start N of them side by side.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from quality.gl import Renderer, TexturedMesh, load_mesh, random_lighting, random_pose
from quality.split import is_reserved
from services.mesh.network import FieldFrame
from training.objects import KINDS, RESERVED_SEEDS, make
from training.occupancy import Carving, distance_grid
from training.proportions import reproportioned
from training.targets import Target, target

OBJECTS_A_SHARD = 12

RESERVED_VIEWS = 3
"""Reserved objects are only measured on: more views of one say little more."""

REALISTIC = ("ycb_", "urdf_", "gso_kingston", "simpler_", "skf_", "polyhaven_", "aws_", "gazebo_")
"""Names of scans and realistic models begin like this; the rest is low-poly art or has made-up colours."""


@dataclass(frozen=True)
class Item:
    """One object to render: its name, kind, number of views, a seed or a file, and a family for a seed, if not any."""

    name: str
    kind: str
    views: int
    source: int | Path
    family: str | None = None

    @property
    def reserved(self) -> bool:
        """Whether nothing may be trained on it."""
        return self.source in RESERVED_SEEDS if isinstance(self.source, int) else is_reserved(self.name)

    def mesh(self) -> TexturedMesh:
        """The object itself."""
        return make(self.source, self.family)[0] if isinstance(self.source, int) else load_mesh(self.source)


def made_items(seeds: range, views: int, family: str | None = None) -> list[Item]:
    """Objects drawn from seeds, of one family or of any; their kind is only known once they are made."""
    name = f"made_{family}" if family else "made"
    return [Item(f"{name}_{seed}", "", views, seed, family) for seed in seeds]


def mesh_items(folder: Path, views: int) -> list[Item]:
    """The GLBs of a folder: realistic ones get more views than low-poly art, rare kinds more than common ones."""
    kinds: dict[str, str] = {}
    manifest = folder / "MANIFEST.tsv"
    if manifest.exists():
        with manifest.open(newline="") as file:
            kinds = {Path(row["file"]).stem: row["category"] for row in csv.DictReader(file, delimiter="\t")}
    paths = sorted(folder.glob("*.glb"))
    of_kind: dict[str, int] = {}
    for path in paths:
        kind = kinds.get(path.stem, "other")
        of_kind[kind] = of_kind.get(kind, 0) + 1
    items = []
    for path in paths:
        kind = kinds.get(path.stem, "other")
        rarity = float(np.clip((60 / of_kind[kind]) ** 0.5, 0.7, 2.5))
        weight = (1.4 if path.stem.startswith(REALISTIC) else 0.7) * rarity
        items.append(Item(path.stem, kind, max(2, round(views * weight)), path))
    return items


def write_shards(
    items: list[Item], out: Path, frame: FieldFrame, prefix: str, again: int = 0, spread: float = 0.0
) -> Iterator[tuple[int, int]]:
    """Render objects into shards; yields objects and views done so far. Shards that are there already are kept.
    An object that cannot be drawn, such as a broken file, is named and left out.

    ``again`` is a number of other views of the same objects: cameras and light are drawn anew from it. With a
    ``spread`` the objects that are trained on have other proportions each time.
    """
    carving = Carving()
    objects = views = 0
    with Renderer(frame.image_px, samples=2) as renderer:
        for group in (False, True):
            chosen = [item for item in items if item.reserved is group]
            for start in range(0, len(chosen), OBJECTS_A_SHARD):
                some = chosen[start : start + OBJECTS_A_SHARD]
                name = f"{prefix}-{zlib.crc32(repr([i.name for i in some]).encode()):08x}"
                folder = out / ("reserved" if group else "train") / name
                if folder.exists():
                    continue
                truths: list[Target] = []
                rows = []
                for item in some:
                    rng = np.random.default_rng(
                        (zlib.crc32(item.name.encode()), again) if again else zlib.crc32(item.name.encode())
                    )
                    try:
                        mesh = item.mesh()
                    except ValueError as error:
                        print(f"left out: {error}", flush=True)
                        continue
                    kind = KINDS[make(item.source, item.family)[1]] if isinstance(item.source, int) else item.kind
                    if spread and not group:
                        mesh = reproportioned(mesh, kind, rng, spread)
                    shown = renderer.upload(mesh)
                    grid = distance_grid(renderer, shown, carving)
                    for _ in range(min(item.views, RESERVED_VIEWS) if item.reserved else item.views):
                        picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
                        truths.append(target(picture, grid, carving, frame))
                        rows.append({"name": item.name, "kind": kind})
                    shown.release()
                    objects += 1
                if truths:
                    _write(folder, truths, rows)
                    views += len(truths)
                    yield objects, views


def _write(folder: Path, truths: list[Target], rows: list[dict[str, str]]) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for field in fields(Target):
        np.save(part / f"{field.name}.npy", np.stack([getattr(truth, field.name) for truth in truths]))
    (part / "views.json").write_text(json.dumps(rows))
    part.rename(folder)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="training.shards", description="Render a training cache.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--meshes", type=Path, help="a folder of GLBs")
    parser.add_argument("--seeds", help="made objects: FIRST:END")
    parser.add_argument("--family", choices=sorted(KINDS), help="made objects of this family only")
    parser.add_argument("--views", type=int, default=12, help="views of an object, before balancing")
    parser.add_argument(
        "--again", type=int, default=0, help="1, 2, ...: other views of the same objects, in shards beside the first"
    )
    parser.add_argument(
        "--spread", type=float, default=0.0, help="other proportions: the standard deviation of each side's log"
    )
    parser.add_argument("--part", default="0/1", help="K/N: every N-th object, from the K-th")
    options = parser.parse_args()
    part, parts = (int(v) for v in options.part.split("/"))
    items: list[Item] = []
    if options.meshes:
        items += mesh_items(options.meshes, options.views)
        if not items:
            parser.error(f"--meshes {options.meshes}: no folder with .glb files in it")
    if options.seeds:
        first, end = (int(v) for v in options.seeds.split(":"))
        items += made_items(range(first, end), options.views, options.family)
    order = np.random.default_rng(0).permutation(len(items))
    chosen = [items[k] for k in order][part::parts]
    began = time.monotonic()
    prefix = f"{'meshes' if options.meshes else 'made'}{part}" + (f"again{options.again}" if options.again else "")
    for objects, views in write_shards(chosen, options.out, FieldFrame(), prefix, options.again, options.spread):
        print(f"{objects} of {len(chosen)} objects, {views} views, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
