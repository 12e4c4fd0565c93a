"""Artifacts under signed links, over real HTTP."""

from __future__ import annotations

import httpx
import pytest

from gateway.http.testing import Gateway

BODY = bytes(range(256)) * 4_000
"""A million bytes in a known order: more than one piece of the store's reads."""


@pytest.fixture
def url(gateway: Gateway) -> str:
    """A link to a GLB of BODY."""
    gateway.run(gateway.artifacts.put_async("jobs/1/model-ab.glb", BODY, "model/gltf-binary"))
    return gateway.signer.link("jobs/1/model-ab.glb", "model.glb", 10**10)


def test_get_gives_all(url: str) -> None:
    """The bytes, the length, the media type, the name, and that any page may read them."""
    response = httpx.get(url)
    assert response.status_code == 200
    assert response.content == BODY
    assert response.headers["content-length"] == str(len(BODY))
    assert response.headers["content-type"] == "model/gltf-binary"
    assert response.headers["content-disposition"] == 'attachment; filename="model.glb"'
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_head_gives_the_same_headers_and_no_body(url: str) -> None:
    """HEAD is GET without its body."""
    head, get = httpx.head(url), httpx.get(url)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "content-disposition", "accept-ranges", "last-modified"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=999000-", 999_000, 1_024_000),
        ("bytes=-500", 1_023_500, 1_024_000),
        ("bytes=200000-700000", 200_000, 700_001),
        ("bytes=0-99999999", 0, 1_024_000),
    ],
)
def test_a_range_gives_its_part(url: str, asked: str, start: int, end: int) -> None:
    """206 with Content-Range and exactly those bytes, also over several pieces of the store."""
    response = httpx.get(url, headers={"Range": asked})
    assert response.status_code == 206
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(BODY)}"
    assert response.content == BODY[start:end]
    assert response.headers["content-length"] == str(end - start)


def test_a_range_behind_the_end(url: str) -> None:
    """416 with the size."""
    response = httpx.get(url, headers={"Range": "bytes=1024000-"})
    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */1024000"


def test_a_client_that_has_it_gets_304(url: str) -> None:
    """By tag and by date; a changed file is sent again."""
    first = httpx.get(url)
    again = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert httpx.get(url, headers={"If-Modified-Since": first.headers["last-modified"]}).status_code == 304
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_if_range_protects_a_resumed_download(gateway: Gateway, url: str) -> None:
    """A part is sent while the file is the same, the whole when it has changed."""
    tag = httpx.head(url).headers["etag"]
    headers = {"Range": "bytes=10-19", "If-Range": tag}
    assert httpx.get(url, headers=headers).status_code == 206
    gateway.run(gateway.artifacts.put_async("jobs/1/model-ab.glb", b"other" * 100, "model/gltf-binary"))
    changed = httpx.get(url, headers=headers)
    assert (changed.status_code, changed.content) == (200, b"other" * 100)


def test_other_pages_may_ask_for_ranges(url: str) -> None:
    """The preflight of a browser on another page is answered."""
    response = httpx.options(url, headers={"Origin": "https://shop.example", "Access-Control-Request-Headers": "range"})
    assert response.status_code == 204
    assert "Range" in response.headers["access-control-allow-headers"]


def test_pictures_and_films_are_shown_others_saved(gateway: Gateway) -> None:
    """A browser shows what it can; none of it may run scripts."""
    for name, shown in (("scene.jpg", True), ("turntable.mp4", True), ("model.glb", False), ("model.usdz", False)):
        gateway.run(gateway.artifacts.put_async(f"jobs/2/{name}", b"x", "application/octet-stream"))
        headers = httpx.get(gateway.signer.link(f"jobs/2/{name}", name, 10**10)).headers
        assert headers["content-disposition"].startswith("inline" if shown else "attachment")
        assert "sandbox" in headers["content-security-policy"]


CROSS_ORIGIN = ("access-control-allow-origin", "access-control-expose-headers", "cross-origin-resource-policy")


def test_errors_and_preflights_can_be_read_from_other_pages_too(gateway: Gateway, url: str) -> None:
    """A page tells an expired link from a dead network: every answer under the links' path may be read, each once."""
    expired = gateway.signer.link("jobs/1/model-ab.glb", "model.glb", 1)
    gone = gateway.signer.link("jobs/1/never-made.glb", "model.glb", 10**10)
    origin = {"Origin": "https://shop.example"}
    tag = httpx.head(url).headers["etag"]
    with httpx.Client(headers=origin) as page:
        answers = {
            200: [page.get(url), page.head(url)],
            204: [page.options(url), page.options(expired)],
            206: [page.get(url, headers={"Range": "bytes=0-9"})],
            304: [page.get(url, headers={"If-None-Match": tag})],
            404: [
                page.get(expired),
                page.head(expired),
                page.get(expired, headers={"Range": "bytes=0-9"}),
                page.get(gone),
                page.get(url[:-5]),
                page.get(f"{gateway.base_url}/v1/files/nothing"),
                page.options(f"{gateway.base_url}/v1/files/nothing"),
            ],
            405: [page.put(url, content=b"x"), page.delete(url)],
            416: [page.get(url, headers={"Range": "bytes=1024000-"})],
        }
    for status, group in answers.items():
        for answer in group:
            assert answer.status_code == status
            for name in CROSS_ORIGIN:
                assert len(answer.headers.get_list(name)) == 1, (status, name)
    assert "x-request-id" in answers[404][0].headers["access-control-expose-headers"].lower()


def test_an_empty_file(gateway: Gateway) -> None:
    """No bytes are still a file."""
    gateway.run(gateway.artifacts.put_async("jobs/2/empty.jpg", b"", "image/jpeg"))
    url = gateway.signer.link("jobs/2/empty.jpg", "empty.jpg", 10**10)
    response = httpx.get(url)
    assert (response.status_code, response.content) == (200, b"")
    assert httpx.get(url, headers={"Range": "bytes=0-"}).status_code == 416
