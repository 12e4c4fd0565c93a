"""What Schemathesis loads for its hooks: real pictures for the files of forms, and a record of the answers.

A picture is mostly whole, sometimes damaged, so that chains of calls get beyond ``/init``. Each answer's status goes to
the file that ``BENCH_ATTACK_ANSWERS`` names, where it names one.
"""

from __future__ import annotations

import itertools
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import schemathesis

from bench.attack_generated import DEEP_VARIABLE, LOG_VARIABLE
from bench.attack_inputs import mutated, whole_pictures

DAMAGED_EACH = 4
"""Every so many pictures one is damaged."""

IDS = ("session_id", "job_id", "cutout_id", "backplate_id", "view_id")
STRANGE_EACH = 5
"""Every so many ids one stays as it was made up."""

PLAIN = ("session_id", "background", "camera_preset", "output")
"""What a plain order says."""

_turn = itertools.count()
_known: dict[str, str] = {}
"""The newest id of each kind that an answer held."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put a picture where a form has a file, and ids that exist where ids stand; what is meant to be refused stays."""
    del context, kwargs
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    number, body = next(_turn), case.body if isinstance(case.body, dict) else {}
    if "image" in body:
        whole = whole_pictures()
        damaged = number % DAMAGED_EACH == DAMAGED_EACH - 1
        body["image"] = mutated(number) if damaged else whole[number % len(whole)]
    if os.environ.get(DEEP_VARIABLE):
        _deepen(case, body, number)


def _deepen(case: Any, body: dict[str, Any], number: int) -> None:
    """Ids of before in place of those made up; every second order is plain enough to be taken."""
    if number % STRANGE_EACH:
        for place in (body, case.path_parameters or {}):
            place.update({name: _known[name] for name in IDS if name in place and name in _known})
    if number % 2 and "background" in body:
        for name in [name for name in body if name not in PLAIN]:
            del body[name]
        body["background"] = {"type": "remove"}
    if number % 2 and case.headers:
        case.headers.pop("Idempotency-Key", None)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember the ids, and write the answer down."""
    del context, case
    with suppress(ValueError):
        found = json.loads(response.content)
        if isinstance(found, dict) and response.status_code < 300:
            _known.update({name: found[name] for name in IDS if isinstance(found.get(name), str)})
    path = os.environ.get(LOG_VARIABLE)
    if path:
        later = " later" if "retry-after" in {name.lower() for name in response.headers} else ""
        with Path(path).open("a") as file:
            file.write(f"{response.status_code}{later}\n")
