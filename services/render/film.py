"""One film from a mesh and a backplate: what is static is worked out first, then frames flow through three threads.

The engine's thread draws, the calling thread composes, and each output format encodes on its own: see ``Engine`` and
``Encoding``. A film is a pure function of its order, so a stage that runs again writes the same picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from lensora.core.cameras import hero_frame
from lensora.core.errors import EncodeFailed
from lensora.observability import logs
from lensora.rpc.call import UNWATCHED, Call
from services.render import metrics
from services.render.animation import GifSink, WebpSink
from services.render.branding import BrandLayers
from services.render.composition import Compositor
from services.render.encode import Encoding, Mp4Sink, PosterSink, Sink, WebmAlphaSink
from services.render.engine import Engine
from services.render.order import FilmOrder, VideoFormat
from services.render.planning import StillPlan, planned
from services.render.shot import Layer

_log = logs.get(__name__)

PROGRESS_EVERY = 8
"""Frames between two reports of progress."""

SETUP_SHARE, DRAW_SHARE = 0.06, 0.92
"""Share of the work that is done after the set-up, and after the last frame is drawn."""


@dataclass(frozen=True)
class Still:
    """What becomes of the still scene where the plate's camera is not the photo's.

    Attributes:
        pitch_gap: radians that the photo's camera looked down more than the plate's does; negative: less.
        jpeg: the still with the model in place of the cutout; None where the model is not trusted enough.
    """

    pitch_gap: float
    jpeg: bytes | None


@dataclass(frozen=True)
class Film:
    """A finished film.

    Attributes:
        files: the bytes of each format that was asked for.
        frames: their number.
        device: what drew them.
        seconds: wall time of each phase.
        still: of an order that asks for it; None where the cameras agree, or one of them is not known.
    """

    files: dict[VideoFormat, bytes]
    frames: int
    device: str
    seconds: dict[str, float] = field(default_factory=dict)
    still: Still | None = None


@dataclass(frozen=True)
class EncoderChoice:
    """How MP4s are encoded.

    Attributes:
        encoder: ``x264``, or ``nvenc`` where the machine has it (x264 where not).
        preset: x264's preset.
        threads: of x264; 0 leaves the choice to it.
    """

    encoder: str = "x264"
    preset: str = "veryfast"
    threads: int = 0


class FilmMaker:
    """Makes films with one engine. Safe to use from several threads."""

    def __init__(self, engine: Engine, choice: EncoderChoice) -> None:
        self._engine = engine
        self._choice = choice

    def make(self, order: FilmOrder, call: Call = UNWATCHED) -> Film:
        """Make a film; progress is reported about every ``PROGRESS_EVERY`` frames, and never goes down.

        Args:
            order: what to film.
            call: whose work it is.

        Raises:
            InvalidMesh, InvalidImage: the order cannot be filmed.
            RenderFailed, EncodeFailed: the device or an encoder failed.
        """
        seconds: dict[str, float] = {}
        brand = order.branding.layers(order.frame, order.frames, order.fps)
        call.report("setup", 0.0)
        with _timed("setup", seconds):
            plan = planned(order, call)
        call.report("draw", SETUP_SHARE)
        encodings = self._encodings(order)
        try:
            # The plate and the shadow are made while the engine loads the subject and draws the first frames.
            with _timed("draw", seconds), ThreadPoolExecutor(1, "render-plate") as beside:
                composing = beside.submit(lambda: Compositor(plan.shot, plan.plate(), order.scene))
                for layer in self._engine.layers(plan.shot, call.check):
                    _compose(composing.result(), brand, layer, encodings, call.check)
                    if (layer.index + 1) % PROGRESS_EVERY == 0:
                        done = (layer.index + 1) / order.frames
                        call.report("draw", min(DRAW_SHARE, SETUP_SHARE + (DRAW_SHARE - SETUP_SHARE) * done))
            call.report("encode", DRAW_SHARE)
            with _timed("encode", seconds):
                files = {kind: encoding.finish(call.check) for kind, encoding in encodings.items()}
            still = None if plan.still is None else self._still(plan.still, brand, order, call)
        except BaseException:
            for encoding in encodings.values():
                encoding.abort()
            raise
        metrics.FILMS.labels(move=order.move.value).inc()
        return Film(files, order.frames, self._engine.device, seconds, still)

    def _still(self, plan: StillPlan, brand: BrandLayers, order: FilmOrder, call: Call) -> Still:
        """The still with the model in it, as the plate's camera sees it, where the model is trusted."""
        if plan.shot is None:
            return Still(plan.pitch_gap, None)
        compositor = Compositor(plan.shot, plan.plate(), order.scene)
        sink = PosterSink(0)
        for layer in self._engine.layers(plan.shot, call.check):
            frame = compositor.frame(layer)
            brand.draw(frame, layer.index)
            sink.write(frame)
        return Still(plan.pitch_gap, sink.finish())

    def _encodings(self, order: FilmOrder) -> dict[VideoFormat, Encoding]:
        result: dict[VideoFormat, Encoding] = {}
        try:
            for kind in dict.fromkeys(order.formats):
                result[kind] = Encoding(self._sink(kind, order))
        except BaseException:
            for encoding in result.values():
                encoding.abort()
            raise
        return result

    def _sink(self, kind: VideoFormat, order: FilmOrder) -> Sink:
        if kind is VideoFormat.MP4:
            return self._mp4(order)
        if kind is VideoFormat.WEBM_ALPHA:
            return WebmAlphaSink(order.frame, order.fps)
        if kind is VideoFormat.GIF:
            return GifSink(order.frame, order.fps)
        if kind is VideoFormat.WEBP:
            return WebpSink(order.frame, order.fps)
        return PosterSink(hero_frame(order.move, order.frames))

    def _mp4(self, order: FilmOrder) -> Sink:
        if self._choice.encoder == "nvenc":
            try:
                sink = Mp4Sink(order.frame, order.fps, "h264_nvenc")
            except EncodeFailed as exc:
                _log.warning("nvenc is not available", problem=exc.message)
            else:
                metrics.encoder("h264_nvenc")
                return sink
        metrics.encoder("libx264")
        return Mp4Sink(order.frame, order.fps, "libx264", self._choice.preset, self._choice.threads)


def _compose(
    compositor: Compositor,
    brand: BrandLayers,
    layer: Layer,
    encodings: dict[VideoFormat, Encoding],
    check: Callable[[], None],
) -> None:
    """One frame to every encoder, composed once for those that show the plate."""
    finished = None
    for kind, encoding in encodings.items():
        if kind is VideoFormat.WEBM_ALPHA:
            encoding.write(compositor.cutout(layer), check)
            continue
        if finished is None:
            finished = compositor.frame(layer)
            brand.draw(finished, layer.index)
        encoding.write(finished, check)
    metrics.FRAMES.inc()


@contextmanager
def _timed(phase: str, seconds: dict[str, float]) -> Iterator[None]:
    before = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - before
    metrics.PHASE_SECONDS.labels(phase=phase).observe(seconds[phase])
