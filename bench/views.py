"""What do further photos add? Shape and back against the truth, with one, two and three photos of unseen things.

``python -m bench.views --data DIR [--part unseen] [--limit N] [--sheet FILE.png]`` takes a folder of textured meshes,
each named in ``quality/views/objects.tsv``. Each is photographed from the front, from behind and from its left, with
the errors of ``quality.views.photographer``; the stage makes a model of the front alone, of front and back, and of all
three.

- F1, F2, F3: F-score of each against the truth (``quality.measure.shape``, the same alignment search for all);
- back1, back2: PSNR in dB of the model from behind against the truth from behind (``quality.measure.look``), over what
  either covers: outline and colours;
- tex1, tex2: the same over what both cover: the colours alone;
- most, tilt: what that PSNR is at best (``quality.views.limits``): of the true shape coloured by the back photo, and of
  the true thing seen from the pitch that the model of two is taken to be seen from;
- used: which further photos the model of three is made with;
- s1, s3: seconds of CPU for the model of one photo, and of three.

A thing is harmed where two or three photos give a lower F-score than one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.words import ViewSide
from quality.gl import Pose, Renderer, TexturedMesh, load_mesh
from quality.measure.drawing import Drawer, from_behind, from_yaw
from quality.measure.glb import read_glb
from quality.measure.look import psnr_behind
from quality.measure.sample import load_mesh as load_truth
from quality.measure.shape import Truth
from quality.network import shape_network
from quality.views.limits import painted_db, pitch_of, tilted_db
from quality.views.objects import PARTS, Thing, things
from quality.views.photographer import Session, photographed, seed_of
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.views.sides import FurtherPhoto

PHOTO_PX, BACK_PX, SHEET_PX = 512, 192, 200
FURTHER = ("back", "left")
HARM = 0.02
"""A loss of F-score that counts."""

CLEAR_DB = 40.0
"""A PSNR from which on two pictures are taken for the same: more adds nothing to a mean."""


@dataclass(frozen=True)
class Row:
    """One thing; by number of photos, from one to three. ``limits_db`` are ``most`` and ``tilt``."""

    name: str
    category: str
    fscores: tuple[float, float, float]
    backs_db: tuple[float, float, float]
    textures_db: tuple[float, float, float]
    limits_db: tuple[float, float]
    seconds: tuple[float, float, float]
    used: tuple[str, ...]
    method: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench and print its table and its last line."""
    parser = argparse.ArgumentParser(prog="bench.views", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sheet", type=Path, help="PNG: one photo's model, three photos' and the truth from 8 sides")
    options, chosen = named_things(parser, arguments)
    columns = "".join(f"{name:>7}" for name in ("F1", "F2", "F3", "back1", "back2", "tex1", "tex2"))
    print(f"{'thing':<34}{'method':<12}{columns[1:]}{'most':>6}{'tilt':>6}{'s1':>6}{'s3':>6}  used")
    rows, strips = [], []
    with Drawer() as drawer:
        for thing in chosen:
            path = options.data / f"{thing.name}.glb"
            mesh = load_mesh(path)
            with Renderer(PHOTO_PX) as renderer:
                session = photographed(renderer, mesh, seed_of(thing.name), FURTHER)
            row, models = measured(thing, path, mesh, session, drawer)
            rows.append(row)
            print(line(row), flush=True)
            if options.sheet is not None:
                strips.append(strip(mesh, session, (models[0], models[2]), drawer))
    if options.sheet is not None:
        cv2.imwrite(str(options.sheet), cv2.cvtColor(np.vstack(strips), cv2.COLOR_RGB2BGR))
        print(f"{options.sheet}: for each thing one photo's model, three photos' and the truth, from 8 sides")
    figures = summary(rows)
    print(f"mean of {len(rows)}: F {figures['fscore_1']} (one), {figures['fscore_2']} (front and back),", end=" ")
    print(f"{figures['fscore_3']} (and left); back {figures['back_1_db']} dB, {figures['back_2_db']} dB,", end=" ")
    print(f"its texture {figures['texture_1_db']} dB, {figures['texture_2_db']} dB")
    print(json.dumps(figures))


def named_things(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> tuple[argparse.Namespace, list[Thing]]:
    """The command line's options, and the things that it names; ends the process where the folder holds none."""
    parser.add_argument("--data", type=Path, required=True, help="folder of textured meshes, one GLB each")
    parser.add_argument("--part", choices=sorted(PARTS), default="unseen")
    parser.add_argument("--limit", type=int, default=0, help="only the first N things")
    parser.add_argument("--start", type=int, default=0, help="leave out so many things before")
    options = parser.parse_args(arguments)
    there = [thing for thing in things(options.part) if (options.data / f"{thing.name}.glb").exists()]
    there = there[options.start :][: options.limit or None]
    if not there:
        raise SystemExit(f"{options.data}: holds no mesh of quality/views/objects.tsv, part {options.part}")
    return options, there


def measured(thing: Thing, path: Path, mesh: TexturedMesh, session: Session, drawer: Drawer) -> tuple[Row, list[Model]]:
    """Make the models of a thing's photos and hold them against the truth."""
    truth = Truth(load_truth(path), with_volume=False)
    cutouts = {side: read_cutout(photo) for side, photo in session.photos.items()}
    models, seconds, scores, backs, textures, pitches = [], [], [], [], [], []
    for count in range(len(FURTHER) + 1):
        backend = SilhouetteBackend(shape_network())
        further = [FurtherPhoto(cutouts[side], ViewSide(side)) for side in FURTHER[:count]]
        started = time.process_time()
        model = create_model(
            cutouts["front"], ModelRequest(name=thing.name), backend, _silent, None, further, backend.explainer
        )
        seconds.append(time.process_time() - started)
        models.append(model)
        finished = read_glb(model.glb)
        scores.append(truth.compare(finished.welded()).fscore)
        behind = drawer.draw(finished, from_behind(finished, BACK_PX), (BACK_PX, BACK_PX))
        backs.append(psnr_behind(behind, session.back))
        textures.append(psnr_behind(behind, session.back, within=True))
        pitches.append(pitch_of(finished.source_view().world_to_camera))
    with Renderer(PHOTO_PX) as renderer:
        limits = painted_db(renderer, mesh, session), tilted_db(renderer, mesh, session, pitches[1])
    used = tuple(str(use.side) for use in models[-1].further if use.used)
    row = Row(
        thing.name,
        thing.category,
        (scores[0], scores[1], scores[2]),
        (backs[0], backs[1], backs[2]),
        (textures[0], textures[1], textures[2]),
        limits,
        (seconds[0], seconds[1], seconds[2]),
        used,
        models[-1].method,
    )
    return row, models


def _silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


def line(row: Row) -> str:
    """A row of the table."""
    scores = f"{row.fscores[0]:>6.3f}{row.fscores[1]:>7.3f}{row.fscores[2]:>7.3f}"
    backs = "".join(f"{value:>7.1f}" for value in (*row.backs_db[:2], *row.textures_db[:2]))
    backs += "".join(f"{min(value, 99.0):>6.1f}" for value in row.limits_db)
    return f"{row.name[:33]:<34}{row.method[:11]:<12}{scores}{backs}{row.seconds[0]:>6.1f}{row.seconds[2]:>6.1f}  " + (
        " ".join(row.used) or "-"
    )


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """The last line's figures."""
    scores = np.array([row.fscores for row in rows])
    backs, textures = np.array([row.backs_db for row in rows]), np.array([row.textures_db for row in rows])
    seconds = np.array([row.seconds for row in rows])
    gains = scores - scores[:, :1]
    # A pitch that is right to a hair would count for more than all others.
    limits = np.minimum([row.limits_db for row in rows], CLEAR_DB).mean(axis=0)
    return {
        "things": len(rows),
        **{f"fscore_{k + 1}": round(float(scores[:, k].mean()), 4) for k in range(3)},
        **{f"gain_{k + 1}": round(float(gains[:, k].mean()), 4) for k in (1, 2)},
        **{f"worst_{k + 1}": round(float(gains[:, k].min()), 4) for k in (1, 2)},
        **{f"harmed_{k + 1}": int((gains[:, k] < -HARM).sum()) for k in (1, 2)},
        **{f"back_{k + 1}_db": round(float(backs[:, k].mean()), 2) for k in range(3)},
        **{f"texture_{k + 1}_db": round(float(textures[:, k].mean()), 2) for k in range(3)},
        **{f"back_{name}_db": round(float(value), 2) for name, value in zip(("most", "tilt"), limits, strict=True)},
        **{f"mesh_{k + 1}_p50_cpu_s": round(float(np.median(seconds[:, k])), 2) for k in range(3)},
        "mesh_3_max_cpu_s": round(float(seconds[:, 2].max()), 2),
        "used": round(float(np.mean([len(row.used) for row in rows])) / len(FURTHER), 3),
    }


def strip(mesh: TexturedMesh, session: Session, models: Sequence[Model], drawer: Drawer) -> NDArray[np.uint8]:
    """Three rows of eight pictures: models, then the truth, each an eighth of a turn on from the front."""
    rows = []
    turns = np.arange(8) * np.pi / 4
    for model in models:
        finished = read_glb(model.glb)
        views = [from_yaw(finished, SHEET_PX, float(turn)) for turn in turns]
        rows.append(np.hstack([_on_white(drawer.draw(finished, view, (SHEET_PX, SHEET_PX))) for view in views]))
    with Renderer(SHEET_PX) as renderer:
        shown = renderer.upload(mesh)
        front = session.poses["front"]
        poses = [Pose(front.azimuth + float(turn), front.pitch, 0.0, front.distance) for turn in turns]
        rows.append(np.hstack([_on_white(renderer.draw(shown, pose).rgba) for pose in poses]))
        shown.release()
    return np.vstack(rows)


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    return np.asarray(rgba[..., :3] * alpha + 255.0 * (1.0 - alpha), np.uint8)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
