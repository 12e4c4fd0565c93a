"""See-through bodies: the walls of a jar below its lid, which the net leaves out, found again and given a thin alpha.

A net that looks for what stands out finds the lid, the label or the juice of a glass thing, and not its walls. The box
says how far the thing reaches; where the matte leaves a good part of it empty, above or below, the outline of a body
that is alike on both sides of the sure part's axis is looked for in the picture: two faint contours at the same
distance from the axis in every row, closed by half an ellipse (a round foot or rim, seen from above). Shadows and the
table's edge are not alike on both sides, so they make no body.

The walls get straight alpha: what differs from the background behind (that of the same row, left and right of the body:
what stands behind a thing runs on beside it) is kept as the thinnest layer that explains it (colour to alpha), and a
veil of grey, denser towards the outline, where one looks along the wall, stands for what glass mirrors anywhere.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.segment.contours import Body, body_below
from services.segment.matte import PixelBox

Plane = NDArray[np.float32]

ANALYSIS_PX = 256
"""Longest side at which the outline is looked for: a contour of glass is one or two pixels wide there."""

EMPTY_SHARE = 0.25
"""Share of the box's height that must be left empty at one end before a body is looked for."""

WHOLE_FRAME = 0.98
"""A box that is all of the crop was not drawn round a thing, and says nothing about its reach."""

OPAQUE = 0.85
"""Alpha of the parts that are taken for opaque."""

SURE_SHARE = 0.10
"""Opaque parts under this share of the largest are reflections."""

FAINT = 0.2
"""Alpha from which the net sees something."""

STRAY = 0.04
"""Most that the net may see faintly beside the body, share of the body: a thing that it saw half has limbs there."""

VEIL, VEIL_AT_RIM = 0.52, 0.72
"""Alpha of the walls where one looks through, and along the outline. Over one half, so that the 3D stage, which parts
solid from empty there, models the body with the lid."""

VEIL_TONE = (0.60, 0.90)
"""Grey of the veil, sRGB 0..1: that of the photo's body, within these."""

RIM_WIDTH = 0.012
"""Width of the dark line that refraction draws along the outline, share of the body's width."""

RIM_DARK = 0.34
"""How much darker than the veil that line is, sRGB 0..1."""

SEEN_CONTRAST = 0.30
"""Alpha that the clearest hundredth of the body's own reflections and edges is raised to at least: on a white set they
are hardly there, on another ground they are what says glass."""

MOST_GAIN = 2.5
"""Most that the own reflections are raised: more would show the photo's noise."""

HIDES = 0.5
"""Alpha of the thinnest layer from which it hides the background rather than lies over it."""

PATCHY, OPAQUE_SHARE = 0.20, 0.60
"""Share of the body that hides the background: glass up to the first (photos and renders had 0.002), from the second on
an opaque part that the net missed; between the two, limbs of something opaque, and no body at all."""

COLOURLESS = 0.05
"""Alpha of the own reflections up to which they are taken for grey; at four times as much they have their colour."""

NOISE_STEP = 0.016
"""Difference from the background, sRGB 0..1, that is noise: four steps of 255."""


def find_body(matte: Plane, rgb: NDArray[np.uint8], box: PixelBox) -> Body | None:
    """The see-through body that hangs on the sure part of a matte and fills its box; None where there is none.

    Args:
        matte: (h, w) float32, the subject as the net sees it, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        box: the chosen box within the crop.
    """
    height, width = matte.shape
    if (box.right - box.left) * (box.bottom - box.top) > WHOLE_FRAME * width * height:
        return None
    scale = min(1.0, ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = _sure(np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32))
    if not solid.any():
        return None
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    area = box.scaled(size[0] / width, size[1] / height)
    rows = np.flatnonzero(solid.any(axis=1))
    tall = area.bottom - area.top
    found: Body | None = None
    if area.bottom - rows[-1] > EMPTY_SHARE * tall:
        found = body_below(solid, picture, area, (height, width))
    if found is None and rows[0] - area.top > EMPTY_SHARE * tall:
        upside_down = PixelBox(area.left, size[1] - area.bottom, area.right, size[1] - area.top)
        turned = body_below(solid[::-1], np.ascontiguousarray(picture[::-1]), upside_down, (height, width))
        if turned is not None:
            found = Body(turned.cover[::-1].copy(), turned.depth[::-1].copy(), turned.width_px)
    if found is not None and _stray(matte, found) > STRAY:
        return None
    return found


