"""The one table from errors to gRPC and HTTP statuses, and the typed detail that carries an error across gRPC."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from lensora.api.error.v1.error_pb2 import ErrorDetail
from lensora.core import errors

Statuses = tuple[grpc.StatusCode, int]

TABLE: dict[type[errors.LensoraError], Statuses] = {
    errors.LensoraError: (grpc.StatusCode.INTERNAL, 500),
    errors.InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.HeadersTooLarge: (grpc.StatusCode.INVALID_ARGUMENT, 431),
    errors.FailedPrecondition: (grpc.StatusCode.FAILED_PRECONDITION, 400),
    errors.MethodNotAllowed: (grpc.StatusCode.UNIMPLEMENTED, 405),
    errors.Unauthorized: (grpc.StatusCode.UNAUTHENTICATED, 401),
    errors.InsufficientCredits: (grpc.StatusCode.FAILED_PRECONDITION, 402),
    errors.NotFound: (grpc.StatusCode.NOT_FOUND, 404),
    errors.Conflict: (grpc.StatusCode.ABORTED, 409),
    errors.IdempotencyMismatch: (grpc.StatusCode.ABORTED, 422),
    errors.RateLimited: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    errors.RequestTooSlow: (grpc.StatusCode.ABORTED, 408),
    errors.Unavailable: (grpc.StatusCode.UNAVAILABLE, 503),
    errors.Overloaded: (grpc.StatusCode.RESOURCE_EXHAUSTED, 503),
    errors.DeadlineExceeded: (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    errors.Cancelled: (grpc.StatusCode.CANCELLED, 409),
    errors.StageFailed: (grpc.StatusCode.ABORTED, 500),
    errors.ArtifactCorrupted: (grpc.StatusCode.DATA_LOSS, 500),
    errors.ConfigurationError: (grpc.StatusCode.INTERNAL, 500),
    errors.InternalError: (grpc.StatusCode.INTERNAL, 500),
}
"""Statuses per class; a class without a row takes its nearest base's."""

HIDDEN_TEXT = "An internal error occurred; the request id helps the operator to find it."
"""What a client reads of an error whose own text may hold internals."""

_FROM_STATUS: dict[grpc.StatusCode, type[errors.LensoraError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidInput,
    grpc.StatusCode.FAILED_PRECONDITION: errors.FailedPrecondition,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
}


def statuses(cls: type[errors.LensoraError]) -> Statuses:
    """``(gRPC status, HTTP status)`` of a class of the tree."""
    for base in cls.__mro__:
        if base in TABLE:
            return TABLE[base]
    raise KeyError(cls)


def hidden(error: errors.LensoraError) -> bool:
    """True when the error's own text must not reach a client."""
    cls = type(error)
    return cls is errors.LensoraError or issubclass(cls, errors.InternalError | errors.ConfigurationError)


def rpc_status_of(error: errors.LensoraError) -> grpc.Status:
    """The gRPC status with its typed detail, to be given to ``context.abort_with_status``."""
    code, _ = statuses(type(error))
    message = HIDDEN_TEXT if hidden(error) else error.message
    detail = any_pb2.Any()
    detail.Pack(
        ErrorDetail(
            code=error.code,
            message=message,
            field=error.field,
            retryable=error.retryable,
            retry_after_s=error.retry_after_s or 0.0,
        )
    )
    number = code_pb2.Code.Value(code.name)
    return rpc_status.to_status(status_pb2.Status(code=number, message=message, details=[detail]))


def error_of(call: grpc.RpcError, *, service: str) -> errors.LensoraError:
    """The error that a failed call carries: the same class that the server raised, where its detail says so.

    Args:
        call: what grpc or grpc.aio raised.
        service: the callee's name for the sentence of a transport error, such as ``mesh``.
    """
    status = _status(call)
    if status is not None:
        for packed in status.details:
            detail = ErrorDetail()
            if packed.Is(ErrorDetail.DESCRIPTOR) and packed.Unpack(detail):
                cls = errors.error_class(detail.code)
                if cls is not None:
                    return cls(detail.message, field=detail.field, retry_after_s=detail.retry_after_s or None)
    code = call.code()
    cls = _FROM_STATUS.get(code, errors.InternalError)
    sentence = {
        errors.Unavailable: f"The {service} service is not available.",
        errors.Overloaded: f"The {service} service is at its limit of work.",
        errors.DeadlineExceeded: f"The {service} service did not finish in time.",
        errors.Cancelled: f"The call to the {service} service was cancelled.",
    }.get(cls, f"The {service} service answered {code.name}.")
    return cls(sentence)


def _status(call: grpc.RpcError) -> status_pb2.Status | None:
    """google.rpc.Status from the trailing metadata, for calls of grpc and of grpc.aio alike."""
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return status_pb2.Status.FromString(value)
    return None
