"""Films, from mesh to file, on a real OpenGL and with real encoders."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import moderngl
import numpy as np
import pytest
from PIL import Image

from lensora.core.errors import Cancelled, InvalidImage, InvalidMesh, InvalidRequest, RenderFailed
from lensora.core.scene import Scene
from lensora.core.staging import FrameShape
from lensora.core.words import Aspect, CameraMove
from lensora.rpc.call import Call, Progress
from lensora.testing.meshes import Finish, Shape, box, glb, vase
from services.render.backends.device import open_context
from services.render.backends.opengl import OpenGLRenderer
from services.render.composition import Compositor
from services.render.encode import Mp4Sink
from services.render.engine import Engine
from services.render.film import EncoderChoice, Film, FilmMaker
from services.render.order import FilmOrder, VideoFormat
from services.render.planning import set_up
from services.render.shot import Layer, Shot

Make = Callable[[FilmOrder], Film]
WHITE = Scene(horizon=0.5, plain=True)


def _decoded(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _largest_box(data: bytes) -> int:
    """Offset of the index and of the media data: the index must come first."""
    return data.find(b"mdat") - data.find(b"moov")


def test_default_film_is_exactly_the_contracts(film: Make, subject: bytes, picture: bytes, scene: Scene) -> None:
    """H.264, yuv420p, BT.709, 768x768, 24/1, 96 frames, 4.000 s, index before the media."""
    made = film(FilmOrder(subject, picture, scene))
    data = made.files[VideoFormat.MP4]
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert len(container.streams) == 1
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.width, context.height) == (768, 768)
        assert stream.average_rate == Fraction(24, 1)
        assert stream.frames == 96
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == 4
        assert container.duration == 4_000_000
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
        assert context.color_range == 1
    assert _largest_box(data) > 0
    assert len(_decoded(data)) == made.frames == 96
    assert "llvmpipe" in made.device


@pytest.mark.parametrize(
    ("size", "fps", "seconds", "move"),
    [(256, 12, 1.0, CameraMove.DOLLY), (402, 30, 1.5, CameraMove.CINEMATIC), (256, 60, 2.0, CameraMove.TURNTABLE)],
)
def test_other_sizes_rates_and_lengths(
    film: Make, subject: bytes, picture: bytes, scene: Scene, size: int, fps: int, seconds: float, move: CameraMove
) -> None:
    """Size, rate and length are what was asked for, in every move."""
    made = film(FilmOrder(subject, picture, scene, move, size, fps, seconds))
    with av.open(io.BytesIO(made.files[VideoFormat.MP4])) as container:
        stream = container.streams.video[0]
        assert stream.width == stream.height == size
        assert stream.average_rate == fps
        assert stream.frames == round(fps * seconds)
        assert container.duration == round(seconds * 1e6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 254}, "size must lie in 256..2160, not 254"),
        ({"size": 2162}, "size must lie in 256..2160"),
        ({"size": 301}, "size must be even, not 301"),
        ({"fps": 61}, "fps must lie in 12..60, not 61"),
        ({"seconds": 0.5}, "seconds must lie in 1.0..30.0, not 0.5"),
        ({"seconds": float("nan")}, "seconds must lie in"),
        ({"formats": ()}, "at least one"),
    ],
)
def test_orders_out_of_range_are_refused(change: dict[str, object], sentence: str) -> None:
    """A bad number is an InvalidRequest that names the field, the limit and the value."""
    with pytest.raises(InvalidRequest, match=sentence):
        replace(FilmOrder(b"", b"", WHITE), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rgb", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 200, 60), (30, 60, 220), (128, 128, 128), (240, 180, 20)]
)
def test_flat_colours_survive_the_encoder(rgb: tuple[int, int, int]) -> None:
    """A flat colour, encoded, decoded as its tags say, comes back within 2/255."""
    sink = Mp4Sink((256, 256), 24)
    for _ in range(6):
        sink.write(np.full((256, 256, 3), rgb, np.uint8))
    for frame in _decoded(sink.finish()):
        assert np.abs(frame.astype(int) - rgb).max() <= 2


def test_every_format_at_once(film: Make, subject: bytes, picture: bytes, scene: Scene) -> None:
    """One drawing feeds MP4, WebM with alpha, GIF, WebP and poster, and each opens as what it is."""
    made = film(FilmOrder(subject, picture, scene, size=256, seconds=1.0, formats=tuple(VideoFormat)))
    assert set(made.files) == set(VideoFormat)
    poster = Image.open(io.BytesIO(made.files[VideoFormat.POSTER]))
    assert (poster.format, poster.size) == ("JPEG", (256, 256))
    first = _decoded(made.files[VideoFormat.MP4])[0]
    assert np.abs(np.asarray(poster).astype(int) - first).mean() < 3.0
    gif = Image.open(io.BytesIO(made.files[VideoFormat.GIF]))
    assert gif.format == "GIF"
    assert gif.info["loop"] == 0
    webp = Image.open(io.BytesIO(made.files[VideoFormat.WEBP]))
    assert (webp.format, webp.size, webp.info["loop"]) == ("WEBP", (256, 256), 0)
    assert np.abs(np.asarray(webp.convert("RGB")).astype(int) - first).mean() < 4.0
    assert _length_ms(gif) == 1000 and abs(_length_ms(webp) - 1000) <= 1


def _length_ms(moving: Image.Image) -> int:
    """Of all frames together."""
    length = 0
    for index in range(moving.n_frames):  # type: ignore[attr-defined]
        moving.seek(index)
        moving.load()
        length += moving.info["duration"]
    return length


def test_webm_keeps_alpha(film: Make, subject: bytes, picture: bytes, scene: Scene) -> None:
    """VP9 with an alpha channel: solid in the subject, half-clear in the shadow, clear in the corner."""
    made = film(FilmOrder(subject, picture, scene, size=256, seconds=1.0, formats=(VideoFormat.WEBM_ALPHA,)))
    with av.open(io.BytesIO(made.files[VideoFormat.WEBM_ALPHA])) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name.startswith("vp9") or stream.codec_context.name == "libvpx-vp9"
        assert {key.lower(): value for key, value in stream.metadata.items()}.get("alpha_mode") == "1"
        packets = [packet for packet in container.demux(stream) if packet.size]
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    frames = [frame for packet in packets for frame in decoder.decode(packet)]  # type: ignore[attr-defined]
    assert len(packets) == 24
    assert frames[0].format.name == "yuva420p"
    alpha = frames[0].to_ndarray(format="rgba")[..., 3]
    assert alpha[140, 128] > 250
    assert alpha[4, 4] < 4
    partly = (alpha > 12) & (alpha < 200)
    assert partly[200:].mean() > 0.03


def test_a_long_shadow_without_its_plate_ends_before_the_border(
    engine: Engine, subject: bytes, picture: bytes, scene: Scene
) -> None:
    """A low light throws the shadow over the frame's border: on the plate it goes on, on a page it would be cut off."""
    low = np.array([-0.9, 0.45, 0.1], np.float32)
    light = replace(scene.lighting, key_direction=low / np.linalg.norm(low), key_color=scene.lighting.key_color * 3.0)
    lit = replace(scene, lighting=light)
    shot, plate = set_up(FilmOrder(subject, picture, lit, size=256, fps=12, seconds=1.0))
    compositor = Compositor(shot, plate, lit)
    for layer in engine.layers(shot, lambda: None):
        bare = plate.seen(shot.camera(layer.index), shot.poses[layer.index], shot.seen).astype(int)
        assert (bare - compositor.frame(layer))[150:230, -1].max() > 8
        alpha = compositor.cutout(layer)[..., 3]
        assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0
        assert alpha[150:230, 160:190].max() > 40


