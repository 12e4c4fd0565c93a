"""The surface in the picture: lit, mirroring the surroundings, and sharp only where the subject stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.segment.scenery import growth, waves
from services.segment.scenery.ground import FOCAL, SUBJECT_DISTANCE_M, Ground, Patch
from services.segment.scenery.lens import blur_by_row
from services.segment.scenery.light import Mood
from services.segment.scenery.material import Material, diffuse, fresnel
from services.segment.scenery.noise import Noise, smoothstep
from services.segment.scenery.place import Place, Stage
from services.segment.scenery.plan import Plan
from services.segment.scenery.surfaces import SURFACES

Light = NDArray[np.float32]

APERTURE_M = 0.034
"""Diameter of the lens's opening: f/2.1 at 73 mm. Far things blur to discs of 6% of the frame's height."""

SUPERSAMPLE_UNDER_PX = 900
"""Smaller pictures draw their surface at twice the size, so that fine grain does not sparkle."""

SHARP = 0.0022
"""The subject has depth of its own: ground with a blur under this share of the frame's height is drawn sharp."""

LIP = 0.03
"""The surface is drawn this much (fraction of the height) beyond its edge, which is out of focus."""

WET = {"mirror": 0.12, "roughness": 0.10}
"""A film of water on the ground."""


@dataclass(frozen=True)
class Floor:
    """A surface to be laid over the surroundings.

    Attributes:
        plan: the scene.
        stage: its light, camera and chance.
        surroundings: (height, width, 3) float32, as the plan's setting sees them, at the picture's size, out of focus.
        finish: takes the surface's material once it is laid; nothing where it is grass or water.
    """

    plan: Plan
    stage: Stage
    surroundings: Light
    finish: list[Material] = field(default_factory=list)

    @cached_property
    def backdrop(self) -> Light:
        """(height, width, 3) float32: the surroundings moved so that the surface's edge meets them where it did."""
        height = len(self.surroundings)
        up = round((self.plan.setting.edge - self.plan.ground.edge) * height)
        if up == 0:
            return self.surroundings
        rows = np.clip(np.arange(height) + up, 0, height - 1)
        return np.ascontiguousarray(self.surroundings[rows])

    def laid(self) -> Light:
        """(height, width, 3) float32: the picture with its surface."""
        cover = _cover(
            self.plan.place, self.plan.ground, self.backdrop.shape[1], self.backdrop.shape[0], self.stage.noise
        )
        if self.plan.surface == "water":
            return self._water(cover)
        if self.plan.surface == "grass":
            return self._lawn(cover)
        return self._plane(cover)

    @property
    def _first(self) -> int:
        return int(self.plan.ground.first * self.backdrop.shape[0])

    def _water(self, cover: Light) -> Light:
        picture = self.backdrop.copy()
        plan = self.plan
        picture[self._first :] = waves.water(
            self.surroundings, plan.ground, plan.setting, plan.mood, self.stage.noise, plan.surface_tint
        )
        return _merge(self.backdrop, picture, cover)

    def _lawn(self, cover: Light) -> Light:
        height, width = self.backdrop.shape[:2]
        plan, first = self.plan, self._first
        lawn, blades = growth.grass(
            width, height, plan.ground, plan.mood, self.stage.noise, plan.season, plan.surface_tint
        )
        glance()
        light = _gobo(self.stage, plan.ground.patch(width, height, first))
        lawn[first:] *= _relit(plan.mood, light)[..., None]
        reach = depth_of_field(plan.ground, height, 0)
        far = int(max(0.0, plan.ground.edge - 0.05) * height)
        lawn[far:] = blur_by_row(lawn[far:], reach[far:])
        glance()
        veil = cv2.GaussianBlur(np.maximum(blades, cover), (0, 0), max(1.0, 0.25 * float(reach[first])))
        return _merge(self.backdrop, lawn, np.asarray(veil, np.float32))

    def _plane(self, cover: Light) -> Light:
        height, width = self.backdrop.shape[:2]
        edge = self.plan.ground.edge
        top = max(0, self._first - int(LIP * height))
        picture = self.backdrop.copy()
        picture[top:] = self._radiance(top)
        if self.plan.sweep:
            # Paper bends up into the wall: no edge at all.
            rows = (np.arange(height, dtype=np.float32) + 0.5) / height
            bend = smoothstep(edge - 0.02, edge + 0.20, rows)
            cover = np.broadcast_to(bend[:, None], (height, width)).astype(np.float32)
        return _merge(self.backdrop, picture, cover)

    def _radiance(self, top: int) -> Light:
        """Rows from ``top`` on: texture, relief, light and shade, mirrored surroundings, depth of field."""
        height, width = self.backdrop.shape[:2]
        plan, mood = self.plan, self.plan.mood
        factor = 2 if height < SUPERSAMPLE_UNDER_PX else 1
        patch = plan.ground.patch(width * factor, height * factor, top * factor)
        material = SURFACES[plan.surface](patch, self.stage.noise, plan.surface_tint, plan.dark)
        glance()
        if plan.wet:
            material = _wetted(material)
        self.finish.append(material)
        gobo = _gobo(self.stage, patch)
        glance()
        lit = gobo * diffuse(material, mood.key_direction)
        glance()
        radiance: Light = material.albedo * (mood.dome + lit[..., None] * mood.key)
        glance()
        if material.sheen > 0.0:
            edge_on = (1.0 - patch.view_y) ** 3
            radiance = radiance + (material.sheen * edge_on * lit)[..., None] * (material.albedo + 0.1) * mood.key
        if factor > 1:
            radiance = np.asarray(cv2.resize(radiance, (width, height - top), interpolation=cv2.INTER_AREA), np.float32)
        glance()
        if material.roughness < 0.95:
            radiance = radiance + self._reflection(material, patch, top)
        glance()
        return blur_by_row(np.asarray(radiance, np.float32), depth_of_field(plan.ground, height, top))

    def _reflection(self, material: Material, patch: Patch, top: int) -> Light:
        """The surroundings mirrored in a polished surface: sharp at the far edge, ever softer towards the camera."""
        height, width = self.backdrop.shape[:2]
        size = (width, height - top)
        edge_row, painted = self.plan.ground.edge * height, self.plan.setting.edge * height
        rows = np.arange(top, height) + 0.5
        source = np.clip(edge_row + painted - rows, 0.0, painted - 1.0)
        mirror = np.ascontiguousarray(self.surroundings[source.astype(np.int32)])
        away = np.maximum(0.0, rows / height - self.plan.ground.edge)
        spread = ((0.01 + material.roughness * away * 0.9) * height * 0.5).astype(np.float32)
        soft = blur_by_row(mirror, spread)
        glance()
        view = np.asarray(cv2.resize(patch.view_y, size, interpolation=cv2.INTER_AREA), np.float32)
        share = fresnel(material.mirror, view) * (1.0 - material.roughness)
        if material.slope_x.any():
            ripple = np.asarray(cv2.resize(material.slope_z, size, interpolation=cv2.INTER_AREA), np.float32)
            share = share * np.clip(1.0 + 1.5 * ripple, 0.2, 2.0)
        # Lamps do not glare on what is rough: their light is spread too far.
        brightest = 0.6 + 2.4 * (1.0 - material.roughness) ** 2
        peak = soft.max(axis=2, keepdims=True)
        return np.asarray(soft * np.minimum(1.0, brightest / np.maximum(peak, 1e-4)) * share[..., None], np.float32)


