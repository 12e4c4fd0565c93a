"""Structured logs: an event name and fields; JSON on a pipe, readable on a terminal.

``job_id``, ``request_id`` and ``stage`` are bound in context variables (``bind``) and appear in every line of the work.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import structlog

from lensora.observability import traces
from lensora.observability.redaction import redact

Logger = structlog.stdlib.BoundLogger

TRACEBACK_FRAMES = 12
"""The innermost frames of an exception that a log shows; local variables never: they hold keys and pictures."""

CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}
"""Written out, so that a request's text cannot begin a line of its own or move a terminal's cursor."""


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
        renderer = [
            _on_one_line,
            _short_traceback,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    else:
        renderer = [_short_traceback, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _Sink(sys.stderr)
    handler.setFormatter(
        _Redacting(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn.access", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A warning for each request that is not HTTP: whoever sends many would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    # No line shows them, and to find them out for each line costs as much as to write it (logging's "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    # What ends a process or a thread unseen goes the same way: Python's own report would pass the redaction by.
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


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


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished line, so that no field, message or exception can bring one past it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _Sink(logging.StreamHandler[Any]):
    """A log that cannot be written (a full disk, a reader that is gone) is lost, and disturbs nobody."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        return


def _short_traceback(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """``exc_info`` as text: the innermost frames, without local variables."""
    info = event.pop("exc_info", None)
    if info is None or info is False:
        return event
    error = info if isinstance(info, BaseException) else (info[1] if isinstance(info, tuple) else sys.exc_info()[1])
    if error is not None:
        # A negative limit keeps the frames nearest to the fault.
        event["exception"] = "".join(
            traceback.format_exception(type(error), error, error.__traceback__, limit=-TRACEBACK_FRAMES)
        ).rstrip()
    return event


def _on_one_line(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = value.translate(CONTROL_CHARACTERS)
    return event


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    get(__name__).critical("process_crashed", exc_info=error)


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        thread = arguments.thread.name if arguments.thread else ""
        get(__name__).critical("thread_crashed", thread=thread, exc_info=arguments.exc_value)
