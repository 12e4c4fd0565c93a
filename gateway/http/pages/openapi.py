"""The OpenAPI 3.1 document, made of the calls and of the contract's models. Pure.

Bodies of requests are written out where they are used, not under ``components/schemas``: generators of TypeScript take
a field with a default there for one that must be given. Their words (enums) are shared with the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from gateway.http.plumbing.calls import IDEMPOTENCY_KEY, Call, Parameter
from lensora import __version__
from lensora.contract.answers import Problem
from lensora.contract.batches import BatchEnded
from lensora.contract.events import JobEvent
from lensora.contract.examples import EXAMPLES
from lensora.contract.problems import MEANINGS
from lensora.core.errors import LensoraError, RateLimited, Unavailable
from lensora.core.words import BatchEvent, WebhookEvent
from lensora.rpc.status import statuses

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

SUMMARY = "One photo in, a cinematic 3D-render video out."
DESCRIPTION = """\
Two calls: `/v1/studio/init` finds the objects in a photo, `/v1/studio/transform` cuts one out, puts it into a new
scene, models it in 3D and renders a film. Then poll, stream, or let a webhook tell you.

Every call carries `Authorization: Bearer <API key>`. Prices are in credits: {prices}. What a job cost comes back, once,
if it fails, times out or is canceled.

Errors are `application/problem+json` (RFC 9457). Programs branch on `code`; `detail` is a sentence for a person;
`request_id` is also in `X-Request-Id`. Nothing is charged on an error.
"""

RETRY_AFTER: Json = {"description": "Seconds after which a retry makes sense.", "schema": {"type": "integer"}}
RATE_LIMIT: Json = {
    "RateLimit-Policy": {"description": "The account's limit and its window.", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of it, and when it is full again.", "schema": {"type": "string"}},
}
WEBHOOK_HEADERS: dict[str, str] = {
    "webhook-id": "The message's id: the same for every try.",
    "webhook-timestamp": "Unix seconds of this try.",
    "webhook-signature": "Standard Webhooks: v1, and base64 of HMAC-SHA256 over id, timestamp and body.",
}
WEBHOOK_SUMMARIES: dict[WebhookEvent | BatchEvent, str] = {
    WebhookEvent.COMPLETED: "A job has completed",
    WebhookEvent.FAILED: "A job has failed",
    WebhookEvent.CANCELED: "A job was canceled",
    BatchEvent.ENDED: "The last film of a batch has ended",
}


class _Untitled(GenerateJsonSchema):
    """Fields have names and descriptions: a title made of the name says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document(calls: Sequence[Call], public_url: str) -> Json:
    """The whole document, for a server at ``public_url``."""
    shown = [one for one in calls if one.name]
    answers: list[type[BaseModel]] = list(
        dict.fromkeys([*(one.answer for one in shown if one.answer is not None), Problem, JobEvent, BatchEnded])
    )
    bodies = dict.fromkeys(one.body for one in shown if one.body is not None)
    _, definitions = models_json_schema(
        [(model, "validation") for model in (*answers, *bodies)],
        ref_template=REFERENCE,
        schema_generator=_Untitled,
    )
    schemas: Json = definitions["$defs"]
    written_out = {body.__name__: _body(body, schemas) for body in bodies}
    kept = _needed([REFERENCE.format(model=model.__name__) for model in answers], schemas)
    kept |= _needed(_references(written_out), schemas)
    prices = ", ".join(f"{one.name} {one.price}" for one in shown if one.price)
    paths: Json = {}
    for one in shown:
        paths.setdefault(one.path.replace(":path}", "}"), {})[one.method.lower()] = _operation(one, written_out)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lensora Studio API",
            "version": __version__,
            "summary": SUMMARY,
            "description": DESCRIPTION.format(prices=prices),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "security": [{"apiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in shown)],
        "paths": paths,
        "webhooks": {event.value: {"post": _webhook(event)} for event in WEBHOOK_SUMMARIES},
        "components": {
            "schemas": {name: schemas[name] for name in sorted(kept)},
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "Your API key."}},
        },
    }


