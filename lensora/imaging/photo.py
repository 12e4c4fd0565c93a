"""An uploaded picture, decoded: upright, sRGB, eight bits, with the alpha that the file has.

JPEGs are decoded at a reduced scale where less is wanted (libjpeg's DCT scaling), colour profiles are applied after the
picture is small, and the orientation last, so that a 12-megapixel photo never exists twice.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidImage
from lensora.imaging.header import FIELD, Header, read_header

_ORIENTATION_TAG = 0x0112
_UPRIGHT = 1
_FIRST_TURNED = 5
"""EXIF orientations 5 to 8 swap width and height (EXIF 2.32, 4.6.4)."""

_PIL_FORMAT = {MediaType.JPEG: "JPEG", MediaType.PNG: "PNG", MediaType.WEBP: "WEBP"}
_OPAQUE = 255
_SIXTEEN_TO_EIGHT_BITS = 257
"""65535 / 255: the exact scale between the two ranges."""


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What is known of a picture without keeping its pixels.

    Attributes:
        media_type: ``image/jpeg``, ``image/png`` or ``image/webp``.
        width: pixels, upright.
        height: pixels, upright.
    """

    media_type: MediaType
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded picture.

    Attributes:
        rgb: (h, w, 3) uint8, sRGB, upright; straight, where there is alpha.
        alpha: (h, w) uint8, 255 is opaque; None for a picture without transparency.
        info: the file's format and its full upright size, which may be larger than ``rgb``.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    info: PhotoInfo

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be (h, w, 3) uint8, not {self.rgb.shape} {self.rgb.dtype}")
        if self.alpha is not None and (self.alpha.shape != self.rgb.shape[:2] or self.alpha.dtype != np.uint8):
            raise ValueError(f"alpha must be {self.rgb.shape[:2]} uint8, not {self.alpha.shape} {self.alpha.dtype}")

    def over(self, color: tuple[int, int, int]) -> NDArray[np.uint8]:
        """The picture over a plain sRGB colour: (h, w, 3) uint8; ``rgb`` itself where nothing shines through."""
        if self.alpha is None:
            return self.rgb
        alpha = self.alpha[..., None].astype(np.float32) / _OPAQUE
        mixed = self.rgb * alpha + np.array(color, np.float32) * (1 - alpha)
        return np.rint(mixed).astype(np.uint8)


def probe(data: bytes) -> PhotoInfo:
    """Check that an upload is a whole picture within every limit, keeping nothing.

    A JPEG is decoded at an eighth of its size (about 30 ms for 12 megapixels), the others in full.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated or otherwise not decodable.
    """
    header = read_header(data)
    image = _opened(data, header, longest_side_px=1)
    _loaded(image)
    return _info(header, _orientation(image))


def decode(data: bytes, *, longest_side_px: int | None = None) -> Photo:
    """Decode an upload.

    Args:
        data: the file's bytes.
        longest_side_px: largest width or height wanted; a larger picture is reduced to it (area mean). None keeps all.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated or otherwise not decodable.
    """
    header = read_header(data)
    image = _opened(data, header, longest_side_px)
    _loaded(image)
    try:
        orientation = _orientation(image)
        rgb, alpha = _reduced(*_arrays(image), _target(header, longest_side_px))
        profile = image.info.get("icc_profile")
        if profile and image.mode != "CMYK":
            rgb = _to_srgb(Image.fromarray(rgb), profile, rgb)
    except Exception as error:  # Pillow raises nearly anything on damaged files
        raise _undecodable(error) from error
    if alpha is not None:
        alpha = None if alpha.min() == _OPAQUE else _turned(alpha, orientation)
    return Photo(_turned(rgb, orientation), alpha, _info(header, orientation))


def _opened(data: bytes, header: Header, longest_side_px: int | None) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=[_PIL_FORMAT[header.media_type]])
        if image.size != (header.width, header.height):
            raise InvalidImage(
                f"image claims two sizes: {header.width} x {header.height} and {image.width} x {image.height}.",
                field=FIELD,
            )
        if longest_side_px is not None:
            # Only the JPEG plugin does anything here: it picks the DCT scale that is just large enough.
            image.draft(None, _target(header, longest_side_px))
    except InvalidImage:
        raise
    except Exception as error:  # Pillow raises nearly anything on damaged files
        raise _undecodable(error) from error
    return image


def _loaded(image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:  # Pillow raises nearly anything on damaged files
        raise _undecodable(error) from error


def _undecodable(error: Exception) -> InvalidImage:
    return InvalidImage(f"image cannot be decoded; it is truncated or damaged ({error}).", field=FIELD)


def _target(header: Header, longest_side_px: int | None) -> tuple[int, int]:
    """(width, height) in pixels, as stored, with the longest side at most ``longest_side_px``."""
    longest = max(header.width, header.height)
    if longest_side_px is None or longest <= longest_side_px:
        return header.width, header.height
    scale = longest_side_px / longest
    return max(1, round(header.width * scale)), max(1, round(header.height * scale))


def _arrays(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """(h, w, 3) uint8 RGB in the file's own colour space (CMYK excepted: sRGB), and (h, w) uint8 alpha."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        deep = np.asarray(image).astype(np.uint32)
        grey = ((deep + _SIXTEEN_TO_EIGHT_BITS // 2) // _SIXTEEN_TO_EIGHT_BITS).clip(0, _OPAQUE).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2), None
    if image.mode == "CMYK":
        profile = image.info.get("icc_profile")
        plain = np.asarray(image.convert("RGB"))
        return (_to_srgb(image, profile, plain) if profile else plain), None
    if image.has_transparency_data:
        both = np.asarray(image.convert("RGBA"))
        return both[..., :3], both[..., 3]
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB")), None


def _to_srgb(image: Image.Image, profile: bytes, otherwise: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 sRGB; ``otherwise`` where the profile is broken or of another kind of picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in (ImageCms.getProfileDescription(source) or "").lower():
            return otherwise
        space = source.profile.xcolor_space.strip()
        if space == "GRAY" and image.mode == "RGB":
            image = image.getchannel(0)
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return otherwise
    return otherwise if converted is None else np.asarray(converted)


def _reduced(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8] | None, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Both at ``size`` (width, height) by area mean, colours weighted by alpha so that hidden ones do not bleed."""
    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb, alpha
    if alpha is None:
        return _area(rgb, size), None
    weight = alpha[..., None].astype(np.float32)
    summed = _area(rgb * weight, size)
    small = _area(weight, size)
    straight = summed / np.maximum(small, 1e-3)[..., None]
    return np.rint(straight).clip(0, _OPAQUE).astype(np.uint8), np.rint(small).astype(np.uint8)


def _area(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it is not readable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, _UPRIGHT)
    except Exception:  # EXIF is an extra: whatever is wrong in it does not make the picture unusable
        return _UPRIGHT
    return value if isinstance(value, int) and _UPRIGHT <= value <= 8 else _UPRIGHT


def _turned(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation; a contiguous array."""
    if orientation >= _FIRST_TURNED:
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _info(header: Header, orientation: int) -> PhotoInfo:
    width, height = header.width, header.height
    if orientation >= _FIRST_TURNED:
        width, height = height, width
    return PhotoInfo(header.media_type, width, height)
