"""Which engine runs a net: capabilities first, then a measurement that is kept, and onnxruntime where in doubt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.adapters.engines import (
    NOTES_FILE,
    CpuFacts,
    Engine,
    EngineChoice,
    EngineNotes,
    EngineRules,
    decided,
    faster,
    probe_inputs,
)
from lensora.adapters.inference import Model
from lensora.adapters.runtimes import OnnxRuntime
from lensora.core.artifacts import ModelUse
from lensora.core.errors import ConfigurationError
from lensora.models.manifest import ModelEntry, Precision, load_manifest
from lensora.testing.inference import FakeModel, TensorSpec

FACTS = CpuFacts("A CPU", frozenset({"avx2"}), 2, "1.32", "2026.4")
RULES = EngineRules(budget_s=0.0, most_s=0.0)


def entry(**changes: object) -> ModelEntry:
    """A net of the manifest that multiplies in float32 and can be measured."""
    known = load_manifest().entry("efficientnet-lite0")
    assert isinstance(known, ModelEntry)
    return replace(known, probe={"x": (1, 2)}, **changes)  # type: ignore[arg-type]


class Clock:
    """Time that passes when a net runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def net(self, seconds: float, name: str, crowd: Iterator[float] | None = None) -> FakeModel:
        """A net that takes so long on this clock, and longer by what other work on the machine costs each run."""

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            self.now += seconds * (1.0 if crowd is None else next(crowd))
            return {"y": inputs["x"]}

        use = ModelUse(name, "1", "", "MIT", "detect")
        return FakeModel(run, inputs={"x": TensorSpec(np.float32, (1, 2))}, outputs=["y"], use=use)


class Openers:
    """Opens fakes, and remembers which."""

    def __init__(self, onnxruntime_s: float, openvino_s: float | None) -> None:
        self._seconds = {Engine.ONNXRUNTIME: onnxruntime_s, Engine.OPENVINO: openvino_s}
        self.opened: list[Engine] = []
        self.clock = Clock()

    def table(self) -> dict[Engine, Callable[[ModelEntry, Path, str], Model]]:
        """As ``EngineChoice`` takes them."""

        def opener(engine: Engine) -> Callable[[ModelEntry, Path, str], Model]:
            def open_it(_entry: ModelEntry, _path: Path, _stage: str) -> Model:
                seconds = self._seconds[engine]
                if seconds is None:
                    raise ConfigurationError("cannot load it")
                self.opened.append(engine)
                return self.clock.net(seconds, engine)

            return open_it

        return {engine: opener(engine) for engine in Engine}


def choose(openers: Openers, folder: Path, facts: CpuFacts = FACTS, net: ModelEntry | None = None) -> str:
    """The name of the engine that the net was opened on."""
    choice = EngineChoice(openers.table(), facts, EngineNotes(folder, facts), RULES, openers.clock)
    return choice.open(net or entry(), folder / "net.onnx", "detect").name


def test_bfloat16_decides_where_the_net_may_use_it() -> None:
    """A CPU that multiplies in bfloat16 runs nets that bear it on OpenVINO, and measures the others."""
    for feature in ("amx_bf16", "avx512_bf16"):
        facts = replace(FACTS, features=FACTS.features | {feature})
        assert decided(facts, entry(precision=Precision.BFLOAT16)) is Engine.OPENVINO
        assert decided(facts, entry()) is None


def test_onnxruntime_stays_where_nothing_speaks_for_another() -> None:
    """Without the package, on a CPU of old, and for a net that cannot be measured, nothing changes."""
    assert decided(replace(FACTS, openvino=""), entry()) is Engine.ONNXRUNTIME
    assert decided(replace(FACTS, features=frozenset({"sse2"})), entry()) is Engine.ONNXRUNTIME
    assert decided(FACTS, replace(entry(), probe={})) is Engine.ONNXRUNTIME


def test_a_tie_is_onnxruntimes() -> None:
    """OpenVINO must be clearly faster: less than the margin is noise."""
    inputs = {"x": np.ones((1, 2), np.float32)}
    for other_s, engine in ((0.5, Engine.OPENVINO), (0.89, Engine.OPENVINO), (0.95, Engine.ONNXRUNTIME)):
        clock = Clock()
        found = faster(clock.net(1.0, "plain"), clock.net(other_s, "other"), inputs, RULES, clock)
        assert found.engine is engine
        assert (found.onnxruntime_s, found.openvino_s) == pytest.approx((1.0, other_s))


