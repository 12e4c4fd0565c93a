"""From the model of one photo to the model of several: cameras, solid, and which photos it is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InferenceFailed, InvalidMesh
from lensora.core.words import ViewOmission, ViewSide
from lensora.observability import logs
from services.mesh.backends import RawMesh, Report
from services.mesh.camera import PhotoCamera, squared
from services.mesh.cutout import Cutout
from services.mesh.explanation import Explainer
from services.mesh.finish.simplification import simplified
from services.mesh.network import ShapePrediction
from services.mesh.shape.grids import FREE_CREASE_DEG, FREE_REACH
from services.mesh.solid import Solid
from services.mesh.texturing.exposure import TRUST
from services.mesh.viewpoint import estimate_camera
from services.mesh.views.alignment import Aligned, aligned, overlap, thickness
from services.mesh.views.details import located
from services.mesh.views.evidence import evidence_of
from services.mesh.views.fusion import fused
from services.mesh.views.pitches import level
from services.mesh.views.registration import Found, Witness, find
from services.mesh.views.sides import YAWS, FurtherPhoto, nearest_side
from services.mesh.views.starts import begin
from services.mesh.views.turning import found_in_turn
from services.mesh.views.verdict import RULES as VERDICT
from services.mesh.views.verdict import better, objection

_log = logs.get(__name__)

Doubles = NDArray[np.float64]

TOGETHER = "views"
"""The method's name of a solid from several photos."""


@dataclass(frozen=True)
class CombiningRules:
    """How solids are compared.

    Attributes:
        drafted: triangles of the drafts whose outlines are held against the photos': enough for a picture of a hundred
            pixels.
        photos, film: times that a solid is built and the cameras laid on it, without a film and with one. On six things
            of ``tune`` a second time gains 0.06 of F-score with a film, and loses on none.
    """

    drafted: int = 4_000
    photos: int = 1
    film: int = 2


RULES = CombiningRules()


@dataclass(frozen=True)
class Placed:
    """A further photo whose camera is known.

    Attributes:
        number: of the photo, in the order given.
        photo: as given.
        side: the one it shows.
        yaw: radians, see ``PhotoUse``.
        camera: in the mesh's own frame, pixels of the photo's cutout.
    """

    number: int
    photo: FurtherPhoto
    side: ViewSide
    yaw: float
    camera: PhotoCamera

    def after(self, move: Doubles) -> Placed:
        """The same once the mesh has been moved by a (3, 4) map."""
        return replace(self, camera=self.camera.after(move))


@dataclass(frozen=True)
class Combined:
    """A raw mesh, the further photos that it is made with, and by number why it is made without the others."""

    raw: RawMesh
    placed: tuple[Placed, ...] = ()
    omitted: Mapping[int, ViewOmission] = field(default_factory=dict)


def combined(
    cutout: Cutout,
    raw: RawMesh,
    photos: Sequence[FurtherPhoto],
    explainer: Explainer,
    report: Report,
    timeout_s: float | None = None,
) -> Combined:
    """The mesh that explains all photos, or the one photo's where that does so as well.

    Args:
        cutout: the main photo.
        raw: the mesh from it alone.
        photos: the further ones.
        explainer: of the main photo; its network, if it has one, is asked about the others.
        report: called between steps; raises to stop the work.
        timeout_s: seconds after which the network is given up.
    """
    if raw.camera is None:
        return Combined(raw, omitted=dict.fromkeys(range(len(photos)), ViewOmission.UNSUPPORTED))
    report("photos", 0.3)
    together = Combined(raw)
    outlined = [number for number, photo in enumerate(photos) if photo.side is not ViewSide.DETAIL]
    if outlined:
        together = _outlined(cutout, raw, photos, outlined, explainer, report, timeout_s)
    details = [number for number, photo in enumerate(photos) if photo.side is ViewSide.DETAIL]
    if details:
        report("photos", 0.34)
        together = _with_details(cutout, together, photos, details)
    return together


