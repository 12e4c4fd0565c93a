"""Turned bodies from the evidence: closed or open, with contents, handles and spouts, or on a saucer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.boolean import difference, union, without_crumbs
from services.mesh.camera import PhotoCamera, inverse
from services.mesh.cutout import Cutout
from services.mesh.growth import GrowthCompletion, find_growth, grown_parts, soil_of
from services.mesh.shape import evidence as weigh
from services.mesh.shape import revolution as turned
from services.mesh.shape.evidence import Evidence, Kind
from services.mesh.shape.inflation import inflated_square
from services.mesh.shape.relief import relief
from services.mesh.shape.tiers import Tiers
from services.mesh.shape.vessel import (
    calm_profile,
    cavity,
    domed,
    footed,
    inner_wall,
    is_open,
    open_vessel,
    turned_solid,
)
from services.mesh.solid import Solid
from services.mesh.texturing.completion import Completion
from services.mesh.texturing.rings import RingCompletion
from services.mesh.texturing.saucer import TieredCompletion
from services.mesh.texturing.seethrough import Opacity, evened, opacity_of, see_through

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TurnedBody:
    """A turned body in its own frame, the axis on y.

    Attributes:
        solid: closed.
        camera: the photo's, in pixels of the cutout.
        completion: the colours all around.
        method: how it was found.
        photo: the cutout as it is to be laid on: of glass with evened colours.
        opacity: of glass.
    """

    solid: Solid
    camera: PhotoCamera
    completion: Completion
    method: str
    photo: Cutout | None = None
    opacity: Opacity | None = None


def turned_body(cutout: Cutout, found: Evidence) -> TurnedBody:
    """The body that the evidence speaks for, with its handles and spouts."""
    fit = found.round
    camera = _full_camera(cutout, fit.camera)
    alpha, factor = cutout.working_alpha(turned.FIT_SIDE_PX)
    small = cutout.camera.scaled(factor, (2.0, 2.0))
    beside = weigh.parts_beside(alpha >= 0.5, turned.silhouette(fit, alpha.shape))
    heights, radii = calm_profile(fit)
    parts = [_part(alpha, beside, small, fit.pitch, fit.camera)] if beside.any() else []
    inner = None
    if found.interior is not None or (is_open(fit, found.rim, bool(parts)) and not found.lidded):
        heights, radii = footed(fit, heights, radii)
        contents = found.interior.contents if found.interior is not None else None
        if parts:
            body = union(turned_solid(heights, radii), parts)
            solid = without_crumbs(difference(body, cavity(heights, radii, contents)))
        else:
            solid = open_vessel(heights, radii, contents)
        inner = inner_wall(heights, radii, contents)
    else:
        heights, radii = footed(fit, heights, radii) if found.lidded else domed(heights, radii)
        body = turned_solid(heights, radii)
        solid = without_crumbs(union(body, parts)) if parts else body
    glass = see_through(cutout)
    photo, opacity = None, None
    if glass is not None:
        photo, opacity = evened(cutout, glass), opacity_of(cutout, glass, camera, heights, radii)
    completion = RingCompletion((photo or cutout).photo, cutout.safe, camera, heights, radii, inner)
    return TurnedBody(solid, camera, completion, Kind.REVOLUTION.value, photo, opacity)


def tiered_body(cutout: Cutout, tiers: Tiers) -> TurnedBody:
    """A vessel on its saucer."""
    camera = _full_camera(cutout, tiers.camera)
    alpha, factor = cutout.working_alpha(turned.FIT_SIDE_PX)
    small = cutout.camera.scaled(factor, (2.0, 2.0))
    beside = _handles(alpha, tiers)
    solid = tiers.solid()
    if beside.any():
        part = _part(alpha, beside, small, tiers.pitch, tiers.camera)
        solid = without_crumbs(difference(union(tiers.closed(), [part]), cavity(*tiers.cup, tiers.contents)))
    return TurnedBody(solid, camera, TieredCompletion(cutout, camera, tiers), "revolution in tiers")


def _handles(alpha: Floats, tiers: Tiers) -> NDArray[np.bool_]:
    """(h, w) bool: parts beside the cup; what is beside the saucer only is no handle."""
    shape = alpha.shape
    cup = turned.discs(shape, *turned.circle_points(tiers.camera, *tiers.cup, 48))
    beside = weigh.parts_beside(alpha >= 0.5, tiers.silhouette(shape, tiers.camera))
    count, labels = cv2.connectedComponents(beside.astype(np.uint8))
    near = cv2.dilate(cup.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    touching = [k for k in range(1, count) if ((labels == k) & near).sum() >= 5]
    return np.asarray(np.isin(labels, touching), np.bool_)


def grown_body(cutout: Cutout) -> TurnedBody | None:
    """A pot with its plant, where the silhouette shows one."""
    alpha, factor = cutout.working_alpha(turned.FIT_SIDE_PX)
    found = find_growth(turned.filled(alpha >= 0.5), cutout.camera.scaled(factor, (2.0, 2.0)))
    if found is None:
        return None
    camera, soil = _full_camera(cutout, found.pot.camera), soil_of(found.pot)
    heights, radii = calm_profile(found.pot)
    solid = without_crumbs(union(open_vessel(heights, radii, soil), grown_parts(cutout, found)))
    return TurnedBody(solid, camera, GrowthCompletion(cutout, camera, found.pot, soil), "revolution with growth")


def _full_camera(cutout: Cutout, fitted: PhotoCamera) -> PhotoCamera:
    """A camera that was fitted on a small grid, in the pixels of the cutout."""
    return PhotoCamera(fitted.to_view, cutout.camera.center, cutout.camera.pixels, fitted.distance)


def _part(alpha: Floats, beside: NDArray[np.bool_], camera: PhotoCamera, pitch: float, body: PhotoCamera) -> Solid:
    """Handles and spouts: inflated, in the plane through the axis that faces the viewer, in the body's frame."""
    matte = weigh.part_alpha(alpha, beside, camera, 0.05)
    square = inflated_square(matte)
    rows = np.arange(alpha.shape[0], dtype=np.float32)[:, None]
    # The axis leans towards the viewer at the top: its depth grows with the height in the picture.
    lean = np.float32(np.tan(pitch)) * (np.float32(camera.center[1]) - rows - np.float32(0.5))
    offset = np.broadcast_to(lean, alpha.shape).astype(np.float32)
    solid = relief(matte, square, camera, offset=offset)
    return solid.moved(inverse(body.to_view))
