"""``lensora run`` finds out what cannot end well before anything is started or charged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "{file}/out"], "lensora: --out {file}/out: "),
        (["--background", "beach.JPG"], "lensora: --background beach.JPG: looks like a file"),
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
