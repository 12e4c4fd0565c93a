"""What can draw the subject: one file per way, in this registry."""

from __future__ import annotations

from collections.abc import Callable

from services.render.settings import RenderSettings
from services.render.shot import SubjectRenderer


def _opengl(settings: RenderSettings) -> SubjectRenderer:
    from services.render.backends.opengl import OpenGLRenderer  # noqa: PLC0415 (optional)

    return OpenGLRenderer(settings.render_device, settings.render_samples)


def _pyrender(settings: RenderSettings) -> SubjectRenderer:
    from services.render.backends.reference import PyrenderRenderer  # noqa: PLC0415 (optional)

    return PyrenderRenderer()


BACKENDS: dict[str, Callable[[RenderSettings], SubjectRenderer]] = {"opengl": _opengl, "pyrender": _pyrender}
"""Name in ``LENSORA_RENDER_BACKEND`` -> opens the renderer. The imports are inside, so that one can be missing."""
