"""What silhouette and shading say about the kind of shape."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.shape import cuboid as boxes
from services.mesh.shape import revolution as turned
from services.mesh.shape.cuboid import Cuboid
from services.mesh.shape.inflation import inflated_square
from services.mesh.shape.interior import Interior, interior_of
from services.mesh.shape.mouth import Mouth, find_mouth, picture_of
from services.mesh.shape.refinement import find_box
from services.mesh.shape.revolution import Revolution
from services.mesh.shape.tiers import Tiers, find_tiers

Floats = NDArray[np.float32]

BOX_AGREEMENT = 0.955
"""A cuboid whose outline agrees with the silhouette at least this well explains it (edges of a mask are 1 to 2%
noise)."""

BOX_STRAIGHT = 0.945
"""A polygon of four to six corners covers a box's silhouette at least this well."""

CLEAR_EDGES, UNSEEN_EDGES = 0.8, 0.5
"""Share of its inner edges that shows of a box for sure; under the second they are not there, and no box is. Boxes
measure 0.85 to 1.0 here, cuboids laid over turned things 0.02 to 0.6."""

EDGED_AGREEMENT, CORNERED_AGREEMENT = 0.975, 0.955
"""A cuboid with clear inner edges explains a silhouette that it agrees with this well, whatever the light says; with
all three edges of a corner towards the viewer a lid or feet may stand out."""

EDGED_SLACK, ROUND_COVER = 0.02, 0.985
"""It may agree with the silhouette this much worse than a surface of revolution, which can bend to any profile, unless
that covers this share of the silhouette, as it does of tins with a busy print."""

ROUND_AGREEMENT = 0.945
"""The same for a surface of revolution without parts."""

CORNER_EDGES = 3
"""Edges that meet in a corner of a box."""

ROUND_BODY = 0.70
"""The least share of the silhouette that the body of a round thing with parts (a mug with its handle) must cover."""

SYMMETRY_SLACK = 0.03
"""All that is mirror-symmetric in a round thing's silhouette must be explained by its body, but for this share."""

MOUTH_SLACK = 0.015
"""A body below a mouth that shows may agree with the silhouette this much worse than one of any pitch."""

LOOP = 0.005
"""Share of the silhouette that is open from which a part beside a body is a handle. Without one, and without a mouth,
heads and legs pass for the parts of a turned body as well."""

BENT_BANDS, BENT_LIGHT = 0.93, 0.3
"""Bands and light that go round a body tell that it is turned though its parts are no handles."""

HOLES = 0.03
"""A body with more of its area in holes is not a turned one: a lattice, a fan, a wheel."""


STRAIGHT_BANDS = 0.97
"""Bands on turned bodies measure 0.6 to 0.95 here, prints on flat ones 1.0 to 1.5."""

ROUND_LIGHT = 0.65
"""Plain cans and cones measure 0.7 to 0.9 here, flat things and printed boxes 0.2 to 0.55."""


class Kind(StrEnum):
    """The ways to build a shape."""

    BOX = "rounded box"
    REVOLUTION = "revolution"
    SLAB = "rounded slab"
    INFLATION = "inflation"


