"""Composition root: ``python -m services.detect``."""

from __future__ import annotations

import sys

import grpc

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import ReadinessWatch, open_runtime
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.core.errors import LensoraError
from lensora.imaging.reader import PictureReader
from lensora.observability.process import begin
from lensora.rpc.server import Server, run
from lensora.settings import load
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.servicer import DetectorServicer
from services.detect.settings import DetectSettings


def main() -> int:
    """Serve until SIGTERM; the exit code says whether it could start."""
    try:
        settings = load(DetectSettings)
        begin("detect", settings)
        runtime = open_runtime(settings)
        detector = DETECT_BACKENDS[settings.detect_backend](runtime, settings.prompted_backend)
        servicer = DetectorServicer(
            open_artifacts(settings.artifacts_url), detector, PictureReader(settings.picture_megabytes * 1_000_000)
        )

        def register(server: grpc.Server) -> None:
            detector_pb2_grpc.add_DetectorServicer_to_server(servicer, server)

        names = [detector_pb2.DESCRIPTOR.services_by_name["Detector"].full_name]
        server = Server("detect", settings, register, names)
        run(server, ReadinessWatch(runtime.opened, server.set_serving).start)
    except (LensoraError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (before logs are there)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
