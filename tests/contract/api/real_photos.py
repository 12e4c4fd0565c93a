"""What Schemathesis loads for its hooks: a real picture in the place of each file that a form has.

Without it no generated chain of calls gets beyond ``/init``, since made-up bytes are no photo, and no other field of a
form decides. The form is given as the request's own body: Schemathesis judges a case again whose body a hook has
changed, and takes bytes in it for a break of the schema, so that it would report a good photo as wrongly accepted.
"""

from __future__ import annotations

import io
from typing import Any

import schemathesis
from PIL import Image

FILES = ("image", "logo")
"""Fields that are files."""


def _picture() -> bytes:
    """A small PNG, which every one of them takes: large enough for a photo, small enough for a logo."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _picture()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put the picture where the form has a file."""
    del context
    if case.meta is None or not isinstance(case.body, dict):
        return
    files = [name for name in FILES if isinstance(case.body.get(name), (str, bytes))]
    if files:
        kwargs["files"] = dict.fromkeys(files, ("photo.png", PICTURE, "image/png"))
        kwargs["data"] = {name: str(value) for name, value in case.body.items() if name not in files}
