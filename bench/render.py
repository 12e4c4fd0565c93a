"""The film against pyrender and against the encoder's floor: ``python -m bench.render``.

Everything runs in one go on subjects made from numbers: a vase of 5k, 20k and 80k triangles with a 1024-pixel texture,
before a room with a polished floor, turntable, 96 frames of 768x768, and once more at 1080x1920. Each measurement has a
process of its own, so that peak memory is its own. ``ours`` is the whole stage from GLB bytes to MP4 bytes, with
anti-aliasing, shadows, own shade and reflection; ``pyrender`` is the same
stage with ``LENSORA_RENDER_BACKEND=pyrender`` drawing the subject (4x MSAA, its shadow map on); the floor is x264 fed
with frames that are ready. ``--data FOLDER`` adds, for each ``*/mesh.glb`` in it, the mean colour difference of frame 0
from the texture's own colours.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.measure import closing_line, machine, median, table
from lensora.core.scene import Scene
from lensora.core.staging import SQUARE, FrameShape
from lensora.core.words import CameraMove
from lensora.testing.meshes import Finish, glb, vase
from services.render.backends import BACKENDS
from services.render.backends.opengl import OpenGLRenderer
from services.render.colour import planes
from services.render.composition import Compositor
from services.render.encode import X264_CRF, X264_PARAMS, X264_PRESET, Mp4Sink
from services.render.engine import Engine
from services.render.film import EncoderChoice, Film, FilmMaker
from services.render.light import even_illumination
from services.render.order import FilmOrder
from services.render.planning import set_up
from services.render.settings import RenderSettings
from services.render.shot import SubjectRenderer

SIZE, FRAMES, FPS = 768, 96, 24

UPRIGHT = FrameShape.of(1080, 1920)
"""The shape of a story, whose film has 1080x1920 pixels."""
TRIANGLES = {5_000: (49, 51), 20_000: (100, 100), 80_000: (200, 200)}
"""Triangles of a vase -> its rings and sectors."""

REPEATS = 3
"""Runs of ours, of which the median counts; the first warms nothing that a service has not warm."""


def subject(triangles: int) -> bytes:
    """A textured vase with about this many triangles."""
    rings, sectors = TRIANGLES[triangles]
    random = np.random.default_rng(1)
    rough = cv2.resize(
        random.integers(20, 235, (48, 48, 3), dtype=np.uint8), (1024, 1024), interpolation=cv2.INTER_CUBIC
    )
    fine = random.normal(0, 12, (1024, 1024, 1))
    texture = np.clip(rough + fine, 0, 255).astype(np.uint8)
    return glb(vase(rings, sectors), Finish(texture=bytes(cv2.imencode(".jpg", texture)[1]), roughness=0.5))


def room() -> bytes:
    """A backplate with detail: what is out of focus costs the encoder little, what is not costs it more."""
    random = np.random.default_rng(4)
    image = cv2.resize(
        random.integers(90, 230, (24, 24, 3), dtype=np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    floor = cv2.resize(
        random.integers(70, 130, (300, 40, 1), dtype=np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    image[int(SIZE * 0.55) :] = floor[int(SIZE * 0.55) :, :, None]
    return bytes(cv2.imencode(".png", image)[1])


POLISHED = Scene(0.55, plain=False, mirror=0.15, roughness=0.2)
"""The room: its floor shows the subject."""


def order(triangles: int, frames: int = FRAMES, shape: FrameShape = SQUARE) -> FilmOrder:
    """The film that is timed; a square is ``SIZE`` pixels wide, the other shape as large as people order it."""
    size = SIZE if shape == SQUARE else 1920
    return FilmOrder(subject(triangles), room(), POLISHED, size=size, fps=FPS, seconds=frames / FPS, shape=shape)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def _make(maker: FilmMaker, wanted: FilmOrder) -> Film:
    return maker.make(wanted)


def measure_ours(triangles: int, shape: FrameShape = SQUARE) -> dict[str, Any]:
    """Median seconds of the stage, with its phases."""
    engine = Engine(partial(OpenGLRenderer, "auto"))
    engine.start()
    maker = FilmMaker(engine, EncoderChoice())
    wanted = order(triangles, shape=shape)
    runs = []
    for _ in range(REPEATS):
        before, cpu = time.perf_counter(), _cpu_s()
        film = _make(maker, wanted)
        runs.append((time.perf_counter() - before, _cpu_s() - cpu, film))
    wall, cpu, film = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    phases = {f"{name}_s": value for name, value in film.seconds.items()}
    peak = _rss_mb()
    alone = _phases_alone(engine, wanted)
    engine.close()
    return {"s": wall, "cpu_s": cpu, "rss_mb": peak, "device": film.device, **phases, **alone}


ALONE_FRAMES = 24
"""Frames for the time of composing alone, which is scaled to the whole film."""


def _phases_alone(engine: Engine, wanted: FilmOrder) -> dict[str, float]:
    """Each phase by itself, one after another: what overlaps in the film."""
    shot, plate = set_up(wanted)
    compositor = Compositor(shot, plate, wanted.scene)
    before = time.perf_counter()
    kept = [layer for layer in engine.layers(shot, lambda: None) if layer.index < ALONE_FRAMES]
    drawn = time.perf_counter()
    for layer in kept:
        compositor.frame(layer)
    composed = (time.perf_counter() - drawn) * wanted.frames / len(kept)
    return {"draw_alone_s": drawn - before, "compose_alone_s": composed}


def measure_pyrender(triangles: int, frames: int, shadows: bool) -> dict[str, Any]:
    """Seconds of the same stage with pyrender drawing, for ``frames`` frames."""

    def make() -> SubjectRenderer:
        from services.render.backends.reference import PyrenderRenderer  # noqa: PLC0415 (optional)

        return PyrenderRenderer(shadows=shadows)

    engine = Engine(make)
    engine.start()
    maker = FilmMaker(engine, EncoderChoice())
    before, cpu = time.perf_counter(), _cpu_s()
    _make(maker, order(triangles, frames))
    return {"s": time.perf_counter() - before, "cpu_s": _cpu_s() - cpu, "rss_mb": _rss_mb(), "frames": frames}


def measure_floor(triangles: int) -> dict[str, Any]:
    """Seconds to encode 96 frames that are ready, by PyAV and by a pipe to the ffmpeg program."""
    engine = Engine(partial(OpenGLRenderer, "auto"))
    wanted = order(triangles)
    shot, plate = set_up(wanted)
    compositor = Compositor(shot, plate, wanted.scene)
    frames = [compositor.frame(layer) for layer in engine.layers(shot, lambda: None)]
    engine.close()
    by_pyav, by_pipe = [], []
    for _ in range(REPEATS):
        before = time.perf_counter()
        sink = Mp4Sink((SIZE, SIZE), FPS)
        for frame in frames:
            sink.write(frame)
        sink.finish()
        by_pyav.append(time.perf_counter() - before)
        before = time.perf_counter()
        _pipe(frames)
        by_pipe.append(time.perf_counter() - before)
    return {"s": median(by_pyav), "pipe_s": median(by_pipe)}


def _pipe(frames: list[np.ndarray]) -> None:
    """The same encode by the ffmpeg program, fed with the same planes."""
    import imageio_ffmpeg  # noqa: PLC0415 (optional)

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", f"{SIZE}x{SIZE}", "-r", str(FPS), "-i", "-", "-c:v", "libx264", "-preset", X264_PRESET]
    command += ["-x264-params", X264_PARAMS[X264_PRESET]]
    command += ["-crf", str(X264_CRF), "-f", "mp4", "-movflags", "frag_keyframe", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        for frame in frames:
            for plane in planes(frame):
                process.stdin.write(plane.tobytes())
        process.stdin.close()
        reader.join()


def measure_colour(path: str) -> dict[str, Any]:
    """CIEDE2000 of frame 0 from the texture's own colours, over the pixels that the subject covers fully."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # noqa: PLC0415 (optional)

    settings = RenderSettings()
    engine = Engine(lambda: BACKENDS["opengl"](settings))
    film = FilmOrder(Path(path).read_bytes(), b"", Scene(0.5, plain=True), CameraMove.TURNTABLE, SIZE)
    shot = set_up(film)[0]
    shot = replace(shot, poses=shot.poses[:1])
    matt = tuple(
        replace(part, material=replace(part.material, metallic=0.0, surface_texture=None)) for part in shot.model.parts
    )
    flat = replace(shot, illumination=even_illumination(1.0, 0.0, (0, 1, 0)), model=replace(shot.model, parts=matt))
    lit, own = (next(engine.layers(each, lambda: None)).pixels for each in (shot, flat))
    engine.close()
    full = (lit[..., 3] == 255) & (own[..., 3] == 255)
    difference = deltaE_ciede2000(rgb2lab(lit[..., :3]), rgb2lab(own[..., :3]))[full]
    return {"mean": float(difference.mean()), "p95": float(np.percentile(difference, 95))}


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "ours": lambda count: measure_ours(int(count)),
    "upright": lambda count: measure_ours(int(count), UPRIGHT),
    "pyrender": lambda count, frames, shadows: measure_pyrender(int(count), int(frames), shadows == "shadows"),
    "floor": lambda count: measure_floor(int(count)),
    "colour": measure_colour,
}


