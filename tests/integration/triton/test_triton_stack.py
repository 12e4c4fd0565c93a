"""The whole stack as a user starts it, with its nets on a real Triton: detection, cutout, backplate and mesh."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
import numpy as np
import pytest
from PIL import Image
from skimage import data

from lensora.adapters.runtimes import OnnxRuntime
from lensora.client import Client
from lensora.imaging.photo import decode
from lensora.models.manifest import Manifest
from lensora.testing.triton import TritonServer
from services.detect.backends.registry import DETECT_BACKENDS
from services.segment.backends.registry import CUTOUT_BACKENDS
from services.segment.cutout import cut_out
from services.segment.viewing import View

MODELS_DIR = Path(os.environ.get("LENSORA_MODELS_DIR", "~/.cache/lensora/models"))


class Serving(Protocol):
    """What conftest's fixture gives."""

    server: TritonServer
    manifest: Manifest


@pytest.fixture(scope="module")
def client(tiny_server: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """``lensora up`` with every net on Triton, and the SDK with its key."""
    home = tmp_path_factory.mktemp("home")
    lensora = Path(sys.executable).parent / "lensora"
    environment = {
        **os.environ,
        "LENSORA_HOME": "",
        "LENSORA_INFERENCE": "triton",
        "LENSORA_TRITON_TARGET": tiny_server.server.target,
        "LENSORA_DETECT_BACKEND": "saliency",
        "LENSORA_CUTOUT_BACKEND": "isnet",
        "LENSORA_BACKPLATE_BACKEND": "z-image-turbo",
        "LENSORA_MESH_BACKEND": "shap-e",
    }
    command = [str(lensora), "up", "--home", str(home), "--port", "0", "--json", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"lensora up ended with status {process.wait(5)}; logs in {home / 'logs'}"
    said = json.loads(line)
    with Client(said["base_url"], said["api_key"]) as sdk:
        yield sdk
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    process.stdout.close()


def test_a_job_on_triton_is_what_the_embedded_mode_makes(client: Client, tmp_path: Path) -> None:
    """Same boxes and the same alpha as onnxruntime gives in this process; the finished job names every net."""
    path = tmp_path / "cup.jpg"
    Image.fromarray(data.coffee()).save(path, quality=92)
    session = client.init(path)

    runtime = OnnxRuntime(MODELS_DIR, engine="onnxruntime")
    detector = DETECT_BACKENDS["saliency"](runtime)
    photo = decode(path.read_bytes(), longest_side_px=detector.working_side_px)
    found = detector.detect(photo, len(session.objects))
    assert [o.label for o in session.objects] == [p.label for p in found.proposals]
    for got, wanted in zip(session.objects, found.proposals, strict=True):
        sides = [(box.x1, box.y1, box.x2, box.y2) for box in (got.box, wanted.box)]
        np.testing.assert_allclose(*sides, atol=6e-5)

    ticket = client.transform(session.session_id, "on a marble countertop")
    result = client.wait(ticket, timeout_s=280)
    assert result.status == "completed", result.error
    assert result.output is not None

    box = found.proposals[0].box
    crop = box.padded(photo.info.width, photo.info.height)
    view = View.of(photo.info.width, photo.info.height, box, crop)
    whole = decode(path.read_bytes(), longest_side_px=view.longest_side_px)
    wanted = cut_out(whole.rgb, whole.alpha, box, crop, CUTOUT_BACKENDS["isnet"](runtime)).rgba
    answer = httpx.get(result.output.removed_bg_url, timeout=30)
    got = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert got.shape == wanted.shape
    assert np.abs(got[..., 3].astype(int) - wanted[..., 3]).max() <= 1

    used = {model.name: model for model in result.models or ()}
    assert {"isnet-general-use", "z-image-turbo", "shap-e-img2img"} <= set(used)
    assert all(len(used[name].sha256) == 64 for name in ("isnet-general-use", "z-image-turbo", "shap-e-img2img"))
    glb = httpx.get(result.output.glb_url, timeout=30).content
    header = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])
    assert "shap-e-img2img" in [model["name"] for model in header["asset"]["extras"]["models"]]
