"""The model manifest and the licence policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from lensora.core.errors import ConfigurationError, LensoraError, LicenseRefused
from lensora.models import LicensePolicy, Profile, check, load_manifest, parse_manifest
from lensora.models.manifest import ModelEntry
from lensora.models.recipes import names
from lensora.models.store import installed, path_of, pull

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
commercial_use = false
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
GOOD = ENTRY.format(digest="a" * 64)


def test_the_shipped_manifest_is_whole() -> None:
    """Every shipped entry parses, names recipes that there are, and may be used commercially in the embedded mode."""
    manifest = load_manifest()
    embedded = manifest.profile(Profile.EMBEDDED)
    assert {"isnet-general-use", "efficientnet-lite0"} <= {entry.name for entry in embedded}
    for entry in embedded:
        check(entry, LicensePolicy.PERMISSIVE)
    for entry in manifest.entries:
        if isinstance(entry, ModelEntry):
            assert {source.recipe for source in entry.sources} <= names()
        assert set(entry.stages) <= {"detect", "segment", "mesh"}


def test_an_entry_describes_its_use() -> None:
    """The bill-of-models row carries name, version, digest and licence, and the stage that asked."""
    use = parse_manifest(GOOD).entry("tiny").use("detect")
    assert (use.name, use.version, use.sha256, use.license, use.stage) == (
        "tiny",
        "1",
        "a" * 64,
        "CC-BY-NC-4.0",
        "detect",
    )


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    """Asking for a model that is not there lists those that are."""
    with pytest.raises(ConfigurationError, match="no model 'huge'; the manifest has tiny"):
        parse_manifest(GOOD).entry("huge")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "tiny"', 'name = "../tiny"', "name must match"),
        ('file = "tiny.onnx"', 'file = "../tiny.onnx"', "plain name"),
        ('kind = "https"', 'kind = "ftp"', "ftp"),
        ('"https://example.org/tiny.onnx"', '"http://example.org/tiny.onnx"', "https://"),
        ('profiles = ["gpu-small"]', 'profiles = ["laptop"]', "laptop"),
        ("size_bytes = 4", 'size_bytes = "four"', "four"),
        ('license = "CC-BY-NC-4.0"', "", "license"),
        ("a" * 64, "A" * 64, "lower-case hex"),
        ("[[model]]", "[[model", "not TOML"),
        ("commercial_use = false", 'commercial_use = "no"', "commercial_use must be true or false, not 'no'"),
        ('stages = ["detect"]', 'stages = "detect"', "stages must be a list of words, not 'detect'"),
    ],
)
def test_a_wrong_manifest_names_what_is_wrong(old: str, new: str, said: str) -> None:
    """Each kind of mistake stops with a sentence that names it."""
    with pytest.raises(ConfigurationError, match=said):
        parse_manifest(GOOD.replace(old, new))


def test_a_name_may_stand_once_only() -> None:
    """Two entries of one name are refused."""
    with pytest.raises(ConfigurationError, match="twice"):
        parse_manifest(GOOD + GOOD)


def test_the_permissive_policy_refuses_what_is_not_for_commerce() -> None:
    """The refusal names the model, its licence and the setting; the policy ``any`` allows it."""
    entry = parse_manifest(GOOD).entry("tiny")
    with pytest.raises(LicenseRefused, match=r"'tiny' is under CC-BY-NC-4\.0.*LENSORA_LICENSE_POLICY=any"):
        check(entry, LicensePolicy.PERMISSIVE)
    check(entry, LicensePolicy.ANY)


SHIPPED = GOOD.replace('kind = "https"', 'kind = "shipped"').replace("https://example.org/tiny.onnx", "tiny.onnx")


def test_a_shipped_model_lies_in_this_package_and_is_never_pulled(tmp_path: Path) -> None:
    """The shape network is there without a pull, whole, whatever the models folder; a pull leaves it where it is."""
    path = path_of("lensora-shape", tmp_path)
    entry = load_manifest().entry("lensora-shape")
    assert path.stat().st_size == entry.size_bytes <= 12_000_000
    assert "lensora-shape" in {known.name for known in installed(tmp_path)}
    assert pull(["lensora-shape"], tmp_path) == [path]
    assert not list(tmp_path.glob("*.onnx"))


def test_a_shipped_model_that_is_missing_asks_for_a_new_installation(tmp_path: Path) -> None:
    """Neither looking for it nor pulling it goes to a network."""
    manifest = parse_manifest(
        SHIPPED.replace("CC-BY-NC-4.0", "MIT").replace("commercial_use = false", "commercial_use = true")
    )
    for ask in (
        lambda: path_of("tiny", tmp_path, manifest=manifest),
        lambda: pull(["tiny"], tmp_path, manifest=manifest),
    ):
        with pytest.raises(LensoraError, match="install lensora again"):
            ask()


def test_a_shipped_model_has_no_other_source() -> None:
    """Its one source is the file itself, under its own name."""
    with pytest.raises(ConfigurationError, match="shipped"):
        parse_manifest(SHIPPED.replace('location = "tiny.onnx"', 'location = "other.onnx"'))
