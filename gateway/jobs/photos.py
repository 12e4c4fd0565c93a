"""What is meant in a photo, and further photos of the same thing. Frozen values, as in ``records``."""

from __future__ import annotations

from dataclasses import dataclass

from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import Box, Point, Proposal, SuggestedAction
from lensora.core.words import ViewOmission, ViewSide


@dataclass(frozen=True, slots=True)
class Choice:
    """Which thing of a photo is meant, by a person's word.

    Attributes:
        object_index: of the session's objects; ``BY_BOX`` where the person drew a box.
        label: the object's label; of a drawn box, that of the object that it nearly is.
        category: likewise.
        box: the thing's own box, not padded.
        points: what the person said of single places.
    """

    object_index: int
    label: str
    category: str
    box: Box
    points: tuple[Point, ...] = ()


BY_BOX = -1
"""The index of a choice that is no object of the session."""


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A picture of a film of the thing turning.

    Attributes:
        photo: JPEG, in the artifact store under ``sessions/<session_id>/``.
        width, height: pixels.
        box: of the thing in it.
        second: of the film.
        share: of the film's whole turn that lies before it, 0..1.
    """

    photo: Artifact
    width: int
    height: int
    box: Box
    second: float
    share: float


@dataclass(frozen=True, slots=True)
class KeptFilm:
    """What is kept of a film of the thing turning: some of its pictures.

    Attributes:
        frames: in the film's order.
        direction: which way it turns, -1..1: positive where the camera goes round to the right.
    """

    frames: tuple[KeptFrame, ...]
    direction: float


@dataclass(frozen=True, slots=True)
class KeptView:
    """A further photo of a session's thing; lives as long as its session, readable only with the key that made it.

    Attributes:
        side: the side that it shows; None where the customer has not said.
        photo: as it was uploaded, in the artifact store under ``sessions/<session_id>/``.
        width: of the upright photo, pixels.
        height: of the upright photo, pixels.
        choice: where the thing is in this photo, its box not yet grown to its points, so that other points may take
            their place; its label and category are the session's.
        proposals: what was found in this photo, best first, the full frame last.
        likeness: how like the session's thing, 0..1; None where it was not measured.
        subject_index: which of the session's objects that is.
        models: what made the proposals.
        film: where it is a film of the thing turning, all its pictures; ``photo`` is then the first of them.
    """

    view_id: str
    session_id: str
    key_id: str
    account_id: str
    side: ViewSide | None
    photo: Artifact
    width: int
    height: int
    choice: Choice
    proposals: tuple[Proposal, ...]
    suggested_actions: tuple[SuggestedAction, ...] = ()
    likeness: float | None = None
    subject_index: int = 0
    models: tuple[ModelUse, ...] = ()
    film: KeptFilm | None = None

    @property
    def box(self) -> Box:
        """Where the thing is, with every point that belongs to it."""
        return self.choice.box.around(self.choice.points)


@dataclass(frozen=True, slots=True)
class OrderedFrame:
    """Where a picture is in a film of the thing turning.

    Attributes:
        number: of the film's pictures that are kept, from 0.
        share: as ``KeptFrame`` has it.
        direction: as ``KeptFilm`` has it.
    """

    number: int
    share: float
    direction: float


@dataclass(frozen=True, slots=True)
class OrderedView:
    """A further photo that a job is made with, or one picture of a film.

    Attributes:
        view_id: of the photo or the film.
        side: the side that it shows; None where the customer has not said.
        photo: as it was uploaded.
        photo_width: of the upright photo, pixels.
        photo_height: of the upright photo, pixels.
        box: the thing's own box, not padded.
        points: what the person said of single places.
        models: what made this photo's proposals.
        frame: where in its film it is; None for a photo.
    """

    view_id: str
    side: ViewSide | None
    photo: Artifact
    photo_width: int
    photo_height: int
    box: Box
    points: tuple[Point, ...] = ()
    models: tuple[ModelUse, ...] = ()
    frame: OrderedFrame | None = None

    @property
    def key(self) -> str:
        """Its own name among all that the job is made with."""
        return self.view_id if self.frame is None else f"{self.view_id}.{self.frame.number}"


@dataclass(frozen=True, slots=True)
class ViewCutout:
    """A further photo of a job, cut out: the artifact (RGBA PNG), None where nothing stood out; and what made it."""

    artifact: Artifact | None
    models: tuple[ModelUse, ...] = ()


@dataclass(frozen=True, slots=True)
class ViewQuality:
    """What became of one further photo of a job.

    Attributes:
        side: the side that it was taken for; None where nothing is known of it.
        used: whether the model was made with it.
        yaw_deg: where its camera stood: turned about the upright axis from the first photo's, -180..180; None where
            it was not placed.
        silhouette_iou: as ``Quality`` has it, seen from this photo's own view; None where it was not compared.
        image_similarity: likewise.
        reason: why it was not used; None where it was, or where the mesh service does not tell.
        frames_used: of a film, with how many of its pictures the model was made; None for a photo.
    """

    view_id: str
    side: ViewSide | None
    used: bool
    yaw_deg: float | None = None
    silhouette_iou: float | None = None
    image_similarity: float | None = None
    reason: ViewOmission | None = None
    frames_used: int | None = None
