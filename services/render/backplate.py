"""The backplate as a place: a ground and a backdrop behind it, seen again from each camera, out of focus where it
should be.

The picture is projected from the hero camera on two planes: the ground (y = 0) up to the surface's far edge, and an
upright backdrop that stands there. From any other camera both planes are homographies of the picture, so the ground
stays under the subject's feet and the distance moves less than what is near: parallax. The two meet along one line in
every view.

Defocus is worked out once per job: the picture is blurred in linear light by discs (an open lens's blur) of a few
sizes, and each pixel takes the size that a thin lens gives for its depth. For a rack focus this is done for a few focus
distances, and frames in between mix their two neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Camera, Pose, Rig
from lensora.core.colours import Colour
from lensora.core.frames import linear_from_srgb, srgb_from_linear
from services.render.shot import Window

Pixels = NDArray[np.uint8]

FAR_BLUR = 0.020
"""Radius of the blur disc of something infinitely far away, wide open and focused on the subject, as a share of the
frame's height, times the depth's share (1 - near/far): 15 pixels at 768. About f/2 on a full-frame camera one metre
away."""

DISC_RADII = (0.0, 0.0025, 0.005, 0.009, 0.015, 0.022)
"""Radii for which the picture is blurred, shares of its height; depths in between mix two of them."""

FOCUS_STEPS = 6
"""Focus distances worked out for a rack focus: neighbours differ by less than the eye follows in one frame."""

GREATEST_ZOOM = 1.35
"""The picture is enlarged at most this much so that a moving camera does not see past its edges; beyond, it is
mirrored."""

FURTHEST = 40.0
"""Distance of the backdrop, in distances of the subject, where the surface has no edge that can be seen."""


@dataclass(frozen=True)
class Plate:
    """One job's backplate.

    Attributes:
        focused: (size, size, 3) uint8 sRGB each, defocused for focus shares 0 (backdrop) to 1 (subject), evenly spaced;
            one entry when the focus does not move.
        aperture: of the whole film, 0..1.
        hero: the camera that the picture was projected from.
        backdrop_z: the backdrop's place on the z axis, metres, < 0.
        subject_depth: depth of the subject's centre from the hero camera, metres.
        to_picture: (3, 3) frame coordinates of the hero camera (0..1) to pixels of ``focused``.
        plain: True for a plate of one colour: nothing to project or blur.
    """

    focused: tuple[Pixels, ...]
    aperture: float
    hero: Camera
    backdrop_z: float
    subject_depth: float
    to_picture: NDArray[np.float64]
    plain: bool

    @property
    def size(self) -> int:
        """Width and height, pixels."""
        return int(self.focused[0].shape[0])

    def seen(self, camera: Camera, pose: Pose, part: Window | None = None) -> Pixels:
        """(height, width, 3) uint8: the plate from this camera. The array may be shared: do not write to it.

        Args:
            camera: of the frame.
            pose: its focus.
            part: of the frame; None for all of it.
        """
        picture, size = self._focused(pose.focus), self.size
        part = part or Window(0, 0, size, size)
        if self.plain or (camera == self.hero and np.array_equal(self.to_picture, np.diag([size, size, 1.0]))):
            return picture[part.top : part.bottom, part.left : part.right]
        rows, columns = part.height, part.width
        from_pixels = np.array([[1 / size, 0.0, part.left / size], [0.0, 1 / size, part.top / size], [0.0, 0.0, 1.0]])
        far = self._homography(camera, "backdrop") @ from_pixels
        ground = self._homography(camera, "ground") @ from_pixels
        edge = self.edge(camera)[:, 1] * size
        left, right = (
            float(edge[0] + (edge[1] - edge[0]) * column / size - part.top) for column in (part.left, part.right)
        )
        above = max(0, min(rows, math.ceil(max(left, right)) + 1))
        below = max(0, min(rows, math.floor(min(left, right)) - 1))
        result = np.empty((rows, columns, 3), np.uint8)
        if above > 0:
            result[:above] = _warp(picture, far, above, columns)
        if below < rows:
            shifted = ground @ np.array([[1.0, 0.0, 0.0], [0.0, 1.0, below], [0.0, 0.0, 1.0]])
            floor = _warp(picture, shifted, rows - below, columns)
            if above > below:  # rows that the tilted edge crosses: both planes, by a soft mask one pixel wide
                line = np.linspace(left, right, columns)[None, :]
                crossed = np.arange(below, above)[:, None]
                share = np.clip(crossed + 0.5 - line, 0.0, 1.0)[..., None].astype(np.float32)
                crossing = result[below:above] * (1.0 - share) + floor[: above - below] * share
                result[below:above] = (crossing + 0.5).astype(np.uint8)
                result[above:] = floor[above - below :]
            else:
                result[below:] = floor
        return result

    def subject_blur(self, pose: Pose) -> float:
        """Radius of the blur disc of the subject's centre, as a share of the frame's height."""
        return blur_radius(1.0, self._focus_depth(pose.focus), pose.aperture)

    def _focus_depth(self, focus: float) -> float:
        return focus_depth(focus, (self.subject_depth - self.backdrop_z) / self.subject_depth)

    def _focused(self, focus: float) -> Pixels:
        place = focus * (len(self.focused) - 1)
        low = min(int(place), len(self.focused) - 1)
        share = place - low
        if share < 1e-6:
            return self.focused[low]
        return np.asarray(cv2.addWeighted(self.focused[low], 1.0 - share, self.focused[low + 1], share, 0.0), np.uint8)

    def _homography(self, camera: Camera, plane: str) -> NDArray[np.float64]:
        """(3, 3): frame coordinates of ``camera`` to pixels of the picture, for points of a plane."""
        return (
            self.to_picture
            @ _on_plane(self.hero, plane, self.backdrop_z)
            @ np.linalg.inv(_on_plane(camera, plane, self.backdrop_z))
        )

    def edge(self, camera: Camera) -> NDArray[np.float64]:
        """(2, 2) frame coordinates of the surface's far edge at the frame's left and right border."""
        ends, depth = camera.project(np.array([[-1.0, 0.0, self.backdrop_z], [1.0, 0.0, self.backdrop_z]]))
        if depth.min() <= 0.0:
            return np.array([[0.0, 1.0], [1.0, 1.0]])
        slope = (ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0])
        return np.array([[0.0, ends[0, 1] - slope * ends[0, 0]], [1.0, ends[0, 1] + slope * (1.0 - ends[0, 0])]])


def _on_plane(camera: Camera, plane: str, backdrop_z: float) -> NDArray[np.float64]:
    """(3, 3): plane coordinates (x, z, 1) of the ground or (x, y, 1) of the backdrop to the camera's frame."""
    matrix = camera.picture()
    if plane == "ground":
        return matrix[:, [0, 2, 3]]
    return np.stack([matrix[:, 0], matrix[:, 1], matrix[:, 2] * backdrop_z + matrix[:, 3]], axis=1)


