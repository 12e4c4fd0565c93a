"""What Schemathesis loads for its hooks, so that what is said of a request's other fields is what decides.

- Each file of a form is a real picture or film: with made-up bytes no chain of calls gets beyond ``/init``.
- Each Idempotency-Key is used once: the one that is generated everywhere would have every further body refused.
- No poll is held for long, and the examples' web address becomes one that the installation takes: no name is known.

All of it is put into the request as it is sent, not into the case: Schemathesis judges a case again that a hook has
changed, takes bytes in a form for a break of the schema, and would report a good photo as wrongly accepted.
"""

from __future__ import annotations

import io
import itertools
import re
from typing import Any

import requests
import schemathesis
from PIL import Image

from lensora.testing.films import film_of, turning

FILE = rb'(name="(image|logo|video)"; filename="[^"]*"\r\n(?:[^\r\n]+\r\n)*\r\n).*?(\r\n--)'
"""A form's file, with what stands before and after its bytes."""
KEY = "Idempotency-Key"
EXAMPLE, TAKEN = b"https://shop.example.com/", b"http://127.0.0.1/"

STREAM_S = 3.0
"""A stream of a job that waits is read for so long."""

_turn = itertools.count()


def _picture() -> bytes:
    """A small PNG, which every one of them takes: large enough for a photo, small enough for a logo."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _picture()


def _real(name: bytes) -> bytes:
    return FILM if name == b"video" else PICTURE


FILM = film_of(turning(36), rate=12)


def once(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request with a key of its own, a short wait and a known address; what is wrong with them stays wrong."""
    key = str(request.headers.get(KEY, ""))
    if re.fullmatch("[ -~]{1,200}", key):
        request.headers[KEY] = f"{key}{next(_turn)}"
    if str(request.headers.get("Prefer", "")).startswith("wait="):
        request.headers["Prefer"] = "wait=1"
    if isinstance(request.body, bytes):
        body = request.body.replace(EXAMPLE, TAKEN)
        boundary = str(request.headers.get("Content-Type", "")).partition("boundary=")[2].encode()
        if boundary:
            file = FILE + re.escape(boundary)
            body = re.sub(file, lambda found: found[1] + _real(found[2]) + found[3] + boundary, body, flags=re.DOTALL)
        # Its length is written into the headers after this.
        request.body = body
    return request


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Say what is sent in place of what was generated."""
    del context
    kwargs["auth"] = once
    if case.operation.path.endswith("/stream"):
        kwargs["timeout"] = STREAM_S


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """A form knows text alone: null in the place of a text is sent as the word, which may be a brand's name."""
    del context
    form = str(case.media_type or "").startswith("multipart/")
    return not (form and isinstance(case.body, dict) and case.body.get("name", "") is None)
