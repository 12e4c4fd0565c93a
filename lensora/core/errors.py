"""The one tree of errors.

Each class has a stable ``code`` (clients branch on it), and ``retryable`` (the same call may succeed later). The
table that maps classes to gRPC and HTTP statuses is ``lensora.rpc.status``; a test walks every subclass on both.

::

    LensoraError
    |-- InvalidInput                 the caller's fault; never retried
    |   |-- InvalidRequest           invalid_request
    |   |-- HeadersTooLarge          headers_too_large
    |   |-- InvalidImage             invalid_image
    |   |-- InvalidVideo             invalid_video
    |   |-- InvalidBackground        invalid_background
    |   |-- ObjectIndexOutOfRange    object_index_out_of_range
    |   |-- CropTooSmall             crop_too_small
    |   |-- SubjectUnlike            subject_unlike
    |   `-- InvalidMesh              invalid_mesh
    |-- FailedPrecondition           the input is well formed, but the work cannot be done on it
    |   `-- SubjectNotFound          subject_not_found
    |-- MethodNotAllowed             method_not_allowed
    |-- Unauthorized                 unauthorized
    |-- InsufficientCredits          insufficient_credits
    |-- NotFound
    |   |-- SessionNotFound          session_not_found
    |   |-- CutoutNotFound           cutout_not_found
    |   |-- ViewNotFound             view_not_found
    |   |-- JobNotFound              job_not_found
    |   |-- BatchNotFound            batch_not_found
    |   `-- FileNotFound             file_not_found
    |-- Conflict
    |   |-- IdempotencyInProgress    idempotency_in_progress
    |   |-- IdempotencyMismatch      idempotency_mismatch
    |   |-- TooManyJobs              too_many_jobs
    |   `-- TooManyViews             too_many_views
    |-- RateLimited                  rate_limited
    |-- RequestTooSlow               request_too_slow (retryable)
    |-- Unavailable                  unavailable (retryable)
    |   |-- DetectionUnavailable     detection_unavailable
    |   |-- Overloaded               overloaded
    |   `-- TooManyConnections       too_many_connections
    |-- DeadlineExceeded             deadline_exceeded
    |-- Cancelled                    cancelled
    |-- StageFailed                  stage_failed (retryable: another attempt may do)
    |   |-- InferenceFailed          inference_failed
    |   |-- RenderFailed             render_failed
    |   `-- EncodeFailed             encode_failed
    |-- ArtifactCorrupted            artifact_corrupted
    |-- ConfigurationError           configuration_error
    |   `-- LicenseRefused           license_refused
    `-- InternalError                internal
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class LensoraError(Exception):
    """Base of every error that may cross a process boundary.

    Args:
        message: one sentence for a person. For bad input it names the field, the limit and the value given.
        field: the name of the offending request field, where there is one.
        retry_after_s: seconds after which a retry makes sense, where it is known.
    """

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message

    @property
    def cause(self) -> str:
        """What another library said, for logs and operators alone; empty where nothing did."""
        said = self.__cause__
        return "" if said is None else f"{type(said).__name__}: {said}"


class InvalidInput(LensoraError):
    """The caller's input is wrong; the same call will fail again."""

    code = "invalid_input"


class InvalidRequest(InvalidInput):
    """A missing or malformed field."""

    code = "invalid_request"


class HeadersTooLarge(InvalidInput):
    """The request's line and headers are longer or more than a connection takes."""

    code = "headers_too_large"


class InvalidImage(InvalidInput):
    """Not a JPEG, PNG or WebP, cannot be decoded, or over a limit of size."""

    code = "invalid_image"


class InvalidVideo(InvalidInput):
    """Not an MP4 or MOV film of H.264 or HEVC, cannot be decoded, over a limit, or nothing turns in it."""

    code = "invalid_video"


class InvalidBackground(InvalidInput):
    """An unknown background type, a bad prompt, or a URL that is not a public image."""

    code = "invalid_background"


class ObjectIndexOutOfRange(InvalidInput):
    """The index names no detected object."""

    code = "object_index_out_of_range"


class CropTooSmall(InvalidInput):
    """The chosen box, padded, is under the smallest side."""

    code = "crop_too_small"


class SubjectUnlike(InvalidInput):
    """A further photo clearly shows another thing than the session's, or another side than it is said to show."""

    code = "subject_unlike"