def _warp(picture: Pixels, homography: NDArray[np.float64], rows: int, columns: int) -> Pixels:
    """Samples the picture at pixel centres mapped by ``homography`` (pixel edges at whole numbers on both sides)."""
    centres = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    back = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])
    return np.asarray(
        cv2.warpPerspective(
            picture,
            back @ homography @ centres,
            (columns, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )


def focus_depth(focus: float, backdrop: float) -> float:
    """Depth in focus, in depths of the subject: the mean in 1/depth, as a focus ring is divided. focus: 0..1."""
    return 1.0 / (focus + (1.0 - focus) / backdrop)


def blur_radius(depth: float, focused: float, aperture: float) -> float:
    """Thin lens: radius of the blur disc as a share of the frame's height; depths in depths of the subject."""
    return FAR_BLUR * aperture * abs(1.0 / focused - 1.0 / depth) if depth > 0.0 else 0.0


def plain_plate(size: int, rig: Rig, color: Colour) -> Plate:
    """A plate of one colour: of background types ``remove`` and ``color``."""
    picture = np.full((size, size, 3), color, np.uint8)
    return Plate((picture,), 0.0, rig.hero, -FURTHEST, 1.0, np.diag([float(size), float(size), 1.0]), True)


def make_plate(image: Pixels, horizon: float, rig: Rig, poses: Sequence[Pose], size: int) -> Plate:
    """Fits, places and defocuses a picture for all poses of a film.

    Args:
        image: (h, w, 3) uint8 sRGB; its middle square is used.
        horizon: the surface's far edge, as a fraction of that square's height from the top (``fitted_horizon``).
        rig: the film's rig; its hero camera sees the whole picture unless the move needs room at the edges.
        poses: of all frames.
        size: width and height of the frames, pixels.
    """
    picture = _fitted(image, size)
    depth = float(rig.hero.project(np.array([rig.pivot]))[1][0])
    zoom, backdrop_z = 1.0, 0.0
    while True:
        backdrop_z = _backdrop(rig.hero, _zoomed(horizon, zoom), depth)
        plate = Plate((picture,), 0.0, rig.hero, backdrop_z, depth, _to_picture(size, zoom), False)
        if zoom >= GREATEST_ZOOM or _inside(plate, rig, poses):
            break
        zoom = min(GREATEST_ZOOM, zoom + 0.03)
    aperture = max(pose.aperture for pose in poses)
    first, last = min(pose.focus for pose in poses), max(pose.focus for pose in poses)
    focuses = np.linspace(0.0, 1.0, FOCUS_STEPS) if last - first > 1e-6 else np.array([last])
    depths = _depths(plate) / depth
    discs = _Discs(picture)
    far = (depth - backdrop_z) / depth
    focused = tuple(_mixed(discs, depths, focus_depth(float(f), far), aperture) for f in focuses)
    return Plate(focused, aperture, rig.hero, backdrop_z, depth, plate.to_picture, False)


ANCHOR = 0.6
"""The zoom keeps this height of the picture in place: between the horizon and the subject's feet."""


def _zoomed(y: float, zoom: float) -> float:
    return ANCHOR + (y - ANCHOR) * zoom


def _to_picture(size: int, zoom: float) -> NDArray[np.float64]:
    s = size / zoom
    return np.array([[s, 0.0, 0.5 * (size - s)], [0.0, s, ANCHOR * (size - s)], [0.0, 0.0, 1.0]])


def _backdrop(hero: Camera, horizon: float, depth: float) -> float:
    """Where the ground lies behind the horizon's line of sight, on the z axis."""
    nearest, furthest = -0.35, hero.eye[2] - FURTHEST * depth
    below = hero.pitch + math.atan((horizon - 0.5) / hero.focal)
    if below <= 1e-4:
        return furthest
    return float(np.clip(hero.eye[2] - hero.eye[1] / math.tan(below), furthest, nearest))


def _inside(plate: Plate, rig: Rig, poses: Sequence[Pose]) -> bool:
    """Whether no pose sees past the picture's edges."""
    slack = 1e-6 * plate.size
    for pose in (*poses[:: max(1, len(poses) // 12)], poses[-1]):
        camera = rig.camera(pose)
        edge = plate.edge(camera)
        for x, border in ((0.0, edge[0, 1]), (1.0, edge[1, 1])):
            for y, plane in ((0.0, "backdrop"), (float(np.clip(border, 0.0, 1.0)), "backdrop"), (1.0, "ground")):
                mapped = plate._homography(camera, plane) @ np.array([x, y, 1.0])
                place = mapped[:2] / mapped[2]
                if place.min() < -slack or place.max() > plate.size + slack:
                    return False
    return True


def fitted_horizon(image: Pixels, horizon: float) -> float:
    """The horizon as a fraction of the height of the picture's middle square, which is what is shown."""
    height, width = image.shape[:2]
    side = min(height, width)
    return float(np.clip((horizon * height - (height - side) // 2) / side, 0.0, 1.0))


def _fitted(image: Pixels, size: int) -> Pixels:
    """The middle square of a picture, resampled to (size, size, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(square)
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (size, size), interpolation=how), np.uint8)


def _depths(plate: Plate) -> NDArray[np.float64]:
    """(size,) depth of each row of the picture from the hero camera, metres: the ground's, then the backdrop's."""
    rows = (np.arange(plate.size) + 0.5) / plate.size
    mapping = np.linalg.inv(plate.to_picture)
    y = mapping[1, 1] * rows * plate.size + mapping[1, 2]
    hero = plate.hero
    below = hero.pitch + np.arctan((y - 0.5) / hero.focal)
    ground = np.where(below > 1e-4, hero.eye[2] - hero.eye[1] / np.tan(np.maximum(below, 1e-4)), -np.inf)
    z = np.maximum(ground, plate.backdrop_z)
    points = np.stack([np.zeros_like(z), np.where(z > plate.backdrop_z, 0.0, 0.0), z], axis=1)
    return hero.project(points)[1]


HALVED_PX, QUARTERED_PX = 8.0, 20.0
"""Radii over which a disc is drawn at half and at quarter size, so that it is about 5 to 10 pixels wide there."""

_LINEAR = (linear_from_srgb(np.arange(256) / 255.0) * 65535.0 + 0.5).astype(np.uint16)
"""(256,) linear light of sRGB bytes, in steps of 1/65535."""


def _disc_blurred(linear: NDArray[np.uint16], radius: float) -> NDArray[np.uint16]:
    """Linear light, blurred by a disc of this radius in pixels with a soft rim; large discs at half or quarter size."""
    if radius < 0.3:
        return linear
    shrink = 4 if radius > QUARTERED_PX else 2 if radius > HALVED_PX else 1
    scale = 1.0 / shrink
    working = cv2.resize(linear, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if shrink > 1 else linear
    radius *= scale
    reach = math.ceil(radius + 0.5)
    offset = np.arange(-reach, reach + 1)
    distance = np.hypot(offset[:, None], offset[None, :])
    kernel = np.clip(radius + 0.5 - distance, 0.0, 1.0)
    blurred = cv2.filter2D(working, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    if shrink > 1:
        blurred = cv2.resize(blurred, (linear.shape[1], linear.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(blurred, np.uint16)


class _Discs:
    """The picture in linear light at each of ``DISC_RADII``, worked out when first asked for.

    Kept in steps of 1/65535: half the memory of floats, which at 2160 pixels is 170 MB.
    """

    def __init__(self, picture: Pixels) -> None:
        self._linear = np.asarray(cv2.LUT(picture, _LINEAR), np.uint16)
        self._blurred: dict[int, NDArray[np.uint16]] = {}

    def rows(self, index: int, span: slice) -> NDArray[np.float32]:
        """(rows, size, 3) linear light, 0..65535."""
        if index not in self._blurred:
            self._blurred[index] = _disc_blurred(self._linear, DISC_RADII[index] * len(self._linear))
        return self._blurred[index][span].astype(np.float32)


def _mixed(discs: _Discs, depths: NDArray[np.float64], focused: float, aperture: float) -> Pixels:
    """The picture with each row blurred as its depth asks."""
    radii = np.array([blur_radius(float(depth), focused, aperture) for depth in depths])
    place = np.interp(radii, DISC_RADII, np.arange(len(DISC_RADII)))
    size = len(depths)
    result = np.zeros((size, size, 3), np.float32)
    for index in range(len(DISC_RADII)):
        weight = np.maximum(0.0, 1.0 - np.abs(place - index)).astype(np.float32)
        rows = np.flatnonzero(weight > 0.0)
        if len(rows):
            span = slice(rows[0], rows[-1] + 1)
            result[span] += discs.rows(index, span) * weight[span, None, None]
    return np.asarray(np.take(_CODED, np.minimum(result + 0.5, 65535.0).astype(np.uint16)), np.uint8)


_CODED = (srgb_from_linear(np.arange(65536) / 65535.0) * 255.0 + 0.5).astype(np.uint8)
"""(65536,) sRGB bytes of linear light in steps of 1/65535."""
