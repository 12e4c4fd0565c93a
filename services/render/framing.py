"""Where the hero camera stands: its pitch from the backplate's horizon, its place from the subject's size.

The still scene and the film share one convention (``lensora.core.staging``): where the subject's base line lies, and
how much of the frame its larger extent fills; both depend on how flat it is seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import FOCAL, Camera, Pose, Rig, turn
from lensora.core.staging import BASE_LINE, FILL, SQUARE, FrameShape, staged
from lensora.core.words import CameraMove

HERO_SHARE = {CameraMove.TURNTABLE: 1.0, CameraMove.DOLLY: 0.91, CameraMove.CINEMATIC: 1.0}
"""Share of the still's extent that the larger extent has at the hero pose; the dolly grows from its first frame on."""

MOST_FILL = 0.75
"""No frame of the move is filled more than this, across or down: a subject that grows wider as it turns, such as a cube
on its diagonal, is shown smaller than the still at angle 0."""

MARGIN = 0.035
"""No point of the subject comes nearer to the frame's edge than this share of it."""

VANISHING = 0.36
"""Height of the ground's vanishing line where the backplate does not say otherwise: the camera looks down on the foot
of the subject by about 15 degrees, the usual view of a product on a table. Backplates made from words are drawn so."""

LEAST_SURFACE = 0.05
"""The surface's far edge lies at least this share of the frame below the vanishing line: a higher edge lifts the
line."""

GREATEST_PITCH = math.radians(20.0)
"""A camera that looks down more steeply than this shows the subject from the top."""

GREATEST_ELEVATION = math.radians(20.0)
"""A photo taken from further above is followed only so far: on a backdrop seen from eye level more would look wrong."""

SURFACE_LEFT = 0.02
"""Share of the frame between the furthest ground under the subject and the surface's edge: nothing hangs over it."""

RAISES = (1.0, 0.75, 0.5, 0.25)
"""Shares of the way up to the photo's elevation that are tried until the surface reaches far enough."""

PLAIN_PITCH = math.radians(5.0)
"""Pitch on the white plate, which has no horizon: enough to see the shadow lie on a ground."""

CENTRE = 0.5


def pitch_for_horizon(horizon: float) -> float:
    """Downward pitch, radians, that puts the ground's vanishing line where it belongs for a surface that ends at
    ``horizon`` (0..1 of the frame's height from the top)."""
    vanishing = min(VANISHING, horizon - LEAST_SURFACE)
    return min(GREATEST_PITCH, math.atan((CENTRE - vanishing) / FOCAL))


def frame_bounds(camera: Camera, support: NDArray[np.float64], yaw: float) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of the subject in the frame, 0..1 inside it; infinite when a point is behind the
    camera."""
    points, depth = camera.project(support @ turn(yaw).T)
    if depth.min() <= 1e-6:
        return -math.inf, -math.inf, math.inf, math.inf
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def extent(bounds: tuple[float, float, float, float], shape: FrameShape = SQUARE) -> float:
    """The larger of the shares of a frame's width and height that bounds take."""
    return max((bounds[2] - bounds[0]) / shape.width, (bounds[3] - bounds[1]) / shape.height)


def _hero(support: NDArray[np.float64], pitch: float, fill: float, base_line: float) -> Camera:
    """The camera with this pitch that shows the subject with this fill and base line."""
    middle_height = float(support[:, 1].max()) / 2.0
    away, upwards = (math.sin(pitch), math.cos(pitch)), (math.cos(pitch), -math.sin(pitch))

    def standing(distance: float) -> Camera:
        raised = 0.0
        for step in range(7):  # moving the eye along the picture's up direction shifts the subject almost linearly
            y, z = (distance * along + raised * up for along, up in zip(away, upwards, strict=True))
            camera = Camera((0.0, middle_height + y, z), 0.0, pitch)
            bottom = frame_bounds(camera, support, 0.0)[3]
            if step == 6 or not math.isfinite(bottom):
                break
            raised += (base_line - bottom) * distance / camera.focal
        return camera

    near, far = 0.3, 60.0
    for _ in range(24):  # to a millionth of the distance
        middle = math.sqrt(near * far)
        small = extent(frame_bounds(standing(middle), support, 0.0)) <= fill
        near, far = (near, middle) if small else (middle, far)
    return standing(far)


