"""Draws the subject with OpenGL 3.3 through EGL: Mesa's llvmpipe on a CPU, the driver's own on a GPU.

Only the window of the frame that holds the subject is drawn, with ``samples`` x ``samples`` samples a pixel; ground and
backplate never pass through the rasteriser. Two framebuffers take turns: while one is read back and resolved to pixels,
a GPU draws the next frame. (llvmpipe does not: before a read it finishes all that it was told to draw.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import moderngl
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import projection, turn
from lensora.core.errors import RenderFailed
from services.render.backends.device import is_software, open_context, outwaiting
from services.render.backends.drawable import Drawable, Owned, Shaders, light_frame, load, set_uniform
from services.render.backends.lattice import BAND_ROWS, Band, bands, lattice_sides, sheared, upright
from services.render.samples import resolved
from services.render.shot import Layer, Shot, Window

IN_FLIGHT = 2
"""Frames that are drawn before the first of them is read back."""


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
            parts = [(index, band) for index, window in windows.items() for band in bands(window, self._band_rows)]
            sides = [lattice_sides(band.window, self._samples) for _, band in parts]
            width, height = max(side[0] for side in sides), max(side[1] for side in sides)
            limit = int(context.info["GL_MAX_TEXTURE_SIZE"])
            if max(width, height) > limit:
                raise RenderFailed(f"a frame needs {max(width, height)} samples a side; this device has {limit}")
            targets = [self._target(width, height, owned) for _ in range(IN_FLIGHT)]
            memory = np.empty((3, height * width * 4), np.uint8)
            half = self._target(shot.size // 2 + 2, shot.size // 2 + 2, owned) if shot.mirrored else None
            ahead: deque[moderngl.Framebuffer] = deque()
            drawn = iter(parts)
            read: list[NDArray[np.uint8]] = []
            for number, (index, band) in enumerate(parts):
                while len(ahead) < IN_FLIGHT and (following := next(drawn, None)) is not None:
                    ahead.append(targets[(number + len(ahead)) % IN_FLIGHT])
                    self._draw(shot, following[0], following[1].window, ahead[-1], drawables)
                read.append(self._read(band, ahead.popleft(), memory))
                window = windows[index]
                if sum(len(each) for each in read) == window.height:
                    pixels = read[0] if len(read) == 1 else np.concatenate(read)
                    read = []
                    yield Layer(index, window, pixels, self._mirror(shot, index, half, drawables))
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

    def _mirror(
        self, shot: Shot, index: int, half: moderngl.Framebuffer | None, drawables: list[Drawable]
    ) -> tuple[Window, NDArray[np.uint8]] | None:
        """The subject in the mirror of the ground, where that is wanted (there is a target for it) and in sight."""
        if half is None:
            return None
        below = shot.mirror_window(index)
        if below.width < 4 or below.height < 4:
            return None
        sides = (below.width // 2, below.height // 2)
        self._render(shot, index, below, half, drawables, sides, np.eye(4), mirrored=True)
        drawn = np.empty((sides[1], sides[0], 4), np.uint8)
        self._outwait()
        half.read_into(drawn, viewport=(0, 0, *sides), components=4, alignment=1)
        return below, resolved(drawn, 1)

    def _draw(
        self, shot: Shot, index: int, window: Window, target: moderngl.Framebuffer, drawables: list[Drawable]
    ) -> None:
        sides = lattice_sides(window, self._samples)
        self._render(shot, index, window, target, drawables, sides, sheared(window, self._samples), mirrored=False)

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
            light_frame(each.program, shot, index)
            for texture, unit in each.textures:
                texture.use(unit)
            each.vertex_array.render(moderngl.TRIANGLES)

    def _read(self, band: Band, target: moderngl.Framebuffer, memory: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(band.rows, width, 4): a drawn band as pixels. ``memory`` holds its samples for a moment, as read, upright
        and smoothed: fresh pages cost as much as the work."""
        width, height = lattice_sides(band.window, self._samples)
        drawn = memory[0, : height * width * 4].reshape(height, width, 4)
        self._outwait()
        target.read_into(drawn, viewport=(0, 0, width, height), components=4, alignment=1)
        error = self._context.error
        if error != "GL_NO_ERROR":
            raise RenderFailed(f"OpenGL reported {error} while a frame was read back")
        straight = upright(drawn, band.window, self._samples, memory[1])
        return resolved(straight, self._samples, memory[2])[band.first : band.first + band.rows]
