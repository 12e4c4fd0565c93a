"""What an uploaded picture may be, before anything of it is decoded."""

from __future__ import annotations

MAX_BYTES = 20_000_000
"""Most bytes of an uploaded picture: 20 MB, decimal, as the public contract says."""

MAX_PIXELS = 52_000_000
"""Most pixels: phones of "50 megapixels" write 8160 x 6144, which is 50.1 million."""

MIN_SIDE_PX = 64
"""Least width and height: below this there is nothing to detect."""

MAX_ASPECT = 50
"""Most times that one side may be as long as the other: a longer strip has no pixels left across once it is reduced."""

FIELD = "image"
"""The request field that all errors of this package name."""
