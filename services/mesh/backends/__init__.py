"""Ways to get a raw mesh from a cutout. What follows (repair, budget, atlas, texture, files) is shared by all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import CREASE_DEG
from services.mesh.kinds import FRONT_REACH
from services.mesh.solid import Solid
from services.mesh.texturing.completion import Completion
from services.mesh.texturing.exposure import TRUST
from services.mesh.texturing.seethrough import Opacity

Report = Callable[[str, float], None]
"""Called with the phase and the share of the work done, 0..1; raises ``Cancelled`` when the caller has gone."""


@dataclass(frozen=True)
class RawMesh:
    """What a backend makes.

    Attributes:
        solid: in the house's axes (+Y up, +Z roughly towards the photo's viewer), any scale.
        camera: the photo's camera in the solid's frame, in pixels of ``Cutout.rgb``; None if the backend does not
            know it.
        colors: (n, 3) uint8 sRGB for each vertex of ``solid``, or None: the photo is the only source of colour.
        completion: colours of what the photo does not show; None for the general one.
        method: a word or two for ``asset.extras``, such as ``revolution``.
        models: what made it.
        crease_deg: edges that fold by more stay sharp, degrees.
        trust: cosine between normal and view at which the photo begins to count and counts fully.
        photo: the photo as it is to be laid on the mesh, for a backend that has straightened it; None for the cutout.
        opacity: how opaque a body of glass is; None for opaque ones.
        confidence: how likely the shape is about right, 0..1, calibrated; None for a backend that cannot tell.
        reach: radians, how far the model may be turned away from the photo's view to bring its largest side forward.
        ruled: made by a rule, so its surface has no more detail than its outline; False where a net or further photos
            have told the depth of every point.
    """

    solid: Solid
    camera: PhotoCamera | None
    colors: NDArray[np.uint8] | None
    completion: Completion | None
    method: str
    models: tuple[ModelUse, ...] = ()
    crease_deg: float = CREASE_DEG
    trust: tuple[float, float] = TRUST
    reach: float = FRONT_REACH
    photo: Cutout | None = None
    opacity: Opacity | None = None
    confidence: float | None = None
    ruled: bool = False


class MeshBackend(Protocol):
    """One way to turn a cutout into a raw mesh."""

    @property
    def name(self) -> str:
        """The word that settings name it by."""

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """Build the mesh.

        Args:
            cutout: the subject.
            report: called between phases; may raise to stop the work.
            timeout_s: seconds after which a net is given up; None means the adapter's own limit.
        """
