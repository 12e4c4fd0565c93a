"""The shade around what stands on the ground, against an even dome: ``python -m bench.contact --data FOLDER``.

For each GLB of a folder the share of the dome that each place of the ground sees is drawn by OpenGL, direction by
direction: the truth. Printed is how far the film's ground is from it, as values of 0..1 on the picture's scale. ``rim``
is the ground within 4 cells of what touches it, ``beside`` what is farther out, ``under`` what the subject hangs over.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line, machine, table
from quality.split import is_reserved
from services.render.backends.device import open_context
from services.render.glb import read_glb
from services.render.model import Model, prepare
from services.render.shadow import MAP_CELLS, GroundShadow, surface_points

DIRECTIONS = 196
"""Of the dome, evenly spread by the cosine that they have on the ground."""

SHOWN = 1.0 / 2.2
"""Light to the picture's scale."""

TOUCHING, RIM_CELLS, BESIDE = 0.004, 4, 0.2
"""Height up to which a part touches, cells of the rim, and how far out the ground beside is looked at; unit size."""

_VERTEX = """#version 330 core
in vec3 at; uniform vec2 slope; uniform float reach;
void main() { gl_Position = vec4((at.xz - slope * at.y) / reach, 0.0, 1.0); }"""
_FRAGMENT = "#version 330 core\nout vec4 color; void main() { color = vec4(1.0); }"


@dataclass(frozen=True)
class Errors:
    """Over one subject's ground.

    Attributes:
        rim, beside, under: root mean squares.
        brighter: mean over all three: how much brighter than the truth.
    """

    rim: float
    beside: float
    under: float
    brighter: float


class Dome:
    """Draws which part of an even dome the ground sees."""

    def __init__(self) -> None:
        self._context = open_context("cpu")
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)

    def seen(self, model: Model, half: float) -> NDArray[np.float64]:
        """(cells, cells) share of the dome's light; rows along +z, columns along +x."""
        points = np.concatenate([part.positions for part in model.parts]).astype(np.float32)
        starts = np.cumsum([0] + [len(part.positions) for part in model.parts[:-1]])
        triangles = np.concatenate([p.triangles + np.uint32(s) for p, s in zip(model.parts, starts, strict=True)])
        vertices, indices = self._context.buffer(points.tobytes()), self._context.buffer(triangles.tobytes())
        array = self._context.vertex_array(
            self._program, [(vertices, "3f", "at")], index_buffer=indices, index_element_size=4
        )
        target = self._context.simple_framebuffer((MAP_CELLS, MAP_CELLS), components=1)
        target.use()
        self._context.enable_only(moderngl.NOTHING)
        self._program["reach"] = half
        blocked = np.zeros((MAP_CELLS, MAP_CELLS))
        for k in range(DIRECTIONS):
            level = (k + 0.5) / DIRECTIONS
            around, slope = k * math.pi * (3.0 - math.sqrt(5.0)), math.sqrt(level / (1.0 - level))
            self._program["slope"] = (slope * math.cos(around), slope * math.sin(around))
            target.clear()
            array.render(moderngl.TRIANGLES)
            blocked += np.frombuffer(target.read(components=1), np.uint8).reshape(MAP_CELLS, MAP_CELLS) > 0
        for item in (array, vertices, indices, target):
            item.release()
        return 1.0 - blocked / DIRECTIONS


def underside(points: NDArray[np.floating], width: float, cells: int) -> NDArray[np.float32]:
    """(cells, cells) height of the subject's lowest part over each cell of the ground; infinite where there is none.

    Args:
        points: (n, 3) spread over its surface, standing on y = 0; x and z within half of ``width`` from 0.
        width: of the map, whose rows run along +z and columns along +x.
        cells: its side.
    """
    column, row = (np.clip(((points[:, k] / width + 0.5) * cells).astype(np.int64), 0, cells - 1) for k in (0, 2))
    lowest = np.full((cells, cells), np.inf, np.float32)
    np.minimum.at(lowest.reshape(-1), row * cells + column, points[:, 1].astype(np.float32))
    # A cell in which no point fell, between some in which one did.
    near = cv2.erode(cv2.dilate(np.where(np.isfinite(lowest), 1, 0).astype(np.uint8), np.ones((3, 3))), np.ones((3, 3)))
    around = cv2.erode(np.minimum(lowest, np.float32(1e6)), np.ones((3, 3)))
    return np.where(np.isfinite(lowest) | (near == 0), lowest, around).astype(np.float32)


def measured(model: Model, dome: Dome) -> Errors:
    """How far the ground's shade is from the dome's."""
    shadow = GroundShadow(model, np.array([0.0, 1.0, 0.0]), np.zeros(3))
    half = shadow.half
    truth = np.maximum(dome.seen(model, half), 0.1) ** SHOWN
    below = underside(surface_points(model), 2.0 * half, MAP_CELLS)
    over, touching = np.isfinite(below), below < TOUCHING
    cell = 2.0 * half / MAP_CELLS
    rim = _grown(touching, RIM_CELLS) & ~touching
    beside = _grown(over, int(BESIDE / cell)) & ~over & ~rim
    off = shadow.factors(0.0)[..., 1] / 255.0 - truth
    parts = (rim, beside, over & ~touching & ~rim)
    rms = [_rms(off[where]) for where in parts]
    return Errors(rms[0], rms[1], rms[2], brighter=float(off[parts[0] | parts[1] | parts[2]].mean()))


def _mean(values: list[float]) -> float:
    """Of those that are numbers; not a number where none is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _rms(values: NDArray[np.float64]) -> float:
    """Not a number where there are none: a flat thing hangs over nothing."""
    return float(np.sqrt((values**2).mean())) if len(values) else math.nan


def _grown(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=cells) > 0)


def main() -> None:
    """Measure, print the table and the closing line."""
    parser = argparse.ArgumentParser(prog="python -m bench.contact", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("quality/corpus/meshes"), help="folder of GLB files")
    given = parser.parse_args()
    files = sorted(given.data.glob("*.glb"))
    if not files:
        sys.exit(f"--data {given.data}: no GLB file in it")
    dome = Dome()
    rows = [(path.stem, measured(prepare(read_glb(path.read_bytes())), dome)) for path in files]
    sys.stdout.write(f"{machine()}\n\n")
    names = ("rim", "beside", "under", "brighter")
    lines: list[list[str | float]] = []
    figures: dict[str, float] = {}
    for part, reserved in (("tune", False), ("unseen", True)):
        chosen = [errors for name, errors in rows if is_reserved(name) is reserved]
        means = [_mean([getattr(each, name) for each in chosen]) for name in names]
        lines.append([part, len(chosen), *means])
        figures |= {f"{part}_{name}": value for name, value in zip(names, means, strict=True)}
    table(["part", "things", *names], lines)
    closing_line(figures)


if __name__ == "__main__":
    main()
