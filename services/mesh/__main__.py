"""Composition root: ``python -m services.mesh``."""

from __future__ import annotations

import sys

import cv2

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import open_runtime
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.rpc.serving import Service, serve
from services.mesh.backends.registry import BACKENDS, open_network
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.explanation import Explainer
from services.mesh.modeller import Modeller
from services.mesh.servicer import MesherServicer
from services.mesh.settings import MeshSettings


def build(settings: MeshSettings) -> Service:
    """Settings to adapters to the service."""
    cv2.setNumThreads(settings.mesh_threads)
    runtime = open_runtime(settings)
    network = open_network(runtime, settings.shape_network)
    backend = BACKENDS[settings.mesh_backend](runtime, network)
    # The backend that explains photos by itself shares what it finds with the question for the camera.
    explainer = backend.explainer if isinstance(backend, SilhouetteBackend) else Explainer(network)
    modeller = Modeller(backend, explainer)
    servicer = MesherServicer(modeller, open_artifacts(settings.artifacts_url))
    return Service(
        mesher_pb2.DESCRIPTOR.services_by_name["Mesher"].full_name,
        lambda server: mesher_pb2_grpc.add_MesherServicer_to_server(servicer, server),
        models=runtime.opened,
        # A net's server warms itself up, and may still be away when this process starts.
        prepare=(lambda: None) if settings.inference == "triton" else modeller.warm_up,
    )


if __name__ == "__main__":
    sys.exit(serve("mesh", MeshSettings, build))
