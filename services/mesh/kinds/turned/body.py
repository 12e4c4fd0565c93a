"""A turned body from what was measured: closed or open, with contents, handles and spouts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.mesh.boolean import difference, union, without_crumbs
from services.mesh.camera import PhotoCamera
from services.mesh.kinds import Coloring, Hypothesis, well_above
from services.mesh.kinds.turned.tracing import traced
from services.mesh.shape.handles import parts_beside, upright_part
from services.mesh.shape.revolution import silhouette
from services.mesh.shape.shading import doming
from services.mesh.shape.turned import TurnedEvidence
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
from services.mesh.texturing.rings import RingCompletion
from services.mesh.texturing.seethrough import evened, opacity_of, see_through
from services.mesh.view import FIT_SIDE_PX, View

Doubles = NDArray[np.float64]

KIND, METHOD = "turned", "revolution"

TRACING_SIDE_PX = 256
"""Grid on which a nearly turned body is moved onto the outline."""


def turned_hypotheses(view: View, measured: TurnedEvidence) -> list[Hypothesis]:
    """The body as it was fitted, and the same with each row moved onto the subject's own."""
    fit = measured.body
    if len(fit.heights) < 8 or fit.cover <= 0.0:
        return []
    grid = view.grid(FIT_SIDE_PX)
    beside = parts_beside(grid.inside, silhouette(fit, grid.alpha.shape))
    parts = [upright_part(grid, beside, fit.pitch, fit.camera)] if beside.any() else []
    solid, profile, inner = _body(measured, parts)
    camera = view.camera(fit.camera)
    evidence = (
        ("agreement", fit.agreement),
        ("fit", well_above(fit.agreement, 0.9)),
        ("cover", fit.cover),
        ("covers", well_above(fit.cover, 0.9)),
        ("round_light", well_above(fit.agreement, 0.9) * view.measured(doming)),
        ("mouth", 0.0 if measured.mouth is None else min(1.0, 0.5 * measured.mouth.evidence)),
        ("straight_bands", float(np.clip(measured.bands - 0.5, 0.0, 1.0))),
        ("holes", min(1.0, 10.0 * measured.holes)),
        ("parts", float(bool(parts))),
    )
    plain = Hypothesis(KIND, METHOD, solid, camera, lambda: _coloring(view, camera, profile, inner), evidence=evidence)
    fine = view.grid(TRACING_SIDE_PX)
    moved = traced(solid, view.on_grid(camera, fine), fine.inside)
    return [plain, replace(plain, solid=moved, method="revolution, traced")]


def _body(
    measured: TurnedEvidence, parts: list[Solid]
) -> tuple[Solid, tuple[Doubles, Doubles], tuple[Doubles, Doubles] | None]:
    """The solid, the heights and radii of its outside, and of its inside where it has one."""
    fit = measured.body
    heights, radii = calm_profile(fit)
    if measured.interior is None and (measured.lidded or not is_open(fit, measured.rim, bool(parts))):
        heights, radii = footed(fit, heights, radii) if measured.lidded else domed(heights, radii)
        body = turned_solid(heights, radii)
        return without_crumbs(union(body, parts)) if parts else body, (heights, radii), None
    heights, radii = footed(fit, heights, radii)
    contents = measured.interior.contents if measured.interior is not None else None
    if parts:
        body = union(turned_solid(heights, radii), parts)
        solid = without_crumbs(difference(body, cavity(heights, radii, contents)))
    else:
        solid = open_vessel(heights, radii, contents)
    return solid, (heights, radii), inner_wall(heights, radii, contents)


def _coloring(
    view: View, camera: PhotoCamera, profile: tuple[Doubles, Doubles], inner: tuple[Doubles, Doubles] | None
) -> Coloring:
    """Rings of colour all around; glass is evened out and keeps its opacity."""
    cutout, photo, opacity = view.cutout, None, None
    glass = see_through(cutout)
    if glass is not None:
        photo, opacity = evened(cutout, glass), opacity_of(cutout, glass, camera, *profile)
    rings = RingCompletion((photo or cutout).photo, cutout.safe, camera, *profile, inner)
    return Coloring(rings, photo, opacity)
