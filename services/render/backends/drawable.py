"""A part of the subject in the device's memory: its program, textures and vertices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import moderngl
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import turn
from services.render.backends.occlusion import DEPTHS, hidden_light
from services.render.backends.tessellation import Tessellated, tessellated
from services.render.backends.vertices import Owned, vertices_of
from services.render.light import harmonics, rim_direction, turned_radiance
from services.render.model import Model, Part
from services.render.samples import root_levels
from services.render.shot import Shot

MADE_REFLECTION = 0.4
"""Share of their head-on reflections that made surfaces get. A photo's texture holds all of them already; made ones are
shown next to photos of products, which a full share would make look foggy beside them."""

FINE_STEP = 1.0
"""Edges may span this share of a highlight's width where light is interpolated. On five meshes of 5k to 20k triangles
99.9% of values then stay within 3/255 of light worked out at every sample, and all within 7/255."""

LONGEST_EDGE = 0.04
"""Edges may be seen under this angle, radians, where light is interpolated: flat faces of a few triangles are not."""

COARSE_SHARE = 0.1
"""Share of a part's surface that may have longer edges: creases, where normals turn at once anyway."""

LEAST_ROUGH = 0.08
"""As in ``light.glsl``."""


SHADE_SEEN, SHADE_UNSEEN = 0.35, 0.8
"""Share of the subject's own shade that is drawn on what its photo shows, and on the rest."""

SHADE_FADES = (-0.1, 0.5)
"""Cosine between normal and the photo's camera at which a surface begins to be seen and is seen for sure."""


@dataclass(frozen=True)
class Drawable:
    """One part, ready to be drawn.

    Attributes:
        vertex_array: all of it.
        mirrored: the same for the mirror of the ground, its triangles by height where their order says nothing.
        bottoms: (m,) lowest height of each triangle of ``mirrored``, ascending where they are by height.
        program: draws it.
        textures: with their units.
        blended: it is seen through, and its triangles are drawn in the file's order.
        two_sided: its back faces may be seen.
    """

    vertex_array: moderngl.VertexArray
    mirrored: moderngl.VertexArray
    bottoms: NDArray[np.float32]
    program: moderngl.Program
    textures: tuple[tuple[moderngl.Texture, int], ...]
    blended: bool
    two_sided: bool

    def corners_below(self, height: float) -> int:
        """How many corners of ``mirrored``'s triangles are to be drawn so that all up to a height are."""
        count = len(self.bottoms)
        return 3 * (count if self.blended else int(np.searchsorted(self.bottoms, height, "right")))


