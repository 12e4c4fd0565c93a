"""How large the thing in the photo really is: one photo cannot tell, so whoever knows says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SMALLEST_M = 0.001
"""A grain of rice is larger than a millimetre."""
LARGEST_M = 100.0
"""A hall is smaller than a hundred metres."""


class Extent(StrEnum):
    """A direction in which a thing is measured, as it stands in its model: the front faces the viewer."""

    HEIGHT = "height"
    WIDTH = "width"
    DEPTH = "depth"

    @property
    def axis(self) -> int:
        """0 for x, 1 for y, 2 for z of the house's frame."""
        return {Extent.WIDTH: 0, Extent.HEIGHT: 1, Extent.DEPTH: 2}[self]


@dataclass(frozen=True, slots=True)
class RealSize:
    """One true measure of a thing; the others follow from its shape.

    Attributes:
        extent: what was measured.
        metres: ``SMALLEST_M`` to ``LARGEST_M``.
    """

    extent: Extent
    metres: float

    def __post_init__(self) -> None:
        if not SMALLEST_M <= self.metres <= LARGEST_M:
            raise ValueError(f"{self.extent} must be from {SMALLEST_M:g} to {LARGEST_M:g} metres, not {self.metres:g}")
