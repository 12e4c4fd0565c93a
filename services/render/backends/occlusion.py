"""What the subject hides of its own light, for each vertex, baked once a shot.

From some directions evenly spread over the sphere the subject is drawn as a depth map; a vertex behind what is drawn
does not get the light from there. The light it loses is kept in spherical harmonics (precomputed radiance transfer:
Sloan, Kautz, Snyder 2002), so that any light, turned any way, costs a frame nothing but a sum of nine terms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from services.render.light import harmonics, sphere
from services.render.model import Model

DEPTHS = (
    "#version 330 core\nin vec3 at; uniform mat4 clip; void main() { gl_Position = clip * vec4(at, 1.0); }",
    "#version 330 core\nvoid main() {}",
)
"""Sources of the vertex and the fragment shader that draw depth maps."""


@dataclass(frozen=True)
class BakeRules:
    """How finely occlusion is worked out.

    Attributes:
        across: depth maps along a side of the sheet; their square is the number of directions.
        cells: side of a depth map.
        bias: how far behind a depth map a vertex must lie to be hidden, in cells: its own triangles are not in its way.
        steepest: most slope, in cells of depth a cell, that is allowed for beside it.
        facing: least cosine between the normal and a direction that lights it.
        most_drawn: triangles that are drawn in all: finer models get fewer directions ...
        least_across: ... and none at all where fewer than this are left along a side of the sheet.
    """

    across: int = 9
    cells: int = 96
    bias: float = 1.2
    steepest: float = 3.0
    facing: float = 0.05
    most_drawn: int = 6_000_000
    least_across: int = 4

    def for_triangles(self, count: int) -> BakeRules | None:
        """The same with as many directions as a model of so many triangles bears; None for one that bears too few."""
        across = min(self.across, math.isqrt(self.most_drawn // max(count, 1)))
        return None if across < self.least_across else replace(self, across=across)


RULES = BakeRules()


READ_AT_ONCE = 1024
"""Places read in a row of OpenCV's remap, whose pictures have at most 32,767 columns."""


def hidden_light(
    context: moderngl.Context,
    model: Model,
    idle: moderngl.Framebuffer,
    program: moderngl.Program,
    rules: BakeRules = RULES,
) -> list[NDArray[np.float32]]:
    """For each part (n, 9): harmonics of the cosine-weighted directions from which its vertices get no light, over pi.

    Against radiance in harmonics this sums to the irradiance over pi that the subject keeps from itself.

    Args:
        context: of the device.
        model: the subject.
        idle: a framebuffer to go back to.
        program: of ``DEPTHS``.
        rules: how finely.
    """
    borne = rules.for_triangles(model.triangle_count)
    if borne is None:
        return [np.zeros((len(part.positions), 9), np.float32) for part in model.parts]
    rules = borne
    directions = sphere(rules.across**2)
    centre = np.array([0.0, model.height / 2.0, 0.0])
    points = np.concatenate([part.positions for part in model.parts]).astype(np.float64) - centre
    normals = np.concatenate([part.normals for part in model.parts if part.normals is not None]).astype(np.float64)
    reach = float(np.linalg.norm(points, axis=1).max()) * 1.02
    views = np.stack([_looking_from(direction) for direction in directions])
    sheet = _depth_sheet(context, model, idle, program, centre, views, reach, rules)
    cell = 2.0 * reach / rules.cells
    basis = harmonics(directions) * (4.0 / len(directions))
    result = np.zeros((len(points), 9))
    for index, (view, direction) in enumerate(zip(views, directions, strict=True)):
        cosine = normals @ direction
        lit = np.flatnonzero(cosine > rules.facing)
        if not len(lit):
            continue
        seen = points[lit] @ view.T
        depth = sheet[index]
        place = ((seen[:, :2] / reach + 1.0) * (0.5 * rules.cells) - 0.5).astype(np.float32)
        # Read between cells: its own slope then stays out of it, and edges of shade are a cell wide.
        front = _read(depth, place)
        slope = np.minimum(np.sqrt(1.0 / cosine[lit] ** 2 - 1.0), rules.steepest)
        behind = (front - seen[:, 2]) / cell - rules.bias - slope
        blocked = np.clip(behind + 0.5, 0.0, 1.0) * cosine[lit]
        result[lit] += blocked[:, None] * basis[index]
    ends = np.cumsum([len(part.positions) for part in model.parts])
    return [np.asarray(each, np.float32) for each in np.split(result, ends[:-1])]


def _read(depth: NDArray[np.float32], place: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) a depth map between its cells at places (n, 2)."""
    rows = math.ceil(len(place) / READ_AT_ONCE)
    padded = np.zeros((rows * READ_AT_ONCE, 2), np.float32)
    padded[: len(place)] = place
    x, y = (np.ascontiguousarray(padded[:, k].reshape(rows, READ_AT_ONCE)) for k in range(2))
    values = cv2.remap(depth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values.reshape(-1)[: len(place)], np.float32)


def _looking_from(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation to axes whose third is ``direction``."""
    aside = np.cross([0.0, 1.0, 0.0] if abs(direction[1]) < 0.99 else [1.0, 0.0, 0.0], direction)
    aside /= np.linalg.norm(aside)
    return np.stack([aside, np.cross(direction, aside), direction])


def _depth_sheet(
    context: moderngl.Context,
    model: Model,
    idle: moderngl.Framebuffer,
    program: moderngl.Program,
    centre: NDArray[np.float64],
    views: NDArray[np.float64],
    reach: float,
    rules: BakeRules,
) -> NDArray[np.float32]:
    """(views, cells, cells): how far towards each direction the subject comes, from its centre; rows upwards."""
    side = rules.across * rules.cells
    points = np.concatenate([part.positions for part in model.parts]) - centre
    starts = np.cumsum([0] + [len(part.positions) for part in model.parts[:-1]])
    triangles = np.concatenate([p.triangles + np.uint32(s) for p, s in zip(model.parts, starts, strict=True)])
    vertices = context.buffer(np.ascontiguousarray(points, np.float32))
    indices = context.buffer(np.ascontiguousarray(triangles, np.uint32))
    array = context.vertex_array(program, [(vertices, "3f", "at")], index_buffer=indices, index_element_size=4)
    depth = context.depth_texture((side, side), alignment=4)
    target = context.framebuffer(depth_attachment=depth)
    try:
        target.use()
        target.clear(depth=1.0)
        # Of a closed subject what comes furthest is never a back face.
        context.enable_only(moderngl.DEPTH_TEST | (moderngl.CULL_FACE if model.closed else moderngl.NOTHING))
        context.front_face = "ccw"
        clip = program["clip"]
        assert isinstance(clip, moderngl.Uniform)
        for index, view in enumerate(views):
            row, column = divmod(index, rules.across)
            target.viewport = (column * rules.cells, row * rules.cells, rules.cells, rules.cells)
            matrix = np.eye(4)
            matrix[:3, :3] = view / reach
            matrix[2] = -matrix[2]  # near is what comes furthest towards the direction
            clip.write(np.ascontiguousarray(matrix.T, np.float32).tobytes())
            array.render(moderngl.TRIANGLES)
        drawn = np.frombuffer(depth.read(alignment=4), np.float32).reshape(side, side)
    finally:
        idle.use()  # moderngl goes back to the framebuffer in use, which must not be one that is gone
        for item in (target, depth, array, indices, vertices):
            item.release()
    towards = (1.0 - 2.0 * drawn) * np.float32(reach)
    tiles = towards.reshape(rules.across, rules.cells, rules.across, rules.cells).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiles.reshape(-1, rules.cells, rules.cells), np.float32)
