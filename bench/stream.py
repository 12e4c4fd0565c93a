"""Memory while a long, large film is made: ``python -m bench.stream``.

The stage makes one film of the bench's vase (``bench.render``), cinematic, and the resident memory of its process is
read as it goes. A film that streams holds as much at its end as after its first tenth, but for its own finished bytes.
``--seconds 2`` is a quick look; without it the film is the longest and largest that may be ordered.
"""

from __future__ import annotations

import argparse
import resource
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import cv2
import psutil

from bench.measure import MIB, closing_line, machine, table
from bench.render import order
from lensora.core.words import CameraMove
from lensora.rpc.call import Call, Progress
from services.render.backends.opengl import OpenGLRenderer
from services.render.engine import Engine
from services.render.film import EncoderChoice, FilmMaker
from services.render.order import FPS_RANGE, SECONDS_RANGE, SIZE_RANGE

TENTHS = 10
"""Readings while frames are made."""


class Readings:
    """Takes the memory at each tenth of the work, and its peak between two of them."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float, float, float]] = []
        self._process, self._peak, self._started = psutil.Process(), 0.0, time.perf_counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def told(self, progress: Progress) -> None:
        """A report of the film's."""
        if progress.fraction * TENTHS >= len(self.rows):
            self.rows.append((progress.fraction, time.perf_counter() - self._started, self._now(), self._peak))
            self._peak = 0.0

    def close(self) -> None:
        """No more readings."""
        self._ended.set()
        self._thread.join()

    def _now(self) -> float:
        resident = float(self._process.memory_info().rss) / MIB
        self._peak = max(self._peak, resident)
        return resident

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self._now()


def main() -> None:
    """Make the film, print the table and the closing line."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS_RANGE[1])
    parser.add_argument("--fps", type=int, default=FPS_RANGE[1])
    parser.add_argument("--size", type=int, default=SIZE_RANGE[1], help="sides of the film, pixels")
    parser.add_argument("--triangles", type=int, default=20_000, choices=(5_000, 20_000, 80_000))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    wanted = replace(
        order(given.triangles), move=CameraMove.CINEMATIC, size=given.size, fps=given.fps, seconds=given.seconds
    )
    engine = Engine(partial(OpenGLRenderer, "auto"))
    engine.start()
    readings = Readings()
    try:
        film = FilmMaker(engine, EncoderChoice()).make(wanted, Call(told=readings.told))
    finally:
        readings.close()
        engine.close()
    sys.stdout.write(f"{machine()}\n{film.frames} frames of {given.size}x{given.size}, cinematic; {film.device}\n\n")
    table(
        ["work done, %", "seconds", "resident MB", "peak since MB"],
        [[f"{100.0 * share:.0f}", at, f"{now:.0f}", f"{peak:.0f}"] for share, at, now, peak in readings.rows],
    )
    size_mb = sum(len(data) for data in film.files.values()) / MIB
    late = [peak for share, _, _, peak in readings.rows if share > 0.5]
    early = [peak for share, _, _, peak in readings.rows if 0.05 < share <= 0.5]
    closing_line(
        {
            "frames": film.frames,
            "stream_s": readings.rows[-1][1],
            "film_mb": size_mb,
            "first_half_peak_mb": max(early, default=float("nan")),
            "second_half_peak_mb": max(late, default=float("nan")),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        }
    )


if __name__ == "__main__":
    main()
