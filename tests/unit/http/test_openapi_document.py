"""The OpenAPI document and the reference page made of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from gateway.http.app import public_calls
from gateway.http.pages.openapi import document
from gateway.http.pages.reference import render_reference
from gateway.http.plumbing.calls import Call
from lensora.contract import examples
from lensora.contract.problems import MEANINGS
from lensora.contract.shapes import PublicAnswer
from lensora.core.errors import Overloaded, error_classes
from lensora.rpc.status import hidden, statuses

BASE = "https://studio.example"
API: dict[str, Any] = document(public_calls(), BASE)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of each."""
    return [(path, method, one) for path, methods in API["paths"].items() for method, one in methods.items()]


def test_the_document_is_valid() -> None:
    """By the schema of OpenAPI 3.1 itself."""
    validate(API)


def test_every_reference_leads_somewhere() -> None:
    """No ``$ref`` of the document is dangling, and no schema is there for nothing."""
    named = set(re.findall(r"#/components/schemas/(\w+)", repr(API)))
    assert named == set(API["components"]["schemas"])


def test_every_operation_has_a_name_of_its_own() -> None:
    """Operation ids are unique, and every tag is known."""
    names = [one["operationId"] for _, _, one in operations()]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in API["tags"]}
    assert all(set(one["tags"]) <= tags for _, _, one in operations())


def test_what_has_a_default_need_not_be_given() -> None:
    """A field with a default is in no list of required ones, and no body of a request lies under components, where
    generators of TypeScript would take it for required."""

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            for name, field in node.get("properties", {}).items():
                if isinstance(field, dict) and "default" in field:
                    assert name not in node.get("required", ()), name
            for value in node.values():
                walk(value)

    walk(API)
    for name, schema in API["components"]["schemas"].items():
        assert not any("default" in field for field in schema.get("properties", {}).values()), name


@pytest.mark.parametrize("one", public_calls(), ids=lambda one: one.name or one.path)
def test_a_call_tells_all_its_codes(one: Call) -> None:
    """Each error of a call is in the document under its own status, with its code and an example."""
    if not one.name:
        return
    answers = API["paths"][one.path.replace(":path}", "}")][one.method.lower()]["responses"]
    for cls in one.all_errors:
        answer = answers[str(statuses(cls)[1])]
        assert cls.code in answer["x-codes"]
        content = answer["content"]["application/problem+json"]
        assert content["examples"][cls.code]["value"]["code"] == cls.code


@pytest.mark.parametrize("model", list(examples.EXAMPLES), ids=lambda model: model.__name__)
def test_examples_are_what_they_show(model: type[PublicAnswer]) -> None:
    """An example has the model's fields and no other, word for word."""
    assert model.model_validate(examples.EXAMPLES[model]).as_json() == examples.EXAMPLES[model]


def test_examples_of_bodies_are_taken() -> None:
    """The page's own bodies are valid, and hold no field that is passed over."""
    for one in public_calls():
        if one.body is not None:
            assert one.example is not None
            assert set(one.example) <= set(one.body.model_fields)
            assert isinstance(one.body.model_validate(one.example), BaseModel)


def test_every_error_of_an_answer_has_its_meaning() -> None:
    """The table of meanings holds each error that a call or the router answers, and no error that is hidden."""
    named = {cls for one in public_calls() for cls in one.all_errors}
    assert named <= set(MEANINGS)
    assert set(MEANINGS) <= set(error_classes())
    for cls in MEANINGS:
        assert cls.code == "internal" or not hidden(cls("x"))


def test_the_webhooks_are_there() -> None:
    """One for each way that a job ends and one for a batch's end, with the signature's headers."""
    assert set(API["webhooks"]) == {"job.completed", "job.failed", "job.canceled", "batch.ended"}
    for methods in API["webhooks"].values():
        assert [header["name"] for header in methods["post"]["parameters"]] == [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ]


def test_the_reference_page_stands_alone() -> None:
    """Every operation and code is on the page, and nothing is loaded from elsewhere."""
    page = render_reference(API, BASE)
    for _, _, one in operations():
        assert f'id="{one["operationId"]}"' in page
    for cls in MEANINGS:
        assert f'id="{cls.code}"' in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/", "#"))


def test_every_upload_may_be_told_that_too_many_are_under_way() -> None:
    """Bytes of uploads are counted in one place for all calls with a form: each says its code."""
    for call in public_calls():
        assert call.form is None or Overloaded in call.errors, call.path
