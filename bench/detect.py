"""The detect stage on a folder of photos: time, memory, and what it proposes.

``python -m bench.detect --data DIR [--sheet FILE] [--things DIR]``: DIR holds photos, at any depth. Each is run through
the stage in this process: decode, search, names, preflight. The first photo is also scaled to 12 megapixels, which is
what the budget of ``/init`` is about. ``--sheet`` writes a picture of all proposals, for looking at. ``--things`` names
a folder of cutouts: scenes are made of them (``bench.scenes``) in which every box is known, and both backends are run
on these. ``--made`` names a part of made scenes with their truth (``bench.made``).
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.made import measured
from bench.measure import PeakMemory, closing_line, machine, median, table
from bench.scenes import KINDS, Scene, Tally, compose, load_things
from bench.stack import refuse_unknown
from lensora.adapters.runtimes import open_runtime
from lensora.imaging.photo import decode
from lensora.settings import ModelSettings, load
from quality.scenes.folders import scenes_in
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.detection import MAX_OBJECTS, Detection, Detector

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LARGE_SIZE = (4000, 3000)
LARGE_RUNS = 5
SCENES_OF_A_KIND = 10
SCENES_SEED = 20261123
BACKENDS = ("saliency", "objects")
TILE_HEIGHT, SHEET_WIDTH, GAP = 250, 1600, 6
COLORS = ((230, 40, 40), (20, 150, 60), (40, 90, 230), (200, 120, 0), (180, 30, 180), (0, 140, 150), (90, 90, 90))


@dataclass(frozen=True, slots=True)
class Run:
    """One photo through the stage."""

    name: str
    seconds: float
    cpu_seconds: float
    detection: Detection


def once(detector: Detector, name: str, data: bytes) -> Run:
    """Decode and detect, timed."""
    started, cpu = time.perf_counter(), os.times()
    detection = detector.detect(decode(data, longest_side_px=detector.working_side_px), MAX_OBJECTS)
    seconds, after = time.perf_counter() - started, os.times()
    return Run(name, seconds, after.user + after.system - cpu.user - cpu.system, detection)


def scenes_of(folder: Path) -> list[Scene]:
    """As many scenes of each kind, the same for the same cutouts."""
    things = load_things(folder)
    return [
        compose(kind, things, np.random.default_rng([SCENES_SEED, number, index]))
        for number, kind in enumerate(KINDS)
        for index in range(SCENES_OF_A_KIND)
    ]


def tallies(detector: Detector, scenes: list[Scene]) -> dict[str, Tally]:
    """What the stage finds in scenes, by their kinds and in all. Proposals of nothing in particular do not count."""
    found = {kind: Tally() for kind in (*KINDS, "all")}
    for scene in scenes:
        out = io.BytesIO()
        Image.fromarray(scene.rgb).save(out, "PNG")
        detection = once(detector, scene.kind, out.getvalue()).detection
        unclear = any(action.code == "no_clear_subject" for action in detection.actions)
        boxes = [] if unclear else [proposal.box for proposal in detection.proposals[:-1]]
        for kind in (scene.kind, "all"):
            found[kind] = found[kind].with_scene(scene, boxes)
    return found


def shares(tally: Tally) -> tuple[float, float, float, float]:
    """Recall and precision, at IoU 0.5 and at 0.75; 1 where there was nothing to find or nothing was proposed."""
    things, boxes = max(1, tally.things), max(1, tally.boxes)
    no_things, no_boxes = float(not tally.things), float(not tally.boxes)
    return (
        no_things or tally.loose / things,
        no_boxes or tally.loose / boxes,
        no_things or tally.tight / things,
        no_boxes or tally.tight / boxes,
    )


def photos(folder: Path) -> list[Path]:
    """Photos under a folder, sorted; masks are no photos."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.stem != "mask")
    return sorted(found)


def large_jpeg(path: Path) -> bytes:
    """The photo at 12 megapixels with a little grain, as a camera would save it."""
    picture = Image.open(path).convert("RGB").resize(LARGE_SIZE, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, 3, (*LARGE_SIZE[::-1], 1))
    out = io.BytesIO()
    Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=92)
    return out.getvalue()


def tile(path: Path, detection: Detection) -> NDArray[np.uint8]:
    """The photo with its boxes, names and advice."""
    picture = decode(path.read_bytes(), longest_side_px=1024).over((255, 255, 255))
    width = round(picture.shape[1] * TILE_HEIGHT / picture.shape[0])
    picture = np.ascontiguousarray(cv2.resize(picture, (width, TILE_HEIGHT), interpolation=cv2.INTER_AREA))
    for index, proposal in reversed(list(enumerate(detection.proposals[:-1]))):
        color = COLORS[index % len(COLORS)]
        left, top, right, bottom = proposal.box.pixels(width, TILE_HEIGHT)
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), color, 2)
        _write(picture, f"{proposal.label} ({proposal.category})", (left + 4, min(top + 14, TILE_HEIGHT - 4)), color)
    codes = " ".join(action.code for action in detection.actions)
    if codes:
        _write(picture, codes, (4, TILE_HEIGHT - 6), (0, 0, 0))
    return picture


