"""A real Triton server over the project's own model repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lensora.models.repository import assemble
from lensora.testing.triton import TritonServer

TEMPLATES = Path(__file__).resolve().parents[3] / "deploy" / "triton"
MODELS_DIR = Path("~/.cache/lensora/models").expanduser()
"""Where ``make setup`` puts the embedded mode's weights."""


@pytest.fixture(scope="session")
def onnx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """IS-Net and EfficientNet-Lite0 from the repository, with their real weights."""
    folder = tmp_path_factory.mktemp("onnx")
    names = ("isnet-general-use", "efficientnet-lite0")
    assemble(names, templates=TEMPLATES, models_dir=MODELS_DIR, target=folder / "repository")
    with TritonServer(folder / "repository", log=folder / "triton.log", model_config_name="cpu") as server:
        yield server
