"""A process's log on disk: bounded in size, and never a reason to fail."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import IO

MAX_BYTES = 16_000_000
"""Of one file; about 100,000 lines."""

KEPT_FILES = 3
"""Older files beside the one that is written: ``NAME.log.1`` is the newest of them."""

RETRY_S = 1.0
"""After a write that failed (a full disk), the file is left alone for so long."""


class LogFile:
    """Lines of one process. What cannot be written is counted, and told when it can be again."""

    def __init__(
        self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES, retry_s: float = RETRY_S
    ) -> None:
        """
        Args:
            path: of the file that is written; it is continued where it exists.
            max_bytes: above this a new file is begun.
            kept: older files that stay.
            retry_s: after a write that failed, the file is left alone for so long.
        """
        self._retry_s = retry_s
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._file: IO[bytes] | None = None
        self._size = 0
        self._lost = 0
        self._again_at = 0.0

    def write(self, line: bytes) -> None:
        """Append a line, with its line break. Never raises."""
        if self._lost and time.monotonic() < self._again_at:
            self._lost += 1
            return
        try:
            file = self._open(len(line))
            if self._lost:
                note = b"... %d lines could not be written\n" % self._lost
                file.write(note)
                self._size += len(note)
            file.write(line)
            self._size += len(line)
            self._lost = 0
        except (OSError, ValueError):
            self._lost += 1
            self._again_at = time.monotonic() + self._retry_s
            self.close()

    def close(self) -> None:
        """Let go of the file; a later ``write`` opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _open(self, more: int) -> IO[bytes]:
        if self._file is None:
            # Unbuffered: what was written stays written when the keeper is killed, and a full disk is noticed here.
            self._file = self._path.open("ab", buffering=0)
            self._size = self._file.tell()
        if self._size and self._size + more > self._max_bytes:
            self.close()
            self._rotate()
            self._file = self._path.open("ab", buffering=0)
            self._size = 0
        return self._file

    def _rotate(self) -> None:
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{age}") for age in range(1, self._kept + 1))]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
