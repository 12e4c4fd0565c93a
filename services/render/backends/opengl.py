"""Draws the subject with OpenGL 3.3 through EGL: Mesa's llvmpipe on a CPU, the driver's own on a GPU.

Only the window of the frame that holds the subject is drawn, with ``samples`` x ``samples`` samples a pixel; ground and
backplate never pass through the rasteriser. Two framebuffers take turns: while one is read back, the next frame is
drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

import moderngl
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import projection, turn
from lensora.core.errors import RenderFailed
from services.render.model import Model, Part
from services.render.shot import Layer, Shot, Window

_create_context: Callable[..., moderngl.Context] = (
    moderngl.create_context
)  # its stub has wrong types for EGL's arguments

SRGB8_ALPHA8 = 0x8C43
"""GL_SRGB8_ALPHA8: texels are decoded before they are filtered."""

MADE_REFLECTION = 0.4
"""Share of their head-on reflections that made surfaces get. A photo's texture holds all of them already; made ones are
shown next to photos of products, which a full share would make look foggy beside them."""

SOFTWARE = ("llvmpipe", "softpipe", "swrast")
"""Names by which Mesa's renderers on the CPU can be told."""

MOST_DEVICES = 16
"""EGL devices that are tried when one is looked for."""

FINE_STEP = 1.0
"""Edges may span this share of a highlight's width where light is interpolated. On five meshes of 5k to 20k triangles
99.9% of values then stay within 3/255 of light worked out at every sample, and all within 7/255."""

LONGEST_EDGE = 0.04
"""Edges may be seen under this angle, radians, where light is interpolated: flat faces of a few triangles are not."""

COARSE_SHARE = 0.1
"""Share of a part's surface that may have longer edges: creases, where normals turn at once anyway."""

LEAST_ROUGH = 0.08
"""As in ``light.glsl``."""

IN_FLIGHT = 2
"""Frames that are drawn before the first of them is read back."""


class Owned(Protocol):
    """Something in the device's memory."""

    def release(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True)
class _Draw:
    """One part, ready to be drawn."""

    vertex_array: moderngl.VertexArray
    program: moderngl.Program
    textures: tuple[tuple[moderngl.Texture, int], ...]
    blended: bool
    two_sided: bool


def open_context(device: str) -> moderngl.Context:
    """A context on the wanted device.

    Args:
        device: ``auto`` (the first GPU, else the CPU), ``cpu``, ``gpu``, or the index of an EGL device.

    Raises:
        RenderFailed: there is no such device, or its driver fails.
    """
    if device.isdigit():
        return _open(int(device))
    fallback: moderngl.Context | None = None
    problem = "none found"
    for index in range(MOST_DEVICES):
        try:
            context = _open(index)
        except RenderFailed as exc:
            problem = exc.message
            if index > 0 or fallback is not None:
                break
            continue
        software = any(name in context.info["GL_RENDERER"].lower() for name in SOFTWARE)
        if device == ("cpu" if software else "gpu") or (device == "auto" and not software):
            if fallback is not None:
                fallback.release()
            return context
        if device == "auto" and fallback is None:
            fallback = context
        else:
            context.release()
    if fallback is not None:
        return fallback
    raise RenderFailed(f"no OpenGL device for LENSORA_RENDER_DEVICE={device}: {problem}")


def _open(index: int) -> moderngl.Context:
    try:
        return _create_context(standalone=True, backend="egl", device_index=index, require=330)
    except Exception as exc:  # glcontext and moderngl raise bare Exception
        raise RenderFailed(f"OpenGL cannot be opened on EGL device {index}: {exc}") from exc


