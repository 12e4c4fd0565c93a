"""The two solids that photos of a thing may be given, before all of them: the main photo's alone, and that of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InvalidMesh
from services.mesh.camera import PhotoCamera, squared
from services.mesh.finish.simplification import simplified
from services.mesh.solid import Solid
from services.mesh.views.alignment import Sight, aligned
from services.mesh.views.cameras import Standpoint
from services.mesh.views.fusion import fused
from services.mesh.views.registration import Witness
from services.mesh.views.verdict import Explained

Doubles = NDArray[np.float64]

DRAFTED = 4_000
"""Triangles of the drafts that are held against the photos: enough for a picture of a hundred pixels."""


@dataclass(frozen=True)
class Candidate:
    """A solid and the photos before it.

    Attributes:
        solid: as it would be taken.
        cameras: of all photos, the main one first, in the solid's frame and in pixels of each cutout.
        places: where the further photos' cameras stand.
        said: how well it explains the photos.
        thick: how many times as thick it is as the photo's field holds it for that agrees best.
    """

    solid: Solid
    cameras: Sequence[PhotoCamera]
    places: Sequence[Standpoint]
    said: Explained
    thick: float


def before_one(solid: Solid, camera: PhotoCamera, witnesses: Sequence[Witness], level: bool) -> Candidate:
    """The main photo's solid, the other photos' cameras laid on it.

    That solid's own frame may say another pitch than the photos: an inflation is level with its photo. Where the solid
    is held to be seen from lower, so are all photos: from behind it then shows what they show.

    Args:
        solid: from the main photo alone.
        camera: that photo's, before it.
        witnesses: all photos, the main one first.
        level: whether the solid's own pitch is that of its frame; otherwise the main photo's word is.
    """
    main, *others = witnesses
    if level:
        own = replace(main.standpoint, pitch=camera.pitch(), roll=-camera.roll())
        off = own.pitch - main.standpoint.pitch
        main = Witness(main.evidence, own)
        others = [Witness(one.evidence, one.standpoint.moved("pitch", off)) for one in others]
    to_world = world_of(camera, main)
    draft = simplified(solid, DRAFTED)
    placed = draft.moved(to_world)
    places = [aligned(placed, one).standpoint for one in others]
    seen = [Witness(one.evidence, place) for one, place in zip(others, places, strict=True)]
    cameras = [camera, *(seen_from(one, to_world) for one in seen)]
    return _held(solid, draft, cameras, places, witnesses)


def before_all(witnesses: Sequence[Witness], rounds: int) -> Candidate | None:
    """The solid from all photos, with each further camera laid on it; None where the outlines leave nothing.

    Each round builds the solid anew from the cameras of the round before.
    """
    built = None
    for _ in range(rounds):
        try:
            solid = fused(witnesses)
        except InvalidMesh:
            break
        draft = simplified(solid, DRAFTED)
        places = [aligned(draft, one).standpoint for one in witnesses[1:]]
        built = solid, draft, places
        moved = (Witness(one.evidence, place) for one, place in zip(witnesses[1:], places, strict=True))
        witnesses = [witnesses[0], *moved]
    if built is None:
        return None
    cameras = [one.evidence.camera(one.standpoint) for one in witnesses]
    return _held(*built[:2], cameras, built[2], witnesses)


def _held(
    solid: Solid,
    draft: Solid,
    cameras: Sequence[PhotoCamera],
    places: Sequence[Standpoint],
    witnesses: Sequence[Witness],
) -> Candidate:
    """A solid held against the photos, its draft instead of it; the cameras are in its frame."""
    sights = [Sight(draft, at, one.evidence) for at, one in zip(cameras, witnesses, strict=True)]
    depths = [sight.depth_error() for sight in sights]
    said = Explained([sight.overlap() for sight in sights], [one for one in depths if one is not None])
    return Candidate(solid, cameras, places, said, min(sight.thickness() for sight in sights))


def world_of(camera: PhotoCamera, main: Witness) -> Doubles:
    """(3, 4): from a mesh's frame to the shared world, by the main photo's camera before that mesh."""
    evidence = main.evidence
    scale = camera.pixels / evidence.half_side_px
    off = (np.array(camera.center) - np.array(evidence.center_px)) / evidence.half_side_px
    view = camera.to_view * scale + np.array([[0, 0, 0, off[0]], [0, 0, 0, -off[1]], [0, 0, 0, 0]])
    return np.asarray(main.standpoint.rotation().T @ view)


def seen_from(witness: Witness, to_world: Doubles) -> PhotoCamera:
    """A photo's camera in the frame of a mesh."""
    camera = witness.evidence.camera(witness.standpoint)
    return replace(camera, to_view=camera.to_view @ squared(to_world))
