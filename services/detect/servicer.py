"""Detector: proto <-> core types, nothing else."""

from __future__ import annotations

import grpc
import numpy as np
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from lensora.adapters.artifacts import ArtifactStore
from lensora.api.detect.v1 import detector_pb2, detector_pb2_grpc
from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidRequest
from lensora.imaging.budget import MemoryBudget
from lensora.imaging.photo import Photo
from lensora.imaging.reader import PictureReader
from lensora.rpc.call import Call, unary
from lensora.rpc.messages import (
    artifact_from_proto,
    artifact_to_proto,
    box_from_proto,
    box_to_proto,
    model_use_to_proto,
    output_key,
)
from services.detect.detection import MAX_OBJECTS, MIN_OBJECTS, Detection, Detector
from services.detect.film import FILM_BYTES, stills_of
from services.detect.likeness import likeness
from services.detect.trimmed import detected
from services.detect.turning import chosen


class DetectorServicer(detector_pb2_grpc.DetectorServicer):
    """Finds the things in a stored photo, and chooses a stored film's pictures."""

    def __init__(self, artifacts: ArtifactStore, detector: Detector, pictures: PictureReader | None = None) -> None:
        """
        Args:
            artifacts: where photos are read.
            detector: finds the things.
            pictures: decodes photos.
        """
        self._artifacts = artifacts
        self._detector = detector
        self._pictures = pictures or PictureReader()
        # Of their own: a film takes seconds, and photos shall not wait for its memory either.
        self._films = MemoryBudget(FILM_BYTES)

    def Detect(  # noqa: N802 (gRPC's name)
        self, request: detector_pb2.DetectRequest, context: grpc.ServicerContext
    ) -> detector_pb2.DetectResponse:
        """See detector.proto."""
        if not MIN_OBJECTS <= request.max_objects <= MAX_OBJECTS:
            raise InvalidRequest(
                f"max_objects must be {MIN_OBJECTS} to {MAX_OBJECTS}, not {request.max_objects}", field="max_objects"
            )
        return unary(context, lambda call: self._found(request, call))

    def ChooseFrames(  # noqa: N802 (gRPC's name)
        self, request: detector_pb2.ChooseFramesRequest, context: grpc.ServicerContext
    ) -> detector_pb2.ChooseFramesResponse:
        """See detector.proto."""
        return unary(context, lambda call: self._chosen(request, call))

    def _chosen(self, request: detector_pb2.ChooseFramesRequest, call: Call) -> detector_pb2.ChooseFramesResponse:
        data = self._artifacts.get(artifact_from_proto(request.video, field="video"))
        with self._films.held(FILM_BYTES, call.check):
            stills = stills_of(data, call.check)
        del data
        # Where the thing is half-way round: motion and sharpness are measured there.
        middle = self._pictures.read(
            stills[len(stills) // 2].jpeg, longest_side_px=self._detector.working_side_px, alive=call.check
        )
        detection = self._detector.detect(middle, MIN_OBJECTS, call)
        picked = chosen(stills, detection.proposals[0].box, call.check)
        frames = []
        for place, (number, share) in enumerate(zip(picked.numbers, picked.shares, strict=True)):
            call.check()
            key = output_key(request.output_prefix, f"frame-{place}", request, MediaType.JPEG)
            moment = Duration()
            moment.FromMilliseconds(round(stills[number].second * 1000.0))
            stored = artifact_to_proto(self._artifacts.put(key, stills[number].jpeg, MediaType.JPEG))
            frames.append(detector_pb2.Frame(picture=stored, moment=moment, share=share))
        return detector_pb2.ChooseFramesResponse(
            frames=frames,
            direction=picked.direction,
            models=[model_use_to_proto(use) for use in detection.models],
        )

    def _compared(
        self, photo: Photo, detection: Detection, reference: detector_pb2.Reference, call: Call
    ) -> NDArray[np.float64] | None:
        """How like each proposal is each thing of the reference: (proposals, things); None where nobody can tell."""
        if not 1 <= len(reference.boxes) <= MAX_OBJECTS:
            raise InvalidRequest(
                f"reference.boxes must have 1 to {MAX_OBJECTS}, not {len(reference.boxes)}", field="reference.boxes"
            )
        looks = self._detector.looks(photo, [proposal.box for proposal in detection.proposals], call)
        if looks is None:
            return None
        data = self._artifacts.get(artifact_from_proto(reference.photo, field="reference.photo"))
        other = self._pictures.read(data, longest_side_px=self._detector.working_side_px, alive=call.check)
        del data
        boxes = [box_from_proto(box, field="reference.boxes") for box in reference.boxes]
        others = self._detector.looks(other, boxes, call)
        return None if others is None else likeness(looks, others)

    def _found(self, request: detector_pb2.DetectRequest, call: Call) -> detector_pb2.DetectResponse:
        data = self._artifacts.get(artifact_from_proto(request.photo, field="photo"))
        photo = self._pictures.read(data, longest_side_px=self._detector.working_side_px, alive=call.check)
        del data
        call.check()
        detection = detected(self._detector, photo, request.max_objects, call)
        alike = self._compared(photo, detection, request.reference, call) if request.HasField("reference") else None
        return detector_pb2.DetectResponse(
            proposals=[
                detector_pb2.Proposal(
                    label=proposal.label,
                    category=proposal.category,
                    box=box_to_proto(proposal.box),
                    score=proposal.score,
                    likeness=() if alike is None else alike[place].tolist(),
                )
                for place, proposal in enumerate(detection.proposals)
            ],
            suggested_actions=[
                detector_pb2.SuggestedAction(code=action.code, message=action.message) for action in detection.actions
            ],
            width=photo.info.width,
            height=photo.info.height,
            models=[model_use_to_proto(use) for use in detection.models],
        )
