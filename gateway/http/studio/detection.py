"""The detection service, as ``/init`` sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import MIN_CROP_SIDE_PX, Box, Proposal, SuggestedAction
from lensora.core.errors import DetectionUnavailable, InvalidInput
from lensora.observability import logs, traces
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_from_proto,
    box_to_proto,
    model_use_from_proto,
)
from lensora.rpc.status import error_of

RETRY_AFTER_S = 5.0
"""The public page says: retry after a few seconds."""

SMALL_PHOTO_PX = 2 * MIN_CROP_SIDE_PX
"""In a photo under this on its shorter side, a thing that fills most of it may still be too small to be cut out."""

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Detected:
    """What a photo shows.

    Attributes:
        proposals: best first, the full frame last.
        width: of the upright photo, pixels.
        height: of the upright photo, pixels.
        elapsed_ms: measured time of detection.
        likeness: of each proposal, how like each thing of the reference it looks, 0..1; empty where nothing was
            compared.
    """

    proposals: tuple[Proposal, ...]
    actions: tuple[SuggestedAction, ...]
    width: int
    height: int
    models: tuple[ModelUse, ...]
    elapsed_ms: int
    likeness: Mapping[Proposal, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """Another photo, and where the things are that are looked for."""

    photo: Artifact
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Filmed:
    """The pictures of a film that are kept.

    Attributes:
        frames: each picture, the second of the film, and the share of the turn before it, 0..1.
        direction: which way it turns, -1..1.
        models: what helped to choose.
    """

    frames: tuple[tuple[Artifact, float, float], ...]
    direction: float
    models: tuple[ModelUse, ...]


class Detection:
    """Calls the Detector with a deadline."""

    def __init__(self, channel: grpc.aio.Channel, *, deadline_s: float, film_s: float) -> None:
        """
        Args:
            channel: to the detect service.
            deadline_s: seconds that a photo may take.
            film_s: seconds that the choice of a film's pictures may take.
        """
        self._stub = detector_pb2_grpc.DetectorStub(channel)
        self._deadline_s = deadline_s
        self._film_s = film_s

    async def frames(self, video: Artifact, prefix: str, *, request_id: str) -> Filmed:
        """Choose the pictures of a stored film, and store them.

        Args:
            video: the film.
            prefix: where in the artifacts' store the pictures are put.
            request_id: of the request.

        Raises:
            InvalidVideo: the service cannot decode it, it is over a limit, or nothing turns in it.
            DetectionUnavailable: no answer in time, or none at all; nothing is charged.
        """
        message = detector_pb2.ChooseFramesRequest(video=artifact_to_proto(video), output_prefix=prefix)
        answer = await _answered(self._stub.ChooseFrames, message, self._film_s, request_id)
        return Filmed(
            tuple(
                (
                    artifact_from_proto(frame.picture, field="picture"),
                    frame.moment.ToMilliseconds() / 1000.0,
                    frame.share,
                )
                for frame in answer.frames
            ),
            answer.direction,
            tuple(model_use_from_proto(use) for use in answer.models),
        )

    async def detect(
        self, photo: Artifact, max_objects: int, *, request_id: str, reference: Reference | None = None
    ) -> Detected:
        """Find things in a stored photo, and compare them with those of another where one is given.

        Raises:
            InvalidImage: the service cannot decode it.
            DetectionUnavailable: no answer in time, or none at all; nothing is charged.
        """
        started = time.perf_counter()
        request = detector_pb2.DetectRequest(photo=artifact_to_proto(photo), max_objects=max_objects)
        if reference is not None:
            request.reference.photo.CopyFrom(artifact_to_proto(reference.photo))
            request.reference.boxes.extend(box_to_proto(box) for box in reference.boxes)
        answer = await _answered(self._stub.Detect, request, self._deadline_s, request_id)
        proposals = tuple(
            Proposal(
                label=proposal.label,
                category=proposal.category,
                box=box_from_proto(proposal.box, field="box"),
                score=proposal.score,
            )
            for proposal in answer.proposals
        )
        return Detected(
            proposals=offered(proposals, answer.width, answer.height),
            actions=tuple(SuggestedAction(action.code, action.message) for action in answer.suggested_actions),
            width=answer.width,
            height=answer.height,
            models=tuple(model_use_from_proto(use) for use in answer.models),
            elapsed_ms=round((time.perf_counter() - started) * 1000),
            likeness={
                proposal: tuple(told.likeness)
                for proposal, told in zip(proposals, answer.proposals, strict=True)
                if told.likeness
            },
        )


async def _answered(method: Any, message: Message, timeout_s: float, request_id: str) -> Any:
    """The service's answer. Raises InvalidInput as it does, DetectionUnavailable where there is none."""
    try:
        return await method(
            message, timeout=timeout_s, metadata=(("x-request-id", request_id), *traces.carrier().items())
        )
    except grpc.aio.AioRpcError as call:
        error = error_of(call, service="detection")
        if isinstance(error, InvalidInput):
            raise error from call
        _log.warning("detection_failed", code=error.code, error=error.message)
        raise DetectionUnavailable(
            "Object detection is temporarily unavailable; nothing was charged.", retry_after_s=RETRY_AFTER_S
        ) from call


def offered(proposals: tuple[Proposal, ...], width: int, height: int) -> tuple[Proposal, ...]:
    """The proposals of a photo without those that nobody could choose because the photo itself is small.

    So the default choice, the first object, works for a photo of 64 x 64 pixels too; the full frame always stays. In a
    larger photo a speck is offered, and refused with its size when it is chosen.

    Args:
        proposals: best first, the full frame last.
        width: of the upright photo, pixels.
        height: of the upright photo, pixels.
    """
    if min(width, height) >= SMALL_PHOTO_PX:
        return proposals
    return tuple(proposal for proposal in proposals if proposal.box.crop_side_px(width, height) >= MIN_CROP_SIDE_PX)