def test_a_crowded_machine_is_asked_until_runs_agree() -> None:
    """Work beside it that doubles most runs of one engine does not decide: its undisturbed runs do."""
    clock = Clock()
    crowd = chain([1.0, 2.3, 1.9, 2.6, 1.8], repeat(1.0))
    rules = replace(RULES, most_s=60.0)
    inputs = {"x": np.ones((1, 2), np.float32)}
    found = faster(clock.net(1.0, "plain", crowd), clock.net(0.95, "other"), inputs, rules, clock)
    assert found.settled
    assert found.engine is Engine.ONNXRUNTIME
    assert found.onnxruntime_s == pytest.approx(1.0)


def test_what_stays_unclear_is_measured_again_at_the_next_start(tmp_path: Path) -> None:
    """Runs that never agree choose for this start alone; runs that do are kept."""
    notes = EngineNotes(tmp_path, FACTS)
    crowd = (1.5**run for run in range(100))
    clock = Clock()
    inputs = {"x": np.ones((1, 2), np.float32)}
    unclear = faster(clock.net(1.0, "plain", crowd), clock.net(0.5, "other"), inputs, RULES, clock)
    assert not unclear.settled
    assert notes.recall(entry(), lambda: unclear) is unclear
    clear = replace(unclear, engine=Engine.ONNXRUNTIME, settled=True)
    assert notes.recall(entry(), lambda: clear) is clear
    assert notes.recall(entry(), lambda: unclear) == clear


def test_what_was_measured_is_kept_beside_the_weights(tmp_path: Path) -> None:
    """The second start opens the chosen engine alone; another machine or version measures anew."""
    openers = Openers(0.02, 0.002)
    assert choose(openers, tmp_path) == "openvino"
    assert sorted(openers.opened) == ["onnxruntime", "openvino"]
    again = Openers(0.02, 0.002)
    assert choose(again, tmp_path) == "openvino"
    assert again.opened == [Engine.OPENVINO]
    updated = Openers(0.002, 0.02)
    assert choose(updated, tmp_path, replace(FACTS, openvino="2027.1")) == "onnxruntime"
    assert len(json.loads((tmp_path / NOTES_FILE).read_text())) == 2
    assert [path.name for path in tmp_path.iterdir() if ".json." in path.name] == [f".{NOTES_FILE}.lock"]


@pytest.mark.parametrize("damage", ["", "not json", "[]", '{"x": 1}'])
def test_damaged_notes_are_written_anew(tmp_path: Path, damage: str) -> None:
    """A file that cannot be read does not stop a start."""
    (tmp_path / NOTES_FILE).write_text(damage)
    assert choose(Openers(0.02, 0.002), tmp_path) == "openvino"
    assert any("/" in slot for slot in json.loads((tmp_path / NOTES_FILE).read_text()))


def test_a_folder_that_cannot_be_written_does_not_stop_a_start(tmp_path: Path) -> None:
    """Where nothing can be kept, it is measured at each start."""
    assert choose(Openers(0.02, 0.002), tmp_path / "missing") == "openvino"


def test_a_net_that_openvino_cannot_load_stays(tmp_path: Path) -> None:
    """Whether it was to be measured or decided, onnxruntime takes it."""
    assert choose(Openers(0.01, None), tmp_path) == "onnxruntime"
    facts = replace(FACTS, features=frozenset({"avx2", "amx_bf16"}))
    assert choose(Openers(0.01, None), tmp_path, facts, entry(precision=Precision.BFLOAT16)) == "onnxruntime"


def test_every_probe_fits_its_net() -> None:
    """Both engines take the manifest's probe of the shipped network, and agree on it to the last digits."""
    network = load_manifest().entry("lensora-shape")
    assert isinstance(network, ModelEntry)
    inputs = probe_inputs(network)
    answers = [
        OnnxRuntime(Path("unused"), engine=engine).open("lensora-shape", "mesh").infer(inputs)
        for engine in ("onnxruntime", "openvino")
    ]
    for name in answers[0]:
        np.testing.assert_allclose(answers[0][name], answers[1][name], rtol=1e-3, atol=1e-3)


def test_the_shape_network_takes_as_many_pictures_as_a_server_batches() -> None:
    """One picture, or three of two jobs in one batch, are answered as they are in a pair."""
    model = OnnxRuntime(Path("unused")).open("lensora-shape", "mesh")
    pictures = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 6, 128, 128)).astype(np.float32)
    three = model.infer({"picture": pictures})
    for some in (slice(0, 1), slice(1, 3)):
        for name, value in model.infer({"picture": pictures[some]}).items():
            np.testing.assert_allclose(value, three[name][some], rtol=1e-3, atol=1e-3)
