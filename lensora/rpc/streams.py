"""Streaming calls as their callers see them: progress, and a result at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio


async def result_of(
    call: grpc.aio.UnaryStreamCall[Any, Any], progress: Callable[[float], None] = lambda _fraction: None
) -> Any | None:
    """The result of a call whose messages are ``oneof outcome {progress, result}``; None where it ended without one.

    The stream is read to its end. To the server, a caller that leaves with the result in hand is one that has canceled,
    and it counts the call so.

    Args:
        call: just begun; it is over afterwards, whatever happens.
        progress: takes each report, 0 to 1.

    Raises:
        AioRpcError: the server failed before there was a result.
    """
    result = None
    try:
        async for message in call:
            if message.WhichOneof("outcome") == "result":
                result = message.result
            else:
                progress(message.progress.fraction)
    except grpc.aio.AioRpcError:
        if result is None:
            raise
    finally:
        # A task that is cancelled while it waits must not leave the work running over there.
        call.cancel()
    return result
