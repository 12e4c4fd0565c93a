"""One sample through the whole mesh stage, with every figure that is held against truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.measure.drawing import Drawer, from_behind
from quality.measure.glb import read_glb
from quality.measure.look import BACK_SIDE_PX, Look, against_back, against_photo, silhouette_iou
from quality.measure.sample import Sample
from quality.measure.shape import Agreement, Truth
from quality.network import shape_network
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.model import ModelRequest, create_model


@dataclass(frozen=True)
class Made:
    """A finished file and how it came about."""

    glb: bytes
    method: str


Maker = Callable[[NDArray[np.uint8], str], Made]
"""From a cutout (h, w, 4) and a name to a model."""


@dataclass(frozen=True)
class Trial:
    """One sample's figures.

    ``texture``: the model drawn from the photo's view against the photo. ``back``: its back against the truth's, None
    where the sample does not hold that. ``confidence``: the model's own, None where its report has none.
    """

    name: str
    thing: str
    method: str
    iou: float
    shape: Agreement
    texture: Look
    back: Look | None
    confidence: float | None
    seconds: float
    cpu_seconds: float
    triangles: int
    glb_bytes: int
    watertight: bool


def made_by_us(rgba: NDArray[np.uint8], name: str) -> Made:
    """The stage as users get it, with its default settings."""
    model = create_model(rgba, ModelRequest(name=name), SilhouetteBackend(shape_network()), lambda _phase, _done: None)
    return Made(model.glb, model.method)


def tried(sample: Sample, truth: Truth, drawer: Drawer, make: Maker = made_by_us) -> tuple[Trial, Made]:
    """Make a sample's model from its photo and matte alone, and measure it."""
    rgba = sample.rgba()
    started, cpu = time.perf_counter(), time.process_time()
    made = make(rgba, sample.name)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    model = read_glb(made.glb)
    welded = model.welded()
    shown = drawer.draw(model, model.source_view(), (rgba.shape[1], rgba.shape[0]))
    back = sample.back()
    behind = None
    if back is not None:
        drawn = drawer.draw(model, from_behind(model, BACK_SIDE_PX), (BACK_SIDE_PX, BACK_SIDE_PX))
        behind = against_back(drawn, back)
    trial = Trial(
        name=sample.name,
        thing=sample.thing,
        method=made.method,
        iou=silhouette_iou(shown, rgba[..., 3]),
        shape=truth.compare(welded),
        texture=against_photo(shown, rgba),
        back=behind,
        confidence=model.confidence(),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        triangles=len(model.faces),
        glb_bytes=len(made.glb),
        watertight=bool(welded.is_watertight and welded.is_winding_consistent),
    )
    return trial, made