def test_plain_scene_is_white_with_a_soft_shadow(film: Make, subject: bytes) -> None:
    """``remove``: pure white at the border of every frame, a shadow at the foot."""
    order = FilmOrder(subject, b"", WHITE, size=256, seconds=1.0)
    frames = _decoded(film(order).files[VideoFormat.MP4])
    for frame in frames:
        border = np.concatenate([frame[:12].reshape(-1, 3), frame[:, :6].reshape(-1, 3), frame[:, -6:].reshape(-1, 3)])
        assert border.min() >= 252
    foot = frames[0][212:228, 60:200].astype(int)
    assert foot.min() < 225


def test_turntable_loops_without_a_jump(film: Make, subject: bytes, picture: bytes, scene: Scene) -> None:
    """The step from the last frame to the first is no larger than any other."""
    frames = _decoded(film(FilmOrder(subject, picture, scene, size=256)).files[VideoFormat.MP4])
    steps = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(frames)]
    seam = np.abs(frames[-1].astype(int) - frames[0]).mean()
    assert seam < 1.5 * max(steps) + 0.5


def test_the_same_order_gives_the_same_film(film: Make, subject: bytes, picture: bytes, scene: Scene) -> None:
    """A stage that runs again after a crash writes the same picture."""
    order = FilmOrder(subject, picture, scene, CameraMove.CINEMATIC, 256, 12, 1.0, (VideoFormat.POSTER,))
    assert film(order).files == film(order).files