def _outlined(
    cutout: Cutout,
    raw: RawMesh,
    photos: Sequence[FurtherPhoto],
    outlined: Sequence[int],
    explainer: Explainer,
    report: Report,
    timeout_s: float | None,
) -> Combined:
    """With the photos that show the whole thing, by their numbers."""
    explained = explainer.explain(cutout, lambda _share: report("photos", 0.3), timeout_s)
    viewpoint = estimate_camera(cutout, explained=explained)
    own = evidence_of(cutout, explained.view.prediction)
    # The surest witness of the main photo's camera may be another than the network.
    sure = min(own.pitch_spread, viewpoint.pitch_doubt)
    upright = replace(own.standpoint, pitch=viewpoint.pitch, roll=-viewpoint.roll)
    words = [replace(own, standpoint=upright, pitch_spread=sure)]
    for number in outlined:
        report("photos", 0.3)
        words.append(evidence_of(photos[number].cutout, _predicted(explainer, photos[number].cutout, timeout_s)))
    named = [photos[number].side in YAWS for number in outlined]
    # Whoever names a side of a thing shows another one in the main photo, and not its top.
    words = level(words, [any(named), *named])
    main = Witness(words[0], words[0].standpoint)
    found: dict[int, Found] = {}
    omitted: dict[int, ViewOmission] = {}
    # Those whose side is known first: they help to place the others.
    by_number = dict(zip(outlined, words[1:], strict=True))
    single = [number for number in outlined if photos[number].filmed is None]
    for number in sorted(single, key=lambda one: photos[one].side is None):
        report("photos", 0.31)
        others = [main, *(one.witness for one in found.values())]
        side = photos[number].side
        one = find(by_number[number], begin(by_number[number], side, main), others, side is not None)
        against = objection(one)
        if against is None:
            found[number] = one
        else:
            omitted[number] = against
    frames = {number: (by_number[number], filmed) for number in outlined if (filmed := photos[number].filmed)}
    if frames:
        report("photos", 0.32)
        turned, left = found_in_turn(frames, [main, *(one.witness for one in found.values())])
        found |= turned
        omitted |= left
    if not found:
        return Combined(raw, omitted=omitted)
    report("photos", 0.33)
    witnesses = [main, *(one.witness for one in found.values())]
    chosen = _chosen(raw, photos, found, witnesses)
    return replace(chosen, omitted={**omitted, **chosen.omitted})


def _with_details(
    cutout: Cutout, together: Combined, photos: Sequence[FurtherPhoto], details: Sequence[int]
) -> Combined:
    """With the close-ups, by their numbers, that belong to a photo whose camera is known."""
    assert together.raw.camera is not None
    shown = [(cutout, together.raw.camera, 0.0), *((one.photo.cutout, one.camera, one.yaw) for one in together.placed)]
    placed = list(together.placed)
    omitted = dict(together.omitted)
    for number in details:
        tried = [(located(photos[number].cutout, photo, camera), yaw) for photo, camera, yaw in shown]
        fitting = [(one, yaw) for one, yaw in tried if one is not None]
        if fitting:
            one, yaw = max(fitting, key=lambda each: each[0].matches)
            photo = replace(photos[number], cutout=one.cutout)
            placed.append(Placed(number, photo, ViewSide.DETAIL, yaw, one.camera))
        else:
            omitted[number] = ViewOmission.NO_PLACE
    return replace(together, placed=tuple(placed), omitted=omitted)


