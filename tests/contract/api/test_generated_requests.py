"""Schemathesis makes requests of the OpenAPI document: what it allows is taken, what it forbids is refused, and every
answer is one that it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.http.testing import Gateway

CONFIG = Path(__file__).parent / "schemathesis.toml"


def test_the_gateway_keeps_to_its_document(gateway: Gateway, tmp_path: Path) -> None:
    """No finding by any check: statuses, media types, shapes, examples, methods, use without a key, chains of calls."""
    key = gateway.api_key(1_000_000)
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(CONFIG), "run", f"{gateway.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {key}", "--checks", "all", "--seed", "1", "--no-color"),
            *("--phases", "examples,coverage,stateful", "--max-examples", "4"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8_000:]
