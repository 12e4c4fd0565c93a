"""The error tree: codes, and the one table to gRPC and HTTP."""

from __future__ import annotations

import re

import grpc
import pytest

from lensora.core import errors
from lensora.rpc import status

CLASSES = list(dict.fromkeys(errors.error_classes()))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_has_both_statuses(cls: type[errors.LensoraError]) -> None:
    """Each class of the tree maps to a gRPC status that is not OK and to an HTTP error status."""
    code, http = status.statuses(cls)
    assert code is not grpc.StatusCode.OK
    assert 400 <= http <= 599


def test_leaf_codes_are_unique() -> None:
    """No two leaves of the tree share a code, so a code names one class."""
    leaves = [cls for cls in CLASSES if not cls.__subclasses__()]
    codes = [cls.code for cls in leaves]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_the_docstring_draws_the_whole_tree() -> None:
    """The tree in the module's docstring names every class, each with its code where it is a leaf."""
    drawn = errors.__doc__ or ""
    for cls in CLASSES:
        assert cls.__name__ in drawn
        if not cls.__subclasses__():
            assert re.search(rf"{cls.__name__}\s+{cls.code}\b", drawn), cls


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_error_crosses_grpc_unchanged(cls: type[errors.LensoraError]) -> None:
    """The typed detail brings back the same class, field and retry time; text that may hold internals is hidden."""
    error = cls("size must be <= 20, not 21", field="size", retry_after_s=2.5)

    class Call(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return status.statuses(cls)[0]

        def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
            return tuple(status.rpc_status_of(error).trailing_metadata)

    back = status.error_of(Call(), service="mesh")
    assert back.code == cls.code
    assert back.field == "size"
    assert back.retry_after_s == 2.5
    assert back.retryable == cls.retryable
    assert back.message == (status.HIDDEN_TEXT if status.hidden(error) else error.message)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Overloaded),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.CANCELLED, errors.Cancelled),
        (grpc.StatusCode.UNIMPLEMENTED, errors.InternalError),
    ],
)
def test_a_bare_status_becomes_an_error_that_names_the_service(
    code: grpc.StatusCode, expected: type[errors.LensoraError]
) -> None:
    """A status without our detail (a dead peer, a proxy) maps to the nearest class and names who was called."""

    class Call(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return code

        def trailing_metadata(self) -> None:
            return None

    error = status.error_of(Call(), service="render")
    assert type(error) is expected
    assert "render" in error.message
