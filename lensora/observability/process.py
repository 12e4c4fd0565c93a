"""What every process does first: logs, traces, metrics, and a word about settings that nobody reads."""

from __future__ import annotations

import os

from lensora import __version__
from lensora.observability import logs, metrics, traces
from lensora.settings import Settings, unknown_variables

_log = logs.get(__name__)


def begin(process: str, settings: Settings) -> None:
    """Set up what tells of this process, once.

    Args:
        process: the process's name in logs, traces and metrics, such as ``mesh``.
        settings: how.
    """
    logs.configure(process, level=settings.log_level, log_format=settings.log_format)
    traces.configure(process, __version__, settings.otlp_endpoint)
    metrics.serve(process, __version__, settings.metrics_host, settings.metrics_port)
    for name, like in unknown_variables(os.environ).items():
        _log.warning("setting_unknown", variable=name, **({"did_you_mean": like} if like else {}))