def _grid(side: int) -> Shape:
    u, v = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    z = 0.05 * np.sin(9 * u) * np.cos(7 * v)
    a = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)[None, :]).ravel()
    triangles = np.concatenate([np.stack([a, a + 1, a + side], 1), np.stack([a + 1, a + side + 1, a + side], 1)])
    return Shape(np.stack([u, v, z], -1).reshape(-1, 3).astype(np.float32), triangles.astype(np.uint32))


def _hostile() -> dict[str, bytes]:
    shape = vase()
    holed = shape.positions.copy()
    holed[::97] = np.nan
    triangle = Shape(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), np.array([[0, 1, 2]], np.uint32))
    return {
        "one triangle": glb(triangle),
        "a million triangles": glb(_grid(708)),
        "no texture coordinates": glb(replace(shape, uvs=None), Finish(texture=b"\x89PNG")),
        "no normals": glb(replace(shape, normals=None)),
        "not-a-number vertices": glb(replace(shape, positions=holed)),
        "huge": glb(replace(shape, positions=shape.positions * np.float32(1e12))),
        "tiny": glb(replace(shape, positions=shape.positions * np.float32(1e-9))),
        "missing texture": glb(shape, Finish(texture=b"\x89PNG"), {"images": [{"uri": "gone.png"}]}),
        "flat": glb(box(1.0, 1.0, 0.0)),
        "blended": glb(shape, Finish((1.0, 0.2, 0.2, 0.5), extra={"alphaMode": "BLEND", "doubleSided": True})),
        "masked": glb(shape, Finish((1.0, 0.2, 0.2, 0.8), extra={"alphaMode": "MASK"})),
        "metal": glb(shape, Finish((0.9, 0.8, 0.4, 1.0), metallic=1.0, roughness=0.0)),
        "glowing": glb(shape, Finish((0.1, 0.1, 0.1, 1.0), extra={"emissiveFactor": [0.9, 0.5, 0.1]})),
    }


HOSTILE = _hostile()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_meshes_make_a_valid_film(film: Make, name: str) -> None:
    """Odd but drawable meshes give a film in which the subject can be seen."""
    order = FilmOrder(HOSTILE[name], b"", WHITE, size=256, fps=12, seconds=1.0)
    frames = _decoded(film(order).files[VideoFormat.MP4])
    assert len(frames) == 12
    assert (frames[0].min(axis=2) < 245).mean() > 0.02


def test_undrawable_orders_are_typed_errors(film: Make, subject: bytes) -> None:
    """A mesh with nothing in it and a backplate that is no picture are the caller's errors, told apart."""
    empty = Shape(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.uint32))
    with pytest.raises(InvalidMesh):
        film(FilmOrder(glb(empty), b"", WHITE))
    with pytest.raises(InvalidImage):
        film(FilmOrder(subject, b"no picture", Scene(0.5, plain=False)))


def test_cancelled_film_stops_within_two_seconds(maker: FilmMaker, subject: bytes) -> None:
    """Cancelling in the middle ends the work, and the next film is made as if nothing had been."""
    cancelled: list[float] = []

    def alive() -> None:
        if cancelled:
            raise Cancelled("no longer wanted")

    def told(progress: Progress) -> None:
        if progress.fraction > 0.06:
            cancelled.append(time.perf_counter())

    order = FilmOrder(subject, b"", WHITE, seconds=20.0, fps=60)
    with pytest.raises(Cancelled):
        maker.make(order, Call(alive, told=told))
    assert time.perf_counter() - cancelled[0] < 2.0
    assert maker.make(replace(order, seconds=1.0, fps=12, size=256)).frames == 12


def test_progress_rises_about_every_eight_frames(maker: FilmMaker, subject: bytes) -> None:
    """Progress never falls, ends with the film, and is told often."""
    shares: list[float] = []
    film = maker.make(FilmOrder(subject, b"", WHITE, size=256), Call(told=lambda item: shares.append(item.fraction)))
    assert shares == sorted(shares)
    assert len(shares) >= 96 // 8
    assert film.frames == 96


def test_nvenc_is_used_where_it_is_and_x264_where_not(engine: Engine, subject: bytes) -> None:
    """Asking for NVENC gives an H.264 film on any machine."""
    maker = FilmMaker(engine, EncoderChoice("nvenc"))
    made = maker.make(FilmOrder(subject, b"", WHITE, size=256, seconds=1.0))
    assert len(_decoded(made.files[VideoFormat.MP4])) == 24


