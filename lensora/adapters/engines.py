"""Which engine runs an ONNX file in this process, onnxruntime or OpenVINO: chosen for each net and each machine.

The CPU's capabilities decide where they can. Where they cannot, both engines run the net on a small input for under a
second at the first start, and what came of it is kept beside the weights. On a crowded machine the runs of one engine
differ; then it takes up to two seconds, and what is still unclear is measured again at the next start. onnxruntime wins
ties, and stays for what OpenVINO cannot load.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from lensora.adapters.inference import Model
from lensora.core.errors import ConfigurationError, InferenceFailed
from lensora.models.manifest import ModelEntry, Precision
from lensora.observability import logs

_log = logs.get(__name__)

Clock = Callable[[], float]
"""Seconds since some moment."""

NOTES_FILE = "engines.json"
"""What was measured, in the models folder."""


class Engine(StrEnum):
    """What runs a net in this process."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class EngineRules:
    """How the choice is made.

    Attributes:
        budget_s: seconds that the timed runs of a net take together where the runs of each engine agree.
        most_s: seconds that they may take where they do not, which a crowded machine is the cause of.
        clear: OpenVINO is taken if its best run takes at most this share of onnxruntime's: less is noise.
        least_runs: of each engine, however long they take.
        agreeing: runs of an engine that have to agree on its best time ...
        spread: ... to this share of it: others on the machine lengthen a run now and then, but never shorten one.
    """

    budget_s: float = 0.6
    most_s: float = 2.0
    clear: float = 0.9
    least_runs: int = 3
    agreeing: int = 3
    spread: float = 0.1


RULES = EngineRules()


