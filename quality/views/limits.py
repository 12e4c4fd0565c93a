"""How near the truth a model's back can come at best, where the thing is known and its photos are as they are.

The PSNR of a back falls for what no model can know, or for what is not its texture. Each is measured alone, on the true
mesh: the back photo is taken from another place and in other exposure, and the front's pitch is not known exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.gl import Renderer, TexturedMesh
from quality.gl.renderer import Picture
from quality.measure.look import psnr_behind
from quality.views.photographer import Session, exposed

Doubles = NDArray[np.float64]

BEHIND_ANOTHER = 0.04
"""Radii by which a place is deeper than what the photo shows there, where something else hides it."""

REMAPPED = 30_000
"""OpenCV looks up no more than 32,767 places at a time."""


def painted_db(renderer: Renderer, mesh: TexturedMesh, session: Session) -> float:
    """PSNR, dB, of the true shape coloured by the back photo from its true camera, its exposure known.

    What the photo does not show is filled from beside it.
    """
    shown = renderer.upload(mesh)
    truth = renderer.draw(shown, session.behind)
    taken = renderer.draw(shown, session.poses["back"])
    shown.release()
    cover = truth.rgba[..., 3] > 0
    pixels, depth = taken.camera.project(_world(truth, cover))
    at = (pixels - 0.5).astype(np.float32)
    seen = _looked_up(taken.rgba[..., 3].astype(np.float32), at) > 128
    seen &= np.abs(_looked_up(taken.depth, at) - depth) < BEHIND_ANOTHER
    colors = np.stack([_looked_up(session.photos["back"][..., k].astype(np.float32), at) for k in range(3)], axis=1)
    wanted = session.back[..., :3][cover].astype(np.float64)
    gain = np.median((wanted[seen] + 1.0) / (colors[seen] + 1.0), axis=0) if seen.any() else np.ones(3)
    picture = np.zeros((*cover.shape, 3), np.uint8)
    picture[cover] = np.clip(np.round(colors * gain), 0, 255)
    hidden = np.zeros(cover.shape, np.uint8)
    hidden[cover] = 255 * ~seen
    picture = np.asarray(cv2.inpaint(picture, hidden, 3, cv2.INPAINT_TELEA), np.uint8)
    return psnr_behind(np.dstack([picture, truth.rgba[..., 3]]), session.back)


def tilted_db(renderer: Renderer, mesh: TexturedMesh, session: Session, pitch: float) -> float:
    """PSNR, dB, of the true thing in its true light, seen from behind where the front's pitch is taken for ``pitch``,
    radians."""
    shown = renderer.upload(mesh)
    picture = renderer.draw(shown, replace(session.behind, pitch=pitch), session.light).rgba
    shown.release()
    return psnr_behind(exposed(picture, session.gain), session.back)


def pitch_of(world_to_camera: Doubles) -> float:
    """Radians that a camera (3, 4) looks down, OpenGL axes."""
    return math.asin(float(np.clip(world_to_camera[2, 1], -1.0, 1.0)))


def _world(picture: Picture, cover: NDArray[np.bool_]) -> Doubles:
    """(n, 3) places that the covered pixels of a drawing show."""
    camera = picture.camera
    rows, columns = np.nonzero(cover)
    z = picture.depth[cover].astype(np.float64)
    scale = camera.pixels * camera.distance / (camera.distance - z)
    view = np.stack([(columns + 0.5 - camera.center[0]) / scale, (camera.center[1] - rows - 0.5) / scale, z], axis=1)
    return np.asarray((view - camera.world_to_view[:, 3]) @ camera.world_to_view[:, :3])


def _looked_up(picture: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) the nearest pixel's value at pixel indices (n, 2)."""
    parts = [
        cv2.remap(np.ascontiguousarray(picture), some[None, :, 0], some[None, :, 1], cv2.INTER_NEAREST)[0]
        for some in np.split(at, range(REMAPPED, len(at), REMAPPED))
    ]
    return np.asarray(np.concatenate(parts), np.float32)
