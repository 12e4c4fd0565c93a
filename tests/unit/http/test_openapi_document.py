"""The OpenAPI document and the reference page made of it."""

from __future__ import annotations

import re

from gateway.http.openapi import document
from gateway.http.problems import TITLES
from gateway.http.reference import ERROR_ROWS, render_reference
from lensora.core.errors import error_classes
from lensora.rpc.status import statuses

BASE = "https://studio.example"


def test_every_reference_leads_somewhere() -> None:
    """No ``$ref`` of the document is dangling."""
    api = document(BASE)
    text = repr(api)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in api["components"]["schemas"]


def test_every_operation_has_a_name_of_its_own() -> None:
    """Operation ids are unique, and every tag is known."""
    api = document(BASE)
    operations = [operation for methods in api["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in api["tags"]}
    assert all(set(operation["tags"]) <= tags for operation in operations)


def test_the_reference_page_stands_alone() -> None:
    """Every operation and code is on the page, and nothing is loaded from elsewhere."""
    api = document(BASE)
    page = render_reference(api, BASE)
    for methods in api["paths"].values():
        for operation in (entry for method, entry in methods.items() if method != "head"):
            assert f'id="{operation["operationId"]}"' in page
    for _, code, _ in ERROR_ROWS:
        assert f'id="{code}"' in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "#"))


def test_the_error_table_tells_the_true_statuses() -> None:
    """The page's table agrees with the one table of errors."""
    known = {cls.code: statuses(cls)[1] for cls in error_classes()}
    assert {code: status for status, code, _ in ERROR_ROWS} == {code: known[code] for _, code, _ in ERROR_ROWS}
    assert set(TITLES) >= {code for _, code, _ in ERROR_ROWS}


def test_the_document_is_valid() -> None:
    """By the schema of OpenAPI 3.1 itself."""
    from openapi_spec_validator import validate

    validate(document(BASE))