@dataclass(frozen=True, slots=True)
class CpuFacts:
    """What the choice depends on.

    Attributes:
        model: the processor's name.
        features: its instruction sets, as Linux names them.
        threads: that an engine is given.
        onnxruntime, openvino: the packages' versions; empty where one is not installed.
    """

    model: str
    features: frozenset[str]
    threads: int
    onnxruntime: str
    openvino: str

    @classmethod
    def here(cls, threads: int, cpuinfo: Path = Path("/proc/cpuinfo")) -> CpuFacts:
        """Of this machine; no features where the system does not tell them."""
        lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.is_file() else []
        told = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
        known = {key.strip(): value.strip() for key, value in told.items()}
        features = frozenset(known.get("flags", "").split())
        return cls(known.get("model name", ""), features, threads, onnxruntime.__version__, _openvino())

    @property
    def key(self) -> str:
        """Another machine, number of threads or version is measured anew."""
        facts = [self.model, " ".join(sorted(self.features)), str(self.threads), self.onnxruntime, self.openvino]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]

    @property
    def multiplies_bfloat16(self) -> bool:
        """True with AMX or AVX512-BF16: half the work of float32, or a quarter and less."""
        return bool(self.features & {"amx_bf16", "avx512_bf16"})


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of the best run on each engine, and the engine that they speak for.

    Attributes:
        engine: the choice.
        onnxruntime_s, openvino_s: CPU seconds.
        settled: several runs of each engine agree; False on a machine too crowded to tell.
    """

    engine: Engine
    onnxruntime_s: float
    openvino_s: float
    settled: bool = True


def decided(facts: CpuFacts, entry: ModelEntry) -> Engine | None:
    """The engine where the machine's capabilities say it; None where only a measurement can.

    On two cores IS-Net takes 1.5 s of CPU time in onnxruntime and 0.75 s in OpenVINO with AVX512-BF16 (AMD EPYC); with
    AMX it is 1.19 and 0.42 s on the clock.
    """
    if not facts.openvino or "avx2" not in facts.features:
        return Engine.ONNXRUNTIME
    if entry.precision is Precision.BFLOAT16 and facts.multiplies_bfloat16:
        return Engine.OPENVINO
    return None if entry.probe else Engine.ONNXRUNTIME


def faster(
    plain: Model,
    other: Model,
    inputs: Mapping[str, Any],
    rules: EngineRules = RULES,
    clock: Clock = time.process_time,
) -> Measured:
    """Run onnxruntime (``plain``) and OpenVINO by turns, and compare their best runs.

    Compared is the CPU time of all threads, which other work on the machine does not lengthen as it does the time on
    the clock; both have the same number of threads. Each engine goes first every other time, and it goes on until
    several runs of each agree.
    """
    models: tuple[Model, Model] = (plain, other)
    took: tuple[list[float], list[float]] = ([], [])
    for model in models:
        model.infer(inputs)  # first runs compile and allocate
    started = time.perf_counter()
    while True:
        turn = len(took[0]) % 2
        for number in (turn, 1 - turn):
            before = clock()
            models[number].infer(inputs)
            took[number].append(clock() - before)
        spent, settled = time.perf_counter() - started, all(_agree(each, rules) for each in took)
        if len(took[0]) >= rules.least_runs and spent >= (rules.budget_s if settled else rules.most_s):
            break
    best = min(took[0]), min(took[1])
    wins = best[1] <= rules.clear * best[0]
    return Measured(Engine.OPENVINO if wins else Engine.ONNXRUNTIME, *best, settled)


def _agree(took: list[float], rules: EngineRules) -> bool:
    """Whether enough runs are within the spread of the best one."""
    return len(took) >= rules.agreeing and sorted(took)[rules.agreeing - 1] <= (1.0 + rules.spread) * min(took)


class EngineNotes:
    """What was measured on this machine, in a file beside the weights; forgotten where that cannot be written."""

    def __init__(self, folder: Path, facts: CpuFacts) -> None:
        """
        Args:
            folder: the models folder.
            facts: of this machine.
        """
        self._folder = folder.expanduser()
        self._facts = facts

    def recall(self, entry: ModelEntry, measure: Callable[[], Measured]) -> Measured:
        """What is known of a net, measured now where nothing is. One process measures at a time.

        What is not settled is not kept: the next start may find a quieter machine.
        """
        with self._locked():
            known = self._read()
            slot = f"{self._facts.key}/{entry.sha256}"
            try:
                return Measured(Engine(known[slot]["engine"]), *(known[slot][name] for name in _TIMES))
            except (KeyError, TypeError, ValueError):
                found = measure()
                if not found.settled:
                    return found
                self._write({**known, slot: {**asdict(found), "model": entry.name, "cpu": self._facts.model}})
                return found

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads((self._folder / NOTES_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: Mapping[str, Any]) -> None:
        staged = self._folder / f".{NOTES_FILE}.{os.getpid()}"
        try:
            staged.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
            staged.replace(self._folder / NOTES_FILE)
        except OSError as error:
            _log.info("engines_not_kept", problem=str(error))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            file = (self._folder / f".{NOTES_FILE}.lock").open("w")
        except OSError:  # a read-only volume: each process measures for itself
            yield
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


_TIMES = ("onnxruntime_s", "openvino_s")


class EngineChoice:
    """Opens nets on the engine that suits them."""

    def __init__(
        self,
        openers: Mapping[Engine, Callable[[ModelEntry, Path, str], Model]],
        facts: CpuFacts,
        notes: EngineNotes,
        rules: EngineRules = RULES,
        clock: Clock = time.process_time,
    ) -> None:
        """
        Args:
            openers: of each engine: entry, path of the weights and stage to a model; raises ConfigurationError.
            facts: of this machine.
            notes: what was measured before.
            rules: how the choice is made.
            clock: of the CPU time that runs take.
        """
        self._clock = clock
        self._openers = openers
        self._facts = facts
        self._notes = notes
        self._rules = rules

    def open(self, entry: ModelEntry, path: Path, stage: str) -> Model:
        """The net on its engine. Raises ConfigurationError where no engine can load it."""
        engine = decided(self._facts, entry)
        if engine is None:
            opened: dict[Engine, Model] = {}

            def measure() -> Measured:
                for each in Engine:
                    opened[each] = self._openers[each](entry, path, stage)
                inputs = probe_inputs(entry)
                return faster(opened[Engine.ONNXRUNTIME], opened[Engine.OPENVINO], inputs, self._rules, self._clock)

            try:
                known = self._notes.recall(entry, measure)
            except (ConfigurationError, InferenceFailed) as error:
                return self._plain(entry, path, stage, error)
            _log.info("engine_measured", model=entry.name, **asdict(known))
            if known.engine in opened:
                return opened[known.engine]
            engine = known.engine
        if engine is Engine.ONNXRUNTIME:
            return self._openers[engine](entry, path, stage)
        return self.prefer_openvino(entry, path, stage)

    def prefer_openvino(self, entry: ModelEntry, path: Path, stage: str) -> Model:
        """The net on OpenVINO, or on onnxruntime where OpenVINO cannot load it."""
        try:
            return self._openers[Engine.OPENVINO](entry, path, stage)
        except ConfigurationError as error:
            return self._plain(entry, path, stage, error)

    def _plain(self, entry: ModelEntry, path: Path, stage: str, error: Exception) -> Model:
        _log.warning("openvino_cannot_run", model=entry.name, problem=str(error))
        return self._openers[Engine.ONNXRUNTIME](entry, path, stage)


def probe_inputs(entry: ModelEntry) -> dict[str, Any]:
    """Inputs of the manifest's probe shapes: float32 noise in 0..1, always the same."""
    noise = np.random.default_rng(0)
    return {name: noise.random(shape, np.float32) for name, shape in entry.probe.items()}


def _openvino() -> str:
    try:
        return version("openvino")
    except PackageNotFoundError:
        return ""
