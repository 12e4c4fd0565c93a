"""Where neural nets run, chosen by settings in one place: onnxruntime or OpenVINO in this process, or a Triton server.

A composition root opens its models here; what it hands to a backend is a ``Model``, and the backend never knows which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from lensora.adapters.engines import CpuFacts, Engine, EngineChoice, EngineNotes
from lensora.adapters.inference import Device, Model, OnnxModel
from lensora.adapters.rechecked import Rechecked
from lensora.core.errors import ConfigurationError
from lensora.cores import threads_for
from lensora.models.manifest import Manifest, ModelEntry, Precision, load_manifest
from lensora.models.policy import LicensePolicy, check
from lensora.models.store import path_of
from lensora.observability import logs
from lensora.settings import ModelSettings

_log = logs.get(__name__)


class Runtime(Protocol):
    """Opens models of the manifest."""

    @property
    def opened(self) -> Sequence[Model]:
        """The models that were opened so far."""
        ...

    def open(self, name: str, stage: str) -> Model:
        """A model that is ready to be called.

        Args:
            name: in the manifest.
            stage: the stage that uses it, for the bill of models.

        Raises:
            ConfigurationError: unknown, or not where it should be.
            LicenseRefused: the policy in force does not allow it.
        """
        ...


InProcess = Literal["auto", "onnxruntime", "openvino"]


class OnnxRuntime:
    """Opens verified ONNX files in this process, on onnxruntime or on OpenVINO."""

    def __init__(
        self,
        models_dir: Path,
        *,
        engine: InProcess = "auto",
        device: Device = "cpu",
        threads: int = 0,
        policy: LicensePolicy = LicensePolicy.PERMISSIVE,
        manifest: Manifest | None = None,
    ) -> None:
        """
        Args:
            models_dir: where weights lie, and what was measured of the engines.
            engine: one for all nets, or ``auto``.
            device: ``cuda`` is onnxruntime's alone.
            threads: of one inference; 0 means one for each core that the process may use.
            policy: licences that are allowed.
            manifest: None takes the one that ships with Lensora.

        Raises:
            ConfigurationError: OpenVINO is asked for and not installed.
        """
        self._models_dir = models_dir
        self._device: Device = device
        self._engine: InProcess = "onnxruntime" if device != "cpu" else engine
        self._threads = threads_for(threads)
        self._policy = policy
        self._manifest = manifest or load_manifest()
        self._opened: list[Model] = []
        self._facts = CpuFacts.here(self._threads)
        if self._engine == "openvino" and not self._facts.openvino:
            raise ConfigurationError('LENSORA_INFERENCE=openvino: install it with pip install "lensora[openvino]"')
        openers = {Engine.ONNXRUNTIME: self._on_onnxruntime, Engine.OPENVINO: self._on_openvino}
        self._choice = EngineChoice(openers, self._facts, EngineNotes(models_dir, self._facts))

    @property
    def opened(self) -> Sequence[Model]:
        return tuple(self._opened)

    def open(self, name: str, stage: str) -> Model:
        self._opened.append(self._load(self._entry(name), stage))
        return self._opened[-1]

    def _entry(self, name: str) -> ModelEntry:
        entry = self._manifest.entry(name)
        if not isinstance(entry, ModelEntry):
            raise ConfigurationError(
                f"model {name!r} is no ONNX file and runs on Triton only: LENSORA_INFERENCE=triton, not onnxruntime"
            )
        return entry

    def _load(self, entry: ModelEntry, stage: str) -> Model:
        path = path_of(entry.name, self._models_dir, policy=self._policy, manifest=self._manifest)
        if self._engine == "onnxruntime":
            return self._on_onnxruntime(entry, path, stage)
        if self._engine == "openvino":
            return self._choice.prefer_openvino(entry, path, stage)
        return self._choice.open(entry, path, stage)

    def _on_onnxruntime(self, entry: ModelEntry, path: Path, stage: str) -> Model:
        return OnnxModel(path, entry.use(stage), device=self._device, threads=self._threads)

    def _on_openvino(self, entry: ModelEntry, path: Path, stage: str) -> Model:
        # Imported here: it is an optional dependency.
        from lensora.adapters.openvino import OpenVinoModel  # noqa: PLC0415

        def opened(precision: Precision) -> OpenVinoModel:
            return OpenVinoModel(
                path,
                entry.use(stage),
                precision=precision,
                half_weights=entry.half_weights,
                threads=self._threads,
            )

        if entry.precision is Precision.FLOAT32 or not self._facts.multiplies_bfloat16:
            return opened(Precision.FLOAT32)
        quick = opened(entry.precision)
        if entry.doubt is None or stage not in entry.doubt.stages:
            return quick
        return Rechecked(quick, lambda: opened(Precision.FLOAT32), entry.doubt, quick.make_room)


class TritonRuntime:
    """Opens models on a Triton server, over one connection."""

    def __init__(
        self,
        target: str,
        *,
        timeout_s: float,
        shared_memory: bool = False,
        policy: LicensePolicy = LicensePolicy.PERMISSIVE,
        manifest: Manifest | None = None,
    ) -> None:
        # Imported here, so that the embedded mode needs no tritonclient.
        from lensora.adapters import triton  # noqa: PLC0415

        self._triton = triton
        self._client = triton.connect(target)
        self._timeout_s = timeout_s
        self._shared_memory = shared_memory
        self._policy = policy
        self._manifest = manifest or load_manifest()
        self._opened: list[Model] = []

    @property
    def opened(self) -> Sequence[Model]:
        return tuple(self._opened)

    def open(self, name: str, stage: str) -> Model:
        self._opened.append(self._served(name, stage))
        return self._opened[-1]

    def _served(self, name: str, stage: str) -> Model:
        entry = self._manifest.entry(name)
        check(entry, self._policy)
        model: Model = self._triton.TritonModel(
            self._client, entry.use(stage), timeout_s=self._timeout_s, shared_memory=self._shared_memory
        )
        return model


def open_runtime(settings: ModelSettings) -> Runtime:
    """The runtime that ``LENSORA_INFERENCE`` asks for."""
    policy = LicensePolicy(settings.license_policy)
    if settings.inference == "triton":
        return TritonRuntime(
            settings.triton_target,
            timeout_s=settings.triton_timeout_seconds,
            shared_memory=settings.triton_shared_memory,
            policy=policy,
        )
    return OnnxRuntime(
        settings.models_dir,
        engine=settings.inference,
        device=settings.device,
        threads=settings.inference_threads,
        policy=policy,
    )
