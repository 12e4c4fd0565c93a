"""Routes."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.routing import Route, Router
from lensora.core.errors import MethodNotAllowed, NotFound


async def handler(_request: Request) -> Response:
    """Answers nothing."""
    return Response()


ROUTER = Router(
    [
        Route("GET", "/v1/a", handler),
        Route("POST", "/v1/a", handler),
        Route("GET", "/v1/jobs/{job_id}", handler),
        Route("GET", "/v1/files/{token}/{rest:path}", handler),
    ]
)


def test_paths_and_their_names() -> None:
    """Segments stand for themselves, the rest for all that follows."""
    assert ROUTER.match("POST", "/v1/a")[0].method == "POST"
    assert ROUTER.match("GET", "/v1/jobs/7")[1] == {"job_id": "7"}
    assert ROUTER.match("GET", "/v1/files/t/a/b/c.png")[1] == {"token": "t", "rest": "a/b/c.png"}
    assert ROUTER.match("HEAD", "/v1/a")[0].method == "GET"


@pytest.mark.parametrize("path", ["/", "/v1/a/", "/v1/jobs/", "/v1/jobs/7/8", "/v1/files/t", "/v1/jobs/a\n/b"])
def test_an_unknown_path_is_not_found(path: str) -> None:
    """There is no guessing of slashes."""
    with pytest.raises(NotFound):
        ROUTER.match("GET", path)


def test_a_known_path_names_its_methods() -> None:
    """For the Allow header."""
    with pytest.raises(MethodNotAllowed, match="GET, HEAD, POST, not DELETE"):
        ROUTER.match("DELETE", "/v1/a")
    assert ROUTER.allowed("/v1/a") == ["GET", "HEAD", "POST"]
