"""The check of an upload before it is stored: cheap enough for the gateway, and off the event loop."""

from __future__ import annotations

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidImage
from lensora.imaging.header import FIELD, read_header
from lensora.imaging.photo import probe

RIFF_HEADER_BYTES = 8
"""``RIFF`` and the length of what follows, which is the whole file (WebP container specification)."""


def check(data: bytes) -> MediaType:
    """The format of a picture that is within every limit and whole.

    JPEG and PNG are decoded. The WebP decoder holds Python's global lock, 150 ms for 12 megapixels in which no request
    of this process would be answered: there the container alone is checked, and the detection service, which decodes
    the picture in any case, finds what is broken inside.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated, or (JPEG, PNG) not decodable.
    """
    header = read_header(data)
    if header.media_type is not MediaType.WEBP:
        return probe(data).media_type
    declared = int.from_bytes(data[4:RIFF_HEADER_BYTES], "little") + RIFF_HEADER_BYTES
    if declared > len(data):
        raise InvalidImage(
            f"image cannot be decoded; it is truncated: it has {len(data):,} of {declared:,} bytes.", field=FIELD
        )
    return header.media_type
