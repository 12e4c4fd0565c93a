"""From a fitted profile to a turned solid: calm profile, closed body or open vessel with a wall."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from services.mesh.shape.lathe import lathe
from services.mesh.shape.revolution import Revolution, steepest
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class VesselRules:
    """How thick walls are and where a vessel is filled to. Set by hand before the corpus was split.

    Attributes:
        wall: thickness of a vessel's wall as a share of its mouth's radius: china and glass have 3 to 6%.
        floor: where an open vessel's inside ends, as a share of its height above the ground.
        open_mouth: a vessel is open only if its mouth has at least this share of its largest radius.
        clear_rim: mean edge strength along the front of the rim from which on it counts as seen.
        bulging: a profile that narrows by more than this per height at its end may be the flank of a dome.
        lowest_part: share of the height on which the wall above a hidden foot is judged.
        grazing: a wall that narrows downwards, ever more, and at this share of the lines of sight's slope, turns away
            from them.
        too_shallow, deep_enough: heights in radii of the mouth: vessels of the first are bowls whose lower part is
            hidden, of the second whole.
        carried: a hidden part's share of the greatest height that the lines of sight leave room for.
        least_drop: share of the height below which a hidden part is not worth adding.
        foot: radius of a hidden foot as a share of the body's largest: cups, bowls and vases have 0.5 to 0.7.
        ring_spacing: largest distance of two rings, view units: keeps triangles compact for shading and atlas.
    """

    wall: float = 0.05
    floor: float = 0.10
    open_mouth: float = 0.9
    clear_rim: float = 0.2
    bulging: float = 0.6
    lowest_part: float = 0.4
    grazing: float = 0.3
    too_shallow: float = 0.5
    deep_enough: float = 0.9
    carried: float = 0.8
    least_drop: float = 0.02
    foot: float = 0.58
    ring_spacing: float = 0.035


RULES = VesselRules()


def calm_profile(fit: Revolution) -> tuple[Doubles, Doubles]:
    """Heights and radii without the pixel noise of the fit; steps stay."""
    radii = median_filter(fit.radii, size=5, mode="nearest")
    radii = gaussian_filter1d(radii, 1.2, mode="nearest")
    return fit.heights, np.maximum(radii, 1e-3)


def domed(heights: Doubles, radii: Doubles) -> tuple[Doubles, Doubles]:
    """The profile with its ends rounded off where the fit had to cut a rounded end.

    What bulges towards its end, as a ball does, goes on as the sphere that continues it. What comes straight to its
    end, as a can does, has a flat one.
    """
    steps = max(2, len(heights) // 8)
    for _ in range(2):
        # The same for both ends: the profile is turned upside down in between.
        heights, radii = -heights[::-1], radii[::-1]
        tall = float(heights[-1] - heights[0])
        # How fast it narrows in four stretches, the last eighth of the height first.
        marks = -1 - np.array([0, steps // 2, steps, 3 * steps // 2, 2 * steps])
        slopes = (radii[marks[1:]] - radii[marks[:-1]]) / np.maximum(heights[marks[:-1]] - heights[marks[1:]], 1e-6)
        slope = min(float(slopes[0]), 4.0)
        if slope > RULES.bulging and float(slopes.min()) > 0.2 * slope and radii[-1] < 0.9 * radii.max():
            sphere = float(radii[-1]) * float(np.hypot(1.0, slope))
            rise = min(sphere - float(radii[-1]) * slope, 0.3 * tall)
            angle = np.linspace(0.0, 0.5 * np.pi, 14)[1:]
            # A quarter ellipse through the ring and the apex; it starts at the ring's own slope closely enough.
            start = np.arcsin(np.clip(1.0 - rise / sphere, 0.0, 1.0))
            turn = start + (0.5 * np.pi - start) * angle / (0.5 * np.pi)
            cap_radii = sphere * np.cos(turn)
            cap_heights = heights[-1] + sphere * (np.sin(turn) - np.sin(start))
            heights = np.concatenate([heights, cap_heights])
            radii = np.concatenate([radii, np.maximum(cap_radii, 1e-3)])
    return heights, radii


def footed(fit: Revolution, heights: Doubles, radii: Doubles) -> tuple[Doubles, Doubles]:
    """The profile of a vessel carried on to its foot, where its own belly hides it.

    The silhouette's lower end is then the belly's, not the foot's. A wall that turns away from sight there says so: it
    goes on as the conic of revolution that its lower part lies on. A body that would be far too shallow for its mouth
    says so too: it turns in like a quarter of an ellipse. Both stay within the lines of sight and end where they are
    as narrow as a foot.
    """
    base, foot = float(radii[0]), RULES.foot * float(radii.max())
    above = heights - heights[0]
    tall = float(above[-1])
    low = above <= RULES.lowest_part * tall
    if base <= foot or low.sum() < 8:
        return heights, radii
    cone = steepest(fit.camera, float(heights[0]))
    # Squared radii of balls, ellipsoids and cones are quadratic in the height.
    bend, slope, _ = np.polyfit(above[low], radii[low] ** 2, 2)
    room = (base - foot) / cone
    if slope > RULES.grazing * cone * 2.0 * base and bend < 0.0:
        below = np.linspace(-room, 0.0, 60)[:-1]
        carried = np.sqrt(np.maximum(base**2 + slope * below + bend * below**2, 0.0))
        kept = carried > foot
        kept[max(int(np.argmax(kept)) - 1, 0)] = True
        below, carried = below[kept], np.maximum(carried[kept], foot)
    else:
        shallow = float(
            np.clip((RULES.deep_enough - tall / radii[-1]) / (RULES.deep_enough - RULES.too_shallow), 0.0, 1.0)
        )
        if shallow * room < RULES.least_drop * tall:
            return heights, radii
        turn = np.linspace(0.5 * np.pi, 0.0, 24)[:-1]
        below = -shallow * RULES.carried * room * np.sin(turn)
        carried = base - (base - foot) * (1.0 - np.cos(turn))
    return np.concatenate([heights[0] + below, heights]), np.concatenate([carried, radii])


def is_open(fit: Revolution, rim: float, has_handle: bool) -> bool:
    """Whether the thing is a vessel that one looks into: a wide mouth, and widening, or with a handle."""
    end = max(3, len(fit.radii) // 20)
    top, base, widest = float(fit.radii[-end:].max()), float(fit.radii[:3].max()), float(fit.radii.max())
    if top < RULES.open_mouth * widest:
        return False
    widening = top / max(base, 1e-6)
    seen = rim >= RULES.clear_rim
    return widening > 1.3 or (widening > 1.12 and seen) or has_handle


def turned_solid(heights: Doubles, radii: Doubles) -> Solid:
    """A closed body with flat ends."""
    ring = spaced(np.stack([radii, heights], axis=1))
    return lathe(np.vstack([[0.0, heights[0]], ring, [0.0, heights[-1]]]))


@dataclass(frozen=True)
class Contents:
    """What fills an open vessel, or its floor: a flat disc.

    Attributes:
        level: view units along the axis.
        radius: view units.
    """

    level: float
    radius: float


def inner_wall(heights: Doubles, radii: Doubles, contents: Contents | None = None) -> tuple[Doubles, Doubles]:
    """Heights and radii of the inside of an open vessel, from its floor to its mouth."""
    wall = RULES.wall * float(radii[-1])
    tall = float(heights[-1] - heights[0])
    lowest = float(heights[0]) + max(RULES.floor * tall, 1.5 * wall)
    mouth = max(float(radii[-1]) - wall, 0.2 * wall)
    if contents is None:
        level = np.linspace(lowest, heights[-1], 80)
        # A narrow mouth hides what widens below it: the inside goes straight down.
        inside = np.minimum(np.interp(level, heights, radii) - wall, mouth)
        # The floor meets the wall in a curve.
        bend = np.clip((level - lowest) / max(0.16 * tall, 1e-6), 0.0, 1.0)
        inside = inside * np.sqrt(1.0 - (1.0 - np.maximum(bend, 0.02)) ** 2)
        return level, np.maximum(inside, 0.02 * wall)
    level = np.linspace(min(max(contents.level, lowest), float(heights[-1]) - 0.2 * wall), heights[-1], 40)
    straight = np.interp(level, level[[0, -1]], [min(contents.radius, mouth), mouth])
    inside = np.minimum(np.interp(level, heights, radii) - wall, straight)
    return level, np.maximum(inside, 0.02 * wall)


def open_vessel(heights: Doubles, radii: Doubles, contents: Contents | None = None) -> Solid:
    """A vessel with a wall, a rounded rim and a floor or contents, as one closed profile."""
    outer, inner, rim = walls(heights, radii, contents)
    return lathe(np.vstack([[0.0, heights[0]], outer, rim, inner[::-1], [0.0, inner[0, 1]]]))


def cavity(heights: Doubles, radii: Doubles, contents: Contents | None = None) -> Solid:
    """What is to be taken out of a closed body to make it a vessel: reaches a little above the rim."""
    _, inner, _ = walls(heights, radii, contents)
    wall = RULES.wall * float(radii[-1])
    above = heights[-1] + wall
    mouth = [[inner[-1, 0] + 0.3 * wall, above]]
    return lathe(np.vstack([[0.0, inner[0, 1]], inner, mouth, [0.0, above]]))


def walls(heights: Doubles, radii: Doubles, contents: Contents | None = None) -> tuple[Doubles, Doubles, Doubles]:
    """Profiles (radius, height) of the outside and the inside, both upwards, and the rim's arc from one to the
    other. The inside's begins near the axis."""
    wall = RULES.wall * float(radii[-1])
    level, inside = inner_wall(heights, radii, contents)
    outer = spaced(np.stack([radii, heights], axis=1))
    inner = spaced(np.vstack([[0.02 * inside[0], level[0]], np.stack([inside, level], axis=1)]))
    middle, half = 0.5 * (outer[-1, 0] + inner[-1, 0]), 0.5 * (outer[-1, 0] - inner[-1, 0])
    arc = np.linspace(0.0, np.pi, 6)[1:-1]
    rim = np.stack([middle + half * np.cos(arc), heights[-1] + 0.35 * wall * np.sin(arc)], axis=1)
    return outer, inner, rim


def spaced(points: Doubles) -> Doubles:
    """The polyline thinned where it is straight and filled up where its points would lie far apart."""
    line = np.round(points * 1e5).astype(np.int32).reshape(-1, 1, 2)
    kept = cv2.approxPolyDP(line, 120.0, False).reshape(-1, 2) / 1e5
    out = [kept[0]]
    for a, b in pairwise(kept):
        pieces = max(1, int(np.ceil(float(np.linalg.norm(b - a)) / RULES.ring_spacing)))
        out += [a + (b - a) * (k / pieces) for k in range(1, pieces + 1)]
    return np.array(out)
