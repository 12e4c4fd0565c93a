"""Both clients have a method for each call of the API, and the docs name what the npm client has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.http.app import public_calls
from lensora.client import AsyncClient, Client

ROOT = Path(__file__).resolve().parents[3]
BY_OTHER_NAMES = {"list_jobs": "jobs", "delete_job": "delete", "file": "download"}
OPERATORS = {"healthz", "readyz"}
"""Asked by load balancers and people, not by programs of customers."""


def call_names() -> set[str]:
    """Each call's name, as a client's method."""
    names = {call.name for call in public_calls() if call.name} - OPERATORS
    return {BY_OTHER_NAMES.get(name, name) for name in names}


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_the_python_clients_have_every_call(client: type) -> None:
    """By its name in the OpenAPI document; the ways to wait come on top."""
    methods = {name for name in vars(client) if not name.startswith("_")}
    assert call_names() <= methods
    assert "wait" in methods


def test_the_npm_client_has_every_call_and_its_page_names_them() -> None:
    """In its language's spelling; no method is left out of the page, and none is made up there."""
    source = (ROOT / "clients" / "node" / "src" / "client.ts").read_text("utf-8")
    body = source[source.index("export class Lensora") :]
    methods = set(re.findall(r"^  (?:async )?\*?([a-z]\w*)(?:<.*>)?\(.*\{$", body, re.MULTILINE)) - {"constructor"}
    wanted = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in call_names()}
    assert wanted <= methods
    page = (ROOT / "docs" / "guides" / "node.md").read_text("utf-8")
    (entry,) = re.findall(r"^- (`init`.*?)\.\n", page, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", entry)) == methods