class InvalidMesh(InvalidInput):
    """A mesh that cannot be rendered or written."""

    code = "invalid_mesh"


class FailedPrecondition(LensoraError):
    """Well-formed input on which the work cannot be done."""

    code = "failed_precondition"


class SubjectNotFound(FailedPrecondition):
    """No subject stands out in the box."""

    code = "subject_not_found"


class MethodNotAllowed(LensoraError):
    """The path exists, but not with this HTTP method."""

    code = "method_not_allowed"


class Unauthorized(LensoraError):
    """No API key, or one that is unknown or revoked."""

    code = "unauthorized"


class InsufficientCredits(LensoraError):
    """The balance is under the price."""

    code = "insufficient_credits"


class NotFound(LensoraError):
    """Unknown, expired, or another account's: one answer for all three."""

    code = "not_found"


class SessionNotFound(NotFound):
    """No such session for this key."""

    code = "session_not_found"


class CutoutNotFound(NotFound):
    """No such cutout in this session."""

    code = "cutout_not_found"


class ViewNotFound(NotFound):
    """No such further photo in this session."""

    code = "view_not_found"


class JobNotFound(NotFound):
    """No such job for this key."""

    code = "job_not_found"


class BatchNotFound(NotFound):
    """No such batch for this key."""

    code = "batch_not_found"


class FileNotFound(NotFound):
    """No such artifact, or its link has expired."""

    code = "file_not_found"


class Conflict(LensoraError):
    """The request is at odds with the state of things."""

    code = "conflict"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "idempotency_in_progress"
    retryable = True


class IdempotencyMismatch(Conflict):
    """The Idempotency-Key was used with another body."""

    code = "idempotency_mismatch"


class TooManyJobs(Conflict):
    """The account's limit on live jobs is reached."""

    code = "too_many_jobs"
    retryable = True


class TooManyViews(Conflict):
    """The session has as many further photos as it may have."""

    code = "too_many_views"


class RateLimited(LensoraError):
    """Too many requests in the window."""

    code = "rate_limited"
    retryable = True


class RequestTooSlow(LensoraError):
    """The request did not come at the least pace."""

    code = "request_too_slow"
    retryable = True


class Unavailable(LensoraError):
    """A needed service or store does not answer now."""

    code = "unavailable"
    retryable = True


class DetectionUnavailable(Unavailable):
    """The detection service does not answer now."""

    code = "detection_unavailable"


class Overloaded(Unavailable):
    """A service has as much work as it can hold (gRPC RESOURCE_EXHAUSTED)."""

    code = "overloaded"


class TooManyConnections(Unavailable):
    """As many connections are open as may be, of one address or in all."""

    code = "too_many_connections"


class DeadlineExceeded(LensoraError):
    """The call's or the job's deadline has passed."""

    code = "deadline_exceeded"


class Cancelled(LensoraError):
    """The caller has cancelled the work."""

    code = "cancelled"


class StageFailed(LensoraError):
    """A stage could not finish its work, through no fault of the input that is known."""

    code = "stage_failed"
    retryable = True


class InferenceFailed(StageFailed):
    """A neural net's runtime failed."""

    code = "inference_failed"


class RenderFailed(StageFailed):
    """The OpenGL context or the renderer failed."""

    code = "render_failed"


class EncodeFailed(StageFailed):
    """The video or image encoder failed."""

    code = "encode_failed"


class ArtifactCorrupted(LensoraError):
    """Stored bytes do not match their checksum."""

    code = "artifact_corrupted"


class ConfigurationError(LensoraError):
    """A setting's value is wrong; the message names the variable and what it takes."""

    code = "configuration_error"


class LicenseRefused(ConfigurationError):
    """A model's licence is not allowed by the policy in force."""

    code = "license_refused"


class InternalError(LensoraError):
    """A fault of ours. Its text is not shown to clients."""

    code = "internal"


def error_classes() -> Iterator[type[LensoraError]]:
    """Every class of the tree, the base first, depth first."""

    def walk(cls: type[LensoraError]) -> Iterator[type[LensoraError]]:
        yield cls
        for child in cls.__subclasses__():
            yield from walk(child)

    return walk(LensoraError)


def error_class(code: str) -> type[LensoraError] | None:
    """The class with this ``code``; None for an unknown one. The deepest class wins where a base shares its code."""
    found = None
    for cls in error_classes():
        if cls.code == code:
            found = cls
    return found