def _stray(matte: Plane, body: Body) -> float:
    """What the net sees faintly beside the body and away from the opaque parts, as a share of the body's area."""
    side = 1 + 2 * max(1, round(0.012 * max(matte.shape)))
    edges = cv2.dilate((matte > OPAQUE).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    faint = (matte > FAINT) & ~edges
    whole = body.cover >= 0.5
    return float((faint & ~whole).sum()) / max(1.0, float(whole.sum()))


def _sure(matte: Plane) -> NDArray[np.bool_]:
    """The opaque parts that are worth the name: what is faint or small may be the body's own reflection."""
    opaque = matte > OPAQUE
    count, labels = cv2.connectedComponents(opaque.astype(np.uint8), connectivity=8)
    pixels = np.bincount(labels.ravel(), minlength=count)
    pixels[0] = 0
    return np.asarray(opaque & (pixels >= SURE_SHARE * pixels.max())[labels])


def glazed(rgba: NDArray[np.uint8], body: Body, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The cutout with its see-through body behind the opaque parts.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha: the opaque parts with their own colours.
        body: where the walls are.
        rgb: (h, w, 3) uint8 sRGB, the crop as it was photographed.

    Returns:
        (h, w, 4) uint8 sRGB, straight alpha.
    """
    photo = rgb.astype(np.float32) / 255.0
    front_alpha = rgba[..., 3].astype(np.float32) / 255.0
    front_alpha = _whole(front_alpha, body)
    glance()
    back = behind(photo, np.maximum(front_alpha, body.cover))
    glance()
    inside = (body.cover > 0.9) & (front_alpha < 0.1)
    own, own_alpha, thick = _layer(photo, back, inside)
    glance()
    if PATCHY < thick < OPAQUE_SHARE:
        return rgba
    tone = float(np.median(photo[inside].mean(axis=1))) if inside.any() else 1.0
    line = np.exp(-(((1.0 - body.depth) * 0.5 / RIM_WIDTH) ** 2))
    veil = (VEIL + (VEIL_AT_RIM - VEIL) * body.depth**6).astype(np.float32)
    grey = np.float32(np.clip(tone, *VEIL_TONE)) - np.float32(RIM_DARK) * line
    glance()
    # The own reflections over the veil, the opaque parts over both.
    alpha = own_alpha + veil * (1.0 - own_alpha)
    if thick >= OPAQUE_SHARE:
        # Nothing of the background is seen through it: an opaque part that the net missed.
        own, own_alpha, alpha = photo, np.ones_like(alpha), np.ones_like(alpha)
    colour = (own * own_alpha[..., None] + (grey * veil * (1.0 - own_alpha))[..., None]) / alpha[..., None]
    glance()
    under = alpha * body.cover * (1.0 - front_alpha)
    whole = front_alpha + under
    mixed = rgba[..., :3].astype(np.float32) / 255.0 * front_alpha[..., None] + colour * under[..., None]
    out = np.where(
        whole[..., None] > 0.004, mixed / np.maximum(whole, 0.004)[..., None], rgba[..., :3].astype(np.float32) / 255.0
    )
    glance()
    stacked = np.dstack([out, whole])
    return np.asarray(np.clip(stacked, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _whole(front_alpha: Plane, body: Body) -> Plane:
    """The opaque parts' alpha: within the body, what the net saw faintly is the body and not a part before it."""
    faint = np.clip((front_alpha - 0.5) / (OPAQUE - 0.5), 0.0, 1.0)
    inner = cv2.GaussianBlur(body.cover, (0, 0), 1.0) * body.cover
    return np.asarray(front_alpha * (1.0 - inner) + np.minimum(front_alpha, faint) * inner, np.float32)


def behind(photo: Plane, thing: Plane) -> Plane:
    """The background behind the thing, (h, w, 3): each row's colours left and right of it, carried across."""
    height, width = thing.shape
    clear = (cv2.dilate(thing, np.ones((9, 9), np.uint8)) < 0.02).astype(np.float32)
    reach = max(3, round(0.05 * width))
    sides = np.empty((height, 2, 4), np.float32)
    for side, order in ((0, slice(None)), (1, slice(None, None, -1))):
        mask = clear[:, order]
        # The pixels that are nearest to the thing on this side: those clear ones before the first that is not.
        first = np.where((mask < 0.5).any(axis=1), np.argmax(mask < 0.5, axis=1), width)
        at = np.arange(width)[None, :]
        near = ((at < first[:, None]) & (at >= first[:, None] - reach)).astype(np.float32)
        picture = photo[:, order]
        sides[:, side, :3] = (picture * near[..., None]).sum(axis=1)
        sides[:, side, 3] = near.sum(axis=1)
    soft = cv2.GaussianBlur(sides, (1, 0), sigmaX=0.1, sigmaY=max(1.0, 0.006 * height)) if height > 1 else sides
    weight = soft[..., 3:]
    both = soft.sum(axis=1, keepdims=True)
    known = np.where(
        weight > 1e-3, soft[..., :3] / np.maximum(weight, 1e-3), both[..., :3] / np.maximum(both[..., 3:], 1e-3)
    )
    share = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :, None]
    return np.asarray(known[:, :1] * (1.0 - share) + known[:, 1:] * share, np.float32)


def _layer(photo: Plane, behind: Plane, inside: NDArray[np.bool_]) -> tuple[Plane, Plane, float]:
    """The thinnest layer that turns the background into the photo: ``(colour, alpha, share)``.

    Alpha is raised so that it is seen; the share is that of the inside where the layer as it is hides the background.
    """
    difference = photo - behind
    lighter = difference / (1.0 - behind + 0.15)
    darker = -difference / (behind + 0.05)
    needed = np.maximum(lighter, darker).max(axis=2)
    alpha = np.clip((needed - NOISE_STEP) / (1.0 - NOISE_STEP), 0.0, 1.0).astype(np.float32)
    glance()
    own = np.clip(behind + difference / np.maximum(alpha, 0.02)[..., None], 0.0, 1.0)
    # The colour of a layer that is hardly there is the photo's noise, magnified.
    grey = own.mean(axis=2, keepdims=True)
    sure = np.clip((alpha - COLOURLESS) / (3 * COLOURLESS), 0.0, 1.0)[..., None]
    own = grey + (own - grey) * sure
    clearest = float(np.quantile(alpha[inside], 0.99)) if inside.any() else 1.0
    thick = float((alpha[inside] > HIDES).mean()) if inside.any() else 0.0
    gain = float(np.clip(SEEN_CONTRAST / max(clearest, 1e-3), 1.0, MOST_GAIN))
    return np.asarray(own, np.float32), np.clip(gain * alpha, 0.0, 0.97).astype(np.float32), thick
