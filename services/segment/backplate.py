"""Every kind of background as one result: a picture, with its ground and its light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core import colours
from lensora.core.boxes import FULL_FRAME, Box
from lensora.core.colours import Colour
from lensora.core.errors import EncodeFailed, InvalidBackground, InvalidImage, InvalidRequest
from lensora.core.scene import Scene
from lensora.core.staging import SQUARE, FrameShape, from_above, scene_pitch
from lensora.core.viewpoint import Viewpoint
from lensora.imaging.header import read_header
from lensora.imaging.reader import PictureReader
from lensora.rpc.call import UNWATCHED, Call
from services.segment.backends import BackplateBackend
from services.segment.horizon import ground_edge, guess_horizon
from services.segment.lighting import estimate_lighting

SIDE_RANGE = (256, 2160)
"""Least and most pixels of a side: from a thumbnail's scene to 4K film."""

PROMPT_CHARACTERS = 1_000
"""Most characters of a prompt, as the public contract says."""

PLAIN_HORIZON = 0.60
"""The white plate has no edge; shadows take this for its ground."""

WHITE = 255

WHOLE_PIXELS = 16_000_000
"""A picture is decoded whole where it then has at most so many pixels; of a larger one, the part that is shown."""

JPEG_QUALITY = 95
"""Backplates are read again by the composite and the film: hardly any loss, a sixth of the bytes of PNG."""


@dataclass(frozen=True)
class Backplate:
    """A background.

    Attributes:
        rgb: (height, width, 3) uint8 sRGB.
        scene: its ground and light.
    """

    rgb: NDArray[np.uint8]
    scene: Scene


def check_size(width: int, height: int) -> None:
    """Raises InvalidRequest, naming the field, for a side out of range."""
    for field, value in (("width", width), ("height", height)):
        if not SIDE_RANGE[0] <= value <= SIDE_RANGE[1]:
            raise InvalidRequest(f"{field} must be {SIDE_RANGE[0]} to {SIDE_RANGE[1]} pixels, not {value}", field=field)


def plain_backplate(
    width: int, height: int, viewpoint: Viewpoint | None = None, color: Colour = colours.WHITE
) -> Backplate:
    """A clean plate of one colour (white for ``remove``), for a photo's camera."""
    scene = Scene(PLAIN_HORIZON, plain=True, pitch=scene_pitch(viewpoint), viewpoint=viewpoint, color=color)
    return Backplate(np.full((height, width, 3), color, np.uint8), scene)


def image_backplate(
    data: bytes,
    width: int,
    height: int,
    pictures: PictureReader | None = None,
    call: Call = UNWATCHED,
    viewpoint: Viewpoint | None = None,
    shape: FrameShape = SQUARE,
) -> Backplate:
    """A user's picture, cover-cropped: around its middle, or lower where the subject was seen from above.

    The picture fills what the film shows of the square. What lies beyond is the picture's own where it goes on, and
    mirrored where it does not.

    Args:
        data: JPEG, PNG or WebP; EXIF orientation is applied, transparent parts are laid on white.
        width: pixels.
        height: pixels.
        pictures: decodes it.
        call: ends the wait for memory.
        viewpoint: the camera of the subject's photo; None if not known.
        shape: what the film shows of the square; width and height are equal where that is not all of it.

    Raises:
        InvalidBackground: the bytes are not a picture within the limits.
    """
    seen = (width, height) if shape == SQUARE else _seen(shape, width)
    try:
        longest_side_px, part = _covering(*read_header(data).upright_size, *seen)
        photo = (pictures or PictureReader()).read(data, longest_side_px=longest_side_px, part=part, alive=call.check)
    except InvalidImage as error:
        # Its address and an upload come here alike.
        raise InvalidBackground(f"background is not a usable picture: {error.message}", field="background") from error
    picture = photo.over((WHITE, WHITE, WHITE))
    crop, edge = Crop.looking_down(picture, *seen, scene_pitch(viewpoint))
    rgb = crop.taken(picture, *seen)
    horizon = guess_horizon(rgb) if edge is None else edge
    lighting = estimate_lighting(rgb, horizon)
    if shape != SQUARE:
        rgb = crop.squared(picture, shape, width)
        horizon = shape.top + horizon * shape.height
    scene = Scene(horizon, plain=False, lighting=lighting, afloat=edge is None, viewpoint=viewpoint)
    return Backplate(rgb, scene)


def prompt_backplate(
    prompt: str,
    width: int,
    height: int,
    seed: int,
    backend: BackplateBackend,
    call: Call = UNWATCHED,
    viewpoint: Viewpoint | None = None,
) -> Backplate:
    """A scene made from words, seen as the subject's photo was taken.

    Raises:
        InvalidBackground: an empty or over-long prompt.
    """
    if not prompt.strip() or len(prompt) > PROMPT_CHARACTERS:
        raise InvalidBackground(
            f"background.prompt must have 1 to {PROMPT_CHARACTERS} characters, not {len(prompt.strip())}",
            field="background.prompt",
        )
    painted = backend.paint(prompt, width, height, seed, scene_pitch(viewpoint), call.part(0.0, 0.9))
    call.report("light", 0.92)
    rgb, horizon = painted.rgb, painted.horizon
    if horizon is None:
        # A net paints more of the surroundings than it was asked for: it is cropped as a user's picture is.
        crop, horizon = Crop.looking_down(rgb, width, height, scene_pitch(viewpoint))
        rgb = crop.taken(rgb, width, height)
        horizon = guess_horizon(rgb) if horizon is None else horizon
    lighting = estimate_lighting(rgb, horizon, painted.key)
    scene = Scene(
        horizon,
        plain=False,
        lighting=lighting,
        pitch=painted.pitch,
        viewpoint=viewpoint,
        mirror=painted.mirror,
        roughness=painted.roughness,
    )
    return Backplate(rgb, scene)


