"""Every row of the error table: status, code, a sentence with field, limit and value, and nothing charged."""

from __future__ import annotations

import io
import struct
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from PIL import Image

from gateway.http.testing import Gateway, Installation
from gateway.jobs.records import Limits


def assert_problem(response: httpx.Response, status: int, code: str, *says: str) -> None:
    """A whole problem document (RFC 9457) with this status and code, whose detail says this."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert list(body) == ["type", "title", "status", "detail", "code", "request_id"]
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].startswith("http://127.0.0.1:")
    assert body["request_id"] == response.headers["x-request-id"]
    for text in says:
        assert text in body["detail"], body["detail"]


@pytest.fixture
def unpaid(gateway: Gateway, key: str) -> Iterator[None]:
    """The balance after the test is the balance before it."""
    before = gateway.balance(key)
    yield
    assert gateway.balance(key) == before


def init(api: httpx.Client, data: bytes, **fields: str) -> httpx.Response:
    """An upload."""
    return api.post("/v1/studio/init", files={"image": ("photo.jpg", data)}, data=fields)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.usefixtures("unpaid")
class TestInvalidImage:
    """400 invalid_image."""

    def test_a_text_file(self, api: httpx.Client) -> None:
        """Renamed to .jpg it is still no picture."""
        assert_problem(init(api, b"hello, I am no picture" * 10), 400, "invalid_image", "JPEG, PNG or WebP")

    def test_an_empty_file(self, api: httpx.Client) -> None:
        """Nothing is no picture."""
        assert_problem(init(api, b""), 400, "invalid_image", "JPEG, PNG or WebP")

    def test_a_gif(self, api: httpx.Client) -> None:
        """Another format is refused, however good."""
        file = io.BytesIO()
        Image.new("RGB", (100, 100)).save(file, "GIF")
        assert_problem(init(api, file.getvalue()), 400, "invalid_image", "JPEG, PNG or WebP")

    def test_a_truncated_jpeg(self, api: httpx.Client, photo: bytes) -> None:
        """Half a file cannot be decoded."""
        assert_problem(init(api, photo[: len(photo) // 2]), 400, "invalid_image", "truncated")

    def test_a_truncated_webp(self, api: httpx.Client) -> None:
        """Its container says how long it should be."""
        file = io.BytesIO()
        Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "WEBP")
        data = file.getvalue()
        assert_problem(init(api, data[: len(data) // 2]), 400, "invalid_image", "truncated", f"{len(data):,} bytes")

    def test_a_broken_webp(self, stack: Installation, api: httpx.Client) -> None:
        """What the gateway does not decode, detection does: its verdict is the client's, and no photo stays behind."""
        photos = stack.redis.folder.parent / "artifacts" / "sessions"
        before = len(list(photos.glob("*/*")))
        file = io.BytesIO()
        Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "WEBP")
        data = bytearray(file.getvalue())
        data[40:] = b"\xa5" * (len(data) - 40)
        assert_problem(init(api, bytes(data)), 400, "invalid_image", "decoded")
        assert len(list(photos.glob("*/*"))) == before

    def test_20_1_megabytes(self, api: httpx.Client, photo: bytes) -> None:
        """The answer arrives whole although the client sends all of it, and names limit and size."""
        response = init(api, photo.ljust(20_100_000, b"\x00"))
        assert_problem(response, 400, "invalid_image", "20 MB", "20.1 MB")

    def test_20_1_megabytes_without_a_length(self, api: httpx.Client, photo: bytes) -> None:
        """A chunked upload is counted to its end."""
        head = b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'

        def body() -> Iterator[bytes]:
            yield head
            for _ in range(201):
                yield b"x" * 100_000
            yield b"\r\n--XX--\r\n"

        response = api.post(
            "/v1/studio/init",
            content=body(),
            headers={"Content-Type": "multipart/form-data; boundary=XX"},
        )
        assert_problem(response, 400, "invalid_image", "20 MB", "20.1 MB")

    def test_60_megapixels(self, api: httpx.Client) -> None:
        """A small file that claims too much is refused by its header."""
        assert_problem(init(api, png_header(10_000, 6_000)), 400, "invalid_image", "52 megapixels", "60.0 megapixels")

    def test_a_side_of_63_pixels(self, api: httpx.Client) -> None:
        """64 is the least."""
        file = io.BytesIO()
        Image.new("RGB", (63, 640)).save(file, "PNG")
        assert_problem(init(api, file.getvalue()), 400, "invalid_image", "64", "63 x 640")


