"""The client's requests and the reading of answers, without a network."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.client import AsyncClient, Client, exchange, prompt, requests
from lensora.client.events import EventParser
from lensora.contract.answers import Result
from lensora.core import errors
from lensora.core.errors import (
    DeadlineExceeded,
    InsufficientCredits,
    InternalError,
    InvalidBackground,
    InvalidRequest,
    RateLimited,
    Unauthorized,
    Unavailable,
)


def test_words_of_a_background() -> None:
    """What a person types becomes one of the three kinds."""
    assert requests.background_of("remove") == {"type": "remove"}
    assert requests.background_of(" Remove ") == {"type": "remove"}
    assert requests.background_of("https://a.example/b.jpg") == {"type": "image", "url": "https://a.example/b.jpg"}
    assert requests.background_of("a marble table") == {"type": "prompt", "prompt": "a marble table"}


ALWAYS = {"stages": [], "credits_refunded": 0, "created_at": "2026-11-29T09:30:00.000Z"}
"""What every answer of the poll has beside the fields of its status."""


def problem(status: int, code: str, detail: str = "What is wrong.", **headers: str) -> httpx.Response:
    """An error answer."""
    body = {"type": "x", "title": "x", "status": status, "detail": detail, "code": code, "request_id": "r-1"}
    return httpx.Response(
        status, content=json.dumps(body), headers={"content-type": "application/problem+json", **headers}
    )


def client_of(*answers: httpx.Response | Exception) -> tuple[Client, list[httpx.Request]]:
    """A client whose requests get these answers, one after the other, and what it has sent."""
    left, seen = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client("http://api.test/", "secret", transport=httpx.MockTransport(handle)), seen


@pytest.mark.parametrize("cls", [cls for cls in errors.error_classes() if cls is not errors.LensoraError])
def test_every_error_comes_back_as_its_class(cls: type[errors.LensoraError]) -> None:
    """The code decides; status and request id are in the notes."""
    answer = problem(400, cls.code)
    error = exchange.error_from(answer.status_code, answer.headers, answer.content)
    assert type(error) is errors.error_class(cls.code)
    assert error.message == "What is wrong."
    assert error.__notes__ == ["HTTP status 400, request id r-1"]


def test_an_answer_of_a_proxy_is_an_error_too() -> None:
    """HTML with 502 may pass, HTML with 418 is a fault."""
    assert type(exchange.error_from(502, {}, b"<html>")) is Unavailable
    assert type(exchange.error_from(418, {}, b"<html>")) is InternalError


def test_a_busy_server_is_tried_again() -> None:
    """A refused connection and a 503 are tried again under the same Idempotency-Key."""
    done = httpx.Response(
        200, json={"balance": 5, "frozen": False, "limits": {"live_jobs": 1, "requests_per_minute": 9}}
    )
    client, seen = client_of(httpx.ConnectError("no"), problem(503, "unavailable", **{"retry-after": "0"}), done)
    with client:
        assert client.account().balance == 5
    assert len(seen) == 3
    ticket = {"job_id": "j", "status": "queued", "credits_used": 75, "estimated_seconds": 9, "poll_url": "/x"}
    client, seen = client_of(httpx.ReadError("broken off"), httpx.Response(200, json=ticket))
    with client:
        client.transform("s", "remove")
    assert seen[0].headers["idempotency-key"] == seen[1].headers["idempotency-key"]
    assert json.loads(seen[0].content)["background"] == {"type": "remove"}


def test_bad_input_is_not_tried_again() -> None:
    """What will fail again is raised at once; so is a wait that is too long."""
    client, seen = client_of(problem(402, "insufficient_credits"))
    with client, pytest.raises(InsufficientCredits):
        client.account()
    assert len(seen) == 1
    client, seen = client_of(problem(429, "rate_limited", **{"retry-after": "60"}))
    with client, pytest.raises(RateLimited) as limited:
        client.account()
    assert len(seen) == 1
    assert limited.value.retry_after_s == 60


def test_a_file_of_any_name_is_sent(tmp_path: Path) -> None:
    """Names of other encodings than UTF-8, which file systems hold, cannot be told as they are."""
    photo = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    photo.write_bytes(b"photo")
    with photo.open("rb") as opened:
        for each in (photo, opened):
            assert dict(requests.init(each, None, None).files or {})["image"] == ("caf?.jpg", b"photo")


def test_what_is_asked_of_the_prices_is_sent_as_it_is() -> None:
    """Also what the server refuses: a zero is no size that was not given."""
    assert requests.prices(0, None, None, None).params == {"size": "0"}


def test_the_key_goes_to_the_api_only(tmp_path: Path) -> None:
    """An artifact's link gets no Authorization header, whatever its host."""
    client, seen = client_of(httpx.Response(200, content=b"film"))
    output = {"mp4_url": "http://cdn.test/v1/files/t/a/turntable.mp4"}
    output |= dict.fromkeys(("glb_url", "scene_url", "removed_bg_url"), "http://cdn.test/x")
    raw = {"job_id": "j", "status": "completed", "progress": 100, "output": output}
    raw |= ALWAYS
    result = Result.model_validate(raw)
    assert result.output is not None
    with client:
        client._save(result.output.mp4_url, tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == b"film"
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize("client", [Client, AsyncClient])
async def test_nothing_stays_of_a_file_that_does_not_fit(client: type[Client | AsyncClient], tmp_path: Path) -> None:
    """A full disk gets no fuller, and the error names the file; here a limit of files' size stands for it."""
    sender = httpx.MockTransport(lambda _: httpx.Response(200, content=b"film" * 1_000))
    path, limits = tmp_path / "film.mp4", resource.getrlimit(resource.RLIMIT_FSIZE)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
        with pytest.raises(OSError) as raised:
            if issubclass(client, AsyncClient):
                await client("http://api.test", "secret", transport=sender)._save("http://cdn.test/film", path)
            else:
                client("http://api.test", "secret", transport=sender)._save("http://cdn.test/film", path)
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_stays_of_a_file_that_breaks_off(tmp_path: Path) -> None:
    """Also where it is tried again and again; one that was there before is as it was."""

    def broken() -> Iterator[bytes]:
        yield b"film"
        raise httpx.ReadError("broke off")

    (tmp_path / "film.mp4").write_bytes(b"older")
    sender = httpx.MockTransport(lambda _: httpx.Response(200, content=broken()))
    with Client("http://api.test", "secret", transport=sender) as client, pytest.raises(Unavailable):
        client._save("http://cdn.test/film", tmp_path / "film.mp4")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("film.mp4", b"older")]


