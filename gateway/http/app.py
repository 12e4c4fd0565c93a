"""The routes of the REST surface, put together."""

from __future__ import annotations

from gateway.http.account import AccountPages
from gateway.http.cutouts import CutoutPages
from gateway.http.edge import Edge
from gateway.http.files import CROSS_ORIGIN, Files
from gateway.http.pages import Pages
from gateway.http.probes import Probes
from gateway.http.results import Results
from gateway.http.routing import Route, Router
from gateway.http.signing import FILES_PATH
from gateway.http.studio import Studio
from gateway.http.surface import Surface


def create_app(surface: Surface) -> Edge:
    """The ASGI application on a set of ports."""
    studio, results, account = Studio(surface), Results(surface), AccountPages(surface)
    files, probes, pages = Files(surface), Probes(surface), Pages(surface.public_url)
    routes = [
        Route("POST", "/v1/studio/init", studio.init),
        Route("POST", "/v1/studio/cutout", CutoutPages(surface).cutout),
        Route("POST", "/v1/studio/transform", studio.transform),
        Route("GET", "/v1/studio/result/{job_id}", results.poll),
        Route("GET", "/v1/studio/result/{job_id}/stream", results.stream),
        Route("GET", "/v1/studio/jobs", results.list),
        Route("POST", "/v1/studio/jobs/{job_id}/cancel", studio.cancel),
        Route("POST", "/v1/studio/jobs/{job_id}/render", studio.render),
        Route("GET", "/v1/account", account.show),
        Route("GET", "/v1/account/ledger", account.ledger),
        Route("GET", "/v1/account/webhook-secret", account.webhook_secret),
        Route("POST", "/v1/account/webhook-secret/rotate", account.rotate_webhook_secret),
        Route("GET", "/v1/files/{token}/{rest:path}", files.show),
        Route("OPTIONS", "/v1/files/{token}/{rest:path}", files.preflight),
        Route("GET", "/healthz", probes.healthz),
        Route("GET", "/readyz", probes.readyz),
        Route("GET", "/openapi.json", pages.openapi),
        Route("GET", "/docs", pages.docs),
        Route("GET", "/", pages.studio),
        Route("GET", "/favicon.ico", pages.favicon),
        Route("GET", "/web/{name:path}", pages.asset),
    ]
    return Edge(Router(routes), surface.public_url, {f"{FILES_PATH}/": CROSS_ORIGIN})
