"""The explicit registry: names of settings to backends. A further method adds one file and one line here."""

from __future__ import annotations

from collections.abc import Callable

from lensora.adapters.runtimes import Runtime
from services.detect.backends.florence2 import FLORENCE2, Florence2Detector
from services.detect.backends.saliency import CLASSIFIER, ISNET, OBJECT_CLASSES, SaliencyDetector
from services.detect.detection import Detector
from services.detect.labels import load_vocabulary

STAGE = "detect"


def _objects(runtime: Runtime) -> Detector:
    detectors = {name: runtime.open(name, STAGE) for name in OBJECT_CLASSES}
    return SaliencyDetector(runtime.open(ISNET, STAGE), runtime.open(CLASSIFIER, STAGE), detectors)


DETECT_BACKENDS: dict[str, Callable[[Runtime], Detector]] = {
    "objects": _objects,
    "saliency": lambda runtime: SaliencyDetector(runtime.open(ISNET, STAGE), runtime.open(CLASSIFIER, STAGE)),
    "florence-2": lambda runtime: Florence2Detector(runtime.open(FLORENCE2, STAGE), load_vocabulary()),
}
"""Detection methods by name; each opens the models that it needs."""
