"""How well a finished job agrees with its photos."""

from __future__ import annotations

from lensora.contract.shapes import PublicAnswer
from lensora.core.words import StillSubject, ViewOmission, ViewSide


class ViewReport(PublicAnswer):
    """What became of one further photo, and how well the model, seen from its own view, agrees with it."""

    view_id: str
    """The photo."""
    side: ViewSide | None = None
    """The side that it was taken for; left out where it is not known."""
    used: bool
    """Whether the model was made with it. A photo is paid for when it is added, used or not."""
    reason: ViewOmission | None = None
    """Why it was not used: nothing_found, there is no subject in it; side_unclear, nobody said which side it shows, and
    no side is clearly it; turn_unclear, it is not clear which way a film turns; disagrees, its outline and the other
    photos' cannot be those of one thing; no_place, a detail that was not recognised on the subject, or is no sharper;
    unsupported, this mesh backend takes no further photos."""
    message: str | None = None
    """The reason as a sentence, with what would help."""
    frames_used: int | None = None
    """Of a film of a turn: with how many of its pictures the model was made. Those that add nothing are left out."""
    yaw_deg: float | None = None
    """Where its camera stood: degrees about the upright axis from the first photo's, -180 to 180, positive towards the
    viewer's right; left out where the photo was not used."""
    silhouette_iou: float | None = None
    """Intersection over union of the outlines, 0 to 1."""
    image_similarity: float | None = None
    """Similarity of the pictures, -1 to 1; 1 is equal."""


class StillReport(PublicAnswer):
    """The still scene on a picture of yours that was taken from another height than the photo."""

    pitch_gap_deg: float
    """How much farther down the photo's camera looked than the picture's, degrees; negative: less far."""
    shows: StillSubject
    """model, drawn from the picture's own camera; or cutout, where the model is not good enough: both cameras show."""


class QualityReport(PublicAnswer):
    """How well the model, seen from the photo's own view, agrees with the photo."""

    silhouette_iou: float
    """Intersection over union of the outlines, 0 to 1."""
    image_similarity: float
    """Similarity of the pictures, -1 to 1; 1 is equal."""
    confidence: float | None = None
    """How likely the whole shape is about right, the sides that the photo does not show included, 0 to 1."""
    views: tuple[ViewReport, ...] | None = None
    """Of each further photo, where the job was made with any."""
    still: StillReport | None = None
    """Where the picture's camera and the photo's differ by more than 10 degrees; of a background of type image."""
