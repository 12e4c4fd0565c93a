"""Composition root: ``python -m services.render``."""

from __future__ import annotations

import os
import sys

import cv2

from lensora.adapters.artifacts import open_artifacts
from lensora.allocator import keep
from lensora.api.render.v1 import renderer_pb2, renderer_pb2_grpc
from lensora.cores import threads_for
from lensora.rpc.serving import Service, serve
from services.render.backends import BACKENDS
from services.render.engine import Engine
from services.render.film import EncoderChoice, FilmMaker
from services.render.servicer import RendererServicer
from services.render.settings import RenderSettings

LARGE_BLOCK = 4 * 1024 * 1024
"""Blocks from this size on go back to the system when they are freed. A film's set-up makes many for a moment; left to
itself, glibc learns to keep them, which is worth 80 MB of resident memory here and saves no time."""

KEPT_FREE = 16 * 1024 * 1024
"""Bytes that an arena keeps for the next frame's pictures: given back after each, as glibc does when it is told of
large blocks, they cost a film 40,000 page faults, 0.1 CPU seconds."""


def build(settings: RenderSettings) -> Service:
    """Settings to adapters to the service."""
    keep(LARGE_BLOCK, KEPT_FREE)
    # Mesa reads it when the context is opened, and would count the machine's cores by itself.
    os.environ["LP_NUM_THREADS"] = str(threads_for(settings.render_gl_threads))
    cv2.setNumThreads(1)  # composing is cheap; the cores belong to the rasteriser and the encoder
    engine = Engine(lambda: BACKENDS[settings.render_backend](settings))
    choice = EncoderChoice(
        settings.render_encoder, settings.render_x264_preset, threads_for(settings.render_x264_threads)
    )
    servicer = RendererServicer(
        FilmMaker(engine, choice), open_artifacts(settings.artifacts_url), settings.render_backend
    )
    return Service(
        renderer_pb2.DESCRIPTOR.services_by_name["Renderer"].full_name,
        lambda server: renderer_pb2_grpc.add_RendererServicer_to_server(servicer, server),
        prepare=engine.start,
        close=engine.close,
    )


if __name__ == "__main__":
    sys.exit(serve("render", RenderSettings, build))
