"""The requests of the API and the reading of its answers, shared by both clients. No I/O but reading the photo."""

from __future__ import annotations

import json
import math
import random
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpx
from pydantic import ValidationError

from lensora.contract.answers import JobTicket, Output, Result
from lensora.contract.brands import SaveBrandBody
from lensora.contract.requests import CutoutBody, RenderBody, RequestBody, TransformBody, checked
from lensora.contract.shapes import PublicAnswer
from lensora.contract.views import ViewBody
from lensora.core.colours import PATTERN
from lensora.core.errors import InternalError, LensoraError, Unavailable, error_class

Photo = str | Path | bytes | BinaryIO
Background = Mapping[str, str]
Job = JobTicket | Result | str
"""A job, by its ticket, by one of its results or by its id."""

PointMark = tuple[float, float, bool]
"""(x, y, keep): fractions of the upright image, and whether the place belongs to the subject."""

USER_AGENT = "lensora-client"
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 90.0
"""More than the longest ``Prefer: wait`` (60 s) and more than one heartbeat of the stream (15 s)."""
MAX_WAIT_S = 60
"""The server holds a poll for so long at most."""
WATCH_PAUSE_S = 1.0
MAX_TRIES = 4
"""Tries of a request that the server or the network could not take; safe for POSTs, which carry an Idempotency-Key."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
PROBLEM = "application/problem+json"


A = TypeVar("A", bound=PublicAnswer)


def remove() -> Background:
    """Background: none; the film is rendered on a clean white plate."""
    return {"type": "remove"}


def image(url: str) -> Background:
    """Background: a picture at a public URL."""
    return {"type": "image", "url": url}


def uploaded(backplate_id: str) -> Background:
    """Background: a picture of ``backplate``."""
    return {"type": "image", "backplate_id": backplate_id}


def prompt(text: str) -> Background:
    """Background: a scene made from words."""
    return {"type": "prompt", "prompt": text}


def color(value: str) -> Background:
    """Background: a clean plate of one colour, ``#rrggbb``."""
    return {"type": "color", "value": value}


def background_of(words: str) -> Background:
    """What a person types: ``remove``, a colour as ``#rrggbb``, a URL, or a description of a scene."""
    if words.strip().lower() == "remove":
        return remove()
    if re.fullmatch(PATTERN, words.strip()):
        return color(words.strip())
    if words.strip().lower().startswith(("http://", "https://")):
        return image(words.strip())
    return prompt(words)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, before it is sent.

    Attributes:
        path: under the base URL.
        files: name of a form's field to (file name, or None for one that is no file; bytes).
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str | None, bytes]] | None = None
    data: Mapping[str, str] | None = None


def init(photo: Photo, max_objects: int | None, idempotency_key: str | None) -> Request:
    """POST /v1/studio/init. Reads the photo."""
    return Request(
        "POST",
        "/v1/studio/init",
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        files={"image": _read(photo)},
        data=None if max_objects is None else {"max_objects": str(max_objects)},
    )


def backplate(picture: Photo) -> Request:
    """POST /v1/studio/backplates. Reads the picture."""
    return Request("POST", "/v1/studio/backplates", files={"image": _read(picture)})


def prices(size: int | None, aspect: str | None, fps: int | None, seconds: float | None) -> Request:
    """GET /v1/studio/prices."""
    asked = {"size": size, "aspect": aspect, "fps": fps, "seconds": seconds}
    return Request("GET", "/v1/studio/prices", params={name: str(value) for name, value in asked.items() if value})


def save_brand(name: str, choices: Mapping[str, Any], logo: Photo | None) -> Request:
    """POST /v1/studio/brands, ``choices`` without those that are None. Reads the logo.

    Raises InvalidRequest, as the server would.
    """
    whole = {field: value for field, value in choices.items() if value is not None}
    if isinstance(whole.get("background"), str):
        whole["background"] = dict(background_of(whole["background"]))
    if logo is not None:
        whole.setdefault("logo", {})
    brand = checked_body(SaveBrandBody, {"brand": whole})["brand"]
    files: dict[str, tuple[str | None, bytes]] = {
        "name": (None, name.encode()),
        "brand": (None, json.dumps(brand).encode()),
    }
    return Request("POST", "/v1/studio/brands", files=files if logo is None else {**files, "logo": _read(logo)})


