"""The drawing engine: one thread that owns the OpenGL context, and what happens when either dies.

A context belongs to the thread that made it, so calls hand their shots to the engine's thread and take finished layers
from a bounded queue. When the renderer fails, or its thread dies, the engine makes a new one and goes on from the frame
that was not delivered, once; a second failure in the same shot is the caller's error. The process lives on either way.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lensora.core.errors import LensoraError, RenderFailed
from lensora.observability import logs
from services.render import metrics
from services.render.shot import Layer, Shot, SubjectRenderer

_log = logs.get(__name__)

LAYERS_WAITING = 12
"""Layers drawn ahead of the compositor: as many as are drawn while the plate and the shadow are made, each about 1 MB
at 768 pixels."""

POLL_S = 0.1
"""Waiting threads look this often whether they are still wanted: a cancelled job stops within twice this and one
frame."""

RETRIES = 1
"""Times that a shot goes on with a new renderer."""


@dataclass
class _Order:
    """A shot on its way through the engine, and the thread that draws it; None while it waits."""

    shot: Shot
    start: int
    layers: queue.Queue[Layer | BaseException | None] = field(default_factory=lambda: queue.Queue(LAYERS_WAITING))
    abandoned: threading.Event = field(default_factory=threading.Event)
    drawn_by: threading.Thread | None = None


class Engine:
    """Draws shots, one at a time, on a thread of its own."""

    def __init__(self, make_renderer: Callable[[], SubjectRenderer]) -> None:
        """
        Args:
            make_renderer: opens the backend; called on the engine's thread, again after a failure.
        """
        self._make_renderer = make_renderer
        self._orders: queue.Queue[_Order | None] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._device = ""
        self._closed = False

    @property
    def device(self) -> str:
        """The device's name as OpenGL gives it; empty before the first renderer is open."""
        return self._device

    def start(self) -> None:
        """Open the renderer now, so that a missing driver is found at the start.

        Raises:
            RenderFailed: no renderer can be opened.
        """
        order = _Order(shot=None, start=0)  # type: ignore[arg-type]
        self._send(order)
        item = self._take(order, lambda: None)
        if isinstance(item, BaseException):
            raise item

    def layers(self, shot: Shot, check: Callable[[], None]) -> Iterator[Layer]:
        """The layers of a shot, in order.

        Raises:
            LensoraError: what ``check`` raised, called at least every ``POLL_S``.
            RenderFailed: the renderer failed twice.
        """
        following, failures = 0, 0
        while following < len(shot.poses):
            order = _Order(shot, following)
            self._send(order)
            try:
                while following < len(shot.poses):
                    item = self._take(order, check)
                    if isinstance(item, BaseException):
                        failures += 1
                        if failures > RETRIES:
                            raise _translated(item)
                        metrics.RESTARTS.inc()
                        _log.warning("renderer restarted", frame=following, problem=str(item))
                        break
                    if item is None:
                        break
                    following = item.index + 1
                    yield item
            finally:
                order.abandoned.set()

    def close(self) -> None:
        """End the thread; running shots fail."""
        self._closed = True
        self._orders.put(None)
        thread = self._thread
        if thread is not None:
            thread.join(timeout=10.0)

    def _send(self, order: _Order) -> None:
        with self._lock:
            if self._closed:
                raise RenderFailed("the renderer is closed")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="render-gl", daemon=True)
                self._thread.start()
            self._orders.put(order)

    def _take(self, order: _Order, check: Callable[[], None]) -> Layer | BaseException | None:
        while True:
            check()
            try:
                return order.layers.get(timeout=POLL_S)
            except queue.Empty:
                # Another shot may have had a new thread by now, which knows nothing of this one.
                thread = order.drawn_by or self._thread
                if thread is None or not thread.is_alive():
                    return RenderFailed("the drawing thread died")

    def _run(self) -> None:
        renderer: SubjectRenderer | None = None
        try:
            while (order := self._orders.get()) is not None:
                if order.abandoned.is_set():
                    continue
                order.drawn_by = threading.current_thread()
                try:
                    if renderer is None:
                        renderer = self._make_renderer()
                        self._device = renderer.device
                        metrics.device(renderer.device)
                    if order.shot is not None:
                        self._draw(renderer, order)
                    _put(order, None)
                except Exception as exc:  # a driver may raise anything; the caller gets it as a typed error
                    _put(order, exc)
                    _close(renderer)
                    renderer = None
        finally:
            _close(renderer)

    def _draw(self, renderer: SubjectRenderer, order: _Order) -> None:
        layers = renderer.layers(order.shot, order.start)
        before = time.perf_counter()
        try:
            for layer in layers:
                metrics.DRAW_SECONDS.observe(time.perf_counter() - before)
                if not _put(order, layer):
                    break
                before = time.perf_counter()
        finally:
            close = getattr(layers, "close", None)
            if close is not None:
                close()


def _put(order: _Order, item: Layer | BaseException | None) -> bool:
    """Hand an item over; False when nobody waits for it any more."""
    while not order.abandoned.is_set():
        try:
            order.layers.put(item, timeout=POLL_S)
        except queue.Full:
            continue
        else:
            return True
    return False


def _close(renderer: SubjectRenderer | None) -> None:
    if renderer is not None:
        try:
            renderer.close()
        except Exception as exc:  # a lost context cannot even be released
            _log.warning("renderer did not close", problem=str(exc))


def _translated(problem: BaseException) -> LensoraError:
    if isinstance(problem, LensoraError):
        return problem
    error = RenderFailed(f"the renderer failed: {type(problem).__name__}: {problem}")
    error.__cause__ = problem
    return error
