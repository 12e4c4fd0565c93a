"""The calls of the REST surface, put together."""

from __future__ import annotations

from gateway.http.account import AccountPages
from gateway.http.calls import Call, calls_of, routes_of
from gateway.http.cutouts import CutoutPages
from gateway.http.edge import Edge
from gateway.http.files import CROSS_ORIGIN, Files
from gateway.http.pages import Pages
from gateway.http.probes import Probes
from gateway.http.results import Results
from gateway.http.signing import FILES_PATH
from gateway.http.studio import Studio
from gateway.http.surface import Surface

PUBLIC = (Studio, CutoutPages, Results, AccountPages, Files, Probes)
"""The handlers that the OpenAPI document describes, in its order."""


def public_calls() -> list[Call]:
    """Every call of the public API."""
    return list(calls_of(*PUBLIC))


def create_app(surface: Surface) -> Edge:
    """The ASGI application on a set of ports."""
    routes = routes_of(
        # Routes are tried in this order: what is asked most comes first.
        Results(surface),
        Files(surface),
        Studio(surface),
        CutoutPages(surface),
        AccountPages(surface),
        Probes(surface),
        Pages(surface.public_url, public_calls()),
    )
    return Edge(routes, surface.public_url, {f"{FILES_PATH}/": CROSS_ORIGIN})
