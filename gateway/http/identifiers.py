"""Ids in paths and bodies: compared without regard to case (RFC 9562, section 4); what is not shaped like one of ours
is unknown, without a look into the store."""

from __future__ import annotations

import re

from starlette.requests import Request

from lensora.core.errors import JobNotFound, SessionNotFound

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def job_id_of(request: Request) -> str:
    """The path's job id, as it is stored. Raises JobNotFound."""
    job_id: str = request.path_params["job_id"].lower()
    if not _UUID.fullmatch(job_id):
        raise JobNotFound("There is no such job.")
    return job_id


def session_id_of(text: str) -> str:
    """A body's session id, as it is stored. Raises SessionNotFound."""
    session_id = text.lower()
    if not _UUID.fullmatch(session_id):
        raise SessionNotFound("There is no such session, or it has expired: sessions live 24 hours.")
    return session_id
