"""Composition root: ``python -m services.segment``."""

from __future__ import annotations

import sys

import grpc

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import ReadinessWatch, open_runtime
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.errors import LensoraError
from lensora.imaging.reader import PictureReader
from lensora.observability.process import begin
from lensora.rpc.server import Server, run
from lensora.settings import load
from services.segment.backends.registry import BACKPLATE_BACKENDS, CUTOUT_BACKENDS, PROMPTED_BACKENDS
from services.segment.servicer import SegmenterServicer
from services.segment.settings import SegmentSettings


def main() -> int:
    """Serve until SIGTERM; the exit code says whether it could start."""
    try:
        settings = load(SegmentSettings)
        begin("segment", settings)
        runtime = open_runtime(settings)
        cutout = CUTOUT_BACKENDS[settings.cutout_backend](runtime)
        backplate = BACKPLATE_BACKENDS[settings.backplate_backend](runtime)
        servicer = SegmenterServicer(
            open_artifacts(settings.artifacts_url),
            cutout,
            backplate,
            prompted=PROMPTED_BACKENDS[settings.prompted_backend](runtime),
            cutouts_at_once=settings.cutouts_at_once,
            pictures=PictureReader(settings.picture_megabytes * 1_000_000),
        )

        def register(server: grpc.Server) -> None:
            segmenter_pb2_grpc.add_SegmenterServicer_to_server(servicer, server)

        names = [segmenter_pb2.DESCRIPTOR.services_by_name["Segmenter"].full_name]
        server = Server("segment", settings, register, names)
        run(server, ReadinessWatch(runtime.opened, server.set_serving).start)
    except (LensoraError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
