"""The public words for a job's state, and how far along each stage is."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """``completed``, ``failed`` and ``canceled`` are terminal."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """True when the job will not change any more."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED)


class Step(StrEnum):
    """The public ``step`` words, in their order. All but the first and the last are stages of the pipeline."""

    STARTING = "starting"
    CROPPING = "cropping"
    REMOVING_BG = "removing-bg"
    GENERATING_BG = "generating-bg"
    COMPOSITING = "compositing"
    GENERATING_3D = "generating-3d"
    RENDERING_VIDEO = "rendering-video"
    DONE = "done"


class StageStatus(StrEnum):
    """How far one stage is. ``reused``: taken over from the job whose mesh is filmed again."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    REUSED = "reused"


STAGES: tuple[Step, ...] = (
    Step.CROPPING,
    Step.REMOVING_BG,
    Step.GENERATING_BG,
    Step.COMPOSITING,
    Step.GENERATING_3D,
    Step.RENDERING_VIDEO,
)
"""The stages of the pipeline, in the public order."""

NEEDS: dict[Step, tuple[Step, ...]] = {
    Step.CROPPING: (),
    Step.REMOVING_BG: (Step.CROPPING,),
    Step.GENERATING_BG: (Step.REMOVING_BG,),
    Step.COMPOSITING: (Step.GENERATING_BG,),
    Step.GENERATING_3D: (Step.REMOVING_BG,),
    Step.RENDERING_VIDEO: (Step.GENERATING_BG, Step.GENERATING_3D),
}
"""The DAG: what each stage uses, and so waits for. After the cutout two branches run at the same time: scene and mesh.
The scene's picture is for the customer alone: the film does not wait for it. Scenes wait for the cutout, because they
are painted for the photo's camera, which the cutout tells; a customer's own picture is fetched meanwhile."""

WEIGHT: dict[Step, int] = {
    Step.CROPPING: 2,
    Step.REMOVING_BG: 24,
    Step.GENERATING_BG: 8,
    Step.COMPOSITING: 6,
    Step.GENERATING_3D: 20,
    Step.RENDERING_VIDEO: 39,
}
"""Share of ``progress`` that each stage is worth, about its share of the embedded mode's time; they sum to 99."""

FAILURE_SENTENCE: dict[Step, str] = {
    Step.STARTING: "Job start",
    Step.CROPPING: "Cropping",
    Step.REMOVING_BG: "Background removal",
    Step.GENERATING_BG: "Background generation",
    Step.COMPOSITING: "Compositing",
    Step.GENERATING_3D: "3D generation",
    Step.RENDERING_VIDEO: "Video rendering",
}
"""A person's name for each stage, as in the public page's "3D generation timeout"."""


def current_step(running: set[Step], finished: set[Step]) -> Step:
    """The ``step`` to show: the first stage of the public order that is not finished, so it never goes backwards."""
    if not running and not finished:
        return Step.STARTING
    for step in STAGES:
        if step not in finished:
            return step
    return Step.RENDERING_VIDEO


def progress_percent(fraction: dict[Step, float]) -> int:
    """Whole per cent done, 0..99, from each stage's fraction in 0..1. 100 is for ``completed`` alone."""
    return min(99, int(sum(WEIGHT[step] * min(1.0, max(0.0, done)) for step, done in fraction.items())))
