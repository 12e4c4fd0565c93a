"""A service's health follows its models'. Whoever has none, such as the renderer, loads no engine for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lensora.observability import logs

if TYPE_CHECKING:
    from lensora.adapters.inference import Model

_log = logs.get(__name__)

READINESS_INTERVAL_S = 2.0
"""How often a service asks whether its models still answer: about how long a caller waits before it tries again."""


class ReadinessWatch:
    """Tells a service's health when a model stops or starts to answer."""

    def __init__(
        self,
        models: Sequence[Model],
        on_look: Callable[[bool], None],
        *,
        interval_s: float = READINESS_INTERVAL_S,
    ) -> None:
        """
        Args:
            models: all must be ready.
            on_look: told at every look whether all are ready, such as ``Server.set_serving``.
            interval_s: seconds between two looks.
        """
        self._models = list(models)
        self._on_look = on_look
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)

    def start(self) -> None:
        """Look from now on, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _missing(self) -> str:
        return next((model.name for model in self._models if not model.ready()), "")

    def _run(self) -> None:
        last: bool | None = None
        while not self._stop.is_set():
            missing = self._missing()
            ready = not missing
            if ready != last:
                _log.info("models_ready" if ready else "model_not_ready", model=missing)
                last = ready
            # Told every time: somebody else may have changed the health meanwhile, such as the start-up itself.
            self._on_look(ready)
            self._stop.wait(self._interval_s)
