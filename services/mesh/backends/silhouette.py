"""The embedded backend: kinds of shape propose, one judge chooses; on the CPU."""

from __future__ import annotations

from collections.abc import Sequence

from lensora.core.artifacts import ModelUse
from services.mesh.backends import RawMesh, Report
from services.mesh.cutout import Cutout
from services.mesh.explanation import Explainer
from services.mesh.judge.verdict import Judge
from services.mesh.kinds import Hypothesis, Kind
from services.mesh.kinds.field import Field
from services.mesh.kinds.registry import KINDS
from services.mesh.network import ShapeNetwork

OWN_USE = ModelUse(name="lensora-silhouette", version="2", sha256="", license="Apache-2.0", stage="mesh")
"""This backend's row in the bill of models."""


class SilhouetteBackend:
    """Explains the photo by the hypothesis that the judge finds clearly best, or by a plain inflation."""

    name = "silhouette"

    def __init__(
        self, network: ShapeNetwork | None = None, kinds: Sequence[Kind] = KINDS, judge: Judge | None = None
    ) -> None:
        """
        Args:
            network: the shape network; None does without it.
            kinds: what may propose; the plain one among them.
            judge: with the fitted weights, if not given.
        """
        self.explainer = Explainer(network, kinds, judge)

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """See ``MeshBackend``."""
        report("network", 0.01)
        verdict = self.explainer.explain(
            cutout, lambda share: report("hypotheses", 0.02 + 0.24 * share), timeout_s
        ).verdict
        report("shape", 0.28)
        network = self.explainer.network
        used = () if network is None else (network.model.describe(),)
        return raw_mesh(verdict.best, verdict.confidence, used)


def raw_mesh(chosen: Hypothesis, confidence: float, others: tuple[ModelUse, ...] = ()) -> RawMesh:
    """A hypothesis at the resolution of a finished model, with its colours; ``others``: networks that had a say."""
    solid, camera = (chosen.solid, chosen.camera) if chosen.detailed is None else chosen.detailed()
    coloring = chosen.coloring()
    return RawMesh(
        solid=solid,
        camera=camera,
        colors=None,
        completion=coloring.completion,
        method=chosen.method,
        models=(OWN_USE, *chosen.models, *others),
        crease_deg=chosen.crease_deg,
        trust=coloring.trust,
        reach=chosen.reach,
        photo=coloring.photo,
        opacity=coloring.opacity,
        confidence=confidence,
        ruled=chosen.kind != Field.name,
    )
