"""Colours that a PNG describes without a profile (gAMA and cHRM, or the code points of cICP), brought to sRGB.

Sources: PNG specification, third edition, 11.3.2; ITU-T H.273 (code points); BT.2100 (PQ and HLG); BT.2408 (white
at 203 cd/m2).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""(x, y) of white, red, green and blue."""

D65 = (0.3127, 0.3290)
SRGB: Chromaticities = (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))

SAME_GAMMA = 0.03
"""A gAMA this close to sRGB's 0.45455, relative, means sRGB: encoders write 0.45, 0.45455 and 0.45470 for it."""
SAME_CHROMATICITY = 0.006
"""Chromaticities this close to sRGB's are sRGB's, rounded."""

WHITE_NITS = 203.0
"""Diffuse white of HDR pictures (BT.2408), which becomes the white of a picture without them."""
HLG_PEAK_NITS = 1000.0
HLG_GAMMA = 1.2
KNEE = 0.75
"""Linear light above this is rolled off towards 1, so that highlights keep their shape."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_PRIMARIES: Mapping[int, Chromaticities] = {
    1: SRGB,
    5: (D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: (D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: (D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""H.273, table 2."""


@dataclass(frozen=True)
class Encoding:
    """How a file's values stand for colours.

    Attributes:
        light: from values in 0..1 to linear light, 1 for white; above it for highlights of HDR pictures.
        primaries: of the linear light.
        full_range: False where black and white are 16 and 235.
        high_range: True where light goes beyond white: highlights are rolled off.
        scene_referred: True where the eye's view of a bright screen is still to be applied (HLG).
    """

    light: Curve
    primaries: Chromaticities = SRGB
    full_range: bool = True
    high_range: bool = False
    scene_referred: bool = False

    def to_srgb(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 sRGB of a picture in this encoding."""
        values = np.arange(256) / 255.0
        if not self.full_range:
            values = ((values * 255.0 - 16.0) / 219.0).clip(0.0, 1.0)
        linear = self.light(values).astype(np.float32)[rgb]
        if self.scene_referred:
            luminance = linear @ np.array([0.2627, 0.6780, 0.0593], np.float32)
            linear *= (luminance ** (HLG_GAMMA - 1.0))[..., None] * np.float32(HLG_PEAK_NITS / WHITE_NITS)
        if self.primaries != SRGB:
            linear = linear @ _to_srgb_primaries(self.primaries).astype(np.float32).T
        return _encoded(_rolled_off(linear) if self.high_range else linear)


def encoding_of(chunks: Mapping[bytes, bytes]) -> Encoding | None:
    """What the chunks of a PNG say, apart from a profile; None where that is sRGB or nothing that is known.

    Args:
        chunks: content by name. The first of cICP, sRGB, gAMA counts, as the specification says; a cICP of code points
            that are not known does not.
    """
    if is_code_points(chunks):
        return _by_code_points(chunks[b"cICP"])
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    (raw,) = struct.unpack(">I", chunks[b"gAMA"])
    if not 1_000 <= raw <= 1_000_000:
        return None
    gamma, primaries = raw / 100_000, _chromaticities(chunks.get(b"cHRM", b""))
    if primaries == SRGB and abs(gamma * 2.2 - 1.0) <= SAME_GAMMA:
        return None
    return Encoding(lambda values: values ** (1.0 / gamma), primaries)


def is_code_points(chunks: Mapping[bytes, bytes]) -> bool:
    """Whether cICP says what the colours are, by code points that are known: then it goes before a profile."""
    if len(chunks.get(b"cICP", b"")) != 4:
        return False
    primaries, transfer, matrix, _full_range = chunks[b"cICP"]
    return primaries in _PRIMARIES and transfer in _CURVES and matrix == 0


def _by_code_points(chunk: bytes) -> Encoding | None:
    """The encoding of code points that are known; None where that is sRGB."""
    primaries, transfer, _matrix, full_range = chunk
    curve = _CURVES[transfer]
    if (primaries, full_range) == (1, 1) and curve is _srgb_light:
        return None
    return Encoding(
        curve,
        _PRIMARIES[primaries],
        full_range=bool(full_range),
        high_range=curve in (_pq_light, _hlg_light),
        scene_referred=curve is _hlg_light,
    )


def _chromaticities(chunk: bytes) -> Chromaticities:
    """cHRM's, or sRGB's where there are none that make sense."""
    if len(chunk) != 32:
        return SRGB
    numbers = [value / 100_000 for value in struct.unpack(">8I", chunk)]
    found: Chromaticities = (
        (numbers[0], numbers[1]),
        (numbers[2], numbers[3]),
        (numbers[4], numbers[5]),
        (numbers[6], numbers[7]),
    )
    if np.abs(np.array(found) - np.array(SRGB)).max() <= SAME_CHROMATICITY:
        return SRGB
    if any(y <= 0.0 or x + y > 1.0 for x, y in found):
        return SRGB
    with np.errstate(all="ignore"):
        corners = np.array(found[1:])
        area = abs(np.linalg.det(np.c_[corners, np.ones(3)]))
    return found if area > 0.01 else SRGB


def _to_srgb_primaries(source: Chromaticities) -> NDArray[np.float64]:
    """(3, 3): from linear light of the source's primaries to sRGB's, white to white."""
    white_from, white_to = _xyz(source[0]), _xyz(D65)
    cone_from, cone_to = _BRADFORD @ white_from, _BRADFORD @ white_to
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cone_to / cone_from) @ _BRADFORD
    return np.asarray(np.linalg.inv(_to_xyz(SRGB)) @ adapted @ _to_xyz(source))


def _to_xyz(primaries: Chromaticities) -> NDArray[np.float64]:
    columns = np.stack([_xyz(corner) for corner in primaries[1:]], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, _xyz(primaries[0])))


def _xyz(point: tuple[float, float]) -> NDArray[np.float64]:
    x, y = point
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def _srgb_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _bt709_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values < 0.081, values / 4.5, ((values + 0.099) / 1.099) ** (1 / 0.45))


def _pq_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100, table 4."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = values ** (1 / m2)
    nits = 10_000.0 * (np.maximum(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1)
    return np.asarray(nits / WHITE_NITS)


def _hlg_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100, table 5: the scene's light, 0..1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3.0, (np.exp((values - c) / a) + b) / 12.0)


_CURVES: Mapping[int, Curve] = {
    1: _bt709_light,
    4: lambda values: values**2.2,
    5: lambda values: values**2.8,
    6: _bt709_light,
    8: lambda values: values,
    13: _srgb_light,
    14: _bt709_light,
    15: _bt709_light,
    16: _pq_light,
    18: _hlg_light,
}
"""H.273, table 3."""


def _rolled_off(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light within 0..1: highlights above the knee are compressed, hue kept."""
    linear = np.maximum(linear, 0.0)
    brightest = linear.max(axis=2)
    over = brightest > KNEE
    rolled = KNEE + (1.0 - KNEE) * -np.expm1(-(brightest - KNEE) / (1.0 - KNEE))
    factor = np.where(over, rolled / np.maximum(brightest, KNEE), 1.0).astype(np.float32)
    return np.asarray(linear * factor[..., None])


def _encoded(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    linear = linear.clip(0.0, 1.0)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(values * 255.0).astype(np.uint8)
