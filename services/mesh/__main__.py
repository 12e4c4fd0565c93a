"""Composition root: ``python -m services.mesh``."""

from __future__ import annotations

import sys

import cv2
import grpc

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import ReadinessWatch, open_runtime
from lensora.api.mesh.v1 import mesher_pb2, mesher_pb2_grpc
from lensora.core.errors import LensoraError
from lensora.observability.process import begin
from lensora.rpc.server import Server, run
from lensora.settings import load
from services.mesh.backends.registry import BACKENDS, open_network
from services.mesh.modeller import Modeller
from services.mesh.servicer import MesherServicer
from services.mesh.settings import MeshSettings
from services.mesh.viewpoint import NetworkWitness


def main() -> int:
    """Serve until SIGTERM; the exit code says whether it could start."""
    try:
        settings = load(MeshSettings)
        begin("mesh", settings)
        cv2.setNumThreads(settings.mesh_threads)
        runtime = open_runtime(settings)
        network = open_network(runtime, settings.shape_network)
        modeller = Modeller(BACKENDS[settings.mesh_backend](runtime, network))
        witness = None if network is None else NetworkWitness(network)
        servicer = MesherServicer(modeller, open_artifacts(settings.artifacts_url), witness)

        def register(server: grpc.Server) -> None:
            mesher_pb2_grpc.add_MesherServicer_to_server(servicer, server)

        names = [mesher_pb2.DESCRIPTOR.services_by_name["Mesher"].full_name]
        server = Server("mesh", settings, register, names)
        watch = ReadinessWatch(runtime.opened, server.set_serving)

        def prepare() -> None:
            # A net's server warms itself up, and may still be away when this process starts.
            if settings.inference != "triton":
                modeller.warm_up()
            watch.start()

        run(server, prepare)
    except (LensoraError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (before logs are there)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
