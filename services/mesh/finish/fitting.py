"""The file within its budget of bytes: first the texture's quality gives way, then its size."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InvalidMesh, InvalidRequest
from services.mesh.finish.gltf import Material, write_glb
from services.mesh.finish.surface import Surface
from services.mesh.texturing.baking import Texture

JPEG_QUALITIES = (90, 82, 72, 60)
"""Tried in turn until the file fits; under 60 blocks show."""


def fitted(
    surface: Surface,
    texture: Texture,
    opacity: NDArray[np.uint8] | None,
    name: str,
    max_bytes: int,
    extras: Mapping[str, object],
) -> tuple[bytes, bytes]:
    """The GLB within its budget of bytes, and its texture as a JPEG.

    Glass needs an alpha channel, which JPEG has not: its GLB holds a PNG. ``finish`` has left room for the texture
    beside the triangles.

    Raises:
        InvalidRequest: the smallest texture does not fit.
    """
    pixels = texture.pixels
    while True:
        for quality in JPEG_QUALITIES:
            jpeg = encode_jpeg(pixels, quality)
            color = jpeg if opacity is None else encode_png(pixels, opacity)
            material = Material(color, texture.roughness, texture.metallic, blended=opacity is not None)
            glb = write_glb(surface, material, name, extras)
            if len(glb) <= max_bytes:
                return glb, jpeg
            if opacity is not None:
                break
        if pixels.shape[0] <= 128:
            raise InvalidRequest(
                f"max_glb_bytes must be at least {len(glb)} for this subject, not {max_bytes}", field="max_glb_bytes"
            )
        half = pixels.shape[0] // 2
        pixels = np.asarray(cv2.resize(pixels, (half, half), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """Bytes of a baseline JPEG of (h, w, 3) uint8 sRGB."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InvalidMesh("the texture could not be encoded as JPEG")
    return bytes(data.tobytes())


def encode_png(pixels: NDArray[np.uint8], opacity: NDArray[np.uint8]) -> bytes:
    """Bytes of a PNG of (h, w, 3) uint8 sRGB with an opacity (g, g) uint8 of any size."""
    alpha = cv2.resize(opacity, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    rgba = np.dstack([cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), alpha])
    done, data = cv2.imencode(".png", rgba, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise InvalidMesh("the texture could not be encoded as PNG")
    return bytes(data.tobytes())
