"""A call of the API: its path, models, errors and price, written once, beside its handler.

``@call(...)`` attaches a ``Call`` to a handler. The application routes by it, the OpenAPI document describes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import BaseModel
from starlette.routing import Route

from lensora.contract.requests import RequestBody
from lensora.core import errors
from lensora.core.errors import LensoraError
from lensora.core.words import BackgroundType

Json = dict[str, Any]
Tag = Literal["studio", "jobs", "batches", "account", "files", "health"]
H = TypeVar("H", bound=Callable[..., Any])

_ATTRIBUTE = "__lensora_call__"

KEYED_ERRORS: tuple[type[LensoraError], ...] = (errors.Unauthorized, errors.RateLimited, errors.Unavailable)
"""What any call with a key may answer."""

IDEMPOTENT_ERRORS: tuple[type[LensoraError], ...] = (errors.IdempotencyInProgress, errors.IdempotencyMismatch)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call.

    Attributes:
        schema: JSON Schema of its value.
        description: for people.
    """

    name: str
    place: Literal["path", "query", "header"]
    schema: Json
    description: str


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart body: its fields' JSON Schemas, and those that must be there."""

    properties: Mapping[str, Json]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one path.

    Attributes:
        method: of HTTP, upper case; GET answers HEAD too.
        path: Starlette's template.
        name: the operation's name in generated clients; empty for what the document leaves out.
        summary: a few words.
        tag: the group that it is shown in.
        answer: model of a success; None where ``responses`` says it all.
        description: a sentence or two more.
        price: credits of a success.
        body: model of a JSON body.
        form: a multipart body, in place of ``body``.
        parameters: in path, query and headers.
        errors: what it may answer beside what every call with a key may.
        keyed: False where no API key is needed.
        idempotent: True where it takes an Idempotency-Key.
        example: of the body, for people.
        responses: OpenAPI responses in addition to, or in place of, the plain success.
        links: OpenAPI links of a success: what may be called next.
    """

    method: str
    path: str
    name: str = ""
    summary: str = ""
    tag: Tag = "studio"
    answer: type[BaseModel] | None = None
    description: str = ""
    price: int = 0
    body: type[RequestBody] | None = None
    form: Form | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[type[LensoraError], ...] = ()
    keyed: bool = True
    idempotent: bool = False
    example: Json | None = None
    responses: Mapping[str, Json] = field(default_factory=dict)
    links: Mapping[str, Json] = field(default_factory=dict)

    @property
    def all_errors(self) -> tuple[type[LensoraError], ...]:
        """Every error that it may answer, each once."""
        common = (*(KEYED_ERRORS if self.keyed else ()), *(IDEMPOTENT_ERRORS if self.idempotent else ()))
        paid = (errors.InsufficientCredits,) if self.price else ()
        return tuple(dict.fromkeys((*self.errors, *paid, *common)))


OF_SESSION = "$response.body#/session_id"
PLAIN: Json = {"background": {"type": BackgroundType.REMOVE.value}}
"""What every order must say beside its photo; the rest has defaults."""
FILM_OF_SESSION: Json = {"operationId": "transform", "requestBody": {"session_id": OF_SESSION, **PLAIN}}
"""A link from what answers a session's id to the film of its first object."""


def links_to(identifier: str, *names: str) -> dict[str, Json]:
    """Links to calls of these names, whose path has an identifier that the answer has, too."""
    parameters = {identifier: f"$response.body#/{identifier}"}
    return {name: {"operationId": name, "parameters": parameters} for name in names}


def call(method: str, path: str, **what: Any) -> Callable[[H], H]:
    """Attach a ``Call`` to a handler; the arguments are ``Call``'s."""

    def attach(handler: H) -> H:
        setattr(handler, _ATTRIBUTE, Call(method=method, path=path, **what))
        return handler

    return attach


def calls_of(*groups: type) -> Iterator[Call]:
    """The calls of handler classes, in the order in which they are written."""
    for group in groups:
        for member in vars(group).values():
            found = getattr(member, _ATTRIBUTE, None)
            if isinstance(found, Call):
                yield found


def routes_of(*groups: object) -> list[Route]:
    """A route for each call of these handlers."""
    routes = []
    for group in groups:
        for name, member in vars(type(group)).items():
            found = getattr(member, _ATTRIBUTE, None)
            if isinstance(found, Call):
                routes.append(Route(found.path, getattr(group, name), methods=[found.method]))
    return routes


JOB_ID = Parameter("job_id", "path", {"type": "string", "format": "uuid"}, "From /transform.")
BATCH_ID = Parameter("batch_id", "path", {"type": "string", "format": "uuid"}, "From /batches.")
SESSION_ID = Parameter("session_id", "path", {"type": "string", "format": "uuid"}, "From /init.")
VIEW_ID = Parameter("view_id", "path", {"type": "string", "format": "uuid"}, "From /views.")
CURSOR = Parameter("cursor", "query", {"type": "string", "maxLength": 128}, "next_cursor of the page before.")
PREFER = Parameter(
    "Prefer",
    "header",
    {"type": "string", "examples": ["wait=20"]},
    "wait=N (1 to 60): answer when it changes, or after N seconds.",
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~\\u00a1-\\u00ac\\u00ae-\\u00ff]+$"},
    "Repeats with this key answer as the first request did, and do and charge nothing. Kept 24 h.",
)


def page_size(default: int, most: int) -> Parameter:
    """The ``limit`` of a list."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "query", schema, "Entries a page.")
