"""Public pages of jobs, in Redis: who may see what, by an unguessable token."""

from __future__ import annotations

import re
import secrets

from gateway.jobs.codec import job_from_hash
from gateway.jobs.records import Job, Share
from gateway.jobs.scripts import Scripts
from lensora.core.errors import Conflict, JobNotFound, NotFound

TOKEN_BYTES = 24
"""192 bits: 32 characters, out of reach of guessing."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class RedisShares:
    """The port ``Shares``."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def share(self, key_id: str, job_id: str, *, hours: float, downloads: bool, listed: bool) -> Share:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        ms = round(hours * 3_600_000)
        reply = await self._scripts.repeat("share", job_id, key_id, token, ms, int(downloads), int(listed))
        if reply[0] == "none":
            raise JobNotFound("There is no such job, or it has expired.")
        if reply[0] == "unfinished":
            raise Conflict(f"Only a completed job can be shared; job {job_id} is {reply[1]}.")
        return Share(str(reply[1]), int(reply[2]), downloads, listed)

    async def unshare(self, key_id: str, job_id: str) -> None:
        if await self._scripts.repeat("unshare", job_id, key_id) == "none":
            raise JobNotFound("There is no such job, or it has expired.")

    async def shown(self, token: str) -> Job:
        if _TOKEN.fullmatch(token):
            named = await self._scripts.read_hash(f"share:{token}")
            if named:
                fields = await self._scripts.read_hash(f"job:{named['job']}")
                if fields.get("key") == named["key"] and fields.get("share_token") == token:
                    return job_from_hash(named["job"], fields)
        raise NotFound("This film is not shown, or no longer.")
