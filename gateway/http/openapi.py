"""The OpenAPI 3.1 document: every path, made of the very models that check requests and describe answers. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.jobs.records import CUTOUT_CREDITS, INIT_CREDITS, RENDER_CREDITS, TRANSFORM_CREDITS
from lensora import __version__
from lensora.contract import answers
from lensora.contract import requests as schemas

Json = dict[str, Any]

REQUESTS: tuple[type[BaseModel], ...] = (schemas.CutoutBody, schemas.TransformBody, schemas.RenderBody)
ANSWERS: tuple[type[BaseModel], ...] = (
    answers.Session,
    answers.Cutout,
    answers.JobTicket,
    answers.Result,
    answers.Cancellation,
    answers.JobPage,
    answers.Account,
    answers.LedgerPage,
    answers.WebhookSecret,
    answers.Problem,
    answers.Health,
    answers.Readiness,
)

ERRORS: dict[int, str] = {
    400: "Bad input: invalid_image, invalid_request, invalid_background, object_index_out_of_range, "
    "crop_too_small or subject_not_found.",
    401: "Missing or invalid API key: unauthorized.",
    402: "Insufficient credits: insufficient_credits.",
    404: "Unknown, expired, or another account's: session_not_found, cutout_not_found, job_not_found, file_not_found.",
    409: "At odds with the state of things: idempotency_in_progress, too_many_jobs, conflict.",
    422: "The Idempotency-Key was used with another body: idempotency_mismatch.",
    429: "Too many requests: rate_limited, with Retry-After, RateLimit-Policy and RateLimit.",
    503: "A needed service is down: detection_unavailable, unavailable, with Retry-After; nothing is charged.",
}

IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Repeats with this key answer as the first request did, and do and charge nothing. Kept 24 h.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
JOB_ID: Json = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "description": "From /transform.",
    "schema": {"type": "string", "format": "uuid"},
}
CURSOR: Json = {
    "name": "cursor",
    "in": "query",
    "description": "next_cursor of the page before.",
    "schema": {"type": "string"},
}


def document(public_url: str) -> Json:
    """The whole document, for a server at ``public_url``."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in (*REQUESTS, *ANSWERS)], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lensora Studio API",
            "version": __version__,
            "summary": "One photo in, a cinematic 3D-render video out.",
            "description": (
                "Two calls: /v1/studio/init finds the objects in a photo, /v1/studio/transform cuts one out, puts it "
                "into a new scene, models it in 3D and renders a film. Then poll, stream, or let a webhook tell you."
                "\n\n"
                f"Prices in credits: init {INIT_CREDITS}, cutout {CUTOUT_CREDITS}, transform {TRANSFORM_CREDITS}, "
                f"render again {RENDER_CREDITS}. What a job cost comes back, once, if it fails, times out or is "
                "cancelled."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "security": [{"apiKey": []}],
        "tags": [{"name": "studio"}, {"name": "jobs"}, {"name": "account"}, {"name": "files"}, {"name": "health"}],
        "paths": _studio_paths() | _job_paths() | _account_paths() | _file_paths() | _health_paths(),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "Your API key."}},
        },
    }


def _studio_paths() -> Json:
    form = {
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {
                "type": "string",
                "contentMediaType": "application/octet-stream",
                "description": "JPEG, PNG or WebP, at most 20 MB and 50 megapixels, each side at least 64 px.",
            },
            "max_objects": {
                "type": "integer",
                "minimum": 2,
                "maximum": 8,
                "default": 6,
                "description": "Most proposals, the entire image included.",
            },
        },
    }
    return {
        "/v1/studio/init": {
            "post": _operation(
                "studio",
                "init",
                "Upload a photo and find the objects in it",
                f"{INIT_CREDITS} credits, on success only.",
                answers.Session,
                errors=(400, 401, 402, 409, 422, 429, 503),
                parameters=[IDEMPOTENCY_KEY],
                body={"required": True, "content": {"multipart/form-data": {"schema": form}}},
                links={"transform": _link("transform", body={"session_id": "$response.body#/session_id"})},
            )
        },
        "/v1/studio/cutout": {
            "post": _operation(
                "studio",
                "cutout",
                "Look at the cutout before the film",
                f"{CUTOUT_CREDITS} credits, on success only. Correct it with bbox and points; /transform takes its id.",
                answers.Cutout,
                errors=(400, 401, 402, 404, 409, 422, 429, 503),
                parameters=[IDEMPOTENCY_KEY],
                body=_json_body(schemas.CutoutBody),
                links={"transform": _link("transform", body={"cutout_id": "$response.body#/cutout_id"})},
            )
        },
        "/v1/studio/transform": {
            "post": _operation(
                "studio",
                "transform",
                "Start a job",
                f"{TRANSFORM_CREDITS} credits, returned if the job does not complete.",
                answers.JobTicket,
                errors=(400, 401, 402, 404, 409, 422, 429, 503),
                parameters=[IDEMPOTENCY_KEY],
                body=_json_body(schemas.TransformBody),
                links={name: _link(name, job_id="$response.body#/job_id") for name in ("result", "stream", "cancel")},
            )
        },
        "/v1/studio/result/{job_id}": {
            "get": _operation(
                "studio",
                "result",
                "A job's state",
                "Poll it every few seconds until status is completed, failed or canceled; or hold it: Prefer: wait=N.",
                answers.Result,
                errors=(401, 404, 429, 503),
                parameters=[
                    JOB_ID,
                    {
                        "name": "Prefer",
                        "in": "header",
                        "description": "wait=N (1 to 60): answer when the job changes, or after N seconds.",
                        "schema": {"type": "string"},
                    },
                ],
            )
        },
        "/v1/studio/result/{job_id}/stream": {"get": _stream_operation()},
    }


