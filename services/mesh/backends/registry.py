"""Every backend by the word that settings name it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.mesh.backends import MeshBackend
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.settings import MeshSettings

BACKENDS: Mapping[str, Callable[[MeshSettings], MeshBackend]] = {
    SilhouetteBackend.name: lambda _settings: SilhouetteBackend(),
}
