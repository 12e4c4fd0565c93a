"""The segment service, as ``/cutout`` sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio

from lensora.api.segment.v1 import segmenter_pb2, segmenter_pb2_grpc
from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import Box, Point
from lensora.core.errors import FailedPrecondition, InvalidInput, Unavailable
from lensora.observability import logs, traces
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_to_proto,
    model_use_from_proto,
    point_to_proto,
)
from lensora.rpc.status import error_of
from lensora.rpc.streams import result_of

RETRY_AFTER_S = 5.0

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Cut:
    """A cutout with what the service thinks of it.

    Attributes:
        artifact: RGBA PNG, the extent of the crop.
        confidence: how likely it is right, 0..1.
        uncertain: True when a person should look at it.
    """

    artifact: Artifact
    confidence: float
    uncertain: bool
    models: tuple[ModelUse, ...]


class Cutting:
    """Calls the Segmenter with a deadline."""

    def __init__(self, channel: grpc.aio.Channel, *, deadline_s: float) -> None:
        """
        Args:
            channel: to the segment service.
            deadline_s: seconds that a cutout may take, its wait for other cutouts included.
        """
        self._stub: Any = segmenter_pb2_grpc.SegmenterStub(channel)
        self._deadline_s = deadline_s

    async def cut(
        self,
        photo: Artifact,
        box: Box,
        crop: Box,
        points: Sequence[Point],
        *,
        prefix: str,
        request_id: str,
        marked: bool,
    ) -> Cut:
        """Cut the thing in a box out of a stored photo.

        Args:
            photo: as it was uploaded.
            box: the thing's own.
            crop: the padded box.
            points: what a person said of single places.
            prefix: where the cutout is written in the artifact store.
            request_id: goes with the call.
            marked: True for a test key's: the cutout bears a mark.

        Raises:
            InvalidInput, FailedPrecondition: of the service; nothing stands out in the box, for one.
            Unavailable: no answer in time, or none at all; nothing is charged.
        """
        request = segmenter_pb2.CutoutRequest(
            photo=artifact_to_proto(photo),
            box=box_to_proto(box),
            crop=box_to_proto(crop),
            output_prefix=prefix,
            points=[point_to_proto(point) for point in points],
            marked=marked,
        )
        metadata = (("x-request-id", request_id), *traces.carrier().items())
        call = self._stub.Cutout(request, timeout=self._deadline_s, metadata=metadata)
        try:
            result = await result_of(call)
        except grpc.aio.AioRpcError as failed:
            error = error_of(failed, service="segment")
            if isinstance(error, InvalidInput | FailedPrecondition):
                raise error from failed
            _log.warning("cutout_failed", code=error.code, error=error.message)
            raise _away() from failed
        if result is None:
            raise _away()
        return _cut(result)


def _cut(result: segmenter_pb2.CutoutResult) -> Cut:
    return Cut(
        artifact=artifact_from_proto(result.cutout, field="cutout"),
        confidence=result.confidence,
        uncertain=result.uncertain,
        models=tuple(model_use_from_proto(use) for use in result.models),
    )


def _away() -> Unavailable:
    return Unavailable("Cutting out is temporarily unavailable; nothing was charged.", retry_after_s=RETRY_AFTER_S)
