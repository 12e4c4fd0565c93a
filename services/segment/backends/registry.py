"""The explicit registry: names of settings to backends. A further method adds one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from lensora.adapters.runtimes import Runtime
from services.segment.backends import BackplateBackend, CutoutBackend
from services.segment.backends.isnet import MODEL as ISNET
from services.segment.backends.isnet import IsNet
from services.segment.backends.procedural import ProceduralScenery

STAGE = "segment"

CUTOUT_BACKENDS: dict[str, Callable[[Runtime], CutoutBackend]] = {
    "isnet": lambda runtime: IsNet(runtime.open(ISNET, STAGE)),
}
"""Cutout methods by name; each opens the models that it needs."""

BACKPLATE_BACKENDS: dict[str, Callable[[Runtime], BackplateBackend]] = {
    "procedural": lambda _runtime: ProceduralScenery(),
}
"""Backplate methods by name; likewise."""
