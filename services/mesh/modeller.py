"""One call's work on a thread of its own, so that its caller can watch it and leave."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import Cancelled, InvalidImage
from services.mesh.backends import MeshBackend
from services.mesh.model import Model, ModelRequest, create_model

POLL_S = 0.2
"""How often a running call is checked for having been cancelled."""

MAX_CUTOUT_PIXELS = 64_000_000
"""Larger cutouts are refused before they are decoded; the public limit for photos is 50 megapixels."""


@dataclass(frozen=True)
class Progress:
    """How far a call is: the phase that begins, and the share of the work done before it, 0..1."""

    phase: str
    fraction: float


class Modeller:
    """Makes models with one backend; safe to use from several threads."""

    def __init__(self, backend: MeshBackend) -> None:
        self._backend = backend

    def warm_up(self) -> None:
        """Make one small model, so that the first caller does not pay for first calls."""
        rgba = np.zeros((96, 96, 4), np.uint8)
        cv2.circle(rgba, (48, 48), 36, (180, 120, 60, 255), -1)
        create_model(rgba, ModelRequest(), self._backend, lambda _phase, _fraction: None)

    def make(
        self,
        png: bytes,
        request: ModelRequest,
        check_alive: Callable[[], None],
        timeout_s: float | None = None,
    ) -> Iterator[Progress | Model]:
        """Progress any number of times, then the model.

        Args:
            png: the cutout.
            request: what to make.
            check_alive: raises when the caller has gone or its deadline has passed; the work then stops at the end of
                its phase, well within 2 s.
            timeout_s: seconds that the caller waits, passed to the backend's net; None where it has no deadline.
        """
        rgba = decode_cutout(png)
        news: queue.Queue[Progress | Model | BaseException] = queue.Queue()
        left = threading.Event()

        def report(phase: str, fraction: float) -> None:
            if left.is_set():
                raise Cancelled("the caller has cancelled the mesh")
            news.put(Progress(phase, fraction))

        def work() -> None:
            try:
                news.put(create_model(rgba, request, self._backend, report, timeout_s))
            except BaseException as error:
                news.put(error)

        worker = threading.Thread(target=work, name="mesh-work", daemon=True)
        worker.start()
        try:
            while True:
                check_alive()
                try:
                    item = news.get(timeout=POLL_S)
                except queue.Empty:
                    continue
                if isinstance(item, BaseException):
                    raise item
                yield item
                if isinstance(item, Model):
                    return
        finally:
            # The call's place among the workers is free only when its work has really stopped.
            left.set()
            worker.join()


def decode_cutout(png: bytes) -> NDArray[np.uint8]:
    """(h, w, 4) uint8 sRGB straight alpha.

    Raises:
        InvalidImage: not an RGBA PNG that can be decoded, or a too large one.
    """
    if len(png) < 33 or not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InvalidImage("cutout must be a PNG file", field="cutout")
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    if width * height > MAX_CUTOUT_PIXELS:
        raise InvalidImage(
            f"cutout must have at most {MAX_CUTOUT_PIXELS} pixels, not {width} x {height}", field="cutout"
        )
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise InvalidImage("cutout cannot be decoded as PNG", field="cutout")
    if image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8:
        raise InvalidImage(
            f"cutout must have four channels of 8 bits, not {image.dtype} of shape {image.shape}", field="cutout"
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), dtype=np.uint8)
