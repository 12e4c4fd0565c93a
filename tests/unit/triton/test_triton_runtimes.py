"""Where nets run, chosen by settings; what is refused before anything is called; health that follows the models."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lensora.adapters.patience import current_look, while_waiting
from lensora.adapters.readiness import ReadinessWatch
from lensora.adapters.runtimes import OnnxRuntime, TritonRuntime, open_runtime
from lensora.core.artifacts import ModelUse
from lensora.core.errors import ConfigurationError, LicenseRefused, Unavailable
from lensora.models.manifest import Manifest, load_manifest
from lensora.models.policy import LicensePolicy
from lensora.settings import ModelSettings
from lensora.testing.inference import FakeModel, TensorSpec

NOWHERE = "127.0.0.1:1"


def test_settings_choose_the_runtime(tmp_path: Path) -> None:
    """One variable decides, and choosing Triton calls nobody."""
    assert isinstance(open_runtime(ModelSettings(models_dir=tmp_path)), OnnxRuntime)
    runtime = open_runtime(ModelSettings(inference="triton", triton_target=NOWHERE))
    assert isinstance(runtime, TritonRuntime)
    model = runtime.open("florence-2-large", "detect")
    assert runtime.opened == (model,)
    assert not model.ready()
    with pytest.raises(Unavailable, match=r"Triton.*florence-2-large"):
        model.infer({"image": np.zeros((1, 8, 8, 3), np.uint8)}, timeout_s=5)


def test_the_licence_policy_refuses_at_start_up() -> None:
    """A net that is not for commerce is refused when it is opened, on Triton too, naming the setting."""
    shipped = load_manifest()
    closed = Manifest(tuple(replace(e, commercial_use=False, license="CC-BY-NC-4.0") for e in shipped.entries))
    strict = TritonRuntime(NOWHERE, timeout_s=1, manifest=closed)
    with pytest.raises(LicenseRefused, match=r"'triposr' is under CC-BY-NC-4\.0.*LENSORA_LICENSE_POLICY=any"):
        strict.open("triposr", "mesh")
    lenient = TritonRuntime(NOWHERE, timeout_s=1, manifest=closed, policy=LicensePolicy.ANY)
    assert lenient.open("triposr", "mesh").name == "triposr"


def test_a_net_that_is_no_onnx_file_says_where_it_runs(tmp_path: Path) -> None:
    """Asking for it in process names the setting that would work."""
    with pytest.raises(ConfigurationError, match="LENSORA_INFERENCE=triton"):
        OnnxRuntime(tmp_path).open("z-image-turbo", "segment")


def test_health_follows_the_models() -> None:
    """All models ready means serving, one that is not means not serving, and it is told again at every look."""
    use = ModelUse("net", "1", "", "MIT", "detect")
    spec = {"x": TensorSpec(np.float32, (1,))}
    models = [FakeModel(lambda inputs: {"x": inputs["x"]}, inputs=spec, outputs=["x"], use=use) for _ in range(2)]
    told: list[bool] = []
    enough = threading.Condition()

    def on_look(ready: bool) -> None:
        with enough:
            told.append(ready)
            enough.notify_all()

    def after(count: int) -> bool:
        """What was told after ``count`` further looks."""
        with enough:
            goal = len(told) + count
            assert enough.wait_for(lambda: len(told) >= goal, timeout=10)
            return told[-1]

    watch = ReadinessWatch(models, on_look, interval_s=0.01)
    watch.start()
    try:
        assert after(2) is True
        models[1].fail_with(Unavailable("away"))
        assert after(2) is False
        models[1].fail_with(None)
        assert after(2) is True
    finally:
        watch.stop()


def test_a_look_is_in_force_inside_its_block_alone() -> None:
    """Blocks may stand in each other; outside of them nobody looks."""
    assert current_look() is None

    def outer() -> None:
        return

    def inner() -> None:
        return

    with while_waiting(outer):
        with while_waiting(inner):
            assert current_look() is inner
        assert current_look() is outer
    assert current_look() is None
