"""Schemathesis makes requests of the OpenAPI document: what it allows is taken, what it forbids is refused, and every
answer is one that it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from gateway.http.testing import Gateway
from tests.contract.api.real_photos import FILM

ROOT = Path(__file__).resolve().parents[3]
CONFIG = Path(__file__).parent / "schemathesis.toml"
HOOKS = "tests.contract.api.real_photos"


def test_the_gateway_keeps_to_its_document(gateway: Gateway, tmp_path: Path) -> None:
    """No finding by any check: statuses, media types, shapes, examples, methods, use without a key, chains of calls.

    Each form has a real photo, so what is said of its other fields is what decides.
    """
    key = gateway.api_key(1_000_000)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(CONFIG), "run", f"{gateway.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {key}", "--checks", "all", "--seed", "1", "--no-color"),
            *("--phases", "examples,coverage,stateful", "--max-examples", "20"),
            # Both quotes take the bodies of /transform and /batches, which are tried there.
            *("--exclude-path", "/v1/studio/quote", "--exclude-path", "/v1/studio/quote/batch"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:]


SESSION_VIEWS = "/v1/studio/sessions/{session_id}/views"
SESSION_TURN = "/v1/studio/sessions/{session_id}/turn"


@pytest.mark.parametrize(
    ("path", "field", "text"),
    [
        ("/v1/studio/init", "max_objects", text) for text in ("2", "8", "1", "9", "", "6.0", "six")
    ] + [
        (SESSION_VIEWS, "view", text) for text in ("back", "", "Back", "bottom", " back")
    ] + [
        (SESSION_VIEWS, "object_index", text) for text in ("0", "", "-1", "0.0")
    ] + [
        (SESSION_TURN, "object_index", text) for text in ("0", "", "1.0")
    ] + [
        ("/v1/studio/brands", "name", text)
        for text in ("shop", "Shop", " shop ", "", "-shop", "a" * 40, "a" * 41, "sh\tp", "größe")
    ],
)  # fmt: skip
def test_a_field_of_a_form_is_taken_where_the_document_says_so(
    api: httpx.Client, photo: bytes, session_id: str, path: str, field: str, text: str
) -> None:
    """The field's schema, read as a form's text, and the gateway agree on every value."""
    body = api.get("/openapi.json").json()["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
    schema = body["schema"]["properties"][field]
    whole = schema["type"] == "integer" and re.fullmatch("-?[0-9]+", text)
    allowed = Draft202012Validator(schema).is_valid(int(text) if whole else text)
    files = {} if path.endswith("brands") else {"video": FILM} if path.endswith("turn") else {"image": photo}
    fields = {field: (None, text)}
    answer = api.post(path.format(session_id=session_id), files={**files, **fields})
    assert (answer.status_code == 200) == allowed, answer.text


@pytest.mark.parametrize("name", ["a", "a b~", "é", "\xa0", "\xad", "\x7f", "a" * 255, "a" * 256])
def test_an_idempotency_key_is_taken_where_the_document_says_so(api: httpx.Client, session_id: str, name: str) -> None:
    """Its pattern and its length are what the gateway goes by."""
    call = api.get("/openapi.json").json()["paths"]["/v1/studio/transform"]["post"]
    (schema,) = (one["schema"] for one in call["parameters"] if one["name"] == "Idempotency-Key")
    body = {"session_id": session_id, "background": {"type": "remove"}}
    headers = {"Idempotency-Key": name.encode("latin-1")}
    answer = api.post("/v1/studio/transform", json=body, headers=headers)
    assert (answer.status_code == 200) == Draft202012Validator(schema).is_valid(name), answer.text
