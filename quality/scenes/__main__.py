"""Makes scenes with truth: ``python -m quality.scenes --meshes DIR --photos DIR --out DIR --part tune --count 200``.

Each scene is a folder: ``scene.png``, ``scene.json`` (kind and things), ``<n>/mask.png`` beside ``<n>/input.png`` for
each thing that is seen well enough: the layout that ``make bench-cutout DATA=`` takes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np

from quality.gl import Renderer
from quality.scenes import backdrop, plan
from quality.scenes.sprite import SIDE_PX, Sprite, of_glass, of_mesh
from quality.split import is_reserved

LEAST_SHARE = 0.006
"""Things that cover less of the picture are not asked for; who finds one is not wrong."""

GLASSES = 40
"""Vessels that are drawn; a fifth of them is reserved, as of the meshes."""


def main() -> int:
    """Draw what is missing of a part's sprites, then make its scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=Path, required=True, help="folder of GLB files, with MANIFEST.tsv")
    parser.add_argument("--photos", type=Path, help="folder of photographs, for backgrounds")
    parser.add_argument("--out", type=Path, required=True, help="where the scenes are written")
    parser.add_argument("--part", choices=("tune", "unseen"), required=True)
    parser.add_argument("--count", type=int, default=100, help="scenes")
    parser.add_argument("--objects", type=int, default=150, help="objects that are drawn, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=int, default=1, help="pictures so many times as large: 2 fills a film's frame")
    parser.add_argument("--sharp", action="store_true", help="as a renderer gives them, not as a phone")
    parser.add_argument("--kinds", help="kinds of scenes, separated by commas; where it is not given, all but pairs")
    arguments = parser.parse_args()
    side_px = SIDE_PX * arguments.scale
    every = plan.KINDS | plan.ON_REQUEST
    wanted = list(plan.KINDS) if arguments.kinds is None else arguments.kinds.split(",")
    if unknown := [kind for kind in wanted if kind not in every]:
        parser.error(f"--kinds: {', '.join(unknown)} is not of {', '.join(every)}")
    glasses = GLASSES if "glass" in wanted else 0
    sprites = _sprites(arguments.meshes, arguments.out / "sprites", arguments.part, arguments.objects, glasses, side_px)
    stock = plan.Stock(
        things=[sprite for sprite in sprites if sprite.shows != "glass"],
        glasses=[sprite for sprite in sprites if sprite.shows == "glass"],
        rooms=backdrop.rooms(arguments.part),
        photographs=backdrop.photographs(arguments.photos, arguments.part),
    )
    kinds = [kind for kind, times in every.items() for _ in range(times) if kind in wanted]
    order = np.random.default_rng(arguments.seed).permutation(len(kinds))
    for index in range(arguments.count):
        kind = kinds[order[index % len(order)]]
        folder = arguments.out / arguments.part / f"{kind}_{index:04d}"
        if not (folder / "scene.json").exists():
            rng = np.random.default_rng([arguments.seed, index, arguments.part == "unseen"])
            _write(plan.made(kind, stock, rng, arguments.scale, sharp=arguments.sharp), folder)
    return 0


def _sprites(meshes: Path, folder: Path, part: str, most: int, vessels: int, side_px: int) -> list[Sprite]:
    """The part's sprites, drawn where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (meshes / "MANIFEST.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    mine = [row for row in rows if is_reserved(Path(row["file"]).stem) == (part == "unseen")]
    chosen = np.random.default_rng(7).permutation(len(mine))[:most]
    glasses = [
        name for name in (f"made_glass_{n:02d}" for n in range(vessels)) if is_reserved(name) == (part == "unseen")
    ]
    found = []
    with Renderer(side_px) as renderer:
        for name, row in [
            *((Path(mine[i]["file"]).stem, mine[i]) for i in chosen),
            *((name, None) for name in glasses),
        ]:
            path = folder / f"{name}.npz"
            if not path.exists():
                rng = np.random.default_rng(list(name.encode()))
                try:
                    drawn = (
                        of_glass(renderer, name, rng)
                        if row is None
                        else of_mesh(renderer, meshes / row["file"], row["shows"], rng)
                    )
                except ValueError as error:
                    sys.stderr.write(f"{name}: {error}\n")
                    continue
                drawn.save(path)
            found.append(Sprite.load(path))
    return found


def _write(scene: plan.MadeScene, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "scene.png"), scene.rgb[..., ::-1])
    things = []
    for index, (sprite, matte, cut) in enumerate(zip(scene.things, scene.mattes, scene.cut, strict=True)):
        solid = matte > 0.5
        if not solid.any():
            continue
        asked = float(solid.mean()) >= LEAST_SHARE
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        height, width = solid.shape
        box = [columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height]
        things.append(
            {"name": sprite.name, "shows": sprite.shows, "box": box, "cut": cut, "asked": asked, "place": index}
        )
        if not asked:
            continue
        place = folder / str(index)
        place.mkdir(exist_ok=True)
        cv2.imwrite(str(place / "mask.png"), np.round(matte * 255).astype(np.uint8))
        if not (place / "input.png").exists():
            os.link(folder / "scene.png", place / "input.png")
    (folder / "scene.json").write_text(json.dumps({"kind": scene.kind, "things": things}))


if __name__ == "__main__":
    sys.exit(main())
