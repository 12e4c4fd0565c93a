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

STAGE = "mesh"

BACKENDS: Mapping[str, Callable[[Runtime], MeshBackend]] = {
    SilhouetteBackend.name: lambda _runtime: SilhouetteBackend(),
    TRIPOSR.name: lambda runtime: PhotoNet(TRIPOSR, runtime.open(TRIPOSR.model, STAGE)),
    TRELLIS.name: lambda runtime: PhotoNet(TRELLIS, runtime.open(TRELLIS.model, STAGE)),
    SHAP_E.name: lambda runtime: PhotoNet(SHAP_E, runtime.open(SHAP_E.model, STAGE)),
}
