"""From a cutout to a finished model: the order of the work, and the budgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.errors import InvalidMesh, InvalidRequest
from lensora.core.size import RealSize
from lensora.core.words import ViewSide
from services.mesh.backends import MeshBackend, RawMesh, Report
from services.mesh.camera import PhotoCamera, inverse
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import Explainer
from services.mesh.finish.budget import triangles_for
from services.mesh.finish.fidelity import Fidelity, fidelity_of
from services.mesh.finish.fitting import fitted
from services.mesh.finish.gltf import GENERATOR
from services.mesh.finish.orientation import facing_yaw, standing
from services.mesh.finish.simplification import simplified
from services.mesh.finish.size import enlarged, enlargement
from services.mesh.finish.surface import Surface, surfaced
from services.mesh.lanes import begun
from services.mesh.shape.detail import detail_of
from services.mesh.solid import Solid, tidied
from services.mesh.texturing.baking import Texture, bake, texture_side
from services.mesh.texturing.completion import VertexColors
from services.mesh.texturing.fills import back_of
from services.mesh.texturing.seethrough import opacity_map
from services.mesh.texturing.subject import Subject
from services.mesh.views.combining import Placed, combined
from services.mesh.views.painting import CLOSE, Source, painted
from services.mesh.views.sides import FurtherPhoto, PhotoUse, unused

MAX_TRIANGLES = 60_000
MAX_GLB_BYTES = 3_000_000
"""Defaults of the public contract."""


@dataclass(frozen=True)
class ModelRules:
    """Limits of a finished model.

    Attributes:
        grid_m: coordinates are multiples of this, about 2 micrometres: exact in float32 up to 8 m.
        opacity_side: side of the map of opacities: they change slowly.
    """

    grid_m: float = 2.0**-19
    opacity_side: int = 512


RULES = ModelRules()


MIN_TRIANGLES, MIN_GLB_BYTES = 200, 40_000
"""Budgets under these hold no model that deserves the name."""


@dataclass(frozen=True)
class ModelRequest:
    """What to make.

    Attributes:
        name: of the model inside its files.
        max_triangles: of the GLB.
        max_glb_bytes: of the GLB.
        upstream: models used by earlier stages, recorded in ``asset.extras``.
        category: what kind of thing it is, one of the words of ``Category``; empty if not known.
        real_size: of the thing; None takes its longest side for 30 cm.
    """

    name: str = "model"
    max_triangles: int = MAX_TRIANGLES
    max_glb_bytes: int = MAX_GLB_BYTES
    upstream: tuple[ModelUse, ...] = ()
    category: str = ""
    real_size: RealSize | None = None

    def __post_init__(self) -> None:
        if self.max_triangles < MIN_TRIANGLES:
            raise InvalidRequest(
                f"max_triangles must be at least {MIN_TRIANGLES}, not {self.max_triangles}", field="max_triangles"
            )
        if self.max_glb_bytes < MIN_GLB_BYTES:
            raise InvalidRequest(
                f"max_glb_bytes must be at least {MIN_GLB_BYTES}, not {self.max_glb_bytes}", field="max_glb_bytes"
            )


@dataclass(frozen=True)
class Model:
    """A finished model.

    Attributes:
        glb: the file's bytes.
        name: of the model.
        surface: what was written, in the house's frame, metres.
        texture: base colour and shine.
        texture_jpeg: the texture as it lies in the GLB.
        solid: the welded, closed geometry.
        camera: the photo's, in the same frame, pixels of the cutout as cropped; None if unknown.
        method: how the shape was found.
        fidelity: agreement with the photo; zeros where the photo's view is not known.
        confidence: how likely the shape is about right, 0..1; None where the backend cannot tell.
        models: what made it, earlier stages first.
        own_models: what this stage used.
        further: what became of each further photo, in the order given.
    """

    glb: bytes
    name: str
    surface: Surface
    texture: Texture
    texture_jpeg: bytes
    solid: Solid
    camera: PhotoCamera | None
    method: str
    fidelity: Fidelity
    confidence: float | None
    models: tuple[ModelUse, ...]
    own_models: tuple[ModelUse, ...]
    further: tuple[PhotoUse, ...] = ()


def create_model(
    given: NDArray[np.uint8] | Cutout,
    request: ModelRequest,
    backend: MeshBackend,
    report: Report,
    timeout_s: float | None = None,
    further: Sequence[FurtherPhoto] = (),
    explainer: Explainer | None = None,
) -> Model:
    """Make a model from a cutout.

    Args:
        given: a cutout, or the pixels of one, (h, w, 4) uint8 sRGB with straight alpha.
        request: names and budgets.
        backend: where the raw mesh comes from.
        report: called between phases with (phase, share done); raises to stop the work.
        timeout_s: seconds after which the backend's net is given up; None means its adapter's own limit.
        further: other photos of the thing.
        explainer: explains those and the main one: the backend's own where it has one.

    Raises:
        SubjectNotFound: there is no subject in the cutout.
        InvalidRequest: the model cannot be made small enough for ``max_glb_bytes``.
    """
    report("cutout", 0.0)
    cutout = given if isinstance(given, Cutout) else read_cutout(given)
    raw = backend.reconstruct(cutout, report, timeout_s)
    if not further:
        return finish(cutout, raw, request, report)
    together = combined(cutout, raw, further, explainer or Explainer(), report, timeout_s)
    model = finish(cutout, together.raw, request, report, together.placed)
    uses = dict(zip((one.number for one in together.placed), model.further, strict=True))
    return replace(
        model,
        further=tuple(
            uses[number] if number in uses else unused(photo, together.omitted.get(number))
            for number, photo in enumerate(further)
        ),
    )


def finish(cutout: Cutout, raw: RawMesh, request: ModelRequest, report: Report, placed: Sequence[Placed] = ()) -> Model:
    """What every backend's mesh goes through: budget, orientation, atlas, texture, fidelity, file.

    ``placed``: the further photos that the mesh is made with; the model's ``further`` are theirs alone.
    """
    report("simplify", 0.35)
    photo = raw.photo or cutout
    # What the photo alone tells of the back is worked out beside the geometry.
    plain = raw.completion is None and raw.colors is None
    back = begun(partial(back_of, photo)) if plain else partial(back_of, photo)
    if not raw.solid.is_closed():
        raise InvalidMesh("mesh must be closed: every edge must belong to exactly two faces wound the same way")
    detail = detail_of(cutout.mask) if raw.ruled else 1.0
    solid = simplified(raw.solid, triangles_for(detail, request.max_triangles, request.max_glb_bytes))
    if len(solid.faces) > request.max_triangles:
        raise InvalidRequest(
            f"max_triangles must be at least {len(solid.faces)} for this subject, not {request.max_triangles}",
            field="max_triangles",
        )
    yaw = facing_yaw(solid, raw.reach if raw.camera is not None else np.pi)
    move = standing(solid, yaw)
    solid = solid.moved(move)
    # Written positions are float32: a grid of 2 micrometres is exact in it, and everything after works on those
    # numbers.
    solid = tidied(solid, RULES.grid_m)
    camera = raw.camera.after(move) if raw.camera is not None else _assumed_camera(cutout, solid)
    placed = [one.after(move) for one in placed]
    side = max(texture_side(one) for one in (cutout, *(each.photo.cutout for each in placed)))
    report("unwrap", 0.5)
    fronts = np.stack([one.position() for one in (camera, *(each.camera for each in placed))])
    # Charts lie along the backend's own axes: a box's faces and the photo's plane come out flat and whole.
    unturn = move[:, :3].T / np.linalg.norm(move[:, 0])
    surface = surfaced(solid, fronts / np.linalg.norm(fronts, axis=1, keepdims=True), unturn, raw.crease_deg)
    report("texture", 0.65)
    completion = raw.completion
    if completion is None and raw.colors is not None:
        completion = VertexColors(raw.solid.vertices, raw.colors)
    texture = bake(
        solid,
        surface,
        photo,
        camera,
        inverse(move),
        completion,
        back,
        side,
        view_is_known=raw.camera is not None,
        trusted=raw.trust,
        repeats_behind=Subject(request.name, request.category).repeats_behind(cutout.mask),
    )
    if placed:
        report("photos", 0.78)
        main = Source(photo, camera, raw.trust)
        others = [
            Source(each.photo.cutout, each.camera, raw.trust, CLOSE if each.side is ViewSide.DETAIL else 0.0)
            for each in placed
        ]
        texture = replace(texture, pixels=painted(texture.pixels, solid, surface, main, others))
    report("fidelity", 0.85)
    fidelity = fidelity_of(surface, texture.pixels, camera, cutout)
    uses = tuple(PhotoUse(each.side, each.yaw, True, _further_fidelity(surface, texture, each)) for each in placed)
    report("export", 0.93)
    opacity = None if raw.opacity is None else opacity_map(surface, inverse(move), raw.opacity, RULES.opacity_side)
    solid, surface, camera = enlarged(solid, surface, camera, enlargement(solid, request.real_size))
    extras = _extras(raw, request, camera, cutout, fidelity) | _photo_extras(uses)
    glb, jpeg = fitted(surface, texture, opacity, request.name, request.max_glb_bytes, extras)
    report("done", 1.0)
    return Model(
        glb=glb,
        name=request.name,
        surface=surface,
        texture=texture,
        texture_jpeg=jpeg,
        solid=solid,
        camera=camera,
        method=raw.method,
        fidelity=fidelity,
        confidence=raw.confidence,
        models=(*request.upstream, *raw.models),
        own_models=raw.models,
        further=uses,
    )


def _further_fidelity(surface: Surface, texture: Texture, placed: Placed) -> Fidelity | None:
    """How well the model agrees with a further photo; None for a close-up, which has no outline of the thing."""
    if placed.side is ViewSide.DETAIL:
        return None
    return fidelity_of(surface, texture.pixels, placed.camera, placed.photo.cutout)


def _assumed_camera(cutout: Cutout, solid: Solid) -> PhotoCamera:
    """A frontal view that fits the model into the subject's silhouette, for backends that do not say where theirs
    is."""
    low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    radius = 0.5 * float(np.hypot(*(high - low)[:2]))
    rows, columns = np.nonzero(cutout.mask)
    unit = 0.5 * float(np.hypot(np.ptp(columns) + 1, np.ptp(rows) + 1)) / cutout.camera.pixels
    scale = unit / max(radius, 1e-9)
    move = np.hstack([np.eye(3) * scale, (-scale * 0.5 * (low + high))[:, None]])
    return PhotoCamera(move, cutout.camera.center, cutout.camera.pixels, cutout.camera.distance)


def _extras(
    raw: RawMesh, request: ModelRequest, camera: PhotoCamera, cutout: Cutout, fidelity: Fidelity
) -> dict[str, object]:
    """``asset.extras``: who made the file, from what, and the view of the photo in the pixels of the given cutout."""
    given = camera.scaled(1.0 / cutout.scale)
    given = given.scaled(1.0, (float(cutout.origin[0]), float(cutout.origin[1])))
    return {
        "generator": GENERATOR,
        "method": raw.method,
        "models": [
            {"name": m.name, "version": m.version, "sha256": m.sha256, "license": m.license, "stage": m.stage}
            for m in (*request.upstream, *raw.models)
        ],
        "source_view": given.as_extras(*cutout.source_size),
        "fidelity": {
            "silhouette_iou": fidelity.silhouette_iou,
            "image_similarity": fidelity.image_similarity,
        },
        **({} if request.real_size is None else {"real_size": asdict(request.real_size)}),
        **({} if raw.confidence is None else {"confidence": round(raw.confidence, 3)}),
    }


def _photo_extras(uses: Sequence[PhotoUse]) -> dict[str, object]:
    """What ``asset.extras`` says of the further photos that the model was made with."""
    if not uses:
        return {}
    return {
        "further_views": [
            {
                "side": str(use.side),
                "yaw_deg": round(math.degrees(math.remainder(use.yaw, 2.0 * math.pi)), 2),
                "silhouette_iou": use.fidelity.silhouette_iou,
                "image_similarity": use.fidelity.image_similarity,
            }
            for use in uses
            if use.fidelity is not None
        ]
    }
