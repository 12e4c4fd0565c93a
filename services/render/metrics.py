"""Prometheus metrics of the render stage."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

FRAME_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds a frame: from a GPU to a million triangles on a CPU."""

PHASE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 60.0)
"""Seconds a film."""

FRAMES = Counter("lensora_render_frames_total", "Frames composed.")
FILMS = Counter("lensora_render_films_total", "Films finished.", ["move"])
RESTARTS = Counter("lensora_render_restarts_total", "Renderers that were replaced after a failure.")
DRAW_SECONDS = Histogram("lensora_render_draw_seconds", "Time to draw one frame's subject.", buckets=FRAME_BUCKETS_S)
PHASE_SECONDS = Histogram(
    "lensora_render_phase_seconds", "Time of a phase of one film.", ["phase"], buckets=PHASE_BUCKETS_S
)
DEVICE = Gauge("lensora_render_device_info", "Always 1; the drawing device's name is in its label.", ["device"])
ENCODER = Gauge("lensora_render_encoder_info", "Always 1; the video encoder's name is in its label.", ["encoder"])


def device(name: str) -> None:
    """Say which device draws; it replaces the one said before."""
    DEVICE.clear()
    DEVICE.labels(device=name).set(1)


def encoder(name: str) -> None:
    """Say which video encoder is in use; it replaces the one said before."""
    ENCODER.clear()
    ENCODER.labels(encoder=name).set(1)
