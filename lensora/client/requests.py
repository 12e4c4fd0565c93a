"""The requests of the API, shared by both clients. No I/O but reading the photo."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from lensora.contract.answers import JobTicket, Output, Result
from lensora.contract.brands import SaveBrandBody
from lensora.contract.requests import (
    MAX_IDEMPOTENCY_KEY_CHARACTERS,
    CutoutBody,
    RenderBody,
    RequestBody,
    ShareBody,
    TransformBody,
    checked,
)
from lensora.contract.views import ViewBody
from lensora.contract.wording import shown
from lensora.core.colours import PATTERN
from lensora.core.errors import InvalidRequest

Photo = str | Path | bytes | BinaryIO
Background = Mapping[str, str]
Job = JobTicket | Result | str
"""A job, by its ticket, by one of its results or by its id."""

PointMark = tuple[float, float, bool]
"""(x, y, keep): fractions of the upright image, and whether the place belongs to the subject."""

MAX_WAIT_S = 60
"""The server holds a poll for so long at most."""
WATCH_PAUSE_S = 1.0


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
        within_s: seconds after which its answer is not waited for, nor asked for again; None for as long as usual.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str | None, bytes]] | None = None
    data: Mapping[str, str] | None = None
    within_s: float | None = None


def init(photo: Photo, max_objects: int | None, idempotency_key: str | None) -> Request:
    """POST /v1/studio/init. Reads the photo."""
    return Request(
        "POST",
        "/v1/studio/init",
        headers=once(idempotency_key),
        files={"image": _read(photo)},
        data=None if max_objects is None else {"max_objects": str(max_objects)},
    )


def backplate(picture: Photo) -> Request:
    """POST /v1/studio/backplates. Reads the picture."""
    return Request("POST", "/v1/studio/backplates", files={"image": _read(picture)})


def prices(size: int | None, aspect: str | None, fps: int | None, seconds: float | None) -> Request:
    """GET /v1/studio/prices."""
    asked = {"size": size, "aspect": aspect, "fps": fps, "seconds": seconds}
    return Request(
        "GET", "/v1/studio/prices", params={name: str(value) for name, value in asked.items() if value is not None}
    )


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
    return Request("GET", f"/v1/studio/brands/{segment('name', name)}")


def delete_brand(name: str) -> Request:
    """DELETE /v1/studio/brands/{name}."""
    return Request("DELETE", f"/v1/studio/brands/{segment('name', name)}")


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
        "points": None if points is None else [_mark(number, mark) for number, mark in enumerate(points)],
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
        headers=once(idempotency_key),
        files={"image": _read(photo)},
        data=data,
    )


def add_turn(session_id: str, video: Photo, object_index: int | None, idempotency_key: str | None) -> Request:
    """POST /v1/studio/sessions/{session_id}/turn. Reads the film."""
    return Request(
        "POST",
        f"/v1/studio/sessions/{segment('session_id', session_id)}/turn",
        headers=once(idempotency_key),
        files={"video": _read(video)},
        data=None if object_index is None else {"object_index": str(object_index)},
    )


def views(session_id: str) -> Request:
    """GET /v1/studio/sessions/{session_id}/views."""
    return Request("GET", _views_path(session_id))


def change_view(session_id: str, view_id: str, view: str | None, which: Mapping[str, Any]) -> Request:
    """PATCH /v1/studio/sessions/{session_id}/views/{view_id}; an empty side is one that nobody knows.

    Raises:
        InvalidRequest: as the server would.
    """
    changes = dict(which) if view is None else {"view": view or None, **which}
    return Request(
        "PATCH", f"{_views_path(session_id)}/{segment('view_id', view_id)}", json=checked_body(ViewBody, changes)
    )


def delete_view(session_id: str, view_id: str) -> Request:
    """DELETE /v1/studio/sessions/{session_id}/views/{view_id}."""
    return Request("DELETE", f"{_views_path(session_id)}/{segment('view_id', view_id)}")


def _views_path(session_id: str) -> str:
    return f"/v1/studio/sessions/{segment('session_id', session_id)}/views"


def cutout(session_id: str, which: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """POST /v1/studio/cutout. Raises InvalidRequest, as the server would."""
    return Request(
        "POST",
        "/v1/studio/cutout",
        headers=once(idempotency_key),
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
        headers=once(idempotency_key),
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
    return Request("GET", f"/v1/studio/result/{segment('job_id', job_id)}", headers=preference(wait_s))


def preference(wait_s: int | None) -> dict[str, str]:
    """The header that holds a poll for so many seconds, where it is to be held."""
    return {} if wait_s is None else {"Prefer": f"wait={max(1, min(MAX_WAIT_S, wait_s))}"}


def stream(job_id: str, last_event_id: str | None) -> Request:
    """GET /v1/studio/result/{job_id}/stream."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    return Request("GET", f"/v1/studio/result/{segment('job_id', job_id)}/stream", headers=headers)


