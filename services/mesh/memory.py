"""The last few results of costly work by key, each made once however many ask for it at the same time."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

LOOK_S = 0.05
"""Who waits for another's work looks this often whether it is still wanted itself."""


class Memory(Generic[K, V]):
    """Safe to use from several threads."""

    def __init__(self, most: float = math.inf) -> None:
        """
        Args:
            most: results that are kept; the one that was asked for longest ago goes first. All if not given.
        """
        self._most = most
        self._kept: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, make: Callable[[], V], check: Callable[[], None] = lambda: None) -> V:
        """What was made for ``key``, made now if nothing was.

        Args:
            key: says what it is of.
            make: makes it; what it raises is raised here, and not kept: the next to ask makes it anew.
            check: called while another thread makes it; raises when nobody waits here any more.
        """
        while True:
            with self._lock:
                future = self._kept.get(key)
                mine = future is None
                if future is None:
                    future = self._kept[key] = Future()
                self._kept.move_to_end(key)
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            if mine:
                return self._made(key, future, make)
            while not wait([future], LOOK_S).done:
                check()
            if future.exception() is None:
                return future.result()
            # Its maker has failed, or was cancelled, which is no reason for this caller to fail.

    def _made(self, key: K, future: Future[V], make: Callable[[], V]) -> V:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                if self._kept.get(key) is future:
                    del self._kept[key]
            future.set_exception(error)
            raise
        future.set_result(value)
        return value