def _chosen(
    raw: RawMesh, photos: Sequence[FurtherPhoto], found: dict[int, Found], witnesses: Sequence[Witness]
) -> Combined:
    """The better of the two solids, with the cameras of all photos before it."""
    camera = raw.camera
    assert camera is not None
    main = witnesses[0]
    to_world = world_of(camera, main)
    draft = simplified(raw.solid, RULES.drafted)
    alone = [aligned(draft.moved(to_world), witness) for witness in witnesses[1:]]
    filmed = any(photos[number].filmed is not None for number in found)
    built = _built(witnesses, RULES.film if filmed else RULES.photos)
    if built is not None:
        solid, fused_draft, together = built
        moved = [Witness(w.evidence, one.standpoint) for w, one in zip(witnesses[1:], together, strict=True)]
        before = [witness.evidence.camera(witness.standpoint) for witness in (main, *moved)]
        filled = [overlap(fused_draft, before[0], main.evidence), *(one.overlap for one in together)]
        kept = [overlap(draft, camera, main.evidence), *(one.overlap for one in alone)]
        thick = [thickness(fused_draft, at, w.evidence) for at, w in zip(before, witnesses, strict=True)]
        films = [one.overlap for number, one in zip(found, together, strict=True) if photos[number].filmed]
        if better(filled, kept, raw.confidence or 0.0, min(thick), films):
            raw = replace(
                raw,
                solid=solid,
                camera=before[0],
                colors=None,
                completion=None,
                photo=None,
                opacity=None,
                method=TOGETHER,
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
                trust=TRUST,
                ruled=False,
            )
            seen, cameras = moved, before[1:]
    if raw.method != TOGETHER:
        seen, cameras = _before_own(draft, camera, witnesses)
    placed, omitted = [], {}
    for number, witness, at, fit in zip(found, seen, cameras, alone, strict=True):
        if photos[number].filmed is not None and raw.method != TOGETHER and fit.overlap < VERDICT.filmed:
            omitted[number] = ViewOmission.DISAGREES
            continue
        standpoint = witness.standpoint
        side = photos[number].side or nearest_side(standpoint.yaw, standpoint.pitch)
        placed.append(Placed(number, photos[number], side, standpoint.yaw, at))
    return Combined(raw, tuple(placed), omitted)


def _before_own(
    draft: Solid, camera: PhotoCamera, witnesses: Sequence[Witness]
) -> tuple[list[Witness], list[PhotoCamera]]:
    """The further photos' cameras before the one photo's solid, in that solid's own upright frame.

    That frame's pitch may be another than the photos': an inflation is level with its photo. A solid that is held to
    be seen from so much lower is painted by photos from so much lower: from behind it then shows what they show.
    """
    main, *others = witnesses
    own = replace(main.standpoint, pitch=camera.pitch(), roll=-camera.roll())
    to_world = world_of(camera, Witness(main.evidence, own))
    lower = [
        replace(one, standpoint=one.standpoint.moved("pitch", own.pitch - main.standpoint.pitch)) for one in others
    ]
    solid = draft.moved(to_world)
    seen = [Witness(one.evidence, aligned(solid, one).standpoint) for one in lower]
    return seen, [seen_from(one, to_world) for one in seen]


def _built(witnesses: Sequence[Witness], rounds: int) -> tuple[Solid, Solid, list[Aligned]] | None:
    """The solid from all photos, its draft, and each further camera laid on it; None where the outlines leave nothing.

    Each round builds the solid anew from the cameras of the round before.
    """
    built = None
    for _ in range(rounds):
        try:
            solid = fused(witnesses)
        except InvalidMesh:
            break
        draft = simplified(solid, RULES.drafted)
        together = [aligned(draft, witness) for witness in witnesses[1:]]
        built = solid, draft, together
        moved = (Witness(w.evidence, one.standpoint) for w, one in zip(witnesses[1:], together, strict=True))
        witnesses = [witnesses[0], *moved]
    return built


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


def _predicted(explainer: Explainer, cutout: Cutout, timeout_s: float | None) -> ShapePrediction | None:
    """What the network says of a further photo; nothing where it fails: the outline is there in any case."""
    if explainer.network is None:
        return None
    try:
        return explainer.network.predict(cutout, timeout_s)
    except InferenceFailed as error:
        _log.warning("shape_network_failed", error=error.message)
        return None
