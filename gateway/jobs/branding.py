"""What a brand adds to a job: its logo, and the colour that its film ends in. Frozen values, copied into orders."""

from __future__ import annotations

from dataclasses import dataclass

from lensora.core.artifacts import Artifact
from lensora.core.branding import LogoPlace


@dataclass(frozen=True, slots=True)
class Logo:
    """A brand's logo.

    Attributes:
        picture: PNG, in the artifact store under ``brands/<version>/``.
        width: pixels.
        height: pixels.
        place: where it lies in still and film.
    """

    picture: Artifact
    width: int
    height: int
    place: LogoPlace


@dataclass(frozen=True, slots=True)
class Branding:
    """What a brand adds to a job's still and film: copied into the order, so that the brand may go.

    Attributes:
        name: of the brand, as it was then.
        end_color: that the film ends in, ``#rrggbb``; empty for none.
    """

    name: str
    logo: Logo | None = None
    end_color: str = ""
