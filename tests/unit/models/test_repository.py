"""Assembling a model repository for Triton."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lensora.core.errors import ArtifactCorrupted, ConfigurationError, LicenseRefused
from lensora.models import LicensePolicy, Manifest, parse_manifest
from lensora.models.repository import assemble

WEIGHTS = b"onnx"
ENTRY = """
[[model]]
name = "tiny"
version = "1"
purpose = "a test"
file = "tiny.onnx"
sha256 = "{digest}"
size_bytes = 4
license = "CC-BY-NC-4.0"
license_url = "https://example.org/licence"
commercial_use = {commercial}
memory_bytes = 10
stages = ["detect"]
profiles = ["gpu-small"]
[[model.source]]
kind = "https"
location = "https://example.org/tiny.onnx"
sha256 = "{digest}"
size_bytes = 4
recipe = "as-is"
"""


def manifest(*, commercial: bool = True) -> Manifest:
    """A manifest with one ONNX model."""
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    return parse_manifest(ENTRY.format(digest=digest, commercial=str(commercial).lower()))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Templates and weights."""
    template = tmp_path / "templates" / "models" / "tiny"
    (template / "configs").mkdir(parents=True)
    (template / "config.pbtxt").write_text('backend: "onnxruntime"\n')
    (template / "configs" / "cpu.pbtxt").write_text('backend: "python"\n')
    shared = tmp_path / "templates" / "shared"
    shared.mkdir()
    (shared / "onnx_cpu.py").write_text("# runs a file\n")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "tiny.onnx").write_bytes(WEIGHTS)
    return tmp_path


def assembled(project: Path, known: Manifest, policy: LicensePolicy = LicensePolicy.PERMISSIVE) -> Path:
    """Assemble the one model."""
    (folder,) = assemble(
        ["tiny"],
        templates=project / "templates",
        models_dir=project / "weights",
        target=project / "repository",
        policy=policy,
        manifest=known,
    )
    return folder


def test_weights_are_linked_and_named_in_both_configurations(project: Path) -> None:
    """The GPU's and the CPU's configuration say which weights are served."""
    folder = assembled(project, manifest())
    assert (folder / "1" / "model.onnx").read_bytes() == WEIGHTS
    assert (folder / "1" / "model.py").exists()
    for config in (folder / "config.pbtxt", folder / "configs" / "cpu.pbtxt"):
        assert f'"weights_sha256" value {{ string_value: "{hashlib.sha256(WEIGHTS).hexdigest()}"' in config.read_text()


def test_assembling_again_replaces(project: Path) -> None:
    """A second run leaves the same repository, without what the first one no longer has."""
    folder = assembled(project, manifest())
    (folder / "old").touch()
    assert not (assembled(project, manifest()) / "old").exists()


def test_a_folder_of_somebody_else_is_left_alone(project: Path) -> None:
    """A target that Lensora did not assemble is not touched."""
    (project / "repository").mkdir()
    (project / "repository" / "precious").touch()
    with pytest.raises(ConfigurationError, match="not assembled by Lensora"):
        assembled(project, manifest())
    assert (project / "repository" / "precious").exists()


def test_wrong_weights_are_not_served(project: Path) -> None:
    """A weights file that is not the manifest's stops the assembling; what was served stays."""
    folder = assembled(project, manifest())
    (project / "weights" / "tiny.onnx").write_bytes(b"evil")
    with pytest.raises(ArtifactCorrupted):
        assembled(project, manifest())
    assert folder.exists()


def test_the_licence_policy_holds_here_too(project: Path) -> None:
    """A model that is not for commerce is served only when the operator says so."""
    with pytest.raises(LicenseRefused, match="LENSORA_LICENSE_POLICY=any"):
        assembled(project, manifest(commercial=False))
    assert assembled(project, manifest(commercial=False), LicensePolicy.ANY).exists()