@pytest.mark.usefixtures("unpaid")
class TestInvalidRequest:
    """400 invalid_request, never 422."""

    @pytest.mark.parametrize("most", ["1", "9", "0", "-2", "six", "2.5", ""])
    def test_max_objects(self, api: httpx.Client, photo: bytes, most: str) -> None:
        """2 to 8."""
        assert_problem(init(api, photo, max_objects=most), 400, "invalid_request", "max_objects", "2 to 8", repr(most))

    def test_no_image(self, api: httpx.Client) -> None:
        """The file is required."""
        response = api.post("/v1/studio/init", files={"photo": b"x"})
        assert_problem(response, 400, "invalid_request", "image is required")

    def test_no_form(self, api: httpx.Client) -> None:
        """JSON is no upload."""
        assert_problem(api.post("/v1/studio/init", json={}), 400, "invalid_request", "multipart/form-data")

    def test_a_body_that_is_no_json(self, api: httpx.Client) -> None:
        """Text is no body."""
        response = api.post("/v1/studio/transform", content=b"{", headers={"Content-Type": "application/json"})
        assert_problem(response, 400, "invalid_request", "JSON object")

    def test_a_body_that_is_too_long(self, api: httpx.Client) -> None:
        """64 KiB are plenty."""
        assert_problem(api.post("/v1/studio/transform", content=b" " * 70_000), 400, "invalid_request", "65,536 bytes")

    def test_an_idempotency_key_that_is_too_long(self, api: httpx.Client, photo: bytes) -> None:
        """255 characters are the most."""
        response = api.post("/v1/studio/transform", json={}, headers={"Idempotency-Key": "k" * 256})
        assert_problem(response, 400, "invalid_request", "Idempotency-Key", "255", "256")

    def test_an_idempotency_key_that_cannot_be_printed(self, api: httpx.Client) -> None:
        """The sentence shows it: its three characters are not too many."""
        response = api.post("/v1/studio/transform", json={}, headers={"Idempotency-Key": "a\tb"})
        assert_problem(response, 400, "invalid_request", "printable characters", r"not 'a\tb'")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "session_id is required"),
        ({"session_id": "SESSION"}, "background is required"),
        ({"session_id": 5, "background": {"type": "remove"}}, "session_id must be a string"),
        ({"session_id": "SESSION", "background": {"type": "remove"}, "camera_preset": "orbit"}, "not 'orbit'"),
        ({"session_id": "SESSION", "background": {"type": "remove"}, "object_index": "1"}, "not '1'"),
        (
            {"session_id": "SESSION", "background": {"type": "remove"}, "webhook_url": "http://10.0.0.1/"},
            "webhook_url's host 10.0.0.1 does not lead to a public address",
        ),
    ],
)
def test_transform_fields(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str, body: dict[str, Any], says: str
) -> None:
    """Each sentence names the field and the value."""
    body = {name: session_id if value == "SESSION" else value for name, value in body.items()}
    before = gateway.balance(key)
    assert_problem(api.post("/v1/studio/transform", json=body), 400, "invalid_request", says)
    assert gateway.balance(key) == before


def transform(api: httpx.Client, session_id: str, **more: Any) -> httpx.Response:
    """A transform with changes."""
    return api.post("/v1/studio/transform", json={"session_id": session_id, "background": {"type": "remove"}} | more)


@pytest.mark.parametrize(
    ("background", "says"),
    [
        ({"type": "video"}, "not 'video'"),
        ({}, "background.type is required"),
        ({"type": "prompt"}, "background.prompt is required"),
        ({"type": "prompt", "prompt": "  "}, "background.prompt must not be empty"),
        ({"type": "prompt", "prompt": "x" * 1001}, "at most 1,000 characters, not 1,001"),
        ({"type": "image"}, "background.url is required"),
        ({"type": "image", "url": "plate.jpg"}, "must start with http"),
        ({"type": "image", "url": "ftp://example.com/a.jpg"}, "must start with http"),
        ({"type": "image", "url": "http://user:pw@example.com/a.jpg"}, "user name or password"),
        ({"type": "image", "url": "http://example.com:22/a.jpg"}, "port"),
        ({"type": "image", "url": "http://169.254.169.254/latest"}, "not lead to a public address"),
        ({"type": "image", "url": "http://2130706433/"}, "neither a name"),
        ({"type": "image", "url": "http://[::ffff:10.0.0.1]/"}, "not lead to a public address"),
        ({"type": "image", "url": "http://localhost/"}, "not lead to a public address"),
        ({"type": "image", "url": "http://no-such-host.invalid/"}, "not lead to a public address"),
    ],
)
def test_invalid_background(
    gateway: Gateway, api: httpx.Client, key: str, session_id: str, background: dict[str, Any], says: str
) -> None:
    """400 invalid_background, and nothing charged."""
    before = gateway.balance(key)
    assert_problem(transform(api, session_id, background=background), 400, "invalid_background", says)
    assert gateway.balance(key) == before


