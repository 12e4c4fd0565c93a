"""Kinds of shape: each proposes solids that a photo may show, none decides.

To add one, make a folder here with a ``Kind`` and name it in ``registry.py``. A kind may use what lies below (``view``,
``shape``, ``texturing``), and no other kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lensora.core.artifacts import ModelUse
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.finish.surface import CREASE_DEG
from services.mesh.solid import Solid
from services.mesh.texturing.completion import Completion
from services.mesh.texturing.exposure import TRUST
from services.mesh.texturing.seethrough import Opacity
from services.mesh.view import View

FRONT_REACH = float(np.radians(80.0))
"""How far a model is turned away from the photo's view at most: the back and the sides behind it are made up."""


@dataclass(frozen=True)
class Coloring:
    """How a solid gets its colours.

    Attributes:
        completion: colours of what the photo does not show; None for the general one.
        photo: the photo as it is to be laid on the solid, where it was straightened or evened; None for the cutout.
        opacity: how opaque a body of glass is; None for opaque ones.
        trust: cosine between normal and view at which the photo begins to count and counts fully.
    """

    completion: Completion | None = None
    photo: Cutout | None = None
    opacity: Opacity | None = None
    trust: tuple[float, float] = TRUST


@dataclass(frozen=True)
class Hypothesis:
    """One solid that the photo may show.

    Attributes:
        kind: the name of the kind that proposes it.
        method: a word or two for ``asset.extras``, such as ``revolution``.
        solid: closed, +Y up, +Z roughly towards the photo's viewer.
        camera: the photo's, in the solid's frame, pixels of the cutout.
        coloring: made only for the hypothesis that wins.
        detailed: solid and camera at the resolution of a finished model, made only for the hypothesis that wins; None
            where ``solid`` has it already.
        crease_deg: edges that fold by more stay sharp, degrees.
        reach: radians, how far the model may be turned away from the photo's view to bring its largest side forward.
        evidence: what the kind measured for or against it, each about 0..1, by name; the judge weighs them.
        models: neural networks that it comes from.
    """

    kind: str
    method: str
    solid: Solid
    camera: PhotoCamera
    coloring: Callable[[], Coloring] = Coloring
    detailed: Callable[[], tuple[Solid, PhotoCamera]] | None = None
    crease_deg: float = CREASE_DEG
    reach: float = FRONT_REACH
    evidence: tuple[tuple[str, float], ...] = ()
    models: tuple[ModelUse, ...] = ()


def well_above(value: float, floor: float) -> float:
    """0 at and below ``floor``, 1 at 1, straight between: an agreement of 0.9 or less says nothing, each per cent more
    says much."""
    return float(np.clip((value - floor) / (1.0 - floor), 0.0, 1.0))


class Kind(Protocol):
    """One way to explain a photo."""

    @property
    def name(self) -> str:
        """The word that the registry, the judge's weights and the reports name it by."""

    @property
    def waits(self) -> bool:
        """Whether it can say nothing before the network has spoken: then it proposes beside the others."""

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """Zero or more solids; none where the photo clearly shows something else."""
