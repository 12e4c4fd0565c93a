"""A backplate from a wish: the surroundings out of focus, the surface in perspective, one light over both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.scenery import growth, waves
from services.segment.scenery.ground import FOCAL, SUBJECT_DISTANCE_M, SUBJECT_LINE, Ground, Patch
from services.segment.scenery.interiors import INTERIORS
from services.segment.scenery.lens import bloom, blur_by_row, defocus, develop
from services.segment.scenery.light import MOODS, Mood
from services.segment.scenery.material import Material, colour, diffuse, fresnel
from services.segment.scenery.noise import Noise, smoothstep
from services.segment.scenery.outdoors import OUTDOORS
from services.segment.scenery.painter import Painter
from services.segment.scenery.place import Place, Stage
from services.segment.scenery.surfaces import SURFACES
from services.segment.scenery.words import Wish

PLACES: dict[str, Place] = {
    **INTERIORS,
    **OUTDOORS,
    "winter": replace(OUTDOORS["forest"], surface="snow"),
}
"""Every surrounding by its name."""

VANISHING = 0.36
"""The camera looks down on the subject by about 15 degrees: the usual view of a product on a table."""

APERTURE_M = 0.026
"""Diameter of the lens's opening: f/2.8 at 73 mm. Far things blur to discs of 5% of the frame's height."""

BACKDROP_PX = 512
"""The surroundings are painted at most this high: the lens hides anything finer."""

SUPERSAMPLE_UNDER_PX = 900
"""Smaller pictures draw their surface at twice the size, so that fine grain does not sparkle."""


@dataclass(frozen=True)
class Backplate:
    """A finished picture.

    Attributes:
        picture: (h, w, 3) uint8 sRGB.
        horizon: fraction of the height where the surface ends.
        mood: the light that it was lit with.
    """

    picture: NDArray[np.uint8]
    horizon: float
    mood: Mood


def _circle(distance_m: float) -> float:
    """Diameter of the blur disc of a point at a distance, as a fraction of the image height (thin lens)."""
    return APERTURE_M * FOCAL * abs(1.0 / SUBJECT_DISTANCE_M - 1.0 / distance_m)


def build(
    wish: Wish, width: int, height: int, seed: int, check: Callable[[float, str], None] = lambda _f, _p: None
) -> Backplate:
    """Make the picture of a wish. The same arguments give the same pixels.

    Args:
        wish: what to show.
        width: pixels.
        height: pixels.
        seed: of everything that is left to chance.
        check: told ``(fraction, phase)`` between phases; may raise to end the work.
    """
    noise = Noise(seed)
    mood = MOODS[wish.mood]
    if noise.uniform() < 0.35:
        mood = _mirrored(mood)
    place = PLACES.get(wish.place, PLACES["studio"])
    surface = wish.surface or place.surface
    season = wish.season
    if wish.place == "winter":
        season = season or "winter"
    if season in ("winter", "christmas") and place.outdoors and surface in ("grass", "soil"):
        surface = "snow" if season == "winter" else surface
    sweep = place.sweep and surface == "paper"
    edge = place.edge
    if surface == "water":
        edge = max(VANISHING + 0.002, 0.362 if place.outdoors else edge)
    ground = Ground(VANISHING, edge)
    place_tint = wish.place_tint
    surface_tint = wish.surface_tint
    if sweep:
        place_tint = place_tint if place_tint is not None else surface_tint
        surface_tint = place_tint

    if place_tint is None and surface_tint is not None and place is PLACES["studio"]:
        # A set in one colour: the wall takes a pale shade of the cloth.
        place_tint = np.asarray(0.30 * surface_tint + 0.70 * colour("#dcd8d2"), np.float32)
        if mood.dark:
            place_tint = np.asarray(place_tint * 0.12, np.float32)

    check(0.05, "surroundings")
    scale = min(1.0, BACKDROP_PX / height)
    painter = Painter(max(16, round(width * scale)), max(16, round(height * scale)))
    stage = Stage(painter, ground, mood, noise, place_tint, season)
    place.paint(stage)
    check(0.35, "lens")
    radius = 0.5 * _circle(place.distance_m) * painter.height
    backdrop = painter.picture if sweep else defocus(painter.picture, radius)
    backdrop = np.asarray(cv2.resize(backdrop, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    np.maximum(backdrop, 0.0, out=backdrop)

    check(0.5, "surface")
    first = int(edge * height)
    cover = _cover(place, ground, width, height, noise)
    if surface == "water":
        picture = backdrop.copy()
        picture[first:] = waves.water(backdrop, ground, mood, noise, surface_tint)
        picture = _merge(backdrop, picture, cover)
    elif surface == "grass":
        lawn, blades = growth.grass(width, height, ground, mood, noise, season, surface_tint)
        light = _gobo(stage, ground.patch(width, height, first))
        lawn[first:] *= _relit(mood, light)[..., None] if light.ndim == 2 else light
        reach = _depth_of_field(ground, height, 0)
        far = int(max(0.0, edge - 0.05) * height)
        lawn[far:] = blur_by_row(lawn[far:], reach[far:])
        veil = cv2.GaussianBlur(np.maximum(blades, cover), (0, 0), max(1.0, 0.5 * float(reach[first]) / 2))
        picture = _merge(backdrop, lawn, np.asarray(veil, np.float32))
    else:
        maker = SURFACES[surface]
        top = max(0, first - int(0.03 * height))
        radiance = _surface(maker, ground, mood, noise, surface_tint, wish, backdrop, width, height, top, stage)
        picture = backdrop.copy()
        picture[top:] = radiance
        if sweep:
            # Paper bends up into the wall: no edge at all.
            rows = (np.arange(height, dtype=np.float32) + 0.5) / height
            bend = smoothstep(edge - 0.02, edge + 0.20, rows)
            cover = np.broadcast_to(bend[:, None], (height, width)).astype(np.float32)
        picture = _merge(backdrop, picture, cover)

    check(0.85, "film")
    picture = bloom(picture, mood.bloom)
    return Backplate(
        picture=develop(picture, vignette=mood.vignette, grain=1.1, seed=seed),
        horizon=edge,
        mood=mood,
    )


def _mirrored(mood: Mood) -> Mood:
    direction = mood.key_direction * np.array([-1.0, 1.0, 1.0], np.float32)
    return replace(mood, key_direction=direction.astype(np.float32))


def _merge(behind: NDArray[np.float32], front: NDArray[np.float32], cover: NDArray[np.float32]) -> NDArray[np.float32]:
    weight = cover[..., None]
    return np.asarray(behind + (front - behind) * weight, dtype=np.float32)


def _depth_of_field(ground: Ground, height: int, first: int) -> NDArray[np.float32]:
    """Radius of the blur, in pixels, of rows ``first`` to ``height``: none where the subject stands."""
    rows = (np.arange(first, height, dtype=np.float32) + 0.5) / height
    inverse = np.maximum(rows - ground.vanishing, 0.0) / (ground.camera_height * FOCAL)
    focus = (SUBJECT_LINE - ground.vanishing) / (ground.camera_height * FOCAL)
    radius = 0.5 * APERTURE_M * FOCAL * np.abs(focus - inverse) * height
    # The subject has depth of its own: a little ground before and behind it is sharp.
    return np.maximum(0.0, radius - 0.0022 * height).astype(np.float32)


def _cover(place: Place, ground: Ground, width: int, height: int, noise: Noise) -> NDArray[np.float32]:
    """(height, width) float32: 1 where the surface hides the surroundings. Its far edge is out of focus, too."""
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    blur = max(0.0015, 0.5 * _circle(ground.distance(max(ground.edge, ground.vanishing + 0.03))))
    if not place.outdoors:
        line = np.broadcast_to(smoothstep(ground.edge - blur, ground.edge + blur, rows), (height, width))
        return np.asarray(line, np.float32)
    if ground.edge - ground.vanishing < 0.01:
        return np.broadcast_to(smoothstep(ground.edge - 0.002, ground.edge + 0.003, rows), (height, width)).astype(
            np.float32
        )
    x = np.arange(width, dtype=np.float32)[None, :] / height
    wander = 0.012 * noise.fractal(x * 3.0, np.zeros_like(x), 4)
    return smoothstep(ground.edge - 0.8 * blur, ground.edge + 1.2 * blur + 0.012, (rows + wander).astype(np.float32))


def _gobo(stage: Stage, patch: Patch) -> NDArray[np.float32]:
    """(rows, columns) float32: share of the key light that reaches each point of the plane, 0..1."""
    mood, noise = stage.mood, stage.noise
    x, z = patch.x * stage.light_x, patch.z
    lit: NDArray[np.float32] = np.ones_like(x)
    if mood.gobo == "spot":
        # A pool around the subject, a little towards the light.
        reach = np.hypot((x - 0.06) / 0.42, (z - SUBJECT_DISTANCE_M) / 0.55)
        lit = np.exp(-(reach**2)).astype(np.float32)
    elif mood.gobo == "leaves":
        soft = noise.fractal(x * 5.0 - z * 2.0, z * 5.0 + x, 3, gain=0.6)
        lit = smoothstep(-0.9, 0.8, soft)
    elif mood.gobo == "window":
        # Daylight through a window that stands to the side: broad slanted bars with soft sides.
        along = (x * 0.85 + z * 0.55) / 0.42 + 0.2
        phase = np.abs(np.mod(along, 1.0) - 0.5)
        lit = smoothstep(0.03, 0.20, phase.astype(np.float32))
        lit = lit * (0.80 + 0.20 * smoothstep(-1.0, 1.0, noise(x * 4.0, z * 4.0)))
    shadow = 1.0 - np.float32(mood.gobo_depth) * (1.0 - lit)
    # A source at the side is nearer to that side of the table.
    fall = 1.0 + 0.28 * np.clip(x / 0.5, -1.0, 1.0) * (1.0 if mood.gobo != "none" else 0.4)
    return np.asarray(shadow * fall, np.float32)


def _relit(mood: Mood, light: NDArray[np.float32]) -> NDArray[np.float32]:
    key, dome = float(mood.key.mean()), float(mood.dome.mean())
    return np.asarray((dome + key * light) / (dome + key), np.float32)


def _surface(
    maker: Callable[..., Material],
    ground: Ground,
    mood: Mood,
    noise: Noise,
    tint: NDArray[np.float32] | None,
    wish: Wish,
    backdrop: NDArray[np.float32],
    width: int,
    height: int,
    top: int,
    stage: Stage,
) -> NDArray[np.float32]:
    """Radiance of the rows from ``top`` on: texture, relief, light and shade, mirrored surroundings, depth of field."""
    factor = 2 if height < SUPERSAMPLE_UNDER_PX else 1
    patch = ground.patch(width * factor, height * factor, top * factor)
    material = maker(patch, noise, tint, wish.dark)
    if wish.wet:
        material = replace(
            material,
            albedo=(material.albedo * 0.55).astype(np.float32),
            slope_x=material.slope_x * 0.4,
            slope_z=material.slope_z * 0.4,
            mirror=0.12,
            roughness=0.10,
        )
    lit = _gobo(stage, patch) * diffuse(material, mood.key_direction)
    radiance = material.albedo * (mood.dome + lit[..., None] * mood.key)
    if material.sheen > 0.0:
        edge_on = (1.0 - patch.view_y) ** 3
        radiance = radiance + (material.sheen * edge_on * lit)[..., None] * (material.albedo + 0.1) * mood.key
    size = (width, height - top)
    if factor > 1:
        radiance = cv2.resize(radiance, size, interpolation=cv2.INTER_AREA)
    radiance = np.asarray(radiance, np.float32)
    if material.roughness < 0.95:
        radiance = radiance + _reflection(material, ground, patch, backdrop, size, top)
    radius = _depth_of_field(ground, height, top)
    return blur_by_row(radiance, radius)


def _reflection(
    material: Material,
    ground: Ground,
    patch: Patch,
    backdrop: NDArray[np.float32],
    size: tuple[int, int],
    top: int,
) -> NDArray[np.float32]:
    """The surroundings mirrored in a polished surface: sharp at the far edge, ever softer towards the camera."""
    width, rows = size
    height = backdrop.shape[0]
    edge_row = ground.edge * height
    source_rows = np.clip(2 * edge_row - (np.arange(top, height) + 0.5), 0.0, edge_row - 1.0)
    mirror = backdrop[source_rows.astype(np.int32)]
    away = np.maximum(0.0, (np.arange(top, height) + 0.5) / height - ground.edge)
    soft = blur_by_row(
        np.ascontiguousarray(mirror), ((0.01 + material.roughness * away * 0.9) * height * 0.5).astype(np.float32)
    )
    view = cv2.resize(patch.view_y, (width, rows), interpolation=cv2.INTER_AREA)
    share = fresnel(material.mirror, np.asarray(view, np.float32)) * (1.0 - material.roughness)
    if material.slope_x.any():
        ripple = cv2.resize(material.slope_z, (width, rows), interpolation=cv2.INTER_AREA)
        share = share * np.clip(1.0 + 1.5 * ripple, 0.2, 2.0)
    return np.asarray(np.minimum(soft, 3.0) * share[..., None], dtype=np.float32)
