"""What the C library does with memory that this process has freed, where it is glibc's; elsewhere nothing is done."""

from __future__ import annotations

import ctypes
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Numbers of mallopt(3)."""

ARENAS = 2
"""Heaps that threads share. Left to itself, glibc gives each thread one of its own, up to eight a core, and what one
call's thread has freed is of no use to the next: 50 to 90 MB in each of segment and mesh after a few pictures."""


def bound_arenas() -> None:
    """Let threads share few heaps. To be called before the first of them starts."""
    _call("mallopt", M_ARENA_MAX, ARENAS)


def keep(large_block: int, kept_free: int) -> None:
    """Fix what glibc would otherwise learn from the sizes that it sees.

    Args:
        large_block: blocks of so many bytes go back to the system when they are freed.
        kept_free: free bytes at the end of a heap that are kept for what comes next.
    """
    _call("mallopt", M_MMAP_THRESHOLD, large_block)
    _call("mallopt", M_TRIM_THRESHOLD, kept_free)


def give_back() -> None:
    """Give the system every page that is free now."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    try:
        function: Any = getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):
        return
    if function is not None:
        function(*arguments)
