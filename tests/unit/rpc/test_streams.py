"""A streaming call's result, as its caller gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest

from lensora.api.progress.v1 import progress_pb2
from lensora.api.segment.v1 import segmenter_pb2
from lensora.rpc.streams import result_of

BROKEN = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")
HALF = segmenter_pb2.CutoutResponse(progress=progress_pb2.Progress(fraction=0.5))
DONE = segmenter_pb2.CutoutResponse(result=segmenter_pb2.CutoutResult(confidence=0.75))


class Stream:
    """A call that gives some messages, and then ends or fails."""

    def __init__(self, messages: Sequence[Any], error: grpc.aio.AioRpcError | None = None) -> None:
        self.read_to_its_end = self.cancelled = False
        self._messages, self._error = messages, error

    async def __aiter__(self) -> AsyncIterator[Any]:
        for message in self._messages:
            yield message
        if self._error is not None:
            raise self._error
        self.read_to_its_end = True

    def cancel(self) -> bool:
        """As of a call."""
        self.cancelled = True
        return True


def got(stream: Stream) -> tuple[Any, list[float]]:
    """The result, and the progress on the way to it."""
    reports: list[float] = []
    call: Any = stream
    return asyncio.run(result_of(call, reports.append)), reports


def test_a_stream_is_read_to_its_end() -> None:
    """The result comes with what was reported before it, and only after the server has ended the call by itself."""
    stream = Stream([HALF, DONE])
    result, reports = got(stream)
    assert result.confidence == 0.75
    assert reports == [0.5]
    assert stream.read_to_its_end


def test_what_is_made_is_made() -> None:
    """A server that fails after its result has given it all the same."""
    assert got(Stream([DONE], BROKEN))[0].confidence == 0.75


def test_without_a_result_there_is_the_error_or_nothing() -> None:
    """A failure goes to the caller, and an empty stream has no result; either way the call is over."""
    broken, empty = Stream([HALF], BROKEN), Stream([HALF])
    with pytest.raises(grpc.aio.AioRpcError):
        got(broken)
    assert got(empty) == (None, [0.5])
    assert broken.cancelled
    assert empty.cancelled