def test_a_key_comes_with_the_line_it_was_read_from() -> None:
    """White space around it is not of it."""
    balance = {"balance": 5, "frozen": False, "limits": {"live_jobs": 1, "running_jobs": 1, "requests_per_minute": 1}}
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=balance)

    with Client("http://api.test", " secret\r\n", transport=httpx.MockTransport(handle)) as client:
        client.account()
    assert sent[0].headers["authorization"] == "Bearer secret"


def test_a_deletion_that_finds_nothing_after_a_lost_answer_has_happened() -> None:
    """The try before it may have deleted; where it cannot have, what is not found is said."""
    gone = problem(404, "job_not_found")
    client, seen = client_of(httpx.ReadError("broke off"), gone)
    client.delete("j")
    assert len(seen) == 2
    for first in (httpx.ConnectError("refused"), problem(503, "unavailable")):
        client, seen = client_of(first, gone)
        with pytest.raises(errors.JobNotFound):
            client.delete("j")
        assert len(seen) == 2
    client, _ = client_of(httpx.ReadError("broke off"), gone)
    with pytest.raises(errors.JobNotFound):
        client.result("j")


async def test_the_async_client_knows_a_deletion_whose_answer_was_lost() -> None:
    """As the other client does."""
    answers = [httpx.ReadError("broke off"), problem(404, "job_not_found")]

    def handle(_request: httpx.Request) -> httpx.Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with AsyncClient("http://api.test/", "secret", transport=httpx.MockTransport(handle)) as client:
        await client.delete("j")
    assert not answers


