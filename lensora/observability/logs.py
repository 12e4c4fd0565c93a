"""Structured logs: an event name and fields; JSON on a pipe, readable on a terminal.

``job_id``, ``request_id`` and ``stage`` are bound in context variables (``bind``) and appear in every line of the work.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from lensora.observability import traces

Logger = structlog.stdlib.BoundLogger


def configure(process: str, *, level: str = "info", log_format: str = "auto") -> None:
    """Set up logging of this process, once, on standard error.

    Args:
        process: the process's name, a field of every line (``gateway``, ``mesh``).
        level: least level that is written: debug, info, warning or error.
        log_format: ``json``, ``console``, or ``auto`` (console on a terminal, else JSON).
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _process_name(process),
        _trace,
    ]
    renderer: list[Any]
    if console:
        renderer = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    else:
        renderer = [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn.access", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get(name: str) -> Logger:
    """A logger; cheap, lazy, safe at import."""
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bind(**fields: str) -> Iterator[None]:
    """Add fields to every line that is logged inside the block, in this thread or task."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def _trace(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    event.update(traces.fields())
    return event


def _process_name(process: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["process"] = process
        return event

    return add
