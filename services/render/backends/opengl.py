"""Draws the subject with OpenGL 3.3 through EGL: Mesa's llvmpipe on a CPU, the driver's own on a GPU.

Only the window of the frame that holds the subject is drawn, with ``samples`` x ``samples`` samples a pixel; ground and
backplate never pass through the rasteriser. Two framebuffers take turns. A GPU draws the next frame while one is read
back. llvmpipe finishes all that it was told to draw before a read, so it is told of the next drawing between the read
and the work on what was read: its threads then draw while this one resolves samples to pixels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import projection, turn
from lensora.core.errors import RenderFailed
from services.render.backends.device import flushing, is_software, open_context, outwaiting
from services.render.backends.drawable import Drawable, Shaders, light_frame, load, set_uniform
from services.render.backends.lattice import BAND_ROWS, Band, bands, lattice_sides, sheared, upright
from services.render.backends.vertices import Owned
from services.render.samples import resolved
from services.render.shot import Layer, Shot, Window

IN_FLIGHT = 2
"""Drawings that are begun before the first of them is read back."""

RESOLVED_AT_ONCE = 384 * 1024
"""Bytes of samples that are resolved together: as many as a core's own cache holds twice."""


@dataclass(frozen=True)
class _Drawing:
    """A band of a frame, and with a frame's last band its mirror image: where in the frame, None where there is
    none."""

    index: int
    band: Band
    last: bool
    below: Window | None


@dataclass(frozen=True)
class _Target:
    """What one drawing goes to: the band's samples, and where the mirror image goes if any frame has one."""

    whole: moderngl.Framebuffer
    half: moderngl.Framebuffer | None


