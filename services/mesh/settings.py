"""Settings of the mesh service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lensora.settings import ModelSettings, ServiceSettings


class MeshSettings(ServiceSettings, ModelSettings):
    """Read from the environment; every name is prefixed with ``LENSORA_``."""

    port: int = Field(default=50053, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    mesh_backend: Literal["silhouette", "triposr", "trellis", "shap-e"] = "silhouette"
    """Where the raw mesh comes from: ``silhouette`` (silhouette and shading, on the CPU, without a neural net), or an
    image-to-3D net on Triton."""
    shape_network: Literal["lensora-shape", "none"] = "lensora-shape"
    """The shape network that the silhouette backend asks; ``none`` does without it."""
    mesh_threads: int = Field(default=1, ge=1, le=64)
    """Threads of the image library for each call; more than one helps only where calls are rare."""