class OpenGLRenderer:
    """A ``SubjectRenderer`` on an OpenGL context of its own."""

    def __init__(self, device: str = "auto", samples: int = 2) -> None:
        """
        Args:
            device: see ``open_context``.
            samples: samples a pixel along each side, 1 to 4.
        """
        self._samples = samples
        self._context = open_context(device)
        self._idle = self._context.simple_framebuffer((1, 1))
        folder = resources.files("services.render") / "shaders"
        self._vertex_source = (folder / "subject.vert").read_text()
        self._fragment_source = (folder / "subject.frag").read_text()
        self._light_source = (folder / "light.glsl").read_text()

    @property
    def device(self) -> str:
        """OpenGL's name of the renderer."""
        return str(self._context.info["GL_RENDERER"])

    def close(self) -> None:
        """Release the context and everything in it."""
        self._context.release()

    def layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        """See ``SubjectRenderer``."""
        try:
            yield from self._layers(shot, start)
        except moderngl.Error as exc:
            raise RenderFailed(f"OpenGL failed: {exc}") from exc

    def _layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        context = self._context
        owned: list[Owned] = []
        try:
            draws = self._load(shot, owned)
            windows = [shot.window(index) for index in range(start, len(shot.poses))]
            width = max(window.width for window in windows) * self._samples
            height = max(window.height for window in windows) * self._samples
            limit = int(context.info["GL_MAX_TEXTURE_SIZE"])
            if max(width, height) > limit:
                raise RenderFailed(f"a frame needs {max(width, height)} samples a side; this device has {limit}")
            targets = [self._target(width, height, owned) for _ in range(IN_FLIGHT)]
            waiting: list[tuple[int, Window, moderngl.Framebuffer]] = []
            for offset, window in enumerate(windows):
                index = start + offset
                target = targets[offset % IN_FLIGHT]
                self._draw(shot, index, window, target, draws)
                waiting.append((index, window, target))
                if len(waiting) == IN_FLIGHT:
                    yield self._read(*waiting.pop(0))
            for last in waiting:
                yield self._read(*last)
        finally:
            self._idle.use()  # moderngl goes back to the framebuffer in use, which must not be one that is gone
            for item in reversed(owned):
                item.release()

    def _target(self, width: int, height: int, owned: list[Owned]) -> moderngl.Framebuffer:
        color = self._context.renderbuffer((width, height), 4)
        depth = self._context.depth_renderbuffer((width, height))
        framebuffer = self._context.framebuffer([color], depth)
        owned += [color, depth, framebuffer]
        return framebuffer

    def _draw(self, shot: Shot, index: int, window: Window, target: moderngl.Framebuffer, draws: list[_Draw]) -> None:
        context, size, pose = self._context, shot.size, shot.poses[index]
        camera = shot.camera(index)
        near, far = shot.depth_range(index)
        share = (window.left / size, window.top / size, window.right / size, window.bottom / size)
        model = np.eye(4)
        model[:3, :3] = turn(pose.subject_yaw)
        clip = projection(camera, near, far, share) @ camera.view() @ model
        clip[1] = -clip[1]  # upside down: the first row read back is then the picture's top row
        target.use()
        area = (0, 0, window.width * self._samples, window.height * self._samples)
        target.viewport = area
        target.scissor = area
        target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        context.enable(moderngl.DEPTH_TEST)
        context.front_face = "cw"  # counter-clockwise, seen upside down
        for draw in sorted(draws, key=lambda each: each.blended):
            (context.disable if draw.two_sided else context.enable)(moderngl.CULL_FACE)
            (context.enable if draw.blended else context.disable)(moderngl.BLEND)
            context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            _set(draw.program, "clip_from_model", clip.T)
            _set(draw.program, "world_from_model", turn(pose.subject_yaw).T)
            _set(draw.program, "eye", np.array(camera.eye))
            for texture, unit in draw.textures:
                texture.use(unit)
            draw.vertex_array.render(moderngl.TRIANGLES)

    def _read(self, index: int, window: Window, target: moderngl.Framebuffer) -> Layer:
        width, height = window.width * self._samples, window.height * self._samples
        pixels = np.empty((height, width, 4), np.uint8)
        target.read_into(pixels, viewport=(0, 0, width, height), components=4, alignment=1)
        error = self._context.error
        if error != "GL_NO_ERROR":
            raise RenderFailed(f"OpenGL reported {error} while a frame was read back")
        return Layer(index, window, pixels, self._samples, root=True)

    def _load(self, shot: Shot, owned: list[Owned]) -> list[_Draw]:
        textures: dict[int, moderngl.Texture] = {}
        draws = []
        for part in shot.model.parts:
            program = self._program(part, shot, owned)
            bound = self._bind(part, program, textures, owned)
            _light(program, shot)
            vertex_array = self._vertices(part, program, owned)
            blended = part.material.alpha_mode == "BLEND"
            draws.append(_Draw(vertex_array, program, bound, blended, _two_sided(part, shot.model)))
        return draws

    def _program(self, part: Part, shot: Shot, owned: list[Owned]) -> moderngl.Program:
        at_vertices = _lit_at_vertices(part, shot)
        material, has_uv = part.material, part.uvs is not None
        flags = {
            "HAS_UV": has_uv,
            "HAS_COLOR": part.colors is not None,
            "HAS_BASE_TEXTURE": has_uv and material.base_texture is not None,
            "HAS_SURFACE_TEXTURE": has_uv and material.surface_texture is not None,
            "HAS_EMISSIVE_TEXTURE": has_uv and material.emissive_texture is not None,
            "ALPHA_MASK": material.alpha_mode == "MASK",
            "ALPHA_OPAQUE": material.alpha_mode not in ("MASK", "BLEND"),
            "TWO_SIDED": _two_sided(part, shot.model),
            "LIT_AT_VERTICES": at_vertices,
        }
        head = "#version 330 core\n" + "".join(f"#define {name}\n" for name, on in flags.items() if on)
        program = self._context.program(
            vertex_shader=head + (self._light_source if at_vertices else "") + self._vertex_source,
            fragment_shader=head + ("" if at_vertices else self._light_source) + self._fragment_source,
        )
        owned.append(program)
        return program

    def _bind(
        self,
        part: Part,
        program: moderngl.Program,
        textures: dict[int, moderngl.Texture],
        owned: list[Owned],
    ) -> tuple[tuple[moderngl.Texture, int], ...]:
        bound, material = [], part.material
        images = (
            ("base_texture", material.base_texture, True),
            ("surface_texture", material.surface_texture, False),
            ("emissive_texture", material.emissive_texture, True),
        )
        for unit, (name, image, encoded) in enumerate(images):
            if image is None or name not in program:
                continue
            key = id(image) * 2 + encoded
            if key not in textures:
                textures[key] = self._texture(image, encoded)
                owned.append(textures[key])
            program[name] = unit
            bound.append((textures[key], unit))
        _set(program, "base_factor", np.array(material.base_color))
        _set(program, "surface_factor", np.array([material.metallic, material.roughness]))
        _set(program, "emissive_factor", np.array(material.emissive))
        _set(program, "alpha_cutoff", np.array([material.alpha_cutoff]))
        if material.surface_texture is not None:
            texels = material.surface_texture.shape[0] * material.surface_texture.shape[1]
            level = 0.5 * np.log2(max(1.0, texels / len(part.positions)))
            _set(program, "surface_level", np.array([level]))
        made = material.metallic > 0.0  # the mesh stage writes roughness maps, too, but never metal
        _set(program, "floor_reflection", np.array([MADE_REFLECTION if made else 0.0]))
        return tuple(bound)

    def _texture(self, image: NDArray[np.uint8], encoded: bool) -> moderngl.Texture:
        height, width = image.shape[:2]
        data = np.ascontiguousarray(image)
        texture = self._context.texture(
            (width, height), 4, data, alignment=1, internal_format=SRGB8_ALPHA8 if encoded else None
        )
        texture.build_mipmaps()
        # The nearest level: with four samples a pixel nothing is seen of the step between levels, and a third is saved.
        texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        return texture

    def _vertices(self, part: Part, program: moderngl.Program, owned: list[Owned]) -> moderngl.VertexArray:
        columns: list[tuple[str, NDArray[np.float32] | None]] = [
            ("in_position", part.positions.astype(np.float32)),
            ("in_normal", part.normals),
            ("in_uv", part.uvs),
            ("in_color", part.colors),
        ]
        used = [(name, values) for name, values in columns if values is not None and name in program]
        packed = np.ascontiguousarray(np.concatenate([values for _, values in used], axis=1), np.float32)
        vertices = self._context.buffer(packed)
        triangles = self._context.buffer(np.ascontiguousarray(part.triangles, np.uint32))
        layout = " ".join(f"{values.shape[1]}f" for _, values in used)
        vertex_array = self._context.vertex_array(
            program, [(vertices, layout, *(name for name, _ in used))], index_buffer=triangles, index_element_size=4
        )
        owned += [vertices, triangles, vertex_array]
        return vertex_array