@dataclass(frozen=True)
class Evidence:
    """Measurements that the choice rests on.

    Attributes:
        box: the best cuboid.
        straightness: how well a polygon of four to six corners covers the silhouette, 0..1.
        round: the best surface of revolution.
        mouth: of the surface of revolution, where it shows all around.
        interior: what is seen through the mouth; None where there is no mouth or a lid on it.
        tiers: a vessel on its saucer, where the picture shows one.
        holes: share of the turned body's silhouette that is open, 0..1.
        loop: share of the whole silhouette that is open, 0..1.
        rim: how clearly the front of a top rim shows, 0..1.
        doming: how much of the brightness follows the normals of a rounded shape, 0..1.
        slab: how flat the thing looks, 0 (round) to 1 (a slab with rounded edges).
        bands: whether what runs across it runs straight (above 1) or bends around it (below 1).
    """

    box: Cuboid
    straightness: float
    round: Revolution
    mouth: Mouth | None
    interior: Interior | None
    tiers: Tiers | None
    holes: float
    loop: float
    rim: float
    doming: float
    slab: float
    bands: float

    @property
    def lidded(self) -> bool:
        """True for a body whose top shows and is no opening."""
        return self.mouth is not None and self.interior is None

    @property
    def flat_face(self) -> bool:
        """True for a straight-edged thing whose print runs straight: a remote control is not a bottle.

        A plain can has no print to tell, but light that goes round it.
        """
        return self.straightness >= BOX_STRAIGHT - 0.015 and self.bands > STRAIGHT_BANDS and self.doming < ROUND_LIGHT

    @property
    def edged(self) -> bool:
        """True for a box whose inner edges the photo shows where its outline asks for them."""
        box, clear = self.box, self.box.clearness
        slack = EDGED_SLACK if self.round.cover < ROUND_COVER else 0.0
        if not clear or not box.upright or box.agreement < self.round.agreement - slack:
            return False
        corner = len(clear) == CORNER_EDGES and min(clear) >= UNSEEN_EDGES
        return float(np.mean(clear)) >= CLEAR_EDGES and box.agreement >= (
            CORNERED_AGREEMENT if corner else EDGED_AGREEMENT
        )

    @property
    def kind(self) -> Kind:
        """The shape that explains the evidence."""
        fit = self.round
        wide_base = fit.radii[0] >= 0.3 * fit.radii.max()
        boxed = self.box.agreement >= BOX_AGREEMENT and self.straightness >= BOX_STRAIGHT and self.box.upright
        boxed = boxed and (not self.box.clearness or float(np.mean(self.box.clearness)) >= UNSEEN_EDGES)
        explained = fit.cover >= fit.axis.symmetry - SYMMETRY_SLACK
        whole = fit.agreement >= ROUND_AGREEMENT and fit.cover >= ROUND_AGREEMENT
        with_parts = (
            fit.cover >= ROUND_BODY and fit.agreement >= ROUND_AGREEMENT and fit.axis.symmetry < 0.97 and wide_base
        )
        vessel = self.mouth is not None or self.loop >= LOOP
        vessel |= self.bands < BENT_BANDS and self.doming >= BENT_LIGHT
        turned_body = explained and (whole or (with_parts and vessel)) and self.holes < HOLES
        pointed = self.straightness > 0.89 and not wide_base
        flat = self.flat_face or (self.slab > 0.5 and not (wide_base and fit.bottom_sag > 0.03))
        round_light = turned_body and self.doming >= ROUND_LIGHT
        if self.edged:
            return Kind.BOX
        if boxed and not round_light and (self.box.agreement >= fit.agreement + 0.004 or not turned_body):
            return Kind.BOX
        if turned_body and not pointed and not flat:
            return Kind.REVOLUTION
        return Kind.SLAB if self.flat_face or self.slab >= 0.999 else Kind.INFLATION


def gather(cutout: Cutout) -> Evidence:
    """Measure a cutout."""
    alpha, factor = cutout.working_alpha(turned.FIT_SIDE_PX)
    camera = cutout.camera.scaled(factor, (2.0, 2.0))
    edges = crossing_edges(cutout, alpha, factor)
    outline = turned.outline_of(alpha, camera)
    fit = turned.fit_revolution(outline, edges)
    picture = picture_of(cutout, alpha)
    mouth, interior = None, None
    top = find_mouth(picture, outline)
    if top is not None and top[1].agreement >= fit.agreement - MOUTH_SLACK:
        mouth, fit = top
        interior = interior_of(picture, mouth, fit)
    holes = _holes(alpha, fit)
    box = find_box(cutout)
    doming = doming_of(cutout)
    straight = boxes.straightness(turned.filled(alpha >= 0.5))
    return Evidence(
        box=box,
        straightness=straight,
        round=fit,
        mouth=mouth,
        interior=interior,
        tiers=find_tiers(outline, picture, fit),
        holes=holes,
        loop=float(turned.filled(alpha >= 0.5).sum()) / max(float((alpha >= 0.5).sum()), 1.0) - 1.0,
        rim=turned.rim_evidence(fit, edges),
        doming=doming,
        slab=_slab(doming, straight),
        bands=turned.straight_bands(fit, edges),
    )


def _slab(doming: float, straight: float) -> float:
    """How flat: things with straight edges and without a dome's shading are slabs, most others are half way at the
    most."""
    edges = float(np.clip((straight - 0.80) / 0.14, 0.0, 1.0))
    flat_light = float(np.clip((0.20 - doming) / 0.15, 0.0, 1.0))
    return min(1.0, 0.85 * edges + 0.45 * flat_light)


