"""One film from a mesh and a backplate: what is static is worked out first, then frames flow through three threads.

The engine's thread draws, the calling thread composes, and each output format encodes on its own: see ``Engine`` and
``Encoding``. A film is a pure function of its order, so a stage that runs again writes the same picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import MediaType
from lensora.core.cameras import Pose, Rig, frame_poses, hero_frame, swing_for
from lensora.core.errors import EncodeFailed, InvalidImage, InvalidRequest
from lensora.core.scene import Scene
from lensora.core.staging import SQUARE, FrameShape
from lensora.core.words import CameraMove, OutputFormat
from lensora.observability import logs
from lensora.rpc.call import UNWATCHED, Call
from services.render import metrics
from services.render.animation import GifSink, WebpSink
from services.render.backplate import Plate, fitted_horizon, make_plate, plain_plate
from services.render.branding import UNBRANDED, Branding, BrandLayers
from services.render.composition import Compositor, reflects
from services.render.encode import Encoding, Mp4Sink, PosterSink, Sink, WebmAlphaSink
from services.render.engine import Engine
from services.render.framing import PLAIN_PITCH, fit_rig, pitch_for_horizon, raised_rig
from services.render.glb import elevation_of, read_glb, source_view, trusted_sides
from services.render.light import Illumination, illuminate
from services.render.model import Model, Upright, prepare
from services.render.shot import Layer, Shot

_log = logs.get(__name__)

SIZE_RANGE = (256, 2160)
FPS_RANGE = (12, 60)
SECONDS_RANGE = (1.0, 30.0)

PROGRESS_EVERY = 8
"""Frames between two reports of progress."""

EXPOSURE_TRIANGLES = 50_000
"""Of each part: enough for a mean."""

SETUP_SHARE, DRAW_SHARE = 0.06, 0.92
"""Share of the work that is done after the set-up, and after the last frame is drawn."""


class VideoFormat(StrEnum):
    """What can be written."""

    MP4 = OutputFormat.MP4
    WEBM_ALPHA = OutputFormat.WEBM_ALPHA
    GIF = OutputFormat.GIF
    WEBP = OutputFormat.WEBP
    POSTER = OutputFormat.POSTER

    @property
    def media_type(self) -> MediaType:
        """IANA media type of the file."""
        return {
            VideoFormat.MP4: MediaType.MP4,
            VideoFormat.WEBM_ALPHA: MediaType.WEBM,
            VideoFormat.GIF: MediaType.GIF,
            VideoFormat.WEBP: MediaType.WEBP,
            VideoFormat.POSTER: MediaType.JPEG,
        }[self]


@dataclass(frozen=True)
class FilmOrder:
    """What to film, and how.

    Attributes:
        glb: the subject, glTF 2.0 binary.
        picture: the backplate's file, PNG or JPEG; not looked at when the scene is plain.
        scene: what is known of the backplate.
        move: the camera move.
        size: sides of the square that is staged, pixels, even.
        fps: frames per second.
        seconds: length; the film has ``round(fps * seconds)`` frames.
        formats: what to write.
        shape: what the film shows of the square.
        branding: what is added to every file but the one with alpha, which lies on other pictures.
    """

    glb: bytes
    picture: bytes
    scene: Scene
    move: CameraMove = CameraMove.TURNTABLE
    size: int = 768
    fps: int = 24
    seconds: float = 4.0
    formats: tuple[VideoFormat, ...] = (VideoFormat.MP4,)
    shape: FrameShape = SQUARE
    branding: Branding = UNBRANDED

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the film, even pixels."""
        left, top, right, bottom = self.shape.box(self.size)
        return right - left, bottom - top

    def __post_init__(self) -> None:
        _within("size", self.size, SIZE_RANGE)
        if self.size % 2:
            raise InvalidRequest(f"size must be even, not {self.size}", field="size")
        _within("fps", self.fps, FPS_RANGE)
        _within("seconds", self.seconds, SECONDS_RANGE)
        if not self.formats:
            raise InvalidRequest("formats must name at least one format", field="formats")

    @property
    def frames(self) -> int:
        """Frames in the film."""
        return round(self.fps * self.seconds)


