"""How fast this installation is: what recent jobs took, and what one more will take. Pure.

A job takes a time of its own, plus a time for each unit of film (see ``pricing.units``). Both are those of jobs that
were finished here; until there is one, those that the product was measured with.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

OVERDUE_SHARE = 0.25
"""A job that is later than usual is expected to need this share of its delay once more, at least."""


@dataclass(frozen=True, slots=True)
class Run:
    """A job that was finished.

    Attributes:
        whole_s: from a worker's first touch to the end, seconds.
        film_s: of that, filming.
        units: of film, at least 1.
    """

    whole_s: float
    film_s: float
    units: float

    def with_film(self, units: float) -> float:
        """Seconds that the same job would have taken with another length and size of film."""
        return max(0.0, self.whole_s - self.film_s) + self.film_s / max(1.0, self.units) * units


MEASURED = Run(whole_s=8.0, film_s=2.0, units=1.0)
"""An ordinary first job on two cores without a graphics card: docs/BENCHMARKS.md has 5.5 to 6 s for one among many, and
the first one of a fresh start was seen to take up to 8 s, because no network has run yet."""

MEASURED_AGAIN = Run(whole_s=3.0, film_s=2.0, units=1.0)
"""Filming a kept model again in front of a new scene, on the same machine."""


def run_of(text: str) -> Run:
    """A run as the store keeps it: milliseconds of all and of filming, and units, with spaces between."""
    whole_ms, film_ms, units = text.split()
    return Run(int(whole_ms) / 1000, int(film_ms) / 1000, float(units))


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent jobs, and the slots of all workers.

    Attributes:
        recent: whole jobs, newest first.
        again: jobs that filmed a kept model again.
        slots: jobs that run at once, at least 1.
    """

    recent: Sequence[Run] = ()
    again: Sequence[Run] = ()
    slots: int = 1

    @property
    def typical_s(self) -> float:
        """The median of recent jobs, whatever their films were: what stands in the queue takes about that."""
        return statistics.median(run.whole_s for run in self.recent or (MEASURED,))

    def expected_s(self, units: float, *, again: bool = False) -> float:
        """A job's own time from a worker's first touch to its end."""
        return statistics.median(self._times(units, again))

    def eta(self, units: float, ahead: float, *, again: bool = False) -> int:
        """Seconds to the end of a job that waits; ``ahead``: seconds of work, by one worker's slot, before it."""
        return whole_seconds(self.expected_s(units, again=again) + ahead / self.slots)

    def left(self, units: float, elapsed_s: float, *, again: bool = False) -> int:
        """Seconds to the end of a job that has run for so long: the median of what was left then of those that took
        longer. One that takes longer than all is expected to go on for a while, never to end in the next second."""
        times = self._times(units, again)
        left = [each - elapsed_s for each in times if each > elapsed_s]
        overdue = OVERDUE_SHARE * max(0.0, elapsed_s - statistics.median(times))
        return whole_seconds(max(statistics.median(left) if left else 0.0, overdue))

    def _times(self, units: float, again: bool) -> list[float]:
        runs = (self.again or (MEASURED_AGAIN,)) if again else (self.recent or (MEASURED,))
        return [run.with_film(units) for run in runs]


def whole_seconds(seconds: float) -> int:
    """Seconds as the API says them, at least 1."""
    return max(1, round(seconds))
