"""Composition root: ``python -m services.detect``."""

from __future__ import annotations

import sys

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import open_runtime
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.imaging.reader import PictureReader
from lensora.rpc.serving import Service, serve
from services.detect.backends.registry import DETECT_BACKENDS
from services.detect.servicer import DetectorServicer
from services.detect.settings import DetectSettings


def build(settings: DetectSettings) -> Service:
    """Settings to adapters to the service."""
    runtime = open_runtime(settings)
    detector = DETECT_BACKENDS[settings.detect_backend](runtime, settings.prompted_backend)
    servicer = DetectorServicer(
        open_artifacts(settings.artifacts_url), detector, PictureReader(settings.picture_megabytes * 1_000_000)
    )
    return Service(
        detector_pb2.DESCRIPTOR.services_by_name["Detector"].full_name,
        lambda server: detector_pb2_grpc.add_DetectorServicer_to_server(servicer, server),
        models=runtime.opened,
        # A film takes seconds, a photo none: photos do not wait for films.
        asides=("ChooseFrames",),
    )


if __name__ == "__main__":
    sys.exit(serve("detect", DetectSettings, build))
