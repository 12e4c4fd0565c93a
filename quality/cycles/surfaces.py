"""What things stand on and hang before: wood, cloth, stone and paint, from Blender's procedural nodes."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

Color = tuple[float, float, float]

WOODS: tuple[tuple[Color, Color], ...] = (
    ((0.42, 0.24, 0.12), (0.28, 0.14, 0.06)),
    ((0.62, 0.45, 0.28), (0.48, 0.32, 0.18)),
    ((0.16, 0.08, 0.045), (0.09, 0.045, 0.025)),
    ((0.70, 0.58, 0.42), (0.58, 0.45, 0.30)),
)
STONES: tuple[tuple[Color, Color], ...] = (
    ((0.80, 0.79, 0.76), (0.45, 0.45, 0.46)),
    ((0.30, 0.30, 0.29), (0.16, 0.16, 0.16)),
    ((0.62, 0.57, 0.50), (0.40, 0.35, 0.30)),
    ((0.07, 0.07, 0.075), (0.25, 0.25, 0.26)),
)
CLOTHS: tuple[tuple[Color, Color], ...] = (
    ((0.60, 0.56, 0.48), (0.48, 0.44, 0.37)),
    ((0.16, 0.22, 0.32), (0.10, 0.14, 0.22)),
    ((0.42, 0.13, 0.12), (0.30, 0.08, 0.08)),
    ((0.26, 0.33, 0.24), (0.18, 0.24, 0.17)),
    ((0.78, 0.77, 0.74), (0.66, 0.65, 0.62)),
)
PAINTS: tuple[Color, ...] = (
    (0.78, 0.77, 0.73),
    (0.70, 0.66, 0.58),
    (0.45, 0.52, 0.55),
    (0.55, 0.58, 0.48),
    (0.62, 0.48, 0.42),
    (0.30, 0.33, 0.36),
    (0.82, 0.82, 0.82),
)


class _Nodes:
    """A material's node tree, with the few kinds of node that the surfaces use."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]

    def add(self, kind: str, **values: object) -> bpy.types.Node:
        node = self.tree.nodes.new(kind)
        for name, value in values.items():
            if name in node.inputs:
                node.inputs[name].default_value = value
            else:
                setattr(node, name, value)
        return node

    def link(self, source: bpy.types.NodeSocket, target: bpy.types.NodeSocket) -> None:
        self.tree.links.new(source, target)

    def place(self, scale: Color, turn: float) -> bpy.types.NodeSocket:
        """Object coordinates scaled and turned about the vertical."""
        where = self.add("ShaderNodeTexCoord")
        move = self.add("ShaderNodeMapping", Scale=scale, Rotation=(0.0, 0.0, turn))
        self.link(where.outputs["Object"], move.inputs["Vector"])
        return move.outputs["Vector"]

    def noise(self, at: bpy.types.NodeSocket, scale: float, detail: float = 4.0) -> bpy.types.NodeSocket:
        node = self.add("ShaderNodeTexNoise", Scale=scale, Detail=detail)
        self.link(at, node.inputs["Vector"])
        return node.outputs["Fac"]

    def between(
        self, factor: bpy.types.NodeSocket, first: Color, second: Color, low: float, high: float
    ) -> bpy.types.NodeSocket:
        """A colour ramp between two colours."""
        ramp = self.add("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = low, high
        ramp.color_ramp.elements[0].color = (*first, 1.0)
        ramp.color_ramp.elements[1].color = (*second, 1.0)
        self.link(factor, ramp.inputs["Fac"])
        return ramp.outputs["Color"]

    def bump(self, height: bpy.types.NodeSocket, strength: float, distance: float) -> None:
        node = self.add("ShaderNodeBump", Strength=strength, Distance=distance)
        self.link(height, node.inputs["Height"])
        self.link(node.outputs["Normal"], self.shader.inputs["Normal"])

    def color(self, socket: bpy.types.NodeSocket, roughness: float) -> None:
        self.link(socket, self.shader.inputs["Base Color"])
        self.shader.inputs["Roughness"].default_value = roughness


def wood(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """Boards with grain; ``unit``: world units in a metre."""
    nodes = _Nodes("wood")
    light, dark = _shaded(WOODS, random)
    turn = float(random.uniform(0, 3.14))
    long = nodes.place((1.2 / unit, 14.0 / unit, 1.0 / unit), turn)
    grain = nodes.noise(long, 2.2, 4.0)
    tone = nodes.between(grain, light, dark, 0.35, 0.7)
    boards = nodes.place((1.0 / unit, 1.0 / unit, 1.0 / unit), turn)
    brick = nodes.add(
        "ShaderNodeTexBrick", Scale=float(random.uniform(1.4, 3.0)), Color1=(0.85, 0.85, 0.85, 1), Color2=(1, 1, 1, 1)
    )
    brick.inputs["Mortar"].default_value = (0.25, 0.22, 0.2, 1)
    brick.inputs["Mortar Size"].default_value = 0.004
    brick.inputs["Brick Width"].default_value = 2.5
    nodes.link(boards, brick.inputs["Vector"])
    mix = nodes.add("ShaderNodeMix", data_type="RGBA", blend_type="MULTIPLY")
    mix.inputs[0].default_value = 1.0
    nodes.link(tone, mix.inputs[6])
    nodes.link(brick.outputs["Color"], mix.inputs[7])
    nodes.color(mix.outputs[2], float(random.uniform(0.25, 0.6)))
    nodes.bump(grain, 0.15, 0.002 * unit)
    return nodes.material


def cloth(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """A woven cloth with soft folds."""
    nodes = _Nodes("cloth")
    first, second = _shaded(CLOTHS, random)
    at = nodes.place((1.0 / unit, 1.0 / unit, 1.0 / unit), float(random.uniform(0, 3.14)))
    weave = nodes.add("ShaderNodeTexChecker", Scale=float(random.uniform(250, 500)))
    nodes.link(at, weave.inputs["Vector"])
    fibre = nodes.noise(at, 90.0, 2.0)
    folds = nodes.noise(at, float(random.uniform(3, 9)), 2.0)
    nodes.color(nodes.between(fibre, first, second, 0.3, 0.7), 0.95)
    total = nodes.add("ShaderNodeMath", operation="MULTIPLY_ADD")
    total.inputs[1].default_value = 8.0
    nodes.link(folds, total.inputs[0])
    nodes.link(fibre, total.inputs[2])
    nodes.bump(total.outputs["Value"], 0.5, 0.004 * unit)
    return nodes.material


def stone(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """Polished stone with veins, or terrazzo-like specks."""
    nodes = _Nodes("stone")
    first, second = _shaded(STONES, random)
    at = nodes.place((1.0 / unit,) * 3, float(random.uniform(0, 3.14)))
    cloud = nodes.noise(at, 6.0, 3.0)
    bent = nodes.add("ShaderNodeVectorMath", operation="MULTIPLY_ADD")
    bent.inputs[1].default_value = (0.35, 0.35, 0.35)
    nodes.link(cloud, bent.inputs[0])
    nodes.link(at, bent.inputs[2])
    vein = nodes.noise(bent.outputs["Vector"], float(random.uniform(2.5, 14.0)), 5.0)
    nodes.color(nodes.between(vein, second, first, 0.32, 0.56), float(random.uniform(0.12, 0.5)))
    return nodes.material


def concrete(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """Rough and blotchy: concrete, paving, worn paint."""
    nodes = _Nodes("concrete")
    base = float(random.uniform(0.2, 0.5))
    warm = float(random.uniform(0.88, 1.0))
    at = nodes.place((1.0 / unit,) * 3, 0.0)
    blotch = nodes.noise(at, 7.0, 4.0)
    nodes.color(
        nodes.between(blotch, (base * 0.7, base * 0.7, base * 0.7 * warm), (base, base, base * warm), 0.3, 0.7), 0.9
    )
    nodes.bump(nodes.noise(at, 60.0, 2.0), 0.3, 0.003 * unit)
    return nodes.material


def laminate(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """A plain smooth table top or sheet of paper."""
    nodes = _Nodes("laminate")
    color = np.clip(np.array(PAINTS[int(random.integers(len(PAINTS)))]) * random.uniform(0.7, 1.1), 0, 0.85)
    at = nodes.place((1.0 / unit,) * 3, 0.0)
    dark = tuple(float(c) * 0.93 for c in color)
    nodes.color(
        nodes.between(nodes.noise(at, 3.0, 2.0), dark, tuple(float(c) for c in color), 0.3, 0.7),
        float(random.uniform(0.3, 0.8)),
    )  # type: ignore[arg-type]
    return nodes.material


def tiles(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """Square tiles with grouting."""
    nodes = _Nodes("tiles")
    first, second = _shaded(STONES[:3], random)
    at = nodes.place((1.0 / unit,) * 3, float(random.uniform(0, 1.57)))
    brick = nodes.add(
        "ShaderNodeTexBrick",
        Scale=float(random.uniform(2.0, 5.0)),
        Color1=(*first, 1),
        Color2=(*[c * 0.92 for c in first], 1),
    )
    brick.inputs["Mortar"].default_value = (*second, 1)
    brick.inputs["Mortar Size"].default_value = 0.012
    brick.inputs["Brick Width"].default_value = 0.5
    brick.inputs["Row Height"].default_value = 0.5
    brick.offset = 0.0
    nodes.link(at, brick.inputs["Vector"])
    nodes.color(brick.outputs["Color"], float(random.uniform(0.15, 0.4)))
    return nodes.material


def paint(random: np.random.Generator, unit: float) -> bpy.types.Material:
    """A painted wall, a little uneven."""
    nodes = _Nodes("paint")
    color = PAINTS[int(random.integers(len(PAINTS)))]
    at = nodes.place((1.0 / unit,) * 3, 0.0)
    dark: Color = (color[0] * 0.9, color[1] * 0.9, color[2] * 0.9)
    nodes.color(nodes.between(nodes.noise(at, 1.5, 2.0), dark, color, 0.3, 0.7), 0.9)
    nodes.bump(nodes.noise(at, 60.0, 3.0), 0.08, 0.002 * unit)
    return nodes.material


SURFACES: dict[str, Callable[[np.random.Generator, float], bpy.types.Material]] = {
    "wood": wood,
    "cloth": cloth,
    "stone": stone,
    "concrete": concrete,
    "laminate": laminate,
    "tiles": tiles,
}


def plain(color: Color, roughness: float) -> bpy.types.Material:
    """One colour: things in the background."""
    nodes = _Nodes("plain")
    nodes.shader.inputs["Base Color"].default_value = (*color, 1.0)
    nodes.shader.inputs["Roughness"].default_value = roughness
    return nodes.material


def _shaded(pairs: tuple[tuple[Color, Color], ...], random: np.random.Generator) -> tuple[Color, Color]:
    """One of the pairs, lighter or darker and a little tinted."""
    pair = np.array(pairs[int(random.integers(len(pairs)))]) * random.uniform(0.75, 1.2) * random.uniform(0.93, 1.07, 3)
    first, second = np.clip(pair, 0.02, 0.85)
    return tuple(map(float, first)), tuple(map(float, second))  # type: ignore[return-value]