class OpenGLRenderer:
    """A ``SubjectRenderer`` on an OpenGL context of its own."""

    def __init__(self, device: str = "auto", samples: int = 2, band_rows: int = BAND_ROWS) -> None:
        """
        Args:
            device: see ``open_context``.
            samples: samples a pixel along each side, 1 to 4.
            band_rows: see ``bands``.
        """
        self._samples = samples
        self._band_rows = band_rows
        self._context = open_context(device)
        self._idle = self._context.simple_framebuffer((1, 1))
        self._shaders = Shaders(self._context)
        # A GPU goes on with the next frame while this one is read: there the read itself waits, for this frame alone.
        self._outwait = outwaiting(self._context) if is_software(self._context) else lambda: None
        self._flush = flushing(self._context)

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
            drawables = load(context, self._shaders, shot, self._samples, self._idle, owned)
            drawables.sort(key=lambda each: each.blended)
            windows = {index: shot.window(index) for index in range(start, len(shot.poses))}
            drawings = [each for index, window in windows.items() for each in self._drawings(shot, index, window)]
            sides = [lattice_sides(each.band.window, self._samples) for each in drawings]
            width, height = max(side[0] for side in sides), max(side[1] for side in sides)
            limit = int(context.info["GL_MAX_TEXTURE_SIZE"])
            if max(width, height) > limit:
                raise RenderFailed(f"a frame needs {max(width, height)} samples a side; this device has {limit}")
            below = [_half(each.below) for each in drawings if each.below is not None]
            targets = deque(
                _Target(
                    self._framebuffer(width, height, owned),
                    self._framebuffer(max(w for w, _ in below), max(h for _, h in below), owned) if below else None,
                )
                for _ in range(IN_FLIGHT)
            )
            memory = np.empty((3, height * width * 4), np.uint8)
            waiting = deque(drawings)
            for target in targets:
                if waiting:
                    self._draw(shot, waiting.popleft(), target, drawables)
            read: list[NDArray[np.uint8]] = []
            for drawing in drawings:
                target = targets[0]
                targets.rotate(-1)
                samples, mirror = self._read(drawing, target, memory)
                if waiting:
                    self._draw(shot, waiting.popleft(), target, drawables)
                read.append(self._resolved(drawing.band, samples, memory))
                if drawing.last:
                    pixels = read[0] if len(read) == 1 else np.concatenate(read)
                    read = []
                    yield Layer(drawing.index, windows[drawing.index], pixels, mirror)
        finally:
            self._idle.use()  # moderngl goes back to the framebuffer in use, which must not be one that is gone
            for item in reversed(owned):
                item.release()

    def _framebuffer(self, width: int, height: int, owned: list[Owned]) -> moderngl.Framebuffer:
        color = self._context.renderbuffer((width, height), 4)
        depth = self._context.depth_renderbuffer((width, height))
        framebuffer = self._context.framebuffer([color], depth)
        owned += [color, depth, framebuffer]
        return framebuffer

    def _drawings(self, shot: Shot, index: int, window: Window) -> list[_Drawing]:
        """What a frame takes: its bands, and the subject in the mirror of the ground where that is in sight."""
        below = shot.mirror_window(index) if shot.mirrored else None
        if below is not None and (below.width < 4 or below.height < 4):
            below = None
        parts = bands(window, self._band_rows)
        ends = range(1, len(parts) + 1)
        return [
            _Drawing(index, band, end == len(parts), below if end == len(parts) else None)
            for end, band in zip(ends, parts, strict=True)
        ]

    def _draw(self, shot: Shot, drawing: _Drawing, target: _Target, drawables: list[Drawable]) -> None:
        """Begin a drawing; it goes on while this thread does other things."""
        window = drawing.band.window
        sides = lattice_sides(window, self._samples)
        lattice = sheared(window, self._samples)
        self._render(shot, drawing.index, window, target.whole, drawables, sides, lattice, mirrored=False)
        if drawing.below is not None:
            assert target.half is not None
            sides = _half(drawing.below)
            self._render(shot, drawing.index, drawing.below, target.half, drawables, sides, np.eye(4), mirrored=True)
        self._flush()

    def _render(
        self,
        shot: Shot,
        index: int,
        window: Window,
        target: moderngl.Framebuffer,
        drawables: list[Drawable],
        sides: tuple[int, int],
        lattice: NDArray[np.float64],
        *,
        mirrored: bool,
    ) -> None:
        """Draw a window of a frame into the lower left corner of a target.

        Args:
            shot: what is drawn.
            index: of the frame.
            window: part of the frame.
            target: takes it.
            drawables: the parts.
            sides: of the drawing, samples.
            lattice: (4, 4) where the samples of a pixel lie.
            mirrored: the subject upside down, as the ground shows it.
        """
        context, size, pose = self._context, shot.size, shot.poses[index]
        camera = shot.camera(index)
        near, far = shot.depth_range(index)
        share = (window.left / size, window.top / size, window.right / size, window.bottom / size)
        rotation = turn(pose.subject_yaw)
        flip = np.diag([1.0, -1.0 if mirrored else 1.0, 1.0, 1.0])
        model = np.eye(4)
        model[:3, :3] = rotation
        reach = far + 2.0 * shot.model.height if mirrored else far
        clip = projection(camera, near, reach, share) @ camera.view() @ flip @ model
        clip[1] = -clip[1]  # upside down: the first row read back is then the picture's top row
        clip = lattice @ clip
        target.use()
        target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)  # the whole: llvmpipe clears a part by drawing it, which is slow
        target.viewport = (0, 0, *sides)
        context.enable(moderngl.DEPTH_TEST)
        context.front_face = "ccw" if mirrored else "cw"  # counter-clockwise, seen upside down
        for each in drawables:
            (context.disable if each.two_sided else context.enable)(moderngl.CULL_FACE)
            (context.enable if each.blended else context.disable)(moderngl.BLEND)
            context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            set_uniform(each.program, "clip_from_model", clip.T)
            set_uniform(each.program, "world_from_model", rotation.T)
            # The mirror's picture is what a camera below the ground sees of the subject as it stands.
            set_uniform(each.program, "eye", np.array(camera.eye) * np.diag(flip)[:3])
            if not mirrored:
                light_frame(each.program, shot, index)  # the mirror image comes after it, in the same light
            for texture, unit in each.textures:
                texture.use(unit)
            if mirrored:
                each.mirrored.render(moderngl.TRIANGLES, vertices=each.corners_below(shot.mirror_reach(index, window)))
            else:
                each.vertex_array.render(moderngl.TRIANGLES)

    def _read(
        self, drawing: _Drawing, target: _Target, memory: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], tuple[Window, NDArray[np.uint8]] | None]:
        """The samples of a drawn band, in ``memory``, and the mirror image if there is one."""
        width, height = lattice_sides(drawing.band.window, self._samples)
        samples = memory[0, : height * width * 4].reshape(height, width, 4)
        self._outwait()
        target.whole.read_into(samples, viewport=(0, 0, width, height), components=4, alignment=1)
        mirror = None
        if drawing.below is not None and target.half is not None:
            across, down = _half(drawing.below)
            image = np.empty((down, across, 4), np.uint8)
            target.half.read_into(image, viewport=(0, 0, across, down), components=4, alignment=1)
            mirror = (drawing.below, resolved(image, 1))
        error = self._context.error
        if error != "GL_NO_ERROR":
            raise RenderFailed(f"OpenGL reported {error} while a frame was read back")
        return samples, mirror

    def _resolved(self, band: Band, samples: NDArray[np.uint8], memory: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(band.rows, width, 4): the samples of a band as pixels. ``memory`` holds them as read, and some rows of them
        upright and smoothed: fresh pages cost as much as the work, and so do those that no cache holds any more."""
        window, factor = band.window, self._samples
        if factor == 1:
            return resolved(samples, factor)[band.first : band.first + band.rows]
        pixels = np.empty((window.height, window.width, 4), np.uint8)
        rows = max(8, RESOLVED_AT_ONCE // (window.width * factor * factor * 4))
        for first in range(0, window.height, rows):
            last = min(first + rows, window.height)
            # A row more on either side is what the filter reaches for; each row leans by one sample more.
            low, high = max(first - 1, 0), min(last + 1, window.height)
            part = Window(window.left, window.top + low, window.right, window.top + high)
            straight = upright(samples[low * factor :, low:], part, factor, memory[1])
            pixels[first:last] = resolved(straight, factor, memory[2])[first - low : last - low]
        return pixels[band.first : band.first + band.rows]


def _half(window: Window) -> tuple[int, int]:
    """Width and height of a window at half size."""
    return window.width // 2, window.height // 2
