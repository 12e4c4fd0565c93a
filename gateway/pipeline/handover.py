"""Brings a finished job's files to the customer's own storage, by URLs that they have signed for one PUT each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

from gateway.egress import Answer, AnsweredLate, EgressRefused, FetchFailed, HostUnresolved
from gateway.jobs.records import OutputFile
from lensora.adapters.artifacts import ArtifactStore
from lensora.core.errors import LensoraError
from lensora.core.words import DeliveryStatus
from lensora.observability import logs

_log = logs.get(__name__)

TRIES = 4
PAUSES_S = (1.0, 4.0, 10.0)
"""Between the tries: a storage that throttles, or a network that blinks, is better within seconds."""
TRY_S = 60.0
"""Longest time of one try: 100 MB at 2 MB a second."""
RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed. 403 is not one: a signature that has expired stays so."""


class Sender(Protocol):
    """Puts a body to an address outside; private ones are refused at connect time."""

    async def put(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Raises EgressRefused and FetchFailed."""
        ...


class Handover:
    """Sends files to presigned URLs, one after the other."""

    def __init__(self, artifacts: ArtifactStore, sender: Sender) -> None:
        """
        Args:
            artifacts: where the files lie.
            sender: the guarded way out.
        """
        self._artifacts = artifacts
        self._sender = sender

    async def deliver(
        self, urls: Mapping[str, str], files: Mapping[str, OutputFile], *, within_s: float
    ) -> dict[str, DeliveryStatus]:
        """What became of each file that has a URL; a file that cannot be delivered fails nothing.

        A storage that has not answered in the time of a try is given up for all files: each further minute would be one
        in which the job holds its place among those that run.

        A repeat, after a worker has died, sends the same bytes to the same places again.

        Args:
            urls: by the files' names.
            files: those that the job has.
            within_s: seconds for all; what is not delivered by then is not.
        """
        told = dict.fromkeys(urls, DeliveryStatus.UNDELIVERED)
        with contextlib.suppress(TimeoutError, AnsweredLate):
            async with asyncio.timeout(within_s):
                for name in urls:
                    if name in files:
                        told[name] = await self._one(name, urls[name], files[name])
        return told

    async def _one(self, name: str, url: str, file: OutputFile) -> DeliveryStatus:
        try:
            data = await self._artifacts.get_async(file.artifact)
        except LensoraError as error:
            _log.warning("file_not_delivered", file=name, code=error.code)
            return DeliveryStatus.UNDELIVERED
        headers = {"Content-Type": file.artifact.media_type}
        for attempt in range(TRIES):
            try:
                answer = await self._sender.put(url, data, headers, timeout_s=TRY_S)
            except HostUnresolved:
                status, again = 0, True
            except EgressRefused:
                _log.warning("file_not_delivered", file=name, reason="refused")
                return DeliveryStatus.UNDELIVERED
            except AnsweredLate:
                _log.warning("file_not_delivered", file=name, reason="answered late", tries=attempt + 1)
                raise
            except FetchFailed as error:
                status, again = 0, error.retryable
            else:
                status, again = answer.status, answer.status in RETRYABLE
                if 200 <= status < 300:
                    _log.info("file_delivered", file=name, tries=attempt + 1)
                    return DeliveryStatus.DELIVERED
            if not again or attempt == TRIES - 1:
                _log.warning("file_not_delivered", file=name, status=status, tries=attempt + 1)
                return DeliveryStatus.UNDELIVERED
            await asyncio.sleep(PAUSES_S[attempt])
        raise AssertionError("the last try returns")
