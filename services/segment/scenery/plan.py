"""What a wish comes to: every choice of a scene made, before a pixel is painted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.ground import Ground
from services.segment.scenery.interiors import INTERIORS
from services.segment.scenery.light import MOODS, Mood
from services.segment.scenery.material import colour
from services.segment.scenery.noise import Noise
from services.segment.scenery.outdoors import OUTDOORS
from services.segment.scenery.place import Place
from services.segment.scenery.town import TOWN
from services.segment.scenery.words import Wish

PLACES: dict[str, Place] = {
    **INTERIORS,
    **OUTDOORS,
    **TOWN,
    "winter": replace(OUTDOORS["forest"], surface="snow"),
}
"""Every surrounding by its name."""

VANISHING = 0.36
"""The usual view of a product on a table: 4 degrees down at its middle, 15 at its foot."""

TABLE_TOPS = frozenset({"wood", "marble", "fabric", "tile", "gloss", "paper"})
"""Surfaces that are a table, a pier or a cloth when they stand in the open."""

TABLE_EDGE = 0.60
"""Where a table in the open ends, fraction of the height."""

INDOOR_SUN = np.array([1.07, 1.0, 0.89], np.float32)
"""Colour of the sun in a room, over that in the open: walls and wood throw warm light back."""

INDOOR_SHADE = 0.55
"""Share of the sun that the bars of a window and the wall beside it keep off the table."""

FROM_THE_RIGHT = 0.35
"""Share of the seeds whose light comes from the right: most pictures are lit from the left."""


@dataclass(frozen=True)
class Plan:
    """A scene to be painted.

    Attributes:
        place: the surroundings.
        surface: name of what the subject stands on.
        mood: the light.
        season: as in the words, or what the place brings.
        ground: the camera.
        setting: the camera that the surroundings are painted for; they are then moved to where ``ground`` sees them.
        place_tint: (3,) linear RGB for the surroundings, or None.
        surface_tint: likewise for the surface.
        dark: the surface's dark sort.
        wet: wet ground.
        sweep: wall and floor are one sheet of paper.
    """

    place: Place
    surface: str
    mood: Mood
    season: str
    ground: Ground
    setting: Ground
    place_tint: NDArray[np.float32] | None
    surface_tint: NDArray[np.float32] | None
    dark: bool
    wet: bool
    sweep: bool


def plan(wish: Wish, noise: Noise, pitch: float | None = None) -> Plan:
    """Settle what a wish leaves open; unknown surroundings are a studio.

    Args:
        wish: what to show.
        noise: the seed's own stream.
        pitch: radians that the camera looks down; None for the usual view.
    """
    mood = MOODS[wish.mood]
    if noise.uniform() < FROM_THE_RIGHT:
        mood = _mirrored(mood)
    place = PLACES.get(wish.place, PLACES["studio"])
    if not place.outdoors and not place.sweep and mood.gobo == "leaves":
        # Indoors the sun comes through a window, and warms.
        mood = replace(mood, gobo="window", gobo_depth=INDOOR_SHADE, key=np.asarray(mood.key * INDOOR_SUN, np.float32))
    if place.outdoors and mood.gobo == "window":
        # No window stands in the open: trees at most.
        mood = replace(mood, gobo="leaves", gobo_depth=0.6 * mood.gobo_depth)
    surface = wish.surface or place.surface
    season = wish.season or ("winter" if wish.place == "winter" else "")
    if season == "winter" and place.outdoors and surface in ("grass", "soil"):
        surface = "snow"
    if season == "autumn" and surface == "soil":
        surface = "litter"
    sweep = place.sweep and surface == "paper"
    if sweep and mood.gobo != "spot":
        mood = replace(mood, gobo="none")
    edge = place.edge
    if place is PLACES["sea"] and surface == "water":
        edge = VANISHING + 0.002
    if place.outdoors and surface in TABLE_TOPS:
        # A table in the open: its edge is a table's, not the ground's.
        place = replace(place, outdoors=False)
        edge = TABLE_EDGE
    place_tint, surface_tint = _tints(wish, mood, place, sweep)
    setting = Ground(VANISHING, edge)
    return Plan(
        place=place,
        surface=surface,
        mood=mood,
        season=season,
        ground=setting if pitch is None else setting.raised(pitch, natural=place.outdoors),
        setting=setting,
        place_tint=place_tint,
        surface_tint=surface_tint,
        dark=wish.dark,
        wet=wish.wet,
        sweep=sweep,
    )


def _tints(
    wish: Wish, mood: Mood, place: Place, sweep: bool
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    of_place, of_surface = wish.place_tint, wish.surface_tint
    if sweep:
        of_place = of_place if of_place is not None else of_surface
        return of_place, of_place
    if of_place is None and of_surface is not None and place is PLACES["studio"]:
        # A set in one colour: the wall takes a pale shade of the cloth.
        of_place = np.asarray(0.42 * of_surface + 0.58 * colour("#dcd8d2"), np.float32)
        if mood.dark:
            of_place = np.asarray(of_place * 0.12, np.float32)
    return of_place, of_surface


def _mirrored(mood: Mood) -> Mood:
    direction = mood.key_direction * np.array([-1.0, 1.0, 1.0], np.float32)
    return replace(mood, key_direction=direction.astype(np.float32))
