"""Steps and progress: words in the public order, never backwards."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lensora.core.steps import FAILURE_SENTENCE, NEEDS, STAGES, WEIGHT, JobStatus, Step, current_step, progress_percent


def test_the_words_are_the_public_ones_in_order() -> None:
    """The step words are exactly those of the public page."""
    assert [str(step) for step in Step] == [
        "starting",
        "cropping",
        "removing-bg",
        "generating-bg",
        "compositing",
        "generating-3d",
        "rendering-video",
        "done",
    ]


def test_the_weights_leave_the_last_per_cent_to_completed() -> None:
    """All stages together are worth 99; every stage has a weight, needs and a sentence."""
    assert sum(WEIGHT.values()) == 99
    assert set(WEIGHT) == set(STAGES) == set(NEEDS)
    assert set(STAGES) <= set(FAILURE_SENTENCE)


def test_the_dag_has_no_cycle_and_the_public_order_is_one_of_its_orders() -> None:
    """Each stage needs only stages that stand before it."""
    for index, stage in enumerate(STAGES):
        assert set(NEEDS[stage]) <= set(STAGES[:index])


@given(st.permutations(STAGES))
def test_the_step_never_goes_backwards_in_any_order_of_finishing(order: list[Step]) -> None:
    """However the two branches interleave, the shown step only moves forward."""
    words = list(Step)
    finished: set[Step] = set()
    shown = [current_step(set(), finished)]
    for _ in STAGES:
        stage = next(s for s in order if s not in finished and set(NEEDS[s]) <= finished)
        finished.add(stage)
        shown.append(current_step(set(), finished))
    positions = [words.index(step) for step in shown]
    assert positions == sorted(positions)


@given(st.lists(st.tuples(st.sampled_from(STAGES), st.floats(0, 1)), max_size=30))
def test_progress_only_grows_when_fractions_grow(events: list[tuple[Step, float]]) -> None:
    """Progress lies in 0..99 and follows the stages' fractions upwards."""
    fractions: dict[Step, float] = {}
    last = 0
    for stage, fraction in events:
        fractions[stage] = max(fraction, fractions.get(stage, 0.0))
        now = progress_percent(fractions)
        assert last <= now <= 99
        last = now


def test_terminal_words() -> None:
    """Exactly completed, failed and canceled are terminal."""
    assert {status for status in JobStatus if status.terminal} == {"completed", "failed", "canceled"}
