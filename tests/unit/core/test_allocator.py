"""Heaps of the C library: few, however many threads there are."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes, sys, threading
from lensora.allocator import bound_arenas, give_back, keep
bound_arenas()
keep(4 << 20, 16 << 20)
barrier = threading.Barrier(8)
def work():
    held = [bytearray(5_000) for _ in range(100)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
give_back()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fflush.argtypes = (ctypes.c_void_p,)
out = libc.fdopen(1, b"w")
libc.malloc_info(0, out)
libc.fflush(out)
"""


def test_threads_share_two_heaps() -> None:
    """Eight threads that allocate at the same time get no heap each; glibc says so itself."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert 1 <= done.stdout.count("<heap nr=") <= 2
