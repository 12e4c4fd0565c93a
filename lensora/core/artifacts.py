"""An artifact: bytes that lie in the artifact store, named by reference."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STL_FRAME = "millimetres, +Z up"
"""Unit and axes of our STL files: what every slicer takes, since the format has no place for them. The other formats
are in metres, +Y up."""


class MediaType(StrEnum):
    """The media types that Lensora reads and writes (IANA names)."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    MP4 = "video/mp4"
    WEBM = "video/webm"
    GLB = "model/gltf-binary"
    USDZ = "model/vnd.usdz+zip"
    STL = "model/stl"
    ZIP = "application/zip"
    JSON = "application/json"


SUFFIX: dict[MediaType, str] = {
    MediaType.JPEG: ".jpg",
    MediaType.PNG: ".png",
    MediaType.WEBP: ".webp",
    MediaType.GIF: ".gif",
    MediaType.MP4: ".mp4",
    MediaType.WEBM: ".webm",
    MediaType.GLB: ".glb",
    MediaType.USDZ: ".usdz",
    MediaType.STL: ".stl",
    MediaType.ZIP: ".zip",
    MediaType.JSON: ".json",
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A reference to stored bytes.

    Attributes:
        uri: where the bytes lie, under the artifact store's base (``file:///...`` or ``s3://bucket/...``).
        sha256: lower-case hex digest of the bytes, 64 characters.
        size_bytes: the number of bytes, >= 0.
        media_type: an IANA media type.
    """

    uri: str
    sha256: str
    size_bytes: int
    media_type: str

    def __post_init__(self) -> None:
        if len(self.sha256) != 64:
            raise ValueError(f"sha256 must be 64 hex characters, not {len(self.sha256)}")
        if self.size_bytes < 0:
            raise ValueError(f"size_bytes must be >= 0, not {self.size_bytes}")


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model or method that helped make an artifact; one row of a job's bill of models.

    Attributes:
        name: the model's name in the manifest, such as ``isnet-general-use``.
        version: the manifest's version of it.
        sha256: digest of the weights file; empty for a method without weights.
        license: SPDX identifier or the licence's name.
        stage: ``detect``, ``segment``, ``mesh`` or ``render``.
    """

    name: str
    version: str
    sha256: str
    license: str
    stage: str