def brands() -> Request:
    """GET /v1/studio/brands."""
    return Request("GET", "/v1/studio/brands")


def brand(name: str) -> Request:
    """GET /v1/studio/brands/{name}."""
    return Request("GET", f"/v1/studio/brands/{quote(name, safe='')}")


def delete_brand(name: str) -> Request:
    """DELETE /v1/studio/brands/{name}."""
    return Request("DELETE", f"/v1/studio/brands/{quote(name, safe='')}")


def choice(
    object_index: int | None,
    bbox: Sequence[float] | None,
    points: Sequence[PointMark] | None,
    cutout_id: str | None = None,
) -> dict[str, Any]:
    """The fields that say which thing is meant; those that are None are left out."""
    named: dict[str, Any] = {
        "object_index": object_index,
        "bbox": None if bbox is None else list(bbox),
        "points": None if points is None else [{"x": x, "y": y, "keep": keep} for x, y, keep in points],
        "cutout_id": cutout_id,
    }
    return {name: value for name, value in named.items() if value is not None}


def size(height_cm: float | None, width_cm: float | None, depth_cm: float | None) -> dict[str, float]:
    """The field that says how large the thing is; those that are None are left out."""
    named = {"real_height_cm": height_cm, "real_width_cm": width_cm, "real_depth_cm": depth_cm}
    return {name: value for name, value in named.items() if value is not None}


def add_view(
    session_id: str,
    photo: Photo,
    view: str | None,
    object_index: int | None,
    which: Mapping[str, Any],
    idempotency_key: str | None,
) -> Request:
    """POST /v1/studio/sessions/{session_id}/views. Reads the photo. Raises InvalidRequest, as the server would."""
    said = checked_body(ViewBody, {"view": view, **which} if view else which)
    data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
    if object_index is not None:
        data["object_index"] = str(object_index)
    return Request(
        "POST",
        _views_path(session_id),
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        files={"image": _read(photo)},
        data=data,
    )


def views(session_id: str) -> Request:
    """GET /v1/studio/sessions/{session_id}/views."""
    return Request("GET", _views_path(session_id))


def change_view(session_id: str, view_id: str, view: str | None, which: Mapping[str, Any]) -> Request:
    """PATCH /v1/studio/sessions/{session_id}/views/{view_id}; an empty side is to be found out.

    Raises:
        InvalidRequest: as the server would.
    """
    changes = dict(which) if view is None else {"view": view or None, **which}
    return Request(
        "PATCH", f"{_views_path(session_id)}/{quote(view_id, safe='')}", json=checked_body(ViewBody, changes)
    )


def delete_view(session_id: str, view_id: str) -> Request:
    """DELETE /v1/studio/sessions/{session_id}/views/{view_id}."""
    return Request("DELETE", f"{_views_path(session_id)}/{quote(view_id, safe='')}")


def _views_path(session_id: str) -> str:
    return f"/v1/studio/sessions/{quote(session_id, safe='')}/views"