@pytest.mark.parametrize("index", [-1, 3, 10**30])
def test_object_index_out_of_range(gateway: Gateway, api: httpx.Client, key: str, session_id: str, index: int) -> None:
    """400 object_index_out_of_range, with the range."""
    before = gateway.balance(key)
    assert_problem(transform(api, session_id, object_index=index), 400, "object_index_out_of_range", "from 0 to 2")
    assert gateway.balance(key) == before


def test_crop_too_small(gateway: Gateway, api: httpx.Client, key: str, session_id: str) -> None:
    """400 crop_too_small for the speck of the second object, with its size."""
    before = gateway.balance(key)
    assert_problem(transform(api, session_id, object_index=1), 400, "crop_too_small", "64 pixels")
    assert gateway.balance(key) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer,"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer no-such-key"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": "Bearer \xfc"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/studio/init"),
        ("POST", "/v1/studio/transform"),
        ("GET", "/v1/studio/result/e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3"),
        ("GET", "/v1/studio/result/x/stream"),
        ("GET", "/v1/studio/jobs"),
        ("POST", "/v1/studio/jobs/x/cancel"),
        ("GET", "/v1/account"),
    ],
)
def test_unauthorized(gateway: Gateway, headers: dict[str, str], method: str, path: str) -> None:
    """401 with WWW-Authenticate: Bearer, on every path that needs a key."""
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    response = httpx.request(method, f"{gateway.base_url}{path}", headers=sent)  # type: ignore[arg-type]
    assert_problem(response, 401, "unauthorized", "API key")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_at_once(gateway: Gateway, api: httpx.Client, key: str) -> None:
    """401 from the next request on."""
    assert api.get("/v1/account").status_code == 200

    async def revoke() -> None:
        await gateway.store.keys.revoke((await gateway.store.keys.authenticate(key)).key_id)

    gateway.run(revoke())
    assert_problem(api.get("/v1/account"), 401, "unauthorized")


def test_insufficient_credits(gateway: Gateway, photo: bytes) -> None:
    """402 with balance and price, for both calls."""
    key = gateway.api_key(4)
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}) as api:
        assert_problem(init(api, photo), 402, "insufficient_credits", "4", "5")
        gateway.run(_grant(gateway, key, 75))
        session_id = init(api, photo).json()["session_id"]
        assert_problem(transform(api, session_id), 402, "insufficient_credits", "74", "75")
    assert gateway.balance(key) == 74


async def _grant(gateway: Gateway, key: str, amount: int) -> None:
    account = (await gateway.store.keys.authenticate(key)).account_id
    await gateway.store.credits.grant(account, amount, reference=uuid.uuid4().hex)


def test_session_not_found(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """404 for an unknown session and for another account's, word for word the same."""
    other = gateway.api_key(100)
    unknown = transform(api, str(uuid.uuid4()))
    assert_problem(unknown, 404, "session_not_found")
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {other}"}) as stranger:
        theirs = transform(stranger, session_id)
    assert_problem(theirs, 404, "session_not_found")
    assert {**unknown.json(), "request_id": ""} == {**theirs.json(), "request_id": ""}
    assert_problem(transform(api, "undefined"), 404, "session_not_found", "'undefined' is not an id")


def test_job_not_found(gateway: Gateway, api: httpx.Client, session_id: str) -> None:
    """404 for an unknown job, for another account's, and for what is no id, on every path of jobs."""
    job_id = transform(api, session_id).json()["job_id"]
    other = {"Authorization": f"Bearer {gateway.api_key()}"}
    for path, method in (
        ("/v1/studio/result/{}", "GET"),
        ("/v1/studio/result/{}/stream", "GET"),
        ("/v1/studio/jobs/{}/cancel", "POST"),
    ):
        unknown = api.request(method, path.format(uuid.uuid4()))
        assert_problem(unknown, 404, "job_not_found")
        theirs = httpx.request(method, gateway.base_url + path.format(job_id), headers=other)
        assert_problem(theirs, 404, "job_not_found")
        assert {**unknown.json(), "request_id": ""} == {**theirs.json(), "request_id": ""}
        assert_problem(
            api.request(method, path.format("not-a-uuid")), 404, "job_not_found", "'not-a-uuid' is not an id"
        )


def test_file_not_found(gateway: Gateway, api: httpx.Client, photo: bytes) -> None:
    """404 for a forged link, an expired one, and one whose file is gone."""
    url = api.post("/v1/studio/init", files={"image": photo}).json()["source_url"]
    assert_problem(httpx.get(url.replace("photo.jpg/photo.jpg", "photo.jpg/photo.png")), 404, "file_not_found")
    assert_problem(httpx.get(f"{gateway.base_url}/v1/files/1.x/a/b"), 404, "file_not_found")
    expired = gateway.signer.link("sessions/x/photo.jpg", "photo.jpg", 1)
    assert_problem(httpx.get(expired), 404, "file_not_found", "expired")
    gone = gateway.signer.link("sessions/x/photo.jpg", "photo.jpg", 10**10)
    assert_problem(httpx.get(gone), 404, "file_not_found", "deleted")
    assert_problem(httpx.get(f"{gateway.base_url}/v1/files/x/..%2f..%2fetc/passwd"), 404, "file_not_found")


def test_too_many_jobs(gateway: Gateway, photo: bytes) -> None:
    """409 at the account's limit on live jobs, and nothing charged."""
    account = f"account-{uuid.uuid4().hex}"
    key = gateway.api_key(500, account)
    gateway.run(gateway.store.accounts.create(account, limits=Limits(live_jobs=1)))
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}) as api:
        session_id = init(api, photo).json()["session_id"]
        job_id = transform(api, session_id).json()["job_id"]
        assert_problem(transform(api, session_id), 409, "too_many_jobs", "1")
        assert gateway.balance(key) == 420
        api.post(f"/v1/studio/jobs/{job_id}/cancel")
        assert transform(api, session_id).status_code == 200


