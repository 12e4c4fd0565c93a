"""Requests as clients write them, and what answers say beside links."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from gateway.http.testing import Gateway
from lensora.contract.answers import Output
from lensora.core.artifacts import MediaType
from lensora.core.steps import STAGES


def test_an_stl_comes_with_its_unit_and_axes(gateway: Gateway, api: httpx.Client, job_id: str) -> None:
    """The format has no place for them, so the answer says them; without an STL there is nothing to say."""
    assert "stl_frame" not in api.get(f"/v1/studio/result/{job_id}").text
    gateway.take(job_id)
    gateway.do_stages(job_id, *STAGES, extra=(("stl", "model.stl", MediaType.STL),))
    gateway.finish(job_id)
    output = api.get(f"/v1/studio/result/{job_id}").json()["output"]
    assert output["stl_frame"] == "millimetres, +Z up"
    assert httpx.head(output["stl_url"]).headers["content-type"] == "model/stl"
    parsed = Output.model_validate(output)
    assert set(parsed.urls()) == {"mp4", "glb", "scene", "removed_bg", "stl"}


def test_ids_in_capitals_are_the_same_session_and_job(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str
) -> None:
    """Ids are compared without regard to case, in paths and in bodies."""
    body = {"session_id": session_id.upper(), "background": {"type": "remove"}}
    job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
    shouted = api.get(f"/v1/studio/result/{job_id.upper()}")
    assert shouted.json()["job_id"] == job_id
    gateway.take(job_id)
    assert api.post(f"/v1/studio/jobs/{job_id.upper()}/cancel").json()["job_id"] == job_id
    with api.stream("GET", f"/v1/studio/result/{job_id.upper()}/stream") as stream:
        assert stream.status_code == 200
    assert gateway.balance(key) == 995


def test_spaces_around_an_id_do_not_count(api: httpx.Client, session_id: str, job_id: str) -> None:
    """They come with copying and with shells, in paths and in bodies."""
    body = {"session_id": f" {session_id}\n", "background": {"type": "remove"}}
    assert api.post("/v1/studio/quote", json=body).status_code == 200
    for path in (f"%20{job_id}", f"{job_id}%0A", f"%09{job_id.upper()}%20"):
        assert api.get(f"/v1/studio/result/{path}").json()["job_id"] == job_id


def test_doubled_slashes_and_one_at_the_end_are_the_same_path(api: httpx.Client, job_id: str) -> None:
    """Clients that join a base URL and a path make them; a query is kept."""
    origin = str(api.base_url).rstrip("/")
    for path in (f"/v1/studio/result/{job_id}/", f"//v1/studio//result/{job_id}", f"/v1/studio/result/{job_id}//?x=1"):
        assert api.get(origin + path).json()["job_id"] == job_id
    for path in ("/v1/studio/jobs/?limit=1", "//healthz/", "/docs/"):
        assert api.get(origin + path).status_code == 200
    refused = api.get("/v1/studio/init/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_a_file_s_link_is_taken_as_it_is(api: httpx.Client, session_id: str, photo: bytes) -> None:
    """It is signed letter by letter."""
    source = api.post("/v1/studio/init", files={"image": photo}).json()["source_url"]
    assert httpx.get(source).status_code == 200
    assert httpx.get(source + "/").status_code == 404
    assert httpx.get(source.replace("/sessions/", "//sessions/")).status_code == 404


def test_packed_bodies_are_refused_by_name(api: httpx.Client, photo: bytes) -> None:
    """Nothing of ours unpacks what strangers send, and a body that is called unpacked is."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    packed = api.post("/v1/studio/transform", content=gzip.compress(b"{}"), headers=headers)
    assert packed.json()["detail"] == "Content-Encoding must be identity, not 'gzip': send the body unpacked."
    form = api.post("/v1/studio/init", files={"image": photo}, headers={"Content-Encoding": "br"})
    assert (form.status_code, form.json()["code"]) == (400, "invalid_request")
    plain = api.post("/v1/studio/init", files={"image": photo}, headers={"Content-Encoding": "identity"})
    assert plain.status_code == 200


def test_a_photo_under_another_name_is_told_so(api: httpx.Client, photo: bytes) -> None:
    """Not that the field is too long."""
    answer = api.post("/v1/studio/init", files={"file": ("a.jpg", photo)})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["detail"].endswith("The form has 'file'.")


def pieces(body: bytes) -> Iterator[bytes]:
    """A body of unknown length."""
    for start in range(0, len(body), 7_000):
        yield body[start : start + 7_000]


def test_a_form_may_come_in_chunks_and_wait_for_leave(gateway: Gateway, key: str, photo: bytes) -> None:
    """Without Content-Length, by HTTP/1.0, and after 100-continue; a wrong key is told before the body is sent."""
    body = b'--B\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + photo + b"\r\n--B--\r\n"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "multipart/form-data; boundary=B"}
    chunked = httpx.post(f"{gateway.base_url}/v1/studio/init", content=pieces(body), headers=headers, timeout=60)
    assert chunked.status_code == 200
    port = int(gateway.base_url.rpartition(":")[2])

    def start(version: str, key: str) -> bytes:
        return (
            f"POST /v1/studio/init HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: {headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n"
        ).encode()

    expect = b"Expect: 100-continue\r\n\r\n"
    for head, leave, status in (
        (start("1.0", key) + b"\r\n", b"", b"HTTP/1.1 200"),
        (start("1.1", key) + expect, b"HTTP/1.1 100", b"HTTP/1.1 200"),
        (start("1.1", "lsk_wrong") + expect, b"HTTP/1.1 401", b""),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
            peer.sendall(head)
            if leave:
                assert peer.recv(65_536).startswith(leave)
            if status:
                peer.sendall(body)
                assert peer.recv(65_536).startswith(status)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
    ],
    ids=["lower-case method", "TLS", "HTTP/2", "negative length", "two lengths", "length and chunks", "bad header"],
)
def test_what_is_no_http_is_answered_as_every_error_is(gateway: Gateway, request_bytes: bytes) -> None:
    """400 as a problem document, and the connection is closed."""
    port = int(gateway.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(request_bytes)
        received = b""
        while part := peer.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ncontent-type: application/problem+json\r\n" in head and head.endswith(b"\r\nconnection: close")
    assert json.loads(body)["code"] == "invalid_request"
    assert "HTTP/1.1" in json.loads(body)["detail"]


@pytest.mark.parametrize("form", ["bearer {}", "Bearer   {}", "Bearer\t{}"])
def test_the_key_s_header_may_be_spaced_and_spelt_freely(gateway: Gateway, key: str, form: str) -> None:
    """The scheme's case and the spaces behind it do not count."""
    answer = httpx.get(f"{gateway.base_url}/v1/account", headers={"Authorization": form.format(key)})
    assert answer.status_code == 200


@pytest.mark.parametrize("secret", ['"{}"', "<{}>", "undefined", "Bearer {}"])
def test_a_key_in_quotes_or_brackets_is_told_how_keys_begin(gateway: Gateway, key: str, secret: str) -> None:
    """The most frequent mistakes of templates."""
    header = {"Authorization": f"Bearer {secret.format(key)}"}
    answer = httpx.get(f"{gateway.base_url}/v1/account", headers=header)
    assert answer.status_code == 401
    assert "keys begin with lsk_" in answer.json()["detail"]