def _covering(columns: int, rows: int, width: int, height: int) -> tuple[int, Box]:
    """The longest side at which a picture still covers a size, and the part of it that does.

    Args:
        columns: of the upright picture, pixels.
        rows: of the upright picture, pixels.
        width: to cover, pixels.
        height: to cover, pixels.
    """
    longest = int(np.ceil(max(width, height) * max(columns, rows) / min(columns, rows)))
    if columns * rows * min(1.0, longest / max(columns, rows)) ** 2 <= WHOLE_PIXELS:
        return longest, FULL_FRAME
    scale = max(width / columns, height / rows)
    across, down = min(1.0, width / scale / columns), min(1.0, height / scale / rows)
    part = Box((1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2)
    return int(np.ceil(max(columns, rows) * min(1.0, scale))), part


MOST_ZOOM = 1.5
"""A user's picture is enlarged at most this much to hide its surroundings; more would look soft."""


@dataclass(frozen=True)
class Crop:
    """A part of a picture, pixels."""

    left: int
    top: int
    columns: int
    rows: int

    @staticmethod
    def of(picture: NDArray[np.uint8], width: int, height: int, down: float = 0.5, zoom: float = 1.0) -> Crop:
        """The largest part of a shape.

        Args:
            picture: (h, w, 3) uint8.
            width: of the shape.
            height: of the shape.
            down: where it lies vertically: 0.5 in the middle, 1 at the bottom.
            zoom: how many times smaller it is along each side.
        """
        rows, columns = picture.shape[:2]
        scale = max(width / columns, height / rows) * zoom
        wide, high = max(1, min(columns, round(width / scale))), max(1, min(rows, round(height / scale)))
        return Crop((columns - wide) // 2, round((rows - high) * down), wide, high)

    @staticmethod
    def looking_down(picture: NDArray[np.uint8], width: int, height: int, pitch: float) -> tuple[Crop, float | None]:
        """The part of a picture that a camera would show which looks down by ``pitch``, radians, and the height of the
        surface's far edge in it, 0..1; None where no surface shows.

        The steeper, the more of the surface and the less of the surroundings: down and in, as such a camera goes.
        """
        middle = Crop.of(picture, width, height)
        edge, above = ground_edge(middle.taken(picture, width, height)), from_above(pitch)
        if edge is None or above <= 0.0:
            return middle, edge
        crop = Crop.of(picture, width, height, down=0.5 + 0.5 * above, zoom=1.0 + (MOST_ZOOM - 1.0) * above)
        return crop, min(1.0, max(0.0, (middle.top + edge * middle.rows - crop.top) / crop.rows))

    def taken(self, picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
        """(height, width, 3) uint8: this part of the picture, resampled."""
        part = picture[self.top : self.top + self.rows, self.left : self.left + self.columns]
        if part.shape[:2] == (height, width):
            return np.ascontiguousarray(part)
        flags = cv2.INTER_AREA if width < self.columns else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, (width, height), interpolation=flags), np.uint8)

    def squared(self, picture: NDArray[np.uint8], shape: FrameShape, side: int) -> NDArray[np.uint8]:
        """(side, side, 3) uint8: the square of which this part is what a film of a shape shows."""
        rows, columns = picture.shape[:2]
        across = round(self.columns * (1.0 / shape.width - 1.0) / 2.0)
        down = round(self.rows * (1.0 / shape.height - 1.0) / 2.0)
        left, top = self.left - across, self.top - down
        right, bottom = self.left + self.columns + across, self.top + self.rows + down
        there = picture[max(0, top) : min(rows, bottom), max(0, left) : min(columns, right)]
        beyond = max(0, -top), max(0, bottom - rows), max(0, -left), max(0, right - columns)
        whole = cv2.copyMakeBorder(there, *beyond, cv2.BORDER_REFLECT)
        flags = cv2.INTER_AREA if side < whole.shape[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(whole, (side, side), interpolation=flags), np.uint8)


def _seen(shape: FrameShape, side: int) -> tuple[int, int]:
    """Width and height of what a film shows of a square, pixels."""
    left, top, right, bottom = shape.box(side)
    return right - left, bottom - top


def encode_backplate(rgb: NDArray[np.uint8]) -> bytes:
    """JPEG bytes of a backplate.

    Raises:
        EncodeFailed: OpenCV could not write it.
    """
    done, data = cv2.imencode(
        ".jpg",
        np.ascontiguousarray(rgb[..., ::-1]),
        [
            cv2.IMWRITE_JPEG_QUALITY,
            JPEG_QUALITY,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ],
    )
    if not done:
        raise EncodeFailed(f"the backplate of {rgb.shape[1]}x{rgb.shape[0]} pixels could not be written as JPEG")
    return bytes(data)