def test_idempotency_mismatch(api: httpx.Client, session_id: str) -> None:
    """422 for the same key with another body: the only 422."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"session_id": session_id, "background": {"type": "remove"}}
    assert api.post("/v1/studio/transform", json=body, headers=headers).status_code == 200
    other = api.post("/v1/studio/transform", json={**body, "camera_preset": "dolly"}, headers=headers)
    assert_problem(other, 422, "idempotency_mismatch")


def test_rate_limited(gateway: Gateway) -> None:
    """429 with Retry-After, RateLimit-Policy and RateLimit."""
    account = f"account-{uuid.uuid4().hex}"
    key = gateway.api_key(0, account)
    gateway.run(gateway.store.accounts.create(account, limits=Limits(requests_per_minute=5)))
    with httpx.Client(base_url=gateway.base_url, headers={"Authorization": f"Bearer {key}"}) as api:
        answers = [api.get("/v1/account") for _ in range(7)]
    assert [answer.status_code for answer in answers].count(200) == 5
    assert answers[0].headers["ratelimit-policy"] == '"account";q=5;w=60'
    assert answers[0].headers["ratelimit"].startswith('"account";r=4;t=')
    assert_problem(answers[-1], 429, "rate_limited", "5 requests in 60 seconds")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].headers["ratelimit"].startswith('"account";r=0;t=')


@pytest.mark.parametrize(
    "status",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL],
)
@pytest.mark.usefixtures("unpaid")
def test_detection_unavailable(stack: Installation, api: httpx.Client, photo: bytes, status: grpc.StatusCode) -> None:
    """503 with Retry-After when detection fails, nothing charged, and no photo left behind."""
    photos = stack.redis.folder.parent / "artifacts" / "sessions"
    before = len(list(photos.glob("*/photo.jpg")))
    stack.detect.detector.fails_with = status
    response = init(api, photo)
    assert_problem(response, 503, "detection_unavailable", "nothing was charged")
    assert int(response.headers["retry-after"]) >= 1
    assert len(list(photos.glob("*/photo.jpg"))) == before


@pytest.mark.usefixtures("unpaid")
def test_detection_that_hangs(stack: Installation, api: httpx.Client, photo: bytes) -> None:
    """503 after the deadline of three seconds that this test's settings give."""
    stack.detect.detector.seconds = 6.0
    response = init(api, photo)
    assert_problem(response, 503, "detection_unavailable")
    assert response.elapsed.total_seconds() < 5.0


def test_unknown_paths_and_methods(api: httpx.Client) -> None:
    """404 and 405 are problem documents too."""
    assert_problem(api.get("/v1/studio/nothing"), 404, "not_found", "/v1/studio/nothing")
    assert_problem(api.get("/V1/Account"), 404, "not_found", "lower case")
    response = api.get("/v1/studio/init")
    assert_problem(response, 405, "method_not_allowed", "POST", "GET")
    assert response.headers["allow"] == "POST"
    assert_problem(api.request("TRACE", "/v1/account"), 405, "method_not_allowed")


def test_request_ids(api: httpx.Client) -> None:
    """Every answer has one: the client's own where it is plain, else a new one."""
    assert api.get("/healthz", headers={"X-Request-Id": "mine-7"}).headers["x-request-id"] == "mine-7"
    assert_problem(api.get("/nothing", headers={"X-Request-Id": "mine-8"}), 404, "not_found")
    for odd in ("a b", "x" * 200, ""):
        given = api.get("/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"]
        assert given != odd
        assert len(given) == 32