def _two_sided(part: Part, model: Model) -> bool:
    return part.material.double_sided or not model.closed


def _lit_at_vertices(part: Part, shot: Shot) -> bool:
    """Whether light interpolated between vertices looks like light worked out at every sample.

    The narrowest thing in it is the key light's highlight, about ``roughness ** 2`` radians wide around the half-way
    vector (GGX). Along an edge that vector leaves the normal by the turn of the normal and half the turn of the view.
    Metal is left out, as its highlights are many times brighter, and so are surfaces with two sides.
    """
    material = part.material
    if material.metallic > 0.0 or _two_sided(part, shot.model) or part.normals is None:
        return False
    corners, normals = part.positions[part.triangles], part.normals[part.triangles]
    distance = min(shot.depth_range(index)[0] for index in range(len(shot.poses)))
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    turns = np.linalg.norm(normals - np.roll(normals, 1, axis=1), axis=2)
    angle = edges / distance
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    rough = material.roughness
    if material.surface_texture is not None and part.uvs is not None:
        rough *= float(np.percentile(material.surface_texture[::8, ::8, 1], 10)) / 255.0
    most = FINE_STEP * max(rough, LEAST_ROUGH) ** 2
    coarse = (turns + 0.5 * angle > most).any(axis=1) | (angle > LONGEST_EDGE).any(axis=1)
    return float(area[coarse].sum()) <= COARSE_SHARE * float(area.sum())


def _set(program: moderngl.Program, name: str, values: NDArray[np.floating]) -> None:
    """Write a uniform; one that the shader does not use is no error."""
    if name in program:
        uniform = program[name]
        if isinstance(uniform, moderngl.Uniform):
            uniform.write(np.ascontiguousarray(values, np.float32).tobytes())


def _light(program: moderngl.Program, shot: Shot) -> None:
    light = shot.illumination
    _set(program, "diffuse_sh", light.diffuse)
    _set(program, "mirror_sh", light.mirror)
    _set(program, "foot_occlusion", np.array([light.foot_occlusion]))
    _set(program, "key_direction", light.key_direction)
    _set(program, "key_radiance", light.key_radiance)
