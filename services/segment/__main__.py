"""Composition root: ``python -m services.segment``."""

from __future__ import annotations

import sys

from lensora.adapters.artifacts import open_artifacts
from lensora.adapters.runtimes import open_runtime
from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.imaging.reader import PictureReader
from lensora.rpc.serving import Service, serve
from services.segment.backends.registry import BACKPLATE_BACKENDS, CUTOUT_BACKENDS, PROMPTED_BACKENDS
from services.segment.servicer import SegmenterServicer
from services.segment.settings import SegmentSettings


def build(settings: SegmentSettings) -> Service:
    """Settings to adapters to the service."""
    runtime = open_runtime(settings)
    servicer = SegmenterServicer(
        open_artifacts(settings.artifacts_url),
        CUTOUT_BACKENDS[settings.cutout_backend](runtime),
        BACKPLATE_BACKENDS[settings.backplate_backend](runtime),
        prompted=PROMPTED_BACKENDS[settings.prompted_backend](runtime),
        cutouts_at_once=settings.cutouts_at_once,
        pictures=PictureReader(settings.picture_megabytes * 1_000_000),
    )
    return Service(
        segmenter_pb2.DESCRIPTOR.services_by_name["Segmenter"].full_name,
        lambda server: segmenter_pb2_grpc.add_SegmenterServicer_to_server(servicer, server),
        models=runtime.opened,
    )


if __name__ == "__main__":
    sys.exit(serve("segment", SegmentSettings, build))
