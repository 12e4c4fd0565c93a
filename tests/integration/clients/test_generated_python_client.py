"""A client that a kept generator makes of our document: it needs nothing repaired, and it talks to a real gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from gateway.http.app import public_calls
from gateway.http.pages.openapi import document
from gateway.http.testing import installation

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from lensora_studio_api_client import AuthenticatedClient
from lensora_studio_api_client.api.account import account
from lensora_studio_api_client.api.studio import result, transform
from lensora_studio_api_client.models import Account, TransformBody
client = AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3])
found = account.sync(client=client)
assert isinstance(found, Account), found
body = TransformBody.from_dict({"session_id": "e76d4dfc-8e0a-4e1b-a5a2-4f9c8a14e2b3", "background": {"type": "remove"}})
problem = transform.sync_detailed(client=client, body=body)
assert problem.status_code == 404, problem
print(found.balance, problem.parsed.code)
"""


def test_a_generated_client_works(tmp_path: Path) -> None:
    """openapi-python-client takes every operation without a warning; its models read our answers and errors."""
    (tmp_path / "openapi.json").write_text(json.dumps(document(public_calls(), "https://studio.example.com")))
    made = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "openapi-python-client"), "generate", "--meta", "none"),
            *("--path", str(tmp_path / "openapi.json"), "--fail-on-warning"),
            *("--output-path", str(tmp_path / "lensora_studio_api_client")),
        ],
        cwd=tmp_path,
        # It formats what it makes with ruff.
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with installation(tmp_path / "stack") as stack:
        key = stack.gateway.api_key(42)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path), stack.gateway.base_url, key],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["42", "session_not_found"]