def _write(picture: NDArray[np.uint8], text: str, at: tuple[int, int], color: tuple[int, int, int]) -> None:
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    draw.text(at, text, fill=color, font=font, stroke_width=2, stroke_fill=(255, 255, 255), anchor="ls")
    picture[:] = np.asarray(canvas)


def sheet(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tiles in rows on white."""
    rows: list[list[NDArray[np.uint8]]] = [[]]
    for one in tiles:
        if rows[-1] and sum(t.shape[1] + GAP for t in rows[-1]) + one.shape[1] > SHEET_WIDTH:
            rows.append([])
        rows[-1].append(one)
    canvas = np.full((len(rows) * (TILE_HEIGHT + GAP), SHEET_WIDTH, 3), 255, np.uint8)
    for index, row in enumerate(rows):
        x = 0
        for one in row:
            width = min(one.shape[1], SHEET_WIDTH - x)
            canvas[index * (TILE_HEIGHT + GAP) :][:TILE_HEIGHT, x : x + width] = one[:, :width]
            x += one.shape[1] + GAP
    return canvas


def main() -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of photos")
    parser.add_argument("--sheet", type=Path, help="where to write the contact sheet (JPEG)")
    parser.add_argument("--things", type=Path, help="folder of cutouts, for scenes whose boxes are known")
    parser.add_argument("--made", type=Path, help="a part of made scenes (python -m quality.scenes), with their truth")
    options = parser.parse_args()
    paths = photos(options.data)
    if not paths:
        print(f"{options.data} holds no photos", file=sys.stderr)
        return 2
    for path in paths:
        refuse_unknown(path)
    if options.made and not scenes_in(options.made):
        print(f"--made {options.made}: no scene in it, such as in DIR/unseen", file=sys.stderr)
        return 2
    large = large_jpeg(paths[0])
    runtime = open_runtime(load(ModelSettings))
    with PeakMemory(os.getpid()) as memory:
        detector = DETECT_BACKENDS["objects"](runtime)
        once(detector, "warm-up", large)
        large_runs = [once(detector, f"{paths[0].name} at 12 MP", large) for _ in range(LARGE_RUNS)]
        runs = [once(detector, path.name, path.read_bytes()) for path in paths]
    print(machine())
    table(
        ["photo", "seconds", "CPU seconds", "things", "best", "advice"],
        [
            (
                run.name,
                run.seconds,
                run.cpu_seconds,
                len(run.detection.proposals) - 1,
                run.detection.proposals[0].label,
                ", ".join(action.code for action in run.detection.actions) or "-",
            )
            for run in [*large_runs, *runs]
        ],
    )
    if options.sheet:
        picture = sheet([tile(path, run.detection) for path, run in zip(paths, runs, strict=True)])
        Image.fromarray(picture).save(options.sheet, "JPEG", quality=82, optimize=True)
    figures: dict[str, float] = {}
    if options.things:
        scenes = scenes_of(options.things)
        rows = []
        for backend in BACKENDS:
            found = tallies(DETECT_BACKENDS[backend](runtime), scenes)
            rows += [(backend, kind, tally.things, tally.boxes, *shares(tally)) for kind, tally in found.items()]
            names = ("recall_50", "precision_50", "recall_75", "precision_75")
            figures |= {f"scenes_{backend}_{n}": v for n, v in zip(names, shares(found["all"]), strict=True)}
        heads = ["recall at 0.5", "precision at 0.5", "recall at 0.75", "precision at 0.75"]
        table(["backend", "scenes", "things", "boxes", *heads], rows)
    if options.made:
        counted = measured(DETECT_BACKENDS["objects"](runtime), options.made)
        figures |= counted.figures()
        table(["made scenes", "share"], list(counted.figures().items()))
        print("wrong names:", "; ".join(counted.wrong) or "none")
    closing_line(
        {
            **figures,
            "photos": len(paths),
            "detect_12mp_p50_s": median(run.seconds for run in large_runs),
            "detect_12mp_cpu_p50_s": median(run.cpu_seconds for run in large_runs),
            "detect_p50_s": median(run.seconds for run in runs),
            "detect_max_s": max(run.seconds for run in runs),
            "detect_cpu_p50_s": median(run.cpu_seconds for run in runs),
            "detect_cpu_max_s": max(run.cpu_seconds for run in runs),
            "peak_mb": memory.peak_mb,
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