def cancel(job_id: str) -> Request:
    """POST /v1/studio/jobs/{job_id}/cancel: a second cancel changes nothing."""
    return Request("POST", f"/v1/studio/jobs/{segment('job_id', job_id)}/cancel")


def session(session_id: str) -> Request:
    """GET /v1/studio/sessions/{session_id}."""
    return Request("GET", f"/v1/studio/sessions/{segment('session_id', session_id)}")


def share(job_id: str, hours: float, downloads: bool, listed: bool) -> Request:
    """POST /v1/studio/jobs/{job_id}/share: a second one changes how, the link stays. Raises InvalidRequest, as the
    server would."""
    how = checked_body(ShareBody, {"hours": hours, "downloads": downloads, "listed": listed})
    return Request("POST", f"/v1/studio/jobs/{segment('job_id', job_id)}/share", json=how)


def unshare(job_id: str) -> Request:
    """DELETE /v1/studio/jobs/{job_id}/share."""
    return Request("DELETE", f"/v1/studio/jobs/{segment('job_id', job_id)}/share")


def delete(job_id: str) -> Request:
    """DELETE /v1/studio/jobs/{job_id}."""
    return Request("DELETE", f"/v1/studio/jobs/{segment('job_id', job_id)}")


def render(job_id: str, changes: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """POST /v1/studio/jobs/{job_id}/render. Raises InvalidRequest or InvalidBackground, as the server would."""
    return Request(
        "POST",
        f"/v1/studio/jobs/{segment('job_id', job_id)}/render",
        headers=once(idempotency_key),
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


def once(idempotency_key: str | None) -> dict[str, str]:
    """The header by which a repeat is known; a key of our own where the caller has none.

    Raises:
        InvalidRequest: no header can hold the caller's, or the server would not take it.
    """
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_CHARACTERS or not all(" " <= character <= "~" for character in key):
        given = shown(key) if len(key) <= MAX_IDEMPOTENCY_KEY_CHARACTERS else str(len(key))
        raise InvalidRequest(
            f"idempotency_key must have 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} printable ASCII characters, not {given}.",
            field="idempotency_key",
        )
    return {"Idempotency-Key": key}


def segment(field: str, text: str) -> str:
    """A name or an id as one segment of a path.

    Raises:
        InvalidRequest: it is none, and would lead to another path.
    """
    if text in ("", ".", ".."):
        raise InvalidRequest(f"{field} must be a name or an id, not {shown(text)}.", field=field)
    return quote(text, safe="")


def _mark(number: int, mark: PointMark) -> dict[str, Any]:
    try:
        x, y, keep = mark
    except (TypeError, ValueError) as error:
        field = f"points.{number}"
        raise InvalidRequest(f"{field} must be x, y and keep, not {shown(mark)}.", field=field) from error
    return {"x": x, "y": y, "keep": keep}


def checked_body(model: type[RequestBody], body: Mapping[str, Any]) -> dict[str, Any]:
    """A body that the server would take, found out here before anything is sent."""
    return checked(model, dict(body)).model_dump(mode="json", exclude_unset=True)


def _read(photo: Photo) -> tuple[str, bytes]:
    if isinstance(photo, bytes):
        return "photo", photo
    if isinstance(photo, str | Path):
        path = Path(photo)
        return _told(path.name), path.read_bytes()
    return _told(Path(str(getattr(photo, "name", "photo"))).name), photo.read()


def _told(name: str) -> str:
    """A file's name as UTF-8 can tell it: file systems hold other bytes too."""
    return name.encode(errors="replace").decode()
