"""Ids in paths and bodies: compared without regard to case (RFC 9562, section 4) and to spaces around them; what is not
shaped like one of ours is unknown, without a look into the store."""

from __future__ import annotations

import re

from starlette.requests import Request

from lensora.core.errors import BatchNotFound, JobNotFound, SessionNotFound, ViewNotFound

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHOWN_CHARACTERS = 40
"""As much of a text that is no id as a sentence repeats."""


def job_id_of(request: Request) -> str:
    """The path's job id, as it is stored. Raises JobNotFound."""
    given: str = request.path_params["job_id"]
    job_id = given.strip().lower()
    if not _UUID.fullmatch(job_id):
        raise JobNotFound(f"There is no such job: {_no_id(given, '/transform')}.")
    return job_id


def batch_id_of(request: Request) -> str:
    """The path's batch id, as it is stored. Raises BatchNotFound."""
    given: str = request.path_params["batch_id"]
    batch_id = given.strip().lower()
    if not _UUID.fullmatch(batch_id):
        raise BatchNotFound(f"There is no such batch: {_no_id(given, '/batches')}.")
    return batch_id


def session_id_of(text: str) -> str:
    """A body's session id, as it is stored. Raises SessionNotFound."""
    session_id = text.strip().lower()
    if not _UUID.fullmatch(session_id):
        raise SessionNotFound(f"There is no such session: {_no_id(text, '/init')}.")
    return session_id


def view_id_of(request: Request) -> str:
    """The path's view id, as it is stored. Raises ViewNotFound."""
    given: str = request.path_params["view_id"]
    view_id = given.strip().lower()
    if not _UUID.fullmatch(view_id):
        raise ViewNotFound(f"There is no such view: {_no_id(given, '/views')}.")
    return view_id


def _no_id(text: str, source: str) -> str:
    return f"{text[:_SHOWN_CHARACTERS]!r} is not an id as {source} gives it"
