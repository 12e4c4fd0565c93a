"""The embedded backend: shape from silhouette and shading, on the CPU, without a neural net."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from services.mesh.backends import RawMesh, Report
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, kept_thin
from services.mesh.raster import covering
from services.mesh.shape import evidence as weigh
from services.mesh.shape.cuboid import rounded_box
from services.mesh.shape.evidence import Evidence, Kind
from services.mesh.shape.freeform import freeform
from services.mesh.shape.inflation import rim_distance
from services.mesh.shape.lying import is_lying, lying
from services.mesh.shape.tracing import traced
from services.mesh.solid import Solid
from services.mesh.surface import CREASE_DEG
from services.mesh.texturing.completion import Completion
from services.mesh.texturing.exposure import FLAT_TRUST, TRUST
from services.mesh.texturing.panels import PanelCompletion
from services.mesh.texturing.straightening import straightened
from services.mesh.turning import TurnedBody, grown_body, tiered_body, turned_body

Floats = NDArray[np.float32]

RELIEF_SIDE_PX = 224
"""Side of the grid that free shapes are built on: finer than the default budget of triangles can keep."""

FINE_PIXELS, MAX_FINE_SIDE_PX = 20_000, 448
"""Lattices and wires would be lost on that grid: they get as fine a one as keeps this many pixels inside."""

MAX_OUTLINES = 400
"""A silhouette of more outlines (islands and holes) is dust or a screen, not parts. A lattice tower has 100 to 300, and
20,000 triangles hold them."""

MOST_LYING_OUTLINES = 100
"""A flat thing that lies has keys and openings, not a tower's lattice: the walls of each hole cost triangles."""

THIN_SHARE = 0.10
"""A silhouette with more of its area within a pixel and a half of the rim than this is thin enough for the finer
grid."""

FREE_CREASE_DEG = 75.0
"""Free shapes are smooth all over: only the edge of a slab may stay, not the slivers of the simplification."""

FREE_REACH = float(np.radians(15.0))
"""The flank of a free shape is as large as its front, and less is known of it: it is not brought to the front."""

CHECK_SIDE_PX, LEAST_AGREEMENT = 256, 0.955
"""A turned body whose silhouette agrees with the photo's less than this is not one."""

NEARLY_AGREEMENT = 0.925
"""From here on a body is turned but for a little (an apple, a burger on its plate): it is moved onto the outline."""

MOUTHED_AGREEMENT = 0.94
"""The same for a body whose mouth shows all around, which says by itself that it is turned."""

TIERED_AGREEMENT = 0.92
"""The same for a cup on its saucer, whose silhouette was held against its own before."""

GROWN_AGREEMENT = 0.88
"""The same for a pot with a plant: leaves are mostly rim, and the pot's far rim may show between them."""

EDGE_RADIUS = 0.008
"""Least radius of a box's edges, share of its largest half side: even cartons have none that are sharp."""


class SilhouetteBackend:
    """Chooses among a box, a surface of revolution, a slab and an inflation by what the silhouette and the shading
    say."""

    name = "silhouette"

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """See ``MeshBackend``."""
        del timeout_s  # ``report`` ends the work between its phases, each of which takes a fraction of a second.
        report("evidence", 0.02)
        found = weigh.gather(cutout)
        report("shape", 0.2)
        kind = found.kind
        if kind is Kind.BOX:
            raw = _box(cutout, found)
        elif (tiered := _tiered(cutout, found)) is not None:
            raw = tiered
        elif kind is Kind.REVOLUTION:
            raw = _revolution(cutout, found)
        elif kind is Kind.INFLATION and (grown := _grown(cutout)) is not None:
            raw = grown
        else:
            raw = _free(cutout, found, kind)
        return raw


def _raw(
    solid: Solid,
    camera: PhotoCamera,
    completion: Completion | None,
    method: str,
    crease_deg: float = CREASE_DEG,
    trust: tuple[float, float] = TRUST,
) -> RawMesh:
    """The backend's answer with its one row for the bill of models."""
    used = ModelUse(name="lensora-silhouette", version="1", sha256="", license="Apache-2.0", stage="mesh")
    return RawMesh(solid, camera, None, completion, method, (used,), crease_deg, trust)


def _seen_as(raw: RawMesh, cutout: Cutout) -> float:
    """IoU of a raw mesh's silhouette from the photo's view with the subject's, on a small picture."""
    alpha, camera = _checked_view(raw, cutout)
    pixels, _ = camera.project(raw.solid.vertices)
    seen = covering(pixels, raw.solid.faces, (alpha.shape[1], alpha.shape[0])) >= 0
    mask = alpha >= 0.5
    return float((seen & mask).sum()) / float((seen | mask).sum())