def _stream_operation() -> Json:
    operation = _operation(
        "studio",
        "stream",
        "A job's states as they change",
        "Server-sent events: data is the poll's JSON, id resumes with Last-Event-ID, a comment every 15 s.",
        answers.Result,
        errors=(401, 404, 429, 503),
        parameters=[
            JOB_ID,
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": "id of the last event that you have.",
                "schema": {"type": "string"},
            },
        ],
    )
    operation["responses"]["200"] = {
        "description": "The stream; it ends with the job.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
    operation["responses"]["204"] = {"description": "The job has ended, and you have its last event."}
    return operation


def _job_paths() -> Json:
    statuses = ["queued", "processing", "completed", "failed", "canceled"]
    return {
        "/v1/studio/jobs": {
            "get": _operation(
                "jobs",
                "list_jobs",
                "Jobs of this key, newest first",
                "",
                answers.JobPage,
                errors=(400, 401, 429, 503),
                parameters=[
                    {"name": "status", "in": "query", "schema": {"type": "string", "enum": statuses}},
                    CURSOR,
                    _limit(20, 100),
                ],
            )
        },
        "/v1/studio/jobs/{job_id}/cancel": {
            "post": _operation(
                "jobs",
                "cancel",
                "Stop a job and get its credits back",
                "A job that has ended stays as it is.",
                answers.Cancellation,
                errors=(401, 404, 429, 503),
                parameters=[JOB_ID],
            )
        },
        "/v1/studio/jobs/{job_id}/render": {
            "post": _operation(
                "jobs",
                "render",
                "Film a finished job's model again",
                f"With another camera or background; {RENDER_CREDITS} credits. What is not given stays as it was.",
                answers.JobTicket,
                errors=(400, 401, 402, 404, 409, 422, 429, 503),
                parameters=[JOB_ID, IDEMPOTENCY_KEY],
                body=_json_body(schemas.RenderBody),
            )
        },
    }


def _account_paths() -> Json:
    common = (401, 429, 503)
    return {
        "/v1/account": {
            "get": _operation("account", "account", "Balance and limits", "", answers.Account, errors=common)
        },
        "/v1/account/ledger": {
            "get": _operation(
                "account",
                "ledger",
                "Movements of credits, newest first",
                "",
                answers.LedgerPage,
                errors=(400, *common),
                parameters=[CURSOR, _limit(50, 500)],
            )
        },
        "/v1/account/webhook-secret": {
            "get": _operation(
                "account", "webhook_secret", "The webhook secret", "", answers.WebhookSecret, errors=common
            )
        },
        "/v1/account/webhook-secret/rotate": {
            "post": _operation(
                "account",
                "rotate_webhook_secret",
                "A new webhook secret",
                "The one before still signs beside it for 24 h.",
                answers.WebhookSecret,
                errors=common,
            )
        },
    }


def _file_paths() -> Json:
    def operation(name: str, statuses: dict[str, str]) -> Json:
        parameters = [
            {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}},
        ]
        return {
            "tags": ["files"],
            "operationId": name,
            "summary": "An artifact under its signed link",
            "description": "No API key: the link carries its own right, and expires. Ranges and conditions work.",
            "security": [],
            "parameters": parameters,
            "responses": {status: {"description": text} for status, text in statuses.items()} | {"404": _problem(404)},
        }

    statuses = {"200": "The file.", "206": "A part of it.", "304": "You have it.", "416": "No such part."}
    return {"/v1/files/{token}/{path}": {"get": operation("file", statuses), "head": operation("file_head", statuses)}}


def _health_paths() -> Json:
    live = _operation("health", "healthz", "This process lives", "", answers.Health, errors=())
    ready = _operation("health", "readyz", "All that it needs answers", "", answers.Readiness, errors=())
    ready["responses"]["503"] = {**ready["responses"]["200"], "description": "Something is away."}
    for operation in (live, ready):
        operation["security"] = []
    return {"/healthz": {"get": live}, "/readyz": {"get": ready}}


def _operation(
    tag: str,
    name: str,
    summary: str,
    description: str,
    answer: type[BaseModel],
    *,
    errors: tuple[int, ...],
    parameters: list[Json] | None = None,
    body: Json | None = None,
    links: Json | None = None,
) -> Json:
    operation: Json = {"tags": [tag], "operationId": name, "summary": summary}
    if description:
        operation["description"] = description
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = {
        "200": {
            "description": (answer.__doc__ or "").strip(),
            "content": {"application/json": {"schema": _ref(answer)}},
        }
    } | {str(status): _problem(status) for status in errors}
    if links is not None:
        operation["responses"]["200"]["links"] = links
    return operation


def _link(operation: str, *, body: Json | None = None, **parameters: str) -> Json:
    """What may be called next, with values from this answer."""
    link: Json = {"operationId": operation}
    if parameters:
        link["parameters"] = parameters
    if body is not None:
        link["requestBody"] = body
    return link


def _problem(status: int) -> Json:
    content = {"application/problem+json": {"schema": _ref(answers.Problem)}}
    return {"description": ERRORS[status], "content": content}


def _json_body(model: type[BaseModel]) -> Json:
    return {"required": True, "content": {"application/json": {"schema": _ref(model)}}}


def _limit(default: int, most: int) -> Json:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return {"name": "limit", "in": "query", "description": "Entries a page.", "schema": schema}


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