def crossing_edges(cutout: Cutout, alpha: Floats, factor: float) -> Floats:
    """Strength 0..1 of the photo's edges that run across, on the working grid, none next to the silhouette."""
    height, width = alpha.shape
    size = (width - 4, height - 4)
    grey = cv2.cvtColor(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    grey = cv2.copyMakeBorder(grey, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    slope = np.abs(cv2.Sobel(grey.astype(np.float32), cv2.CV_32F, 0, 1, ksize=3))
    inner = cv2.erode((alpha >= 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if not inner.any():
        return np.zeros_like(alpha)
    strong = max(float(np.percentile(slope[inner], 95)), 24.0)
    return np.asarray(np.where(inner, np.clip(slope / strong, 0.0, 1.0), 0.0), dtype=np.float32)


def doming_of(cutout: Cutout) -> float:
    """Share of the brightness's variation that a rounded shape under one distant light explains, times its size.

    The brightness is fitted with the normals of the inflated silhouette (first-order spherical harmonics, Basri and
    Jacobs 2003), away from the rim, where a flat thing has bezels and a round one gets dark in any case.

    Returns:
        0 for evenly lit or merely patterned things, towards 1 for a strongly shaded ball.
    """
    alpha, _ = cutout.working_alpha(72)
    square = inflated_square(alpha)
    height = np.sqrt(np.maximum(square, 0.0))
    inside = height > 0.35 * height.max()
    if inside.sum() < 40:
        return 0.0
    size = (alpha.shape[1] - 4, alpha.shape[0] - 4)
    grey = cv2.cvtColor(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    light = cv2.GaussianBlur(cv2.copyMakeBorder(grey, 2, 2, 2, 2, cv2.BORDER_REPLICATE).astype(np.float32), (0, 0), 2.0)
    slope_x, slope_y = np.gradient(cv2.GaussianBlur(square, (0, 0), 1.0))[::-1]
    normal = np.stack([-0.5 * slope_x, 0.5 * slope_y, np.maximum(height, 0.5)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    basis = np.concatenate([np.ones((int(inside.sum()), 1)), normal[inside]], axis=1)
    values = light[inside].astype(np.float64)
    solution, *_ = np.linalg.lstsq(basis, values, rcond=None)
    fitted = basis @ solution
    variance = float(values.var())
    explained = 1.0 - float((values - fitted).var()) / max(variance, 1e-6)
    swing = float(fitted.std()) / max(float(values.mean()), 8.0)
    return float(np.clip(explained, 0.0, 1.0) * np.clip(swing / 0.12, 0.0, 1.0))


def _holes(alpha: Floats, fit: Revolution) -> float:
    """Share of the turned body's picture that is open in the matte."""
    seen = turned.silhouette(fit, alpha.shape)
    total = float(seen.sum())
    return float((seen & turned.filled(alpha >= 0.5) & (alpha < 0.5)).sum()) / total if total else 1.0


def parts_beside(mask: NDArray[np.bool_], body: NDArray[np.bool_], least_share: float = 0.012) -> NDArray[np.bool_]:
    """What of the silhouette the body leaves over and is thick enough to be a part: handles, spouts, ears."""
    left = (mask & ~body).astype(np.uint8)
    width = max(3, round(0.018 * max(mask.shape)) | 1)
    core = cv2.morphologyEx(left, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    grown = np.asarray(cv2.dilate(core, np.ones((3, 3), np.uint8)), np.uint8) & left
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_share * float(mask.sum())
    keep[0] = False
    return np.asarray(keep[labels]) if count > 1 else np.zeros(mask.shape, bool)


def part_alpha(alpha: Floats, parts: NDArray[np.bool_], camera: PhotoCamera, reach: float) -> Floats:
    """The matte of the parts, grown into the body by ``reach`` view units so that the union holds them fast."""
    px = max(2, round(reach * camera.pixels))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1, 2 * px + 1))
    grown = cv2.dilate(parts.astype(np.uint8), kernel).astype(np.float32)
    near = cv2.GaussianBlur(grown, (0, 0), 1.0)
    return np.asarray(np.minimum(alpha, near), dtype=np.float32)
