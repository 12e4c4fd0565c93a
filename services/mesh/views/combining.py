"""From the model of one photo to the model of several: cameras, solid, and which photos it is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InferenceFailed
from lensora.core.words import ViewOmission, ViewSide
from lensora.observability import logs
from services.mesh.backends import RawMesh, Report
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.explanation import Explainer
from services.mesh.judge.verdict import PLAIN
from services.mesh.network import ShapePrediction
from services.mesh.shape.grids import FREE_CREASE_DEG, FREE_REACH
from services.mesh.texturing.exposure import TRUST
from services.mesh.viewpoint import estimate_camera
from services.mesh.views.candidates import before_all, before_one
from services.mesh.views.details import located
from services.mesh.views.evidence import evidence_of
from services.mesh.views.pitches import level
from services.mesh.views.registration import Found, Witness, find, same_line
from services.mesh.views.sides import YAWS, FurtherPhoto, nearest_side
from services.mesh.views.starts import begin, looking_down
from services.mesh.views.turning import found_in_turn
from services.mesh.views.verdict import RULES as VERDICT
from services.mesh.views.verdict import better, expected_gain, objection

_log = logs.get(__name__)

Doubles = NDArray[np.float64]

TOGETHER = "views"
"""The method's name of a solid from several photos."""


@dataclass(frozen=True)
class CombiningRules:
    """How often solids are built.

    Attributes:
        photos, film: times that a solid is built and the cameras laid on it, without a film and with one. On six things
            of ``tune`` a second time gains 0.06 of F-score with a film, and loses on none.
    """

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
    main, found, omitted = registered(cutout, photos, outlined, explainer, report, timeout_s)
    if not found:
        return Combined(raw, omitted=omitted)
    report("photos", 0.33)
    witnesses = [main, *(one.witness for one in found.values())]
    chosen = _chosen(raw, photos, found, witnesses)
    return replace(chosen, omitted={**omitted, **chosen.omitted})


def registered(
    cutout: Cutout,
    photos: Sequence[FurtherPhoto],
    outlined: Sequence[int],
    explainer: Explainer,
    report: Report,
    timeout_s: float | None = None,
) -> tuple[Witness, dict[int, Found], dict[int, ViewOmission]]:
    """The main photo's word, the cameras of those that agree with it, and why others do not; arguments as for
    ``combined``.

    Args:
        outlined: numbers of the photos that show the whole thing.
    """
    explained = explainer.explain(cutout, lambda _share: report("photos", 0.3), timeout_s)
    viewpoint = estimate_camera(cutout, explained=explained)
    own = evidence_of(cutout, explained.view.prediction)
    # The surest witness of the main photo's camera may be another than the network.
    sure = min(own.pitch_spread, viewpoint.pitch_doubt)
    upright = replace(own.standpoint, pitch=viewpoint.pitch, roll=-viewpoint.roll)
    words = [replace(own, standpoint=upright, pitch_spread=sure)]
    for number in outlined:
        report("photos", 0.3)
        word = evidence_of(photos[number].cutout, _predicted(explainer, photos[number].cutout, timeout_s))
        words.append(looking_down(word) if photos[number].side is ViewSide.TOP else word)
    sides = [photos[number].side for number in outlined]
    # Whoever names a side of a thing, or its top, shows another one in the main photo, and not its top.
    words = level(words, [any(sides), *(side in YAWS for side in sides)])
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
    return main, found, omitted


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
    filmed = [photos[number].filmed is not None for number in found]
    # A side tells how deep a thing is, and its outline refutes a solid. Front and back have about one outline.
    opposite = all(same_line(one.standpoint) for one in witnesses[1:]) and not any(filmed)
    alone = before_one(raw.solid, camera, witnesses, level=opposite)
    together = before_all(witnesses, RULES.film if any(filmed) else RULES.photos)
    taken = alone
    if together is not None:
        films = [share for share, film in zip(together.said.overlaps[1:], filmed, strict=True) if film]
        gain = expected_gain(together.said, alone.said, regular(raw)) if opposite else None
        overlaps = together.said.overlaps, alone.said.overlaps
        if better(*overlaps, raw.confidence or 0.0, together.thick, films, gain):
            taken = together
            raw = replace(
                raw,
                solid=together.solid,
                camera=together.cameras[0],
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
    if taken is alone and not opposite and not any(filmed):
        taken = before_one(raw.solid, camera, witnesses, level=True)
    placed, omitted = [], {}
    fits = alone.said.overlaps[1:]
    for number, film, place, at, fit in zip(found, filmed, taken.places, taken.cameras[1:], fits, strict=True):
        if film and raw.method != TOGETHER and fit < VERDICT.filmed:
            omitted[number] = ViewOmission.DISAGREES
            continue
        side = photos[number].side or nearest_side(place.yaw, place.pitch)
        placed.append(Placed(number, photos[number], side, place.yaw, at))
    return Combined(raw, tuple(placed), omitted)


def regular(raw: RawMesh) -> bool:
    """Whether a rule has told the one photo's solid whole: a box's, a turned body's."""
    return raw.ruled and raw.method not in PLAIN


def _predicted(explainer: Explainer, cutout: Cutout, timeout_s: float | None) -> ShapePrediction | None:
    """What the network says of a further photo; nothing where it fails: the outline is there in any case."""
    if explainer.network is None:
        return None
    try:
        return explainer.network.predict(cutout, timeout_s)
    except InferenceFailed as error:
        _log.warning("shape_network_failed", error=error.message)
        return None
