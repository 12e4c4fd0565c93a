"""The calls of the REST surface, put together."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.http.account import AccountCalls
from gateway.http.batches.archive import ArchiveCalls
from gateway.http.batches.ordering import BatchOrdering
from gateway.http.batches.reading import BatchCalls
from gateway.http.files import CROSS_ORIGIN, Files
from gateway.http.health.probes import Probes
from gateway.http.jobs.changes import JobChanges
from gateway.http.jobs.results import Results
from gateway.http.jobs.shares import ShareCalls
from gateway.http.pages.pages import Pages
from gateway.http.plumbing.calls import Call, calls_of, routes_of
from gateway.http.plumbing.edge import Edge
from gateway.http.studio.backplates import BackplateCalls
from gateway.http.studio.brands import BrandCalls
from gateway.http.studio.cutout import CutoutCalls
from gateway.http.studio.init import InitCall
from gateway.http.studio.prices import PriceCalls
from gateway.http.studio.sessions import SessionCalls
from gateway.http.studio.transform import TransformCalls
from gateway.http.studio.turns import TurnCall
from gateway.http.studio.views import ViewCalls
from gateway.links import FILES_PATH

PUBLIC = (
    InitCall,
    SessionCalls,
    ViewCalls,
    TurnCall,
    BackplateCalls,
    BrandCalls,
    CutoutCalls,
    PriceCalls,
    TransformCalls,
    Results,
    JobChanges,
    ShareCalls,
    BatchOrdering,
    BatchCalls,
    ArchiveCalls,
    AccountCalls,
    Files,
    Probes,
)
"""The handlers that the OpenAPI document describes, in its order."""


def public_calls() -> list[Call]:
    """Every call of the public API."""
    return list(calls_of(*PUBLIC))


def create_app(handlers: Iterable[object], public_url: str) -> Edge:
    """The ASGI application.

    Args:
        handlers: in the order in which their routes are tried.
        public_url: what every URL in an answer starts with, without a slash at its end.
    """
    routes = routes_of(*handlers, Pages(public_url, public_calls()))
    return Edge(routes, public_url, {f"{FILES_PATH}/": CROSS_ORIGIN})