@pytest.mark.parametrize("key", ["", "\n", "sec\nret", "sec ret", "s\u00e9cret", "secret\u2019"])
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_key_that_no_header_holds_is_refused_untold(client: type[Client | AsyncClient], key: str) -> None:
    """At once, not as a server that does not answer, and its text is in no message."""
    with pytest.raises(Unauthorized) as raised:
        client("http://api.test", key)
    assert "ret" not in str(raised.value)


@pytest.mark.parametrize(
    "base_url",
    ["", "127.0.0.1:8000", "ftp://api.test", "http://", "http://[::1", "http://a:b", "http://xn--", "http://a b"],
)
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_base_url_that_is_no_address_is_refused(client: type[Client | AsyncClient], base_url: str) -> None:
    """At once and with its text, not as a server that does not answer, and not as an error of another package."""
    with pytest.raises(errors.ConfigurationError, match=re.escape(repr(base_url))):
        client(base_url, "secret")


@pytest.mark.parametrize("base_url", ["http://api.test", "http://api.test/\n", " http://api.test// "])
def test_a_base_url_comes_with_what_is_around_it(base_url: str) -> None:
    """White space and slashes at its end are not of it."""
    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return problem(404, "job_not_found")

    with Client(base_url, "secret", transport=httpx.MockTransport(handle)) as client, pytest.raises(errors.NotFound):
        client.result("j")
    assert str(sent[0].url) == "http://api.test/v1/studio/result/j"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://a/v1/files/t/k/model.glb", "model.glb"),
        ("http://a/x/..", "fallback"),
        ("http://a/", "fallback"),
        ("http://a/x/..%2f..%2fetc%2fpasswd", "passwd"),
        ("http://a/x/..%5c..%5cboot.ini", "boot.ini"),
        ("http://a/x/a%00b", "fallback"),
    ],
)
def test_a_file_is_saved_under_a_plain_name(url: str, name: str) -> None:
    """A link cannot choose a folder."""
    assert requests.file_name(url, "fallback") == name


def test_waiting_ends_with_its_time() -> None:
    """A job that still runs raises, naming its state."""
    running = {"job_id": "j", "status": "processing", "step": "cropping", "progress": 2, **ALWAYS}
    client, _ = client_of(*[httpx.Response(200, json=running) for _ in range(3)])
    with client, pytest.raises(DeadlineExceeded, match="still processing after 0 seconds"):
        client.wait("j", timeout_s=0)


def test_waiting_ends_with_its_time_where_the_server_is_away() -> None:
    """Patience with a server that is away is no longer than the caller's."""
    away = problem(503, "unavailable", **{"retry-after": "60"})
    client, seen = client_of(*[away] * 3)
    with client, pytest.raises(Unavailable):
        client.wait("j", timeout_s=0)
    assert len(seen) == 1


def test_waiting_ends_with_its_time_where_the_server_takes_the_poll_and_is_silent() -> None:
    """No try, and no answer, is waited for beyond it; a poll without a time is waited for as before."""
    seen: list[httpx.Request] = []

    def silent(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise httpx.ReadTimeout("silence", request=request)

    with Client("http://api.test", "secret", transport=httpx.MockTransport(silent)) as client:
        with pytest.raises(Unavailable, match="silence"):
            client.wait("j", timeout_s=0.2)
        with pytest.raises(Unavailable, match="silence"):
            client.result("j")
    waited, usual = seen[0].extensions["timeout"], seen[-1].extensions["timeout"]
    assert waited["read"] <= 2.2 and waited["connect"] <= 2.2
    assert usual["read"] == exchange.READ_TIMEOUT_S


def test_waiting_ends_with_its_time_where_the_server_asks_for_more() -> None:
    """A pause that would end after the caller's time is not begun, though it is one that is kept otherwise."""
    busy = problem(503, "overloaded", **{"retry-after": "15"})
    client, seen = client_of(*[busy] * 3)
    with client, pytest.raises(errors.Overloaded):
        client.wait("j", timeout_s=0)
    assert len(seen) == 1


def test_waiting_shows_each_state_once() -> None:
    """Repeats of the same state are not shown, and a server that is away for a moment is waited for."""
    first = {"job_id": "j", "status": "queued", "step": "starting", "progress": 0, **ALWAYS}
    last = {"job_id": "j", "status": "failed", "error": "Cropping timeout", "progress": 0, **ALWAYS}
    client, seen = client_of(
        httpx.Response(200, json=first),
        httpx.Response(200, json=first),
        *[problem(503, "unavailable", **{"retry-after": "60"})] * 1,
        httpx.Response(200, json=last),
    )
    shown: list[str] = []
    with client:
        result = client.wait("j", lambda state: shown.append(state.status))
    assert shown == ["queued", "failed"]
    assert result.error == "Cropping timeout"
    assert "prefer" not in seen[0].headers
    assert seen[1].headers["prefer"] == "wait=20"


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20), max_size=8),
    st.integers(0, 99),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 50),
)
def test_events_are_read_back(lines: list[str], number: int, end: str, size: int) -> None:
    """Lines of data come out as they were sent, in pieces of any size, comments and unknown fields between or not."""
    parser = EventParser()
    sent = "".join(
        line + end for line in (": comment", f"id: {number}", "event: x", *(f"data: {line}" for line in lines), "")
    )
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    events = [event for piece in pieces for event in parser.feed(piece)]
    assert [(event.event_id, event.data) for event in events] == ([(str(number), "\n".join(lines))] if lines else [])


