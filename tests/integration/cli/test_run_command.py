"""``lensora run``: what cannot end well is found out before anything is charged; Ctrl-C takes the job back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from gateway.http.testing import installation
from lensora.testing.films import film_of, turning


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "{file}/out"], "lensora: --out {file}/out: "),
        (["--background", "beach.JPG"], "lensora: --background beach.JPG: looks like a file"),
        (["--size", "301"], "lensora: output.size must be an even integer from 256 to 2160, not 301."),
        (["--height-cm", "12", "--depth-cm", "3"], "lensora: real_depth_cm must not be given beside real_height_cm"),
        (
            ["--view", "{file}"] * 4 + ["--back", "{file}", "--turn", "{file}"],
            "lensora: 6 further photos were given; a session may have 5",
        ),
        (["--base-url", "http://127.0.0.1:1"], "lensora: --base-url needs --api-key"),
    ],
)
def test_what_cannot_end_well_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    """Status 1, one sentence on standard error that names the option, and no home is made."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"photo")
    given = [argument.format(file=photo) for argument in arguments]
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "lensora.cli.main", "run", str(photo), "--home", str(home), *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("LENSORA_")},
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence.format(file=photo))
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_ctrl_c_cancels_the_job(tmp_path: Path) -> None:
    """A job with a film of a turn that its user no longer waits for is canceled, and its price comes back."""
    photo = tmp_path / "photo.jpg"
    Image.linear_gradient("L").resize((800, 600)).convert("RGB").save(photo)
    with installation(tmp_path) as stack:
        key = stack.gateway.api_key(110)
        film = tmp_path / "turn.mp4"
        film.write_bytes(film_of(turning(36), rate=12))
        command = [sys.executable, "-m", "lensora.cli.main", "run", str(photo), "--out", str(tmp_path / "out")]
        command += ["--turn", str(film)]
        process = subprocess.Popen(
            [*command, "--base-url", stack.gateway.base_url],
            stderr=subprocess.PIPE,
            text=True,
            # Under a shell without job control SIGINT is ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            env={**os.environ, "LENSORA_API_KEY": key},
        )
        until = time.monotonic() + 120.0
        while stack.gateway.balance(key) != 20:
            assert time.monotonic() < until, "the job was not submitted"
            time.sleep(0.05)
        with httpx.Client(base_url=stack.gateway.base_url, headers={"Authorization": f"Bearer {key}"}) as api:
            time.sleep(0.5)  # the answer of the submit is on its way
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=120)
            assert process.returncode == 1
            assert "a turn: 8 of its pictures" in " ".join(said.split())
            assert "The job is canceled; 75 credits came back." in said
            assert api.get("/v1/studio/jobs").json()["jobs"][0]["status"] == "canceled"
        assert stack.gateway.balance(key) == 95