def test_unknown_device_is_a_typed_error() -> None:
    """An EGL device that is not there is RenderFailed, not a crash."""
    with pytest.raises(RenderFailed, match="EGL device 98"):
        open_context("98")


def test_lost_context_costs_one_retry(subject: bytes) -> None:
    """When the real context fails in the middle of a film, a new one draws the rest."""
    made: list[OpenGLRenderer] = []

    class Breaking(OpenGLRenderer):
        """Loses its context at the ninth frame."""

        def layers(self, shot: Shot, start: int) -> Iterator[Layer]:
            for layer in super().layers(shot, start):
                if layer.index == 8 and len(made) == 1:
                    raise moderngl.Error("GL_CONTEXT_LOST")
                yield layer

    def make() -> OpenGLRenderer:
        made.append(Breaking("cpu"))
        return made[-1]

    engine = Engine(make)
    film = FilmMaker(engine, EncoderChoice()).make(FilmOrder(subject, b"", WHITE, size=256, seconds=1.0))
    engine.close()
    assert len(_decoded(film.files[VideoFormat.MP4])) == 24
    assert len(made) == 2


def test_edges_do_not_crawl(engine: Engine) -> None:
    """A plain round thing that turns looks the same in every frame: its edges neither crawl nor shimmer."""
    order = FilmOrder(glb(vase(60, 90), Finish((0.3, 0.3, 0.3, 1.0))), b"", WHITE, size=384, fps=25, seconds=1.0)
    shot, plate = set_up(order)
    compositor = Compositor(shot, plate, order.scene)
    frames = [compositor.frame(layer).astype(int) for layer in engine.layers(shot, lambda: None)]
    steps = [np.abs(a - b) for a, b in pairwise(frames)]
    assert max(step.mean() for step in steps) < 0.25
    assert max(np.percentile(step, 99.9) for step in steps) <= 14


def test_a_plate_without_ground_gets_a_hint_of_a_shadow(engine: Engine, picture: bytes, scene: Scene) -> None:
    """Before a sky or a wall the film casts no shadow and keeps half the contact, as the still scene does."""
    subject = glb(vase(60, 90), Finish((0.3, 0.3, 0.3, 1.0)))

    def shade(plate_scene: Scene) -> np.ndarray:
        """How much darker the plate is for the subject's shadow, the subject's own pixels left out."""
        order = FilmOrder(subject, picture, plate_scene, size=256, fps=12, seconds=1.0)
        shot, plate = set_up(order)
        compositor = Compositor(shot, plate, order.scene)
        layer = next(iter(engine.layers(shot, lambda: None)))
        alone = plate.seen(shot.camera(0), shot.poses[0]).astype(int)
        darker = (alone - compositor.frame(layer)).mean(axis=2)
        window = layer.window
        darker[window.top : window.bottom, window.left : window.right][layer.pixels[..., 3] > 0] = 0.0
        return np.asarray(darker)

    grounded, afloat = shade(scene), shade(replace(scene, afloat=True))
    assert 0.02 * grounded.sum() < afloat.sum() < 0.6 * grounded.sum()


@pytest.mark.parametrize("aspect", [Aspect.PORTRAIT, Aspect.STORY, Aspect.WIDE])
def test_a_film_of_each_shape_holds_the_whole_subject(
    film: Make, subject: bytes, picture: bytes, scene: Scene, aspect: Aspect
) -> None:
    """Every file has the frame's shape, and what is seen through it touches no side."""
    width, height = aspect.pixels(256)
    kinds = (VideoFormat.MP4, VideoFormat.WEBM_ALPHA, VideoFormat.GIF, VideoFormat.WEBP, VideoFormat.POSTER)
    shape = FrameShape.of(width, height)
    made = film(FilmOrder(subject, picture, scene, size=256, fps=12, seconds=1.0, formats=kinds, shape=shape))
    assert _decoded(made.files[VideoFormat.MP4])[0].shape == (height, width, 3)
    for kind in (VideoFormat.GIF, VideoFormat.WEBP, VideoFormat.POSTER):
        assert Image.open(io.BytesIO(made.files[kind])).size == (width, height)
    shot, plate = set_up(FilmOrder(subject, picture, scene, size=256, fps=12, seconds=1.0, shape=shape))
    for index in range(len(shot.poses)):
        window, seen = shot.window(index), shot.seen
        assert seen.left < window.left and window.right < seen.right, index
        assert seen.top < window.top and window.bottom < seen.bottom, index
    assert plate.size == 256
