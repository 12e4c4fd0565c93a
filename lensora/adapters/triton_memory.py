"""Large inputs handed to a Triton on the same host through shared memory instead of the socket.

Only for a Triton that sees the same ``/dev/shm`` and runs as the same user, such as a container of the same pod: a
region is readable by that user alone. Regions are kept and used again, because making and registering one costs what
it saves: a picture of 12 MB takes 3.5 ms through a kept region and 20 ms through the socket (2 cores, round trips of a
model that does nothing).
"""

from __future__ import annotations

import os
import threading
import uuid
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from lensora.observability import logs

_log = logs.get(__name__)

FOLDER = Path("/dev/shm")  # noqa: S108 - POSIX shared memory
"""Where Linux keeps regions."""

LEAST_BYTES = 1 << 20
"""Smaller tensors go over the socket."""

MOST_KEPT = 8
"""Free regions that are kept; a service runs a handful of calls at a time."""

CALL_TIMEOUT_S = 5.0
"""For registering and unregistering."""


@dataclass(frozen=True)
class Region:
    """A region of shared memory: its name, itself, and its bytes."""

    name: str
    memory: SharedMemory
    capacity: int


def new_region(size_bytes: int) -> Region:
    """A region of at least so many bytes, all of which are there. Raises OSError: there is no room for them."""
    capacity = 1 << (size_bytes - 1).bit_length()
    # The process's number is for people who look into /dev/shm after a crash.
    name = f"lensora-in-{os.getpid()}-{uuid.uuid4().hex}"
    region = Region(name, SharedMemory(name, create=True, size=capacity), capacity)
    try:
        # Pages that cannot be had when they are written to end the process: a container's /dev/shm has 64 MB.
        with (FOLDER / name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, capacity)
    except OSError:
        _remove(region)
        raise
    return region


class SharedInputs:
    """Hands inputs to one server. Safe to use from several threads."""

    def __init__(self, client: InferenceServerClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._free: list[Region] = []
        # Also at the end of the process: a region outlives it otherwise.
        self._finalizer = weakref.finalize(self, _remove_all, self._free)

    @contextmanager
    def tensors(self, inputs: Mapping[str, NDArray[Any]]) -> Iterator[list[InferInput]]:
        """A call's inputs; large ones lie in memory that is theirs as long as the block runs, where there is room.

        Raises:
            InferenceServerException: the server cannot open a region: it is on another host, or another user's.
        """
        used: list[Region] = []
        try:
            tensors = []
            for name, array in inputs.items():
                tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
                small = array.dtype == object or array.nbytes < LEAST_BYTES
                region = None if small else self._borrow(array.nbytes)
                if region is None:
                    tensor.set_data_from_numpy(array if array.dtype == object else np.ascontiguousarray(array))
                else:
                    used.append(region)
                    np.ndarray(array.shape, array.dtype, buffer=region.memory.buf)[...] = array
                    tensor.set_shared_memory(region.name, array.nbytes)
                tensors.append(tensor)
            yield tensors
        except BaseException:
            # A call that ended badly may still be read over there, or the server has forgotten the region.
            for region in used:
                self._discard(region)
            raise
        else:
            self._give_back(used)

    def forget(self) -> None:
        """Drop every free region: the server was away and knows none of them any more."""
        with self._lock:
            free, self._free[:] = list(self._free), []
        for region in free:
            _remove(region)

    def _borrow(self, size_bytes: int) -> Region | None:
        """A region that is registered; None where there is no room for one."""
        with self._lock:
            fitting = [region for region in self._free if region.capacity >= size_bytes]
            if fitting:
                region = min(fitting, key=lambda item: item.capacity)
                self._free.remove(region)
                return region
        try:
            region = new_region(size_bytes)
        except OSError as error:
            _log.warning("shared_memory_full", folder=str(FOLDER), size_bytes=size_bytes, error=str(error))
            return None
        try:
            self._client.register_system_shared_memory(
                region.name, f"/{region.name}", region.capacity, client_timeout=CALL_TIMEOUT_S
            )
        except BaseException:
            _remove(region)
            raise
        return region

    def _give_back(self, regions: list[Region]) -> None:
        for region in regions:
            with self._lock:
                kept = len(self._free) < MOST_KEPT
                if kept:
                    self._free.append(region)
            if not kept:
                self._discard(region)

    def _discard(self, region: Region) -> None:
        with suppress(InferenceServerException):
            self._client.unregister_system_shared_memory(region.name, client_timeout=CALL_TIMEOUT_S)
        _remove(region)


def _remove(region: Region) -> None:
    region.memory.close()
    region.memory.unlink()


def _remove_all(regions: list[Region]) -> None:
    for region in regions:
        _remove(region)
