"""The room: what the object stands on, the wall behind, other things out of focus, windows and lamps.

Blender's frame, +Z up; the object's bounding box is centred at the origin with radius 1. The room is built facing +Y
(the camera at -Y) and turned to the camera's azimuth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from quality.cycles import surfaces


@dataclass(frozen=True)
class Place:
    """What a kind of object is photographed on. ``radius_m``: its usual size."""

    radius_m: float
    on: tuple[str, ...]
    on_floor: bool


TABLE = ("wood", "wood", "cloth", "stone", "laminate", "laminate", "concrete")
FLOOR = ("wood", "wood", "tiles", "concrete", "cloth")
PLACES = {
    "shoe": Place(0.17, (*FLOOR, *TABLE), on_floor=False),
    "bag": Place(0.28, (*FLOOR, *TABLE), on_floor=False),
    "bottle": Place(0.12, TABLE, on_floor=False),
    "box": Place(0.15, TABLE, on_floor=False),
    "electronics": Place(0.15, TABLE, on_floor=False),
    "figure": Place(0.12, TABLE, on_floor=False),
    "flat": Place(0.12, TABLE, on_floor=False),
    "food": Place(0.08, TABLE, on_floor=False),
    "furniture": Place(0.65, FLOOR, on_floor=True),
    "other": Place(0.25, (*FLOOR, *TABLE), on_floor=False),
    "plant": Place(0.3, (*FLOOR, *TABLE), on_floor=False),
    "tool": Place(0.13, TABLE, on_floor=False),
    "toy": Place(0.1, TABLE, on_floor=False),
    "vehicle": Place(0.16, TABLE, on_floor=False),
    "vessel": Place(0.09, TABLE, on_floor=False),
}

CEILING_M, WINDOW_M = 2.5, (1.2, 1.5)


def build(place: Place, floor_z: float, azimuth_deg: float, random: np.random.Generator) -> Sequence[bpy.types.Object]:
    """Build everything but the object. Returns what hides when the object is drawn alone."""
    unit = 1.0 / place.radius_m
    turn = np.radians(azimuth_deg)
    things: list[bpy.types.Object] = []

    def put(thing: bpy.types.Object) -> bpy.types.Object:
        x, y, z = thing.location
        thing.location = (x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn), z)
        thing.rotation_euler.rotate_axis("Z", 0.0)
        thing.rotation_euler = (*thing.rotation_euler[:2], thing.rotation_euler[2] + turn)
        things.append(thing)
        return thing

    top = surfaces.SURFACES[str(random.choice(place.on))](random, unit)
    depth = 0.0 if place.on_floor else 0.75 * unit
    if place.on_floor:
        put(_slab((0, 0, floor_z - 0.01), (30 * unit, 30 * unit, 0.02), top))
    else:
        behind = float(random.uniform(0.25, 0.9)) * unit
        put(_slab((0, behind - 1.2 * unit, floor_z - 0.02 * unit), (3.0 * unit, 2.4 * unit, 0.04 * unit), top))
        ground = surfaces.SURFACES[str(random.choice(FLOOR))](random, unit)
        put(_slab((0, 0, floor_z - depth - 0.01), (30 * unit, 30 * unit, 0.02), ground))
    away = float(random.uniform(0.6, 2.2) if place.on_floor else random.uniform(1.1, 3.0)) * unit
    if place.on_floor:
        away = max(away, 1.25)
    wall = surfaces.paint(random, unit)
    base = floor_z - depth
    put(_slab((0, away + 0.05 * unit, base + CEILING_M / 2 * unit), (12 * unit, 0.1 * unit, CEILING_M * unit), wall))
    skirting = surfaces.plain((0.8, 0.79, 0.76) if random.random() < 0.6 else (0.25, 0.14, 0.08), 0.5)
    put(_slab((0, away - 0.008 * unit, base + 0.05 * unit), (12 * unit, 0.016 * unit, 0.1 * unit), skirting))
    side = float(random.choice([-1.0, 1.0]))
    across = side * float(random.uniform(1.6, 3.0)) * unit
    put(_slab((across, 0, base + CEILING_M / 2 * unit), (0.1 * unit, 12 * unit, CEILING_M * unit), wall))
    _clutter(put, place, base, floor_z, away, unit, random)
    _lights(put, base, away, unit, side, random)
    _surroundings(random)
    return things


def _clutter(
    put: object, place: Place, base: float, floor_z: float, away: float, unit: float, random: np.random.Generator
) -> None:
    """Cabinets at the wall, a picture on it, small things at the back of the table: what is out of focus."""
    assert callable(put)
    for _ in range(int(random.integers(0, 4))):
        width, height = random.uniform(0.3, 1.2), random.uniform(0.3, 1.5)
        color = tuple(float(c) for c in random.uniform(0.05, 0.7, 3) * random.uniform(0.4, 1.0))
        x = float(random.uniform(-2.2, 2.2)) * unit
        put(
            _slab(
                (x, away - 0.2 * unit, base + height / 2 * unit),
                (width * unit, 0.35 * unit, height * unit),
                surfaces.wood(random, unit) if random.random() < 0.5 else surfaces.plain(color, 0.5),  # type: ignore[arg-type]
            )
        )
    if random.random() < 0.5:
        color = tuple(float(c) for c in random.uniform(0.1, 0.8, 3))
        x, z = float(random.uniform(-1.0, 1.0)) * unit, base + float(random.uniform(1.3, 1.8)) * unit
        put(_slab((x, away - 0.015 * unit, z), (0.5 * unit, 0.03 * unit, 0.4 * unit), surfaces.plain(color, 0.4)))  # type: ignore[arg-type]
    if place.on_floor:
        return
    for _ in range(int(random.integers(0, 4))):
        size = random.uniform(0.04, 0.13, 3) * unit
        color = tuple(float(c) for c in random.uniform(0.05, 0.8, 3))
        # Far enough behind or beside that it touches nothing.
        x = float(random.choice([-1, 1]) * random.uniform(1.7, 4.0))
        y = float(random.uniform(1.8, 3.5))
        if random.random() < 0.5:
            thing = _slab((x, y, floor_z + size[2] / 2), tuple(size), surfaces.plain(color, 0.4))  # type: ignore[arg-type]
        else:
            bpy.ops.mesh.primitive_cylinder_add(
                vertices=32, radius=size[0] / 2, depth=size[2], location=(x, y, floor_z + size[2] / 2)
            )
            thing = bpy.context.object
            bpy.ops.object.shade_smooth_by_angle(angle=0.6)
            thing.data.materials.append(surfaces.plain(color, 0.35))  # type: ignore[arg-type]
        thing.rotation_euler = (0, 0, float(random.uniform(0, 3)))
        put(thing)


def _lights(put: object, base: float, away: float, unit: float, side: float, random: np.random.Generator) -> None:
    """One or two windows with daylight, or lamps in the evening, and a ceiling lamp."""
    assert callable(put)
    evening = random.random() < 0.25
    warm, cool = (1.0, 0.72, 0.45), (0.82, 0.91, 1.0)
    day = 0.12 if evening else 1.0
    power = 60.0 * unit**2
    for number in range(int(random.integers(1, 3))):
        # A window on the other side wall, or behind the photographer.
        at_side = number == 0 and random.random() < 0.75
        z = base + float(random.uniform(1.0, 1.7)) * unit
        if at_side:
            x, y = -side * float(random.uniform(1.0, 2.2)) * unit, float(random.uniform(-1.2, 0.6)) * unit
        else:
            x, y = float(random.uniform(-1.5, 1.5)) * unit, -float(random.uniform(1.5, 2.8)) * unit
        put(_area((x, y, z), WINDOW_M, unit, power * day * float(random.uniform(0.5, 1.4)), cool))
    lamp = 0.5 if evening else float(random.choice([0.0, 0.2]))
    if lamp:
        x, y = random.uniform(-0.8, 0.8, 2) * unit
        z = base + (CEILING_M - 0.15) * unit
        put(_area((float(x), float(y), z), (0.4, 0.4), unit, power * lamp, warm))
    if evening and random.random() < 0.6:
        x = -side * float(random.uniform(0.6, 1.2)) * unit
        put(_area((x, -0.3 * unit, base + 1.2 * unit), (0.25, 0.25), unit, power * 0.2, warm))


def _surroundings(random: np.random.Generator) -> None:
    """Light from the rest of the room: darker below, lighter above, a little uneven."""
    world = bpy.data.worlds.new("room")
    world.cycles.sampling_method = "NONE"
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    background = tree.nodes["Background"]
    where = tree.nodes.new("ShaderNodeTexCoord")
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = float(random.uniform(1.0, 2.5))
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    low, high = float(random.uniform(0.1, 0.25)), float(random.uniform(0.5, 1.0))
    tint = random.uniform(0.9, 1.1, 3)
    ramp.color_ramp.elements[0].color = (*(low * tint), 1.0)
    ramp.color_ramp.elements[1].color = (*(high * tint), 1.0)
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.3, 0.75
    tree.links.new(where.outputs["Generated"], noise.inputs["Vector"])
    tree.links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], background.inputs["Color"])
    background.inputs["Strength"].default_value = float(random.uniform(0.25, 0.6))


def glowing() -> bpy.types.Material:
    """A material that needs no light: what the matte is drawn in."""
    material = bpy.data.materials.new("glowing")
    material.use_nodes = True
    tree = material.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeEmission").outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return material


def even_light() -> None:
    """White light from all sides alike: what the truth's back is drawn in."""
    world = bpy.data.worlds.new("even")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)


def _slab(
    middle: tuple[float, float, float], size: tuple[float, float, float], material: bpy.types.Material
) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=middle)
    thing = bpy.context.object
    thing.scale = size
    # Node textures read object coordinates: the size goes into the mesh.
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    thing.data.materials.append(material)
    return thing


def _area(
    at: tuple[float, float, float],
    size_m: tuple[float, float],
    unit: float,
    watts: float,
    color: tuple[float, float, float],
) -> bpy.types.Object:
    """A glowing rectangle that faces the object."""
    data = bpy.data.lights.new("light", "AREA")
    data.shape = "RECTANGLE"
    data.size, data.size_y = size_m[0] * unit, size_m[1] * unit
    data.energy, data.color = watts, color
    thing = bpy.data.objects.new("light", data)
    bpy.context.collection.objects.link(thing)
    thing.location = at
    flat = float(np.hypot(at[0], at[1]))
    thing.rotation_euler = (float(np.arctan2(flat, at[2])), 0.0, float(np.arctan2(at[1], at[0]) + np.pi / 2))
    return thing
