"""Health for whoever restarts and routes: ``/healthz`` is this process alone, ``/readyz`` what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.health.readiness import Readiness
from gateway.http.plumbing.answers import json_answer
from gateway.http.plumbing.calls import call
from gateway.http.plumbing.lifecycle import Lifecycle
from lensora import __version__
from lensora.contract import answers


@dataclass(frozen=True, slots=True)
class Probes:
    """Handlers."""

    readiness: Readiness
    lifecycle: Lifecycle

    @call(
        "GET",
        "/healthz",
        name="healthz",
        tag="health",
        summary="This process lives",
        answer=answers.Health,
        keyed=False,
    )
    async def healthz(self, _request: Request) -> Response:
        """GET /healthz."""
        return json_answer(answers.Health(status="ok", version=__version__))

    @call(
        "GET",
        "/readyz",
        name="readyz",
        tag="health",
        summary="All that it needs answers",
        answer=answers.Readiness,
        keyed=False,
        responses={
            "503": {
                "description": "Something is away, or this process ends.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}},
            }
        },
    )
    async def readyz(self, _request: Request) -> Response:
        """GET /readyz: 503 while something that a job needs is away, and while this process drains."""
        if self.lifecycle.draining.is_set():
            return json_answer(answers.Readiness(status="draining", checks={}), 503)
        checks = await self.readiness.check()
        ready = all(state == "ok" for state in checks.values())
        state = answers.Readiness(status="ready" if ready else "unready", checks=checks)
        return json_answer(state, 200 if ready else 503)
