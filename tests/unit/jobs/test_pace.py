"""What a job will take, by what others took."""

from __future__ import annotations

import pytest

from gateway.jobs.pace import MEASURED, MEASURED_AGAIN, Pace, Run, run_of


def test_a_run_is_read_as_it_was_kept() -> None:
    """Milliseconds become seconds."""
    assert run_of("6500 1500 2.500") == Run(6.5, 1.5, 2.5)


def test_the_first_job_has_the_measured_time() -> None:
    """Of a whole job and of a second film; a longer film takes its share more."""
    pace = Pace()
    assert pace.eta(1.0, 0.0) == round(MEASURED.whole_s)
    assert pace.eta(1.0, 0.0, again=True) == round(MEASURED_AGAIN.whole_s)
    assert pace.eta(11.0, 0.0) == round(MEASURED.whole_s + 10 * MEASURED.film_s)


@pytest.mark.parametrize(
    ("units", "ahead", "slots", "seconds"), [(1.0, 0.0, 1, 6), (5.0, 0.0, 1, 14), (1.0, 12.0, 4, 9)]
)
def test_what_was_finished_here_counts(units: float, ahead: float, slots: int, seconds: int) -> None:
    """The median of recent jobs, each as if it had this film; the wait is shared by all slots."""
    pace = Pace((Run(6.0, 2.0, 1.0), Run(60.0, 56.0, 28.0), Run(5.0, 1.0, 1.0)), (), slots)
    assert pace.eta(units, ahead) == seconds


def test_a_running_job_s_time_is_what_is_left_and_never_nothing() -> None:
    """Before the usual time what is left of it; after it a share of the delay."""
    pace = Pace((Run(4.0, 1.0, 1.0), Run(8.0, 2.0, 1.0), Run(10.0, 2.0, 1.0)))
    assert [pace.left(1.0, elapsed) for elapsed in (0.0, 5.0, 9.0)] == [8, 4, 1]
    assert pace.left(1.0, 100.0) == 23
    assert pace.left(10.0, 9.0) == 17


def test_what_stands_in_the_queue_takes_what_jobs_took() -> None:
    """Whatever their films were."""
    assert Pace((Run(60.0, 56.0, 28.0),)).typical_s == 60.0
    assert Pace().typical_s == MEASURED.whole_s
