"""What Schemathesis loads for its hooks, so that what is said of a request's other fields is what decides.

- Each file of a form is a real picture: made-up bytes are no photo, and no chain of calls gets beyond ``/init``.
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

FILES = ("image", "logo")
"""Fields that are files."""
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


def once(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The request with a key of its own, a short wait and a known address; what is wrong with them stays wrong."""
    key = str(request.headers.get(KEY, ""))
    if re.fullmatch("[ -~]{1,200}", key):
        request.headers[KEY] = f"{key}{next(_turn)}"
    if str(request.headers.get("Prefer", "")).startswith("wait="):
        request.headers["Prefer"] = "wait=1"
    if isinstance(request.body, bytes) and EXAMPLE in request.body:
        request.body = request.body.replace(EXAMPLE, TAKEN)
        request.headers["Content-Length"] = str(len(request.body))
    return request


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Say what is sent in place of what was generated."""
    del context
    kwargs["auth"] = once
    if case.operation.path.endswith("/stream"):
        kwargs["timeout"] = STREAM_S
    files = [name for name in FILES if isinstance(case.body, dict) and isinstance(case.body.get(name), (str, bytes))]
    if files:
        kwargs["files"] = dict.fromkeys(files, ("photo.png", PICTURE, "image/png"))
        kwargs["data"] = {name: str(value) for name, value in case.body.items() if name not in files}
