"""Assembles a model repository for Triton: the templates of ``deploy/triton/models`` joined with verified weights.

A template holds ``config.pbtxt`` for a GPU, perhaps ``configs/cpu.pbtxt``, and for the python backend ``1/model.py``.
Assembling copies it under the model's name in the manifest, links the weights, adds the modules that models share, and
writes into the configuration where the weights are and their digest, so that a client can tell what is served.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from lensora.core.errors import ConfigurationError
from lensora.models.manifest import Manifest, ModelEntry, load_manifest
from lensora.models.policy import LicensePolicy
from lensora.models.store import path_of, weights_sha256

TEMPLATE_OF = MappingProxyType(
    {"z-image-turbo": "text-to-image", "flux2-klein-4b": "text-to-image", "flux1-schnell": "text-to-image"}
)
"""Nets that share a template; every other has one of its own name."""

MARKER = ".assembled-by-lensora"
"""Only a folder with this file in it is replaced."""

_VERSION = "1"
_ONNX_FILE = "model.onnx"
_ONNX_MODULE = "onnx_cpu.py"


def assemble(
    names: Iterable[str],
    *,
    templates: Path,
    models_dir: Path,
    target: Path,
    policy: LicensePolicy = LicensePolicy.PERMISSIVE,
    manifest: Manifest | None = None,
) -> list[Path]:
    """Write the repository; what was assembled there before is replaced, all or nothing.

    Args:
        names: models of the manifest that Triton is to serve.
        templates: ``deploy/triton`` of the project.
        models_dir: the models folder; every weights file is verified here, before Triton sees it.
        target: the repository; missing, or assembled before.
        policy: licences that are allowed.
        manifest: None takes the one that ships with Lensora.

    Returns:
        The models' folders.

    Raises:
        ConfigurationError: an unknown model, one without a template or weights, or a target that is something else.
        LicenseRefused: the policy does not allow a model.
        ArtifactCorrupted: weights are not what the manifest or their lock says.
    """
    known = manifest or load_manifest()
    if target.exists() and not (target / MARKER).is_file():
        raise ConfigurationError(f"{target} exists and was not assembled by Lensora; it is left as it is")
    staged = target.with_name(f".{target.name}.staged")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    (staged / MARKER).touch()
    models = list(dict.fromkeys(names))
    for name in models:
        entry = known.entry(name)
        weights = path_of(name, models_dir, policy=policy, manifest=known).absolute()
        template = templates / "models" / TEMPLATE_OF.get(name, name)
        if not (template / "config.pbtxt").is_file():
            raise ConfigurationError(
                f"model {name!r} has no template in {templates / 'models'}; Triton cannot serve it"
            )
        folder = staged / name
        shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__"))
        version = folder / _VERSION
        version.mkdir(exist_ok=True)
        if isinstance(entry, ModelEntry):
            (version / _ONNX_FILE).symlink_to(weights)
            shutil.copy2(templates / "shared" / _ONNX_MODULE, version / "model.py")
        else:
            for module in (templates / "shared").glob("*.py"):
                if module.name != _ONNX_MODULE:
                    shutil.copy2(module, version / module.name)
        parameters = {"weights": str(weights), "weights_sha256": weights_sha256(entry, models_dir), "net": name}
        for config in (folder / "config.pbtxt", *folder.glob("configs/*.pbtxt")):
            _add_parameters(config, parameters)
    if target.exists():
        shutil.rmtree(target)
    staged.rename(target)
    return [target / name for name in models]


def _add_parameters(config: Path, parameters: dict[str, str]) -> None:
    with config.open("a", encoding="utf-8") as file:
        for key, value in parameters.items():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            file.write(f'parameters {{ key: "{key}" value {{ string_value: "{quoted}" }} }}\n')
