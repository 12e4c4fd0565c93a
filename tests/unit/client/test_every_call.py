"""Both clients have a method for each call of the API, and the docs name what the npm client has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.http.app import public_calls
from lensora.client import AsyncClient, Client
from lensora.client.batches import AsyncBatches, Batches

ROOT = Path(__file__).resolve().parents[3]
BY_OTHER_NAMES = {
    "list_jobs": "jobs",
    "delete_job": "delete",
    "file": "download",
    "create_batch": "batches.create",
    "quote_batch": "batches.quote",
    "batch": "batches.get",
    "list_batches": "batches.list",
    "cancel_batch": "batches.cancel",
    "delete_batch": "batches.delete",
    "batch_archive": "batches.archive",
}
OPERATORS = {"healthz", "readyz"}
"""Asked by load balancers and people, not by programs of customers."""


def call_names() -> set[str]:
    """Each call's name, as a client's method."""
    names = {call.name for call in public_calls() if call.name} - OPERATORS
    return {BY_OTHER_NAMES.get(name, name) for name in names}


def methods_of(source: str) -> set[str]:
    """The public methods of a TypeScript class, as our style writes them."""
    return set(re.findall(r"^  (?:async )?\*?([a-z]\w*)(?:<.*>)?\((?:.*\{)?$", source, re.MULTILINE)) - {"constructor"}


@pytest.mark.parametrize(("client", "batches"), [(Client, Batches), (AsyncClient, AsyncBatches)])
def test_the_python_clients_have_every_call(client: type, batches: type) -> None:
    """By its name in the OpenAPI document; the ways to wait come on top."""
    methods = {name for name in vars(client) if not name.startswith("_")}
    methods |= {f"batches.{name}" for name in vars(batches) if not name.startswith("_")}
    assert call_names() <= methods
    assert "wait" in methods


def test_the_npm_client_has_every_call_and_its_page_names_them() -> None:
    """In its language's spelling; no method is left out of the page, and none is made up there."""
    sources = ROOT / "clients" / "node" / "src"
    source = (sources / "client.ts").read_text("utf-8")
    methods = methods_of(source[source.index("export class Lensora") :])
    source = (sources / "batches.ts").read_text("utf-8")
    batches = {f"batches.{name}" for name in methods_of(source[source.index("export class Batches") :])}
    wanted = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in call_names()}
    assert wanted <= methods | batches
    page = (ROOT / "docs" / "guides" / "node.md").read_text("utf-8")
    (entry,) = re.findall(r"^- (`init`.*?)\.\n", page, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", entry)) == methods
