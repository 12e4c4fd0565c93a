"""Every backend by the word that settings name it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lensora.adapters.runtimes import Runtime
from services.mesh.backends import MeshBackend
from services.mesh.backends.photo_net import PhotoNet
from services.mesh.backends.shap_e import SHAP_E
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.backends.trellis import TRELLIS
from services.mesh.backends.triposr import TRIPOSR
from services.mesh.network import ShapeNetwork

STAGE = "mesh"

BACKENDS: Mapping[str, Callable[[Runtime, ShapeNetwork | None], MeshBackend]] = {
    SilhouetteBackend.name: lambda _runtime, network: SilhouetteBackend(network),
    TRIPOSR.name: lambda runtime, _network: PhotoNet(TRIPOSR, runtime.open(TRIPOSR.model, STAGE)),
    TRELLIS.name: lambda runtime, _network: PhotoNet(TRELLIS, runtime.open(TRELLIS.model, STAGE)),
    SHAP_E.name: lambda runtime, _network: PhotoNet(SHAP_E, runtime.open(SHAP_E.model, STAGE)),
}
"""Opened with the runtime and the shape network, which is None where it is off."""


def open_network(runtime: Runtime, name: str) -> ShapeNetwork | None:
    """The shape network that settings name; None for ``none``."""
    return None if name == "none" else ShapeNetwork(runtime.open(name, STAGE))