class Shaders:
    """The subject's programs, put together for what a part has, and kept from film to film: each takes time to compile.

    They belong to one context, and go with it.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        folder = resources.files("services.render") / "shaders"
        names = ("subject.vert", "subject.frag", "light.glsl", "surroundings.glsl")
        self._source = {name: (folder / name).read_text() for name in names}
        self._kept: dict[tuple[str, str], list[moderngl.Program]] = {}

    def programs(self, sources: Sequence[tuple[str, str]]) -> list[moderngl.Program]:
        """A program for each (vertex, fragment) source: parts that want the same get one each, as each holds values."""
        taken: Counter[tuple[str, str]] = Counter()
        found = []
        for source in sources:
            kept = self._kept.setdefault(source, [])
            if taken[source] == len(kept):
                kept.append(self._context.program(vertex_shader=source[0], fragment_shader=source[1]))
            found.append(kept[taken[source]])
            taken[source] += 1
        return found

    def source(self, part: Part, two_sided: bool, at_vertices: bool) -> tuple[str, str]:
        """What draws a part: the sources of its vertex and its fragment shader."""
        material, has_uv = part.material, part.uvs is not None
        bent = has_uv and material.normal_texture is not None
        flags = {
            "HAS_UV": has_uv,
            "HAS_COLOR": part.colors is not None,
            "HAS_BASE_TEXTURE": has_uv and material.base_texture is not None,
            "HAS_SURFACE_TEXTURE": has_uv and material.surface_texture is not None,
            "HAS_EMISSIVE_TEXTURE": has_uv and material.emissive_texture is not None,
            "HAS_NORMAL_TEXTURE": bent,
            "HAS_GLOW": max(material.emissive) > 0.0,
            "ALPHA_MASK": material.alpha_mode == "MASK",
            "ALPHA_OPAQUE": material.alpha_mode not in ("MASK", "BLEND"),
            "TWO_SIDED": two_sided,
            "LIT_AT_VERTICES": at_vertices,
            "HAS_HIDDEN": True,
        }
        head = "#version 330 core\n" + "".join(f"#define {name}\n" for name, on in flags.items() if on)
        vertex, fragment = ["subject.vert"], ["subject.frag"]
        vertex.insert(0, "surroundings.glsl")
        if bent:
            fragment.insert(0, "surroundings.glsl")
        (vertex if at_vertices else fragment).insert(0, "light.glsl")
        return (
            head + "".join(self._source[name] for name in vertex),
            head + "".join(self._source[name] for name in fragment),
        )


def load(
    context: moderngl.Context,
    shaders: Shaders,
    shot: Shot,
    samples: int,
    idle: moderngl.Framebuffer,
    owned: list[Owned],
) -> list[Drawable]:
    """The parts of a shot, brought into the device's memory.

    Args:
        context: of the device.
        shaders: what programs are made of.
        shot: whose subject and light are wanted.
        samples: samples a pixel along each side.
        idle: a framebuffer to go back to.
        owned: takes what has to be released when the shot is done.
    """
    textures: dict[tuple[int, bool], moderngl.Texture] = {}

    def texture(image: NDArray[np.uint8], encoded: bool) -> moderngl.Texture:
        key = (id(image), encoded)
        if key not in textures:
            textures[key] = _texture(context, image, encoded)
            owned.append(textures[key])
        return textures[key]

    drawables = []
    hidden = hidden_light(context, shot.model, idle, shaders.programs([DEPTHS])[0])
    parts = [finer(part, shot) for part in shot.model.parts]
    sides = [is_two_sided(each.part, shot.model) for each in parts]
    programs = shaders.programs(
        [
            shaders.source(each.part, both, lit_at_vertices(each.part, shot))
            for each, both in zip(parts, sides, strict=True)
        ]
    )
    for split, two_sided, program, kept in zip(parts, sides, programs, hidden, strict=True):
        part = split.part
        bound = _bind(part, program, texture)
        _light(program, shot)
        set_uniform(program, "sample_width", np.array([1.0 / (shot.rig.hero.focal * shot.size * samples)]))
        weight = own_shade(part, shot.model.photo_sides)
        blended = part.material.alpha_mode == "BLEND"
        vertices = vertices_of(context, part, program, split.carried(kept) * weight[:, None], owned)
        bottoms = part.positions[:, 1][part.triangles].min(axis=1).astype(np.float32)
        order = np.arange(len(bottoms)) if blended else np.argsort(bottoms, kind="stable")
        whole = vertices.array(part.triangles)
        mirrored = vertices.array(part.triangles[order]) if shot.mirrored else whole
        drawables.append(Drawable(whole, mirrored, bottoms[order], program, bound, blended, two_sided))
    return drawables


def set_uniform(program: moderngl.Program, name: str, values: NDArray[np.floating]) -> None:
    """Write a uniform; one that the shader does not use is no error."""
    uniform = program.get(name, None)  # ``in`` would go through all of its members
    if isinstance(uniform, moderngl.Uniform):
        uniform.write(np.ascontiguousarray(values, np.float32).tobytes())


def is_two_sided(part: Part, model: Model) -> bool:
    """Whether the back faces of a part may be seen."""
    return part.material.double_sided or not model.closed


def lit_at_vertices(part: Part, shot: Shot) -> bool:
    """Whether light interpolated between vertices looks like light worked out at every sample."""
    if not may_be_lit_at_vertices(part, shot.model):
        return False
    corners = part.positions[part.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    coarse = too_long(part, shot).any(axis=1)
    return float(area[coarse].sum()) <= COARSE_SHARE * float(area.sum())


def may_be_lit_at_vertices(part: Part, model: Model) -> bool:
    """False for metal, as its highlights are many times brighter, for surfaces with two sides, and for those whose
    normals come from a map."""
    material = part.material
    bent = material.normal_texture is not None and part.uvs is not None
    return material.metallic == 0.0 and not is_two_sided(part, model) and part.normals is not None and not bent


def too_long(part: Part, shot: Shot) -> NDArray[np.bool_]:
    """(m, 3) bool: edges between whose ends light may be otherwise than at both.

    The narrowest thing in it is the key light's highlight, about ``roughness ** 2`` radians wide around the half-way
    vector (GGX). Along an edge that vector leaves the normal by the turn of the normal and half the turn of the view.
    """
    material, normals = part.material, part.normals
    assert normals is not None
    start, end = part.triangles, np.roll(part.triangles, -1, axis=1)
    distance = min(shot.depth_range(index)[0] for index in range(len(shot.poses)))
    angle = np.linalg.norm(part.positions[start] - part.positions[end], axis=2) / distance
    turns = np.linalg.norm(normals[start] - normals[end], axis=2)
    rough = material.roughness
    if material.surface_texture is not None and part.uvs is not None:
        rough *= float(np.percentile(material.surface_texture[::8, ::8, 1], 10)) / 255.0
    most = FINE_STEP * max(rough, LEAST_ROUGH) ** 2
    return np.asarray((turns + 0.5 * angle > most) | (angle > LONGEST_EDGE), np.bool_)


def finer(part: Part, shot: Shot) -> Tessellated:
    """The part with so many triangles that it can be lit at its vertices; as it is where that takes too many."""
    if may_be_lit_at_vertices(part, shot.model) and not lit_at_vertices(part, shot):
        split = tessellated(part, lambda each: too_long(each, shot))
        if lit_at_vertices(split.part, shot):
            return split
    return Tessellated(part)


def _bind(
    part: Part, program: moderngl.Program, texture: Callable[[NDArray[np.uint8], bool], moderngl.Texture]
) -> tuple[tuple[moderngl.Texture, int], ...]:
    bound, material = [], part.material
    images = (
        ("base_texture", material.base_texture, True),
        ("surface_texture", material.surface_texture, False),
        ("emissive_texture", material.emissive_texture, True),
        ("normal_texture", material.normal_texture, False),
    )
    for unit, (name, image, encoded) in enumerate(images):
        if image is None or name not in program:
            continue
        program[name] = unit
        bound.append((texture(image, encoded), unit))
    set_uniform(program, "base_factor", np.array(material.base_color))
    set_uniform(program, "surface_factor", np.array([material.metallic, material.roughness]))
    set_uniform(program, "emissive_factor", np.array(material.emissive))
    set_uniform(program, "alpha_cutoff", np.array([material.alpha_cutoff]))
    set_uniform(program, "normal_scale", np.array([material.normal_scale]))
    if material.surface_texture is not None:
        texels = material.surface_texture.shape[0] * material.surface_texture.shape[1]
        level = 0.5 * np.log2(max(1.0, texels / len(part.positions)))
        set_uniform(program, "surface_level", np.array([level]))
    made = material.metallic > 0.0  # the mesh stage never writes metal
    set_uniform(program, "floor_reflection", np.array([MADE_REFLECTION if made else 0.0]))
    return tuple(bound)


def _texture(context: moderngl.Context, image: NDArray[np.uint8], encoded: bool) -> moderngl.Texture:
    """A texture with its mip levels; ``encoded`` for sRGB, which becomes square roots of linear light."""
    height, width = image.shape[:2]
    levels = root_levels(image) if encoded else [np.ascontiguousarray(image)]
    texture = context.texture((width, height), 4, levels[0], alignment=1)
    texture.build_mipmaps()
    for number, level in enumerate(levels[1:], 1):
        texture.write(np.ascontiguousarray(level), level=number, alignment=1)
    # The nearest level: with four samples a pixel nothing is seen of the step between levels, and a third is saved.
    texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
    return texture


def own_shade(part: Part, photo_sides: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n,) how much of the subject's shade on itself is drawn at each vertex.

    The texture of what a photo shows holds that photo's shade already; of what none shows, nothing does. Without
    photos (k, 3) all of the shade is drawn.
    """
    assert part.normals is not None
    if not len(photo_sides):
        return np.ones(len(part.positions), np.float32)
    facing = np.einsum("ij,kj->ik", part.normals, photo_sides.astype(np.float32)).max(axis=1)
    seen = np.clip((facing - SHADE_FADES[0]) / (SHADE_FADES[1] - SHADE_FADES[0]), 0.0, 1.0)
    return np.asarray(SHADE_UNSEEN + (SHADE_SEEN - SHADE_UNSEEN) * seen, np.float32)


def _light(program: moderngl.Program, shot: Shot) -> None:
    light = shot.illumination
    set_uniform(program, "diffuse_sh", light.diffuse)
    set_uniform(program, "mirror_sh", light.mirror)
    set_uniform(program, "foot_occlusion", np.array([light.foot_occlusion]))
    set_uniform(program, "key_direction", light.key_direction)
    set_uniform(program, "key_radiance", light.key_radiance)


def light_frame(program: moderngl.Program, shot: Shot, index: int) -> None:
    """What of the light changes with a frame: the subject turns under it, and the lamp behind it sweeps."""
    light = shot.illumination
    unturn = turn(-shot.poses[index].subject_yaw)
    set_uniform(program, "light_sh", turned_radiance(light, unturn))
    set_uniform(program, "key_sh", harmonics((unturn @ light.key_direction.astype(np.float64))[None])[0])
    set_uniform(program, "rim_direction", rim_direction(index / len(shot.poses)))
    set_uniform(program, "rim_radiance", light.rim)
