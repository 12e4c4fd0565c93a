"""What does a film of the thing turning add? Shape and back against the truth, from one photo and from photo and film.

``python -m bench.filmed --data DIR [--part unseen] [--limit N]`` takes the things of ``bench.views``. Each is
photographed from the front and filmed once round, unevenly (``quality.views.filmmaker``), before a plain ground. Its
pictures are chosen as the detect service does, and cut out by the renderer's own mattes.

- F1, Ff: F-score of each against the truth;
- back1, backf: PSNR in dB of the model from behind against the truth from behind;
- off: degrees by which the pictures' cameras are off, median; "-" where the film was not used;
- s1, sf: seconds of CPU for the model.

A thing is harmed where the film gives a lower F-score than the photo alone.
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

from bench.views import BACK_PX, HARM, PHOTO_PX, named_things
from lensora.core.boxes import Box
from quality.gl import Renderer, load_mesh
from quality.measure.drawing import Drawer, from_behind
from quality.measure.glb import read_glb
from quality.measure.look import psnr_behind
from quality.measure.sample import load_mesh as load_truth
from quality.measure.shape import Truth
from quality.network import shape_network
from quality.views.filmmaker import Film, filmed
from quality.views.photographer import Session, photographed, seed_of
from services.detect.film import SMALL_PX, Still
from services.detect.turning import Chosen, chosen
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.views.sides import Filmed, FurtherPhoto


@dataclass(frozen=True)
class Row:
    """One thing, first from its photo alone, then with the film; ``off_deg`` is empty where it was not used."""

    name: str
    fscores: tuple[float, float]
    backs_db: tuple[float, float]
    seconds: tuple[float, float]
    off_deg: tuple[float, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the bench and print its table and its last line."""
    parser = argparse.ArgumentParser(prog="bench.filmed", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options, known = named_things(parser, arguments)
    print(f"{'thing':<34}{'F1':>6}{'Ff':>7}{'back1':>7}{'backf':>7}{'s1':>6}{'sf':>6}  off, degrees")
    rows = []
    with Drawer() as drawer:
        for thing in known:
            path = options.data / f"{thing.name}.glb"
            mesh = load_mesh(path)
            seed = seed_of(thing.name)
            with Renderer(PHOTO_PX) as renderer:
                session = photographed(renderer, mesh, seed, ())
                film = filmed(renderer, mesh, session.poses["front"], seed)
            rows.append(measured(thing.name, path, session, film, drawer))
            print(line(rows[-1]), flush=True)
    figures = summary(rows)
    print(f"mean of {len(rows)}: F {figures['fscore_1']} (photo), {figures['fscore_film']} (and film);", end=" ")
    print(f"back {figures['back_1_db']} dB, {figures['back_film_db']} dB")
    print(json.dumps(figures))


def measured(name: str, path: Path, session: Session, film: Film, drawer: Drawer) -> Row:
    """Make both models and hold them against the truth."""
    truth = Truth(load_truth(path), with_volume=False)
    front = read_cutout(session.photos["front"])
    picked = choice(film)
    pictures = [
        FurtherPhoto(read_cutout(film.pictures[number]), filmed=Filmed(share, picked.direction))
        for number, share in zip(picked.numbers, picked.shares, strict=True)
    ]
    scores, backs, seconds = [], [], []
    for further in ([], pictures):
        backend = SilhouetteBackend(shape_network())
        started = time.process_time()
        model = create_model(front, ModelRequest(name=name), backend, _silent, None, further, backend.explainer)
        seconds.append(time.process_time() - started)
        finished = read_glb(model.glb)
        scores.append(truth.compare(finished.welded()).fscore)
        behind = drawer.draw(finished, from_behind(finished, BACK_PX), (BACK_PX, BACK_PX))
        backs.append(psnr_behind(behind, session.back))
    off = _off(model, film.yaws[list(picked.numbers)])
    return Row(name, (scores[0], scores[1]), (backs[0], backs[1]), (seconds[0], seconds[1]), off)


def choice(film: Film) -> Chosen:
    """The pictures that the detect service would choose, the thing's box being known."""
    stills = []
    for picture, second in zip(film.pictures, film.seconds.tolist(), strict=True):
        alpha = picture[..., 3:] / 255.0
        shown = np.asarray(picture[..., :3] * alpha + 200.0 * (1.0 - alpha), np.uint8)
        grey = cv2.cvtColor(cv2.resize(shown, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        height, width = picture.shape[:2]
        stills.append(Still(second, b"", width, height, np.asarray(grey, np.uint8)))
    return chosen(stills, _box(film.pictures[len(film.pictures) // 2]))


def _box(picture: NDArray[np.uint8]) -> Box:
    rows, columns = np.nonzero(picture[..., 3] > 128)
    height, width = picture.shape[:2]
    low, high = (columns.min() / width, rows.min() / height), ((columns.max() + 1) / width, (rows.max() + 1) / height)
    return Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _off(model: Model, true: NDArray[np.float64]) -> tuple[float, ...]:
    """Degrees by which each used picture's camera is off."""
    pairs = [(use.yaw, yaw) for use, yaw in zip(model.further, true.tolist(), strict=True) if use.used]
    return tuple(float(np.degrees(abs(np.angle(np.exp(1j * (one - other)))))) for one, other in pairs)


def _silent(_phase: str, _done: float) -> None:
    """Nobody asks how far the work is."""


def line(row: Row) -> str:
    """A row of the table."""
    off = f"{np.median(row.off_deg):.0f} of {len(row.off_deg)}" if row.off_deg else "-"
    (f1, ff), (b1, bf), (s1, sf) = row.fscores, row.backs_db, row.seconds
    return f"{row.name[:33]:<34}{f1:>6.3f}{ff:>7.3f}{b1:>7.1f}{bf:>7.1f}{s1:>6.1f}{sf:>6.1f}  {off}"


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """The last line's figures."""
    scores, backs = np.array([row.fscores for row in rows]), np.array([row.backs_db for row in rows])
    seconds = np.array([row.seconds for row in rows])
    gains = scores[:, 1] - scores[:, 0]
    used = [float(np.median(row.off_deg)) for row in rows if row.off_deg]
    return {
        "things": len(rows),
        "fscore_1": round(float(scores[:, 0].mean()), 4),
        "fscore_film": round(float(scores[:, 1].mean()), 4),
        "gain_film": round(float(gains.mean()), 4),
        "worst_film": round(float(gains.min()), 4),
        "harmed_film": int((gains < -HARM).sum()),
        "back_1_db": round(float(backs[:, 0].mean()), 2),
        "back_film_db": round(float(backs[:, 1].mean()), 2),
        "mesh_1_p50_cpu_s": round(float(np.median(seconds[:, 0])), 2),
        "mesh_film_p50_cpu_s": round(float(np.median(seconds[:, 1])), 2),
        "mesh_film_max_cpu_s": round(float(seconds[:, 1].max()), 2),
        "films_used": len(used),
        "off_p50_deg": round(float(np.median(used)), 1) if used else None,
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
