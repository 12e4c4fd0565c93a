"""Whether this process takes new work."""

from __future__ import annotations

import asyncio


class Lifecycle:
    """``draining`` is set at SIGTERM, and what waits for long goes home."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()