def _wetted(material: Material) -> Material:
    return replace(
        material,
        albedo=(material.albedo * 0.55).astype(np.float32),
        slope_x=material.slope_x * np.float32(0.4),
        slope_z=material.slope_z * np.float32(0.4),
        **WET,
    )


def blur_disc(distance_m: float) -> float:
    """Diameter of the blur disc of a point at a distance, as a fraction of the image height (thin lens)."""
    return APERTURE_M * FOCAL * abs(1.0 / SUBJECT_DISTANCE_M - 1.0 / distance_m)


def depth_of_field(ground: Ground, height: int, first: int) -> NDArray[np.float32]:
    """Radius of the blur, in pixels, of rows ``first`` to ``height``: none where the subject stands."""
    rows = (np.arange(first, height, dtype=np.float32) + 0.5) / height
    radius = 0.5 * APERTURE_M * FOCAL * np.abs(1.0 / SUBJECT_DISTANCE_M - ground.nearness(rows)) * height
    return np.maximum(0.0, radius - SHARP * height).astype(np.float32)


def _merge(behind: NDArray[np.float32], front: NDArray[np.float32], cover: NDArray[np.float32]) -> NDArray[np.float32]:
    weight = cover[..., None]
    return np.asarray(behind + (front - behind) * weight, dtype=np.float32)


def _cover(place: Place, ground: Ground, width: int, height: int, noise: Noise) -> NDArray[np.float32]:
    """(height, width) float32: 1 where the surface hides the surroundings. Its far edge is out of focus, too."""
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    blur = max(0.0015, 0.5 * blur_disc(ground.distance(max(ground.first, ground.vanishing + 0.03))))
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
        reach = np.hypot((x - 0.06) / 0.42, (z - np.float32(patch.stand)) / 0.55)
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