def fit_rig(
    support: NDArray[np.float64],
    move: CameraMove,
    poses: Sequence[Pose],
    pitch: float,
    hero_fill: float | None = None,
    shape: FrameShape = SQUARE,
) -> Rig:
    """The rig of a film: fills the frame as agreed, and clips the subject in no pose.

    Args:
        support: (k, 3) outermost points of the subject, standing on y = 0.
        move: the camera move.
        poses: all poses of the film.
        pitch: of the hero camera, radians downwards.
        hero_fill: share of the frame at angle 0; None for what its shape and the move ask for.
        shape: what is seen of the square frame; the subject stays within it in every pose.
    """
    first = frame_bounds(_hero(support, pitch, FILL, BASE_LINE), support, 0.0)
    stage = staged(first[2] - first[0], first[3] - first[1], pitch, shape)
    fill = HERO_SHARE[move] * stage.fill if hero_fill is None else hero_fill
    pivot = (0.0, float(support[:, 1].max()) / 2.0, 0.0)
    looked_at = poses[:: max(1, len(poses) // 48)]
    base_line = stage.base_line
    rig = Rig(_hero(support, pitch, fill, base_line), pivot)
    for _ in range(40):
        bounds = [frame_bounds(rig.camera(pose), support, pose.subject_yaw) for pose in (*looked_at, poses[-1])]
        widest = max(extent(each, shape) for each in bounds)
        left, top = shape.left + MARGIN, shape.top + MARGIN
        below = max(each[3] for each in bounds) - (1.0 - top)
        above = top - min(each[1] for each in bounds)
        aside = max(left - min(each[0] for each in bounds), max(each[2] for each in bounds) - (1.0 - left))
        if widest > MOST_FILL + 1e-3:
            fill *= max(0.9, MOST_FILL / widest)
        elif below > 0.0 and above + below < -0.02 and math.isfinite(below):
            base_line -= below + 0.005
        elif max(below, above, aside) > 0.0:
            fill *= 0.95
        else:
            break
        rig = Rig(_hero(support, pitch, fill, base_line), pivot)
    return rig


def elevation(rig: Rig) -> float:
    """How far from above the hero camera looks at the subject's middle, radians."""
    x, y, z = np.array(rig.hero.eye) - np.array(rig.pivot)
    return math.atan2(y, math.hypot(x, z))


def raised_rig(
    support: NDArray[np.float64],
    move: CameraMove,
    poses: Sequence[Pose],
    pitch: float,
    photo: float | None,
    edge: float | None,
    shape: FrameShape = SQUARE,
) -> Rig:
    """The rig that looks down on the subject as its photo did, as far as the backplate bears it.

    What a photo shows from above, such as what is in a cup, a lower camera would hide. A surface ends at an edge which
    may be seen at the same place from higher up as well: it is then nearer.

    Args:
        support: as for ``fit_rig``.
        move: the camera move.
        poses: all poses of the film.
        pitch: of the hero camera as the backplate has it, radians downwards.
        photo: elevation that the photo was taken from, radians; None if not known.
        edge: height of the surface's far edge in the frame, 0..1 from the top; None where there is none.
        shape: as for ``fit_rig``.
    """
    rig = fit_rig(support, move, poses, pitch, shape=shape)
    if photo is None:
        return rig
    missing = min(photo, GREATEST_ELEVATION) - elevation(rig)
    if missing < math.radians(1.0):
        return rig
    furthest = np.array([[0.0, 0.0, -float(np.hypot(support[:, 0], support[:, 2]).max())]])
    for share in RAISES:
        raised = fit_rig(support, move, poses, pitch + missing * share, shape=shape)
        if edge is None or raised.hero.project(furthest)[0][0, 1] >= edge + SURFACE_LEFT:
            return raised
    return rig