def _within(field_name: str, value: float, bounds: tuple[float, float]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidRequest(f"{field_name} must lie in {bounds[0]}..{bounds[1]}, not {value}", field=field_name)


@dataclass(frozen=True)
class Film:
    """A finished film.

    Attributes:
        files: the bytes of each format that was asked for.
        frames: their number.
        device: what drew them.
        seconds: wall time of each phase.
    """

    files: dict[VideoFormat, bytes]
    frames: int
    device: str
    seconds: dict[str, float] = field(default_factory=dict)


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
            shot, plate_maker = planned(order, call)
        call.report("draw", SETUP_SHARE)
        encodings = self._encodings(order)
        try:
            # The plate and the shadow are made while the engine loads the subject and draws the first frames.
            with _timed("draw", seconds), ThreadPoolExecutor(1, "render-plate") as beside:
                composing = beside.submit(lambda: Compositor(shot, plate_maker(), order.scene))
                for layer in self._engine.layers(shot, call.check):
                    _compose(composing.result(), brand, layer, encodings, call.check)
                    if (layer.index + 1) % PROGRESS_EVERY == 0:
                        done = (layer.index + 1) / order.frames
                        call.report("draw", min(DRAW_SHARE, SETUP_SHARE + (DRAW_SHARE - SETUP_SHARE) * done))
            call.report("encode", DRAW_SHARE)
            with _timed("encode", seconds):
                files = {kind: encoding.finish(call.check) for kind, encoding in encodings.items()}
        except BaseException:
            for encoding in encodings.values():
                encoding.abort()
            raise
        metrics.FILMS.labels(move=order.move.value).inc()
        return Film(files, order.frames, self._engine.device, seconds)

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


def set_up(order: FilmOrder) -> tuple[Shot, Plate]:
    """Everything of a film that does not change from frame to frame."""
    shot, plate_maker = planned(order)
    return shot, plate_maker()


def planned(order: FilmOrder, call: Call = UNWATCHED) -> tuple[Shot, Callable[[], Plate]]:
    """The shot, and what makes its plate, which takes longer and is not needed to draw the subject."""
    view, scene = source_view(order.glb), order.scene
    model = prepare(
        read_glb(order.glb),
        oriented=view is not None,
        upright=upright_of(view, scene),
        photo_side=None if view is None else view[2],
    )
    call.check()
    poses = frame_poses(order.move, order.frames, swing_for(trusted_sides(order.glb)))
    photo = None if view is None else elevation_of(view)
    if scene.plain:
        rig = rig_for(model, order.move, poses, scene, PLAIN_PITCH, photo, None, order.shape)
        plate_maker = partial(plain_plate, order.size, rig, scene.color)
    else:
        picture = decode_picture(order.picture)
        horizon = fitted_horizon(picture, scene.horizon)
        rig = rig_for(model, order.move, poses, scene, pitch_for_horizon(horizon), photo, horizon, order.shape)
        plate_maker = partial(make_plate, picture, horizon, rig, poses, order.size)
    call.check()
    light = hero_illumination(model, scene)
    return Shot(model, light, rig, poses, order.size, reflects(scene, rig), order.shape), plate_maker


def upright_of(view: NDArray[np.float64] | None, scene: Scene) -> Upright | None:
    """Which way is up in the file's frame, as the photo's camera has it; None where either is not known."""
    if view is None or scene.viewpoint is None:
        return None
    doubt = math.hypot(scene.viewpoint.pitch_doubt, scene.viewpoint.roll_doubt)
    return Upright(view.T @ scene.viewpoint.up, doubt)


def rig_for(
    model: Model,
    move: CameraMove,
    poses: tuple[Pose, ...],
    scene: Scene,
    pitch: float,
    photo: float | None,
    edge: float | None,
    shape: FrameShape = SQUARE,
) -> Rig:
    """The rig of a film: the scene's own camera where it is known, else one that suits ``pitch`` and ``edge``."""
    if scene.pitch is not None:
        return fit_rig(model.support, move, poses, scene.pitch, shape=shape)
    return raised_rig(model.support, move, poses, pitch, photo, edge, shape)


def hero_illumination(model: Model, scene: Scene) -> Illumination:
    """The scene's light, exposed for what of the model faces the hero camera."""
    normals, weights = [], []
    for part in model.parts:
        triangles = part.triangles[:: max(1, len(part.triangles) // EXPOSURE_TRIANGLES)]
        corners = part.positions[triangles].astype(np.float64)
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        weights.append(np.maximum(face[:, 2] if model.closed else np.abs(face[:, 2]), 0.0))
        assert part.normals is not None
        mean = part.normals[triangles].mean(axis=1)
        if not model.closed:
            mean = np.where(mean[:, 2:] < 0.0, -mean, mean)
        normals.append(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6))
    return illuminate(scene.lighting, np.concatenate(normals), np.concatenate(weights))


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 sRGB. Raises InvalidImage."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:
        raise InvalidImage(f"backplate cannot be decoded: {exc}", field="backplate") from exc
    if pixels is None:
        raise InvalidImage(f"backplate cannot be decoded: {len(data)} bytes that are no picture", field="backplate")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


@contextmanager
def _timed(phase: str, seconds: dict[str, float]) -> Iterator[None]:
    before = time.perf_counter()
    yield
    seconds[phase] = time.perf_counter() - before
    metrics.PHASE_SECONDS.labels(phase=phase).observe(seconds[phase])
