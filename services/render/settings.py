"""Settings of the render service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lensora.settings import ServiceSettings


class RenderSettings(ServiceSettings):
    """Read from the environment; every name is prefixed with ``LENSORA_``."""

    port: int = Field(default=50054, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    render_backend: Literal["opengl", "pyrender"] = "opengl"
    """What draws the subject: our renderer, or pyrender, the reference."""
    render_device: str = Field(default="auto", pattern=r"^(auto|cpu|gpu|\d{1,2})$")
    """Where OpenGL runs: ``auto`` (the first GPU, else the CPU), ``cpu``, ``gpu``, or the index of an EGL device."""
    render_samples: int = Field(default=2, ge=1, le=4)
    """Samples a pixel along each side: 2 means four samples a pixel."""
    render_gl_threads: int = Field(default=0, ge=0, le=64)
    """Threads of Mesa's rasteriser on the CPU; 0 means one for each core that the process may use."""
    render_encoder: Literal["x264", "nvenc"] = "x264"
    """H.264 encoder; ``nvenc`` falls back to x264 where the machine has none."""
    render_x264_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = "veryfast"
    """Speed of x264 against size of the file."""
    render_x264_threads: int = Field(default=0, ge=0, le=64)
    """Threads of x264; 0 means one for each core that the process may use."""