def _checked_view(raw: RawMesh, cutout: Cutout) -> tuple[Floats, PhotoCamera]:
    """The subject's matte on a small picture, and the raw mesh's camera in its pixels."""
    alpha, factor = cutout.working_alpha(CHECK_SIDE_PX)
    return alpha, (raw.camera or cutout.camera).scaled(factor, (2.0, 2.0))


def _full_camera(cutout: Cutout, fitted: PhotoCamera) -> PhotoCamera:
    """A camera that was fitted on a small grid, in the pixels of the cutout."""
    return PhotoCamera(fitted.to_view, cutout.camera.center, cutout.camera.pixels, fitted.distance)


def _revolution(cutout: Cutout, found: Evidence) -> RawMesh:
    """The first turned body that is seen as the subject is; a free shape where none is."""
    raw = _turned(turned_body(cutout, found))
    agreement = _seen_as(raw, cutout)
    if agreement >= (LEAST_AGREEMENT if found.mouth is None else MOUTHED_AGREEMENT):
        return raw
    if agreement >= NEARLY_AGREEMENT:
        alpha, camera = _checked_view(raw, cutout)
        raw = replace(raw, solid=traced(raw.solid, camera, alpha >= 0.5))
        if _seen_as(raw, cutout) >= LEAST_AGREEMENT:
            return raw
    return _free(cutout, found, Kind.INFLATION)


def _tiered(cutout: Cutout, found: Evidence) -> RawMesh | None:
    """A vessel on its saucer, if it is seen as the subject is."""
    raw = None if found.tiers is None else _turned(tiered_body(cutout, found.tiers))
    return raw if raw is not None and _seen_as(raw, cutout) >= TIERED_AGREEMENT else None


def _grown(cutout: Cutout) -> RawMesh | None:
    """A pot with its plant, if it is seen as the subject is."""
    body = grown_body(cutout)
    raw = None if body is None else _turned(body)
    return raw if raw is not None and _seen_as(raw, cutout) >= GROWN_AGREEMENT else None


def _turned(body: TurnedBody) -> RawMesh:
    """A turned body as the backend's answer."""
    raw = _raw(body.solid, body.camera, body.completion, body.method)
    return replace(raw, photo=body.photo, opacity=body.opacity)


def _box(cutout: Cutout, found: Evidence) -> RawMesh:
    """A box with softly rounded edges."""
    solid = rounded_box(found.box.half, max(found.box.radius, EDGE_RADIUS * float(found.box.half.max())))
    camera = _full_camera(cutout, found.box.camera)
    photo = straightened(cutout, camera, found.box.half)
    completion = PanelCompletion(photo, camera, found.box.half)
    return replace(_raw(solid, camera, completion, Kind.BOX.value, trust=FLAT_TRUST), photo=photo)


def _free(cutout: Cutout, found: Evidence, kind: Kind) -> RawMesh:
    """An inflation, flattened as far as the thing looks flat."""
    alpha, factor = cutout.working_alpha(RELIEF_SIDE_PX)
    depth = rim_distance(alpha)
    if float((depth[depth > 0] < 1.6).mean()) > THIN_SHARE:
        share = float((alpha >= 0.5).mean())
        side = round(min(MAX_FINE_SIDE_PX, max(RELIEF_SIDE_PX, (FINE_PIXELS / share) ** 0.5)))
        alpha, factor = cutout.working_alpha(side)
    alpha = _settled(alpha)
    camera = cutout.camera.scaled(factor, (2.0, 2.0))
    if is_lying(found.box, found.straightness) and _outlines(alpha) <= MOST_LYING_OUTLINES:
        solid, seen = lying(alpha, camera, found.box)
    else:
        solid, seen = freeform(alpha, camera, 1.0 if kind is Kind.SLAB else found.slab)
    raw = _raw(solid, _full_camera(cutout, seen), None, kind.value, FREE_CREASE_DEG)
    return replace(raw, reach=FREE_REACH)


def _settled(alpha: Floats) -> Floats:
    """The matte blurred until it has no more outlines than a model can hold: dust and screens become surfaces."""
    for sigma in (1.0, 2.0, 4.0, 8.0):
        if _outlines(alpha) <= MAX_OUTLINES:
            break
        blurred = np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32)
        blurred[[0, 1, -2, -1]] = 0.0
        blurred[:, [0, 1, -2, -1]] = 0.0
        alpha = kept_thin(blurred)
    return alpha


def _outlines(alpha: Floats) -> int:
    """How many islands and holes a silhouette has."""
    contours, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    return len(contours)