def test_a_stream_is_read_whatever_a_prompt_holds() -> None:
    """Separators that some programs take for the end of a line (U+2028, U+0085) are text."""
    last = {"job_id": "j", "status": "failed", "error": "one\u2028two\u0085three", "progress": 0, **ALWAYS}
    sent = f"id: 1\ndata: {json.dumps(last, ensure_ascii=False)}\n\n"
    client, _ = client_of(httpx.Response(200, text=sent, headers={"content-type": "text/event-stream"}))
    with client:
        assert [state.error for state in client.stream("j")] == ["one\u2028two\u0085three"]


def test_an_answer_that_cannot_be_read_is_the_server_s_fault() -> None:
    """A success without a field that must be there is raised as an error of ours, with the field's name."""
    client, _ = client_of(httpx.Response(200, json={"balance": 5, "frozen": False}))
    with client, pytest.raises(InternalError, match="limits"):
        client.account()


def test_bad_choices_are_found_before_anything_is_sent() -> None:
    """The client says the server's own sentence, without a request."""
    client, seen = client_of()
    with client, pytest.raises(InvalidRequest, match="camera_preset must be one of turntable, dolly or cinematic"):
        client.transform("s", "remove", camera_preset="orbit")
    with client, pytest.raises(InvalidBackground, match="prompt must have at most 1,000 characters"):
        client.transform("s", prompt("x" * 1_001))
    assert not seen


@pytest.mark.parametrize(
    ("call", "field", "sentence"),
    [
        (lambda c: c.init(b"x", idempotency_key="schlüssel"), "idempotency_key", "printable ASCII characters, not 'sc"),
        (lambda c: c.init(b"x", idempotency_key=""), "idempotency_key", "1 to 255 printable ASCII characters, not ''"),
        (lambda c: c.init(b"x", idempotency_key="k" * 256), "idempotency_key", "1 to 255 .* characters, not 256"),
        (
            lambda c: c.cutout("s", points=[(0.5, 0.5)]),
            "points.0",
            r"points.0 must be x, y and keep, not \(0.5, 0.5",
        ),
        (lambda c: c.share("j", hours=float("nan")), "hours", "hours must be "),
        (lambda c: c.brand("."), "name", "name must be a name or an id, not '.'"),
        (lambda c: c.result(""), "job_id", "job_id must be a name or an id, not ''"),
        (lambda c: c.batches.get(".."), "batch_id", "batch_id must be a name or an id, not '..'"),
    ],
)
def test_what_no_request_can_hold_is_refused_with_a_sentence(
    call: Callable[[Client], object], field: str, sentence: str
) -> None:
    """Neither a traceback of the transport's nor a request for something else."""
    client, seen = client_of()
    with client, pytest.raises(InvalidRequest, match=sentence) as refused:
        call(client)
    assert refused.value.field == field
    assert not seen
