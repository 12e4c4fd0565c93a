"""Waits for the device without holding Python's lock.

moderngl keeps the lock while ``glReadPixels`` waits for a frame that is still being drawn, so nothing else of the
process could run then, neither composing nor feeding the encoders. OpenGL's own fences (3.2, section 5.2) through
ctypes, which gives the lock up during a call, leave nothing to wait for when the frame is read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from lensora.core.errors import RenderFailed

GPU_COMMANDS_COMPLETE = 0x9117
FLUSH_COMMANDS = 1

PATIENCE_NS = 20_000_000_000
"""Longer than any frame takes; a device that hangs is found by what reads the frame then."""


class Fences:
    """Marks places in a context's commands and waits for them. Used on the context's own thread."""

    def __init__(self) -> None:
        found = ctypes.CDLL("libEGL.so.1").eglGetProcAddress
        found.restype, found.argtypes = ctypes.c_void_p, [ctypes.c_char_p]

        def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
            address = found(name.encode())
            if not address:
                raise RenderFailed(f"EGL has no {name}")
            made: Callable[..., Any] = ctypes.CFUNCTYPE(result, *arguments)(address)
            return made

        self._set = function("glFenceSync", ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        self._wait = function("glClientWaitSync", ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint64)
        self._delete = function("glDeleteSync", None, ctypes.c_void_p)

    def mark(self) -> int | None:
        """A fence behind the commands given so far, which start now."""
        fence: int | None = self._set(GPU_COMMANDS_COMPLETE, 0)
        return fence

    def wait(self, fence: int | None) -> None:
        """Return when the commands before the fence are done; the fence is gone then."""
        if fence is not None:
            self._wait(fence, FLUSH_COMMANDS, PATIENCE_NS)
            self._delete(fence)
