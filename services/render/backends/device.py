"""Finds and opens the OpenGL device: the driver's through EGL on a GPU, Mesa's llvmpipe on a CPU."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes.util import find_library

import moderngl

from lensora.core.errors import RenderFailed

_create_context: Callable[..., moderngl.Context] = (
    moderngl.create_context
)  # its stub has wrong types for EGL's arguments

SOFTWARE = ("llvmpipe", "softpipe", "swrast")
"""Names by which Mesa's renderers on the CPU can be told."""

MOST_DEVICES = 16
"""EGL devices that are tried when one is looked for."""


def open_context(device: str) -> moderngl.Context:
    """A context on the wanted device.

    Args:
        device: ``auto`` (the first GPU, else the CPU), ``cpu``, ``gpu``, or the index of an EGL device.

    Raises:
        RenderFailed: there is no such device, or its driver fails.
    """
    if device.isdigit():
        return _open(int(device))
    fallback: moderngl.Context | None = None
    problem = "none found"
    for index in range(MOST_DEVICES):
        try:
            context = _open(index)
        except RenderFailed as exc:
            problem = exc.message
            if index > 0 or fallback is not None:
                break
            continue
        software = is_software(context)
        if device == ("cpu" if software else "gpu") or (device == "auto" and not software):
            if fallback is not None:
                fallback.release()
            return context
        if device == "auto" and fallback is None:
            fallback = context
        else:
            context.release()
    if fallback is not None:
        return fallback
    raise RenderFailed(f"no OpenGL device for LENSORA_RENDER_DEVICE={device}: {problem}")


def is_software(context: moderngl.Context) -> bool:
    """Whether the CPU draws."""
    return any(name in context.info["GL_RENDERER"].lower() for name in SOFTWARE)


def outwaiting(context: moderngl.Context) -> Callable[[], None]:
    """A function that waits until all is drawn that the thread's context was told to draw, while other threads of
    Python run.

    moderngl holds the interpreter's lock in every call, also while it waits for pixels: half of a film's time on a CPU,
    in which nothing could be composed or handed to an encoder.
    """
    return _plain_call("glFinish") or context.finish


def flushing(context: moderngl.Context) -> Callable[[], None]:
    """A function that has the device begin what the thread's context was told to draw; nothing waits for it.

    Without it llvmpipe keeps the last drawing to itself until somebody asks for its pixels.
    """
    return _plain_call("glFlush") or context.finish


def _plain_call(name: str) -> Callable[[], None] | None:
    """A function of OpenGL without arguments, called without Python's lock; None where EGL does not tell it."""
    try:
        address = ctypes.CDLL(find_library("EGL") or "libEGL.so.1").eglGetProcAddress
    except (OSError, AttributeError):  # the context came from a library of another name
        return None
    address.argtypes, address.restype = [ctypes.c_char_p], ctypes.c_void_p
    place = address(name.encode())
    if not place:
        return None
    plain: Callable[[], None] = ctypes.CFUNCTYPE(None)(place)
    return plain


def _open(index: int) -> moderngl.Context:
    try:
        return _create_context(standalone=True, backend="egl", device_index=index, require=330)
    except Exception as exc:  # glcontext and moderngl raise bare Exception
        raise RenderFailed(f"OpenGL cannot be opened on EGL device {index}: {exc}") from exc
