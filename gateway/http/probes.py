"""Health for whoever restarts and routes: ``/healthz`` is this process alone, ``/readyz`` what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.answers import API_HEADERS, JSON
from gateway.http.calls import call
from gateway.http.problems import encode
from gateway.http.surface import Surface
from lensora import __version__
from lensora.contract import answers


@dataclass(frozen=True, slots=True)
class Probes:
    """Handlers."""

    surface: Surface

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
        return Response(encode({"status": "ok", "version": __version__}), 200, API_HEADERS, JSON)

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
        if self.surface.lifecycle.draining.is_set():
            return Response(encode({"status": "draining", "checks": {}}), 503, API_HEADERS, JSON)
        checks = await self.surface.readiness.check()
        ready = all(state == "ok" for state in checks.values())
        body = {"status": "ready" if ready else "unready", "checks": checks}
        return Response(encode(body), 200 if ready else 503, API_HEADERS, JSON)
