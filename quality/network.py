"""The shape network as the stage has it by default: the weights that the package ships."""

from __future__ import annotations

from functools import cache

from lensora.adapters.inference import OnnxModel
from lensora.models.manifest import ModelEntry, load_manifest
from lensora.models.store import SHIPPED, path_of
from services.mesh.network import MODEL, ShapeNetwork


@cache
def shape_network(threads: int = 1) -> ShapeNetwork:
    """The shipped network; one for all samples of a process."""
    entry = load_manifest().entry(MODEL)
    assert isinstance(entry, ModelEntry)
    return ShapeNetwork(OnnxModel(path_of(MODEL, SHIPPED), entry.use("mesh"), threads=threads))