def in_process(*words: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.render", "--measure", *words], stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure, print the tables and the closing line."""
    parser = argparse.ArgumentParser(prog="python -m bench.render", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=None, help="folder of samples: each */mesh.glb is compared in colour"
    )
    parser.add_argument(
        "--reference-frames", type=int, default=24, help="frames pyrender draws at 5k and 80k, scaled to 96"
    )
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.measure:
        name, *words = given.measure
        sys.stdout.write(json.dumps(MEASURES[name](*words)) + "\n")
        return
    sys.stdout.write(f"{machine()}\n{FRAMES} frames, {SIZE}x{SIZE}, turntable before a room; medians of {REPEATS}\n\n")
    floor = in_process("floor", "20000")
    ours: dict[int, dict[str, Any]] = {}
    theirs: dict[int, dict[str, Any]] = {}
    rows = []
    for count in TRIANGLES:
        ours[count] = in_process("ours", str(count))
        frames = FRAMES if count == 20_000 else given.reference_frames
        theirs[count] = in_process("pyrender", str(count), str(frames), "shadows")
        scale = FRAMES / theirs[count]["frames"]
        mine, other = ours[count]["s"], theirs[count]["s"] * scale
        name = "pyrender" if scale == 1 else f"pyrender ({frames} frames, scaled)"
        rows.append(
            [f"{count:,}", "ours", mine, FRAMES / mine, 1.0, ours[count]["cpu_s"], f"{ours[count]['rss_mb']:.0f}"]
        )
        cpu = theirs[count]["cpu_s"] * scale
        rows.append([f"{count:,}", name, other, FRAMES / other, other / mine, cpu, f"{theirs[count]['rss_mb']:.0f}"])
    upright = in_process("upright", "20000")
    times = upright["s"] / ours[20_000]["s"]
    rows.append(
        [
            "20,000",
            "ours, 1080x1920",
            upright["s"],
            FRAMES / upright["s"],
            times,
            upright["cpu_s"],
            f"{upright['rss_mb']:.0f}",
        ]
    )
    bare = in_process("pyrender", "20000", str(given.reference_frames), "plain")
    bare_s = bare["s"] * FRAMES / bare["frames"]
    bare_cpu = bare["cpu_s"] * FRAMES / bare["frames"]
    rows.append(
        [
            "20,000",
            "pyrender, no shadows",
            bare_s,
            FRAMES / bare_s,
            bare_s / ours[20_000]["s"],
            bare_cpu,
            f"{bare['rss_mb']:.0f}",
        ]
    )
    rows.append(["", "floor: x264 alone", floor["s"], FRAMES / floor["s"], floor["s"] / ours[20_000]["s"], "", ""])
    table(["triangles", "what", "seconds", "frames/s", "times ours", "CPU s", "peak RSS MB"], rows)
    phases = ["setup_s", "draw_s", "encode_s", "draw_alone_s", "compose_alone_s"]
    sys.stdout.write("\nphases of ours, seconds (draw, compose and encode overlap; alone: one after another)\n\n")
    table(
        ["triangles", *(name[:-2] for name in phases)], [[f"{n:,}", *(ours[n][p] for p in phases)] for n in TRIANGLES]
    )
    sys.stdout.write(
        f"\nencoder: PyAV {floor['s']:.2f} s, pipe to ffmpeg {floor['pipe_s']:.2f} s; {ours[20_000]['device']}\n"
    )
    if given.data is not None:
        sys.stdout.write("\ncolour of frame 0 against the texture's own (CIEDE2000)\n\n")
        meshes = sorted(given.data.glob("**/mesh.glb"))
        found = {path.parent.name: in_process("colour", str(path)) for path in meshes}
        table(["subject", "mean", "95%"], [[name, each["mean"], each["p95"]] for name, each in found.items()])
    closing_line(
        {
            "render_s": ours[20_000]["s"],
            "render_cpu_s": ours[20_000]["cpu_s"],
            "upright_s": upright["s"],
            "upright_cpu_s": upright["cpu_s"],
            "pyrender_s": theirs[20_000]["s"],
            "pyrender_ratio": theirs[20_000]["s"] / ours[20_000]["s"],
            "encode_floor_s": floor["s"],
            "peak_rss_mb": ours[20_000]["rss_mb"],
        }
    )


if __name__ == "__main__":
    main()
