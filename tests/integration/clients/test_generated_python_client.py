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
import io, sys
sys.path.insert(0, sys.argv[1])
from PIL import Image
from lensora_studio_api_client import AuthenticatedClient
from lensora_studio_api_client.api.account import account
from lensora_studio_api_client.api.studio import init, result, transform
from lensora_studio_api_client.models import Account, InitBody, Result, TransformBody
from lensora_studio_api_client.types import File
client = AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3])
photo = io.BytesIO()
Image.new("RGB", (64, 64)).save(photo, "PNG")
photo.seek(0)
session = init.sync(client=client, body=InitBody(image=File(photo, "mug.png", "image/png")))
order = {"session_id": session.session_id, "background": {"type": "remove"}}
job = transform.sync(client=client, body=TransformBody.from_dict(order))
state = result.sync(job.job_id, client=client)
assert isinstance(state, Result) and state.status == "queued", state
found = account.sync(client=client)
assert isinstance(found, Account), found
problem = transform.sync_detailed(client=client, body=TransformBody.from_dict({**order, "object_index": 99}))
print(found.balance, problem.status_code, problem.parsed.code)
"""


def test_a_generated_client_works(tmp_path: Path) -> None:
    """openapi-python-client takes every operation without a warning; it uploads, orders, and reads every answer."""
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
        key = stack.gateway.api_key(42 + 5 + 75)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path), stack.gateway.base_url, key],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["42", "400", "object_index_out_of_range"]