def cutout(session_id: str, which: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """POST /v1/studio/cutout. Raises InvalidRequest, as the server would."""
    return Request(
        "POST",
        "/v1/studio/cutout",
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        json=checked_body(CutoutBody, {"session_id": session_id, **which}),
    )


def transform(
    session_id: str,
    background: Background | str | None,
    *,
    which: Mapping[str, Any],
    size: Mapping[str, float],
    brand: str | None,
    camera_preset: str | None,
    output: Mapping[str, Any] | None,
    webhook_url: str | None,
    webhook_events: Sequence[str] | None,
    deliver_to: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> Request:
    """POST /v1/studio/transform. Raises InvalidRequest or InvalidBackground, as the server would."""
    body: dict[str, Any] = {
        "session_id": session_id,
        **which,
        **size,
    }
    if background is not None:
        body["background"] = dict(background_of(background) if isinstance(background, str) else background)
    optional: dict[str, Any] = {
        "brand": brand,
        "camera_preset": camera_preset,
        "output": output,
        "webhook_url": webhook_url,
        "webhook_events": webhook_events,
    }
    if deliver_to is not None:
        optional["deliver_to"] = delivery(deliver_to)
    body |= {name: value for name, value in optional.items() if value is not None}
    return Request(
        "POST",
        "/v1/studio/transform",
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        json=checked_body(TransformBody, body),
    )


def delivery(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """``deliver_to`` as the API takes it: it may be given so, or as names of files and their URLs alone."""
    return given if "presigned" in given else {"type": "s3", "presigned": dict(given)}


def quote_for(order: Request) -> Request:
    """POST /v1/studio/quote, for the job that a request for /transform would start."""
    return replace(order, path="/v1/studio/quote", headers={})


def result(job_id: str, wait_s: int | None) -> Request:
    """GET /v1/studio/result/{job_id}."""
    return Request("GET", f"/v1/studio/result/{quote(job_id, safe='')}", headers=preference(wait_s))


def preference(wait_s: int | None) -> dict[str, str]:
    """The header that holds a poll for so many seconds, where it is to be held."""
    return {} if wait_s is None else {"Prefer": f"wait={max(1, min(MAX_WAIT_S, wait_s))}"}


def stream(job_id: str, last_event_id: str | None) -> Request:
    """GET /v1/studio/result/{job_id}/stream."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    return Request("GET", f"/v1/studio/result/{quote(job_id, safe='')}/stream", headers=headers)


def cancel(job_id: str) -> Request:
    """POST /v1/studio/jobs/{job_id}/cancel: a second cancel changes nothing."""
    return Request("POST", f"/v1/studio/jobs/{quote(job_id, safe='')}/cancel")


def session(session_id: str) -> Request:
    """GET /v1/studio/sessions/{session_id}."""
    return Request("GET", f"/v1/studio/sessions/{quote(session_id, safe='')}")


def share(job_id: str, hours: float, downloads: bool, listed: bool) -> Request:
    """POST /v1/studio/jobs/{job_id}/share: a second one changes how, the link stays."""
    how = {"hours": hours, "downloads": downloads, "listed": listed}
    return Request("POST", f"/v1/studio/jobs/{quote(job_id, safe='')}/share", json=how)


def unshare(job_id: str) -> Request:
    """DELETE /v1/studio/jobs/{job_id}/share."""
    return Request("DELETE", f"/v1/studio/jobs/{quote(job_id, safe='')}/share")


def delete(job_id: str) -> Request:
    """DELETE /v1/studio/jobs/{job_id}."""
    return Request("DELETE", f"/v1/studio/jobs/{quote(job_id, safe='')}")


def render(job_id: str, changes: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """POST /v1/studio/jobs/{job_id}/render. Raises InvalidRequest or InvalidBackground, as the server would."""
    return Request(
        "POST",
        f"/v1/studio/jobs/{quote(job_id, safe='')}/render",
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        json=checked_body(RenderBody, changes),
    )


def render_changes(
    camera_preset: str | None, background: Background | str | None, output: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a second film changes; what is None stays as it was."""
    if isinstance(background, str):
        background = background_of(background)
    named = {"camera_preset": camera_preset, "background": background and dict(background), "output": output}
    return {name: value for name, value in named.items() if value is not None}


def jobs(status: str | None, cursor: str | None, limit: int | None) -> Request:
    """GET /v1/studio/jobs."""
    params = {"status": status, "cursor": cursor, "limit": None if limit is None else str(limit)}
    return Request("GET", "/v1/studio/jobs", params={name: text for name, text in params.items() if text is not None})


def account() -> Request:
    """GET /v1/account."""
    return Request("GET", "/v1/account")


def ledger(cursor: str | None, limit: int | None) -> Request:
    """GET /v1/account/ledger."""
    params = {"cursor": cursor, "limit": None if limit is None else str(limit)}
    return Request(
        "GET", "/v1/account/ledger", params={name: text for name, text in params.items() if text is not None}
    )


def webhook_secret() -> Request:
    """GET /v1/account/webhook-secret."""
    return Request("GET", "/v1/account/webhook-secret")


def rotate_webhook_secret() -> Request:
    """POST /v1/account/webhook-secret/rotate. Not to be repeated: a second one ends the secret that receivers know."""
    return Request("POST", "/v1/account/webhook-secret/rotate")


def sent(base_url: str, api_key: str, request: Request) -> dict[str, Any]:
    """Arguments for ``httpx``'s ``request``/``build_request``. The key goes to the API's own base URL only."""
    return {
        "method": request.method,
        "url": f"{base_url}{request.path}",
        "params": dict(request.params) or None,
        "headers": {"Authorization": f"Bearer {api_key}", "User-Agent": USER_AGENT, **request.headers},
        "json": request.json,
        "files": request.files,
        "data": request.data,
    }


def timeouts() -> httpx.Timeout:
    """Short to connect, long to read: a poll may be held for a minute."""
    return httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)


def error_from(status: int, headers: Mapping[str, str], body: bytes) -> LensoraError:
    """The error behind an answer that is not a success."""
    problem: Mapping[str, Any] = {}
    if headers.get("content-type", "").startswith(PROBLEM):
        try:
            parsed = httpx.Response(status, content=body).json()
            problem = parsed if isinstance(parsed, dict) else {}
        except ValueError:
            problem = {}
    cls = error_class(str(problem.get("code", "")))
    if cls is None:
        cls = Unavailable if status in (429, 502, 503, 504) else InternalError
    error = cls(str(problem.get("detail") or f"The server answered with status {status}."))
    error.retry_after_s = _seconds(headers.get("retry-after"))
    request_id = problem.get("request_id") or headers.get("x-request-id")
    error.add_note(f"HTTP status {status}" + (f", request id {request_id}" if request_id else ""))
    return error


def parsed(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of a success; raises the error of anything else."""
    if not response.is_success:
        raise error_from(response.status_code, response.headers, response.content)
    if response.status_code == 204:
        return {}
    try:
        body = response.json()
    except ValueError as error:
        raise InternalError(f"The server answered {response.request.url.path} with a body that is not JSON.") from error
    if not isinstance(body, dict):
        raise InternalError(f"The server answered {response.request.url.path} with something that is no JSON object.")
    return body


def unreachable(base_url: str, cause: httpx.HTTPError) -> Unavailable:
    """The error for a server that cannot be reached or breaks off."""
    return Unavailable(f"{base_url} does not answer: {cause or type(cause).__name__}")


def pause_s(error: LensoraError, attempt: int) -> float | None:
    """Seconds before the next try, with jitter; None when there should be none.

    Args:
        error: what the last try raised.
        attempt: number of tries made, from 1.
    """
    if attempt >= MAX_TRIES or not error.retryable:
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= LONGEST_PAUSE_S else None
    return float(FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret


def job_id_of(job: Job) -> str:
    """The id of a job that is given by id, by its ticket or by a result."""
    return job if isinstance(job, str) else job.job_id


def output_of(job: Job | Output) -> Output | None:
    """The files, where they are known without another look at the job."""
    if isinstance(job, Output):
        return job
    return job.output if isinstance(job, Result) else None


def file_name(url: str, name: str) -> str:
    """The name to save a file under: the last segment of its URL's path, never a path of its own."""
    last = unquote(urlsplit(url).path.rsplit("/", 1)[-1]).replace("\\", "/").rsplit("/", 1)[-1]
    return last if last not in ("", ".", "..") and "\x00" not in last else name


def read(model: type[A], body: Mapping[str, Any]) -> A:
    """An answer as its model. Raises InternalError for one that this client cannot read."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InternalError(f"The server's {model.__name__} cannot be read: {place}: {first['msg']}.") from error


def checked_body(model: type[RequestBody], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that the server would take, found out here before anything is sent."""
    return checked(model, dict(body)).model_dump(mode="json", exclude_unset=True)


def _read(photo: Photo) -> tuple[str, bytes]:
    if isinstance(photo, bytes):
        return "photo", photo
    if isinstance(photo, str | Path):
        path = Path(photo)
        return path.name, path.read_bytes()
    return Path(str(getattr(photo, "name", "photo"))).name, photo.read()


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None