def _operation(one: Call, bodies: Json) -> Json:
    price = f"{one.price} credits. " if one.price else ""
    operation: Json = {"tags": [one.tag], "operationId": one.name, "summary": one.summary}
    if price or one.description:
        operation["description"] = f"{price}{one.description}".strip()
    if one.price:
        operation["x-credits"] = one.price
    if not one.keyed:
        operation["security"] = []
    parameters = [*one.parameters, *([IDEMPOTENCY_KEY] if one.idempotent else [])]
    if parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in parameters]
    if one.body is not None:
        content: Json = {"schema": bodies[one.body.__name__]}
        if one.example is not None:
            content["example"] = one.example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if one.form is not None:
        schema = {
            "type": "object",
            "required": list(one.form.required),
            "properties": dict(one.form.properties),
        }
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    operation["responses"] = _success(one) | _problems(one.all_errors) | dict(one.responses)
    return operation


def _success(one: Call) -> Json:
    if one.answer is None:
        return {}
    content: Json = {"schema": _reference(one.answer)}
    if one.answer in EXAMPLES:
        content["example"] = EXAMPLES[one.answer]
    success: Json = {
        "description": (one.answer.__doc__ or "").strip().splitlines()[0],
        "content": {"application/json": content},
    }
    if one.keyed:
        success["headers"] = RATE_LIMIT
    if one.links:
        success["links"] = dict(one.links)
    return {"200": success}


def _problems(classes: Iterable[type[LensoraError]]) -> Json:
    """One response for each status, with every code that it may have."""
    by_status: dict[int, list[type[LensoraError]]] = {}
    for cls in classes:
        by_status.setdefault(statuses(cls)[1], []).append(cls)
    return {str(status): _problem(status, by_status[status]) for status in sorted(by_status)}


def _problem(status: int, classes: Sequence[type[LensoraError]]) -> Json:
    response: Json = {
        "x-codes": [cls.code for cls in classes],
        "description": " ".join(f"`{cls.code}`: {MEANINGS[cls].when}" for cls in classes),
        "content": {
            "application/problem+json": {
                "schema": _reference(Problem),
                "examples": {cls.code: {"value": _problem_example(status, cls)} for cls in classes},
            }
        },
    }
    if any(issubclass(cls, RateLimited | Unavailable) for cls in classes):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    return response


def _problem_example(status: int, cls: type[LensoraError]) -> Json:
    return {
        "type": f"https://studio.example.com/docs#{cls.code}",
        "title": MEANINGS[cls].title,
        "status": status,
        "detail": MEANINGS[cls].when,
        "code": cls.code,
        "request_id": "0f6d1b1c6a5b4f0e9d3c2b1a09f8e7d6",
    }


def _webhook(event: WebhookEvent | BatchEvent) -> Json:
    model, tag = (BatchEnded, "batches") if isinstance(event, BatchEvent) else (JobEvent, "jobs")
    return {
        "tags": [tag],
        "operationId": event.value.replace(".", "_"),
        "summary": WEBHOOK_SUMMARIES[event],
        "description": "Sent to webhook_url of the order: up to 10 tries over 2 hours, until you answer 2xx.",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in WEBHOOK_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _reference(model)}}},
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "You want no more of these: the URL is disabled for your account."},
        },
    }


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _body(model: type[BaseModel], schemas: Json) -> Json:
    """A request's schema, without a name of its own: generators name it by its operation."""
    return {name: value for name, value in _written_out(schemas[model.__name__], schemas).items() if name != "title"}


def _written_out(node: Any, schemas: Json) -> Any:
    """A schema with the objects behind its references in their places; references to words stay."""
    if isinstance(node, list):
        return [_written_out(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = schemas[node["$ref"].rsplit("/", 1)[-1]]
        if target.get("type") != "object":
            return node
        return _written_out(target | {name: value for name, value in node.items() if name != "$ref"}, schemas)
    return {
        name: _written_out(value, schemas)
        for name, value in node.items()
        # A discriminator needs references; the constants of ``type`` tell the choices apart all the same. That a field
        # is not given is no value of its own.
        if name != "discriminator" and not (name == "default" and value is None)
    }


def _references(node: Any) -> list[str]:
    """Every reference within a schema."""
    if isinstance(node, list):
        return [reference for item in node for reference in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [reference for value in node.values() for reference in _references(value)]


def _needed(references: Iterable[str], schemas: Json) -> set[str]:
    """Names of the schemas that these references lead to, directly or not."""
    found: set[str] = set()
    waiting = list(references)
    while waiting:
        name = waiting.pop().rsplit("/", 1)[-1]
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found
