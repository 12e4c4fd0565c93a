"""The simulated day: every job ends, waits and cost follow the pools, and the same seed gives the same day."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from bench.scale import VALUES, Cluster, Day, Load, Pool, charted, figures_of, quantile, simulate
from lensora.cli.plan import PROCESSOR_SECONDS, SECONDS_A_DAY

LOAD = Load(2_000)
CHART = charted(yaml.safe_load(VALUES.read_text("utf-8")), LOAD, PROCESSOR_SECONDS)


def day(cluster: Cluster = Cluster(), **changes: float) -> Day:  # noqa: B008 - frozen
    """One day under changed rules of every pool."""
    chart = {name: replace(scaling, **changes) for name, scaling in CHART.items()}
    return simulate(LOAD, cluster, chart, PROCESSOR_SECONDS, seed=3)


@pytest.fixture(scope="module")
def usual() -> Day:
    """A day of the chart's defaults."""
    return day()


@pytest.mark.parametrize("peak", [2.0, 4.0, 8.0])
def test_the_days_curve_has_its_peak_and_its_mean(peak: float) -> None:
    """At noon the rate is ``peak`` times the mean, and the day's jobs are those asked for."""
    load = Load(86_400.0, peak, rush=1.0)
    rates = [load.rate(float(now)) for now in range(0, SECONDS_A_DAY, 60)]
    assert max(rates) == pytest.approx(peak, rel=1e-3)
    assert sum(rates) / len(rates) == pytest.approx(1.0, rel=0.03)


def test_every_job_ends_and_takes_at_least_its_stages(usual: Day) -> None:
    """Nothing is lost; a job takes as long as its stages one after another, and no pool is more than busy."""
    assert 1_850 < len(usual.jobs_s) < 2_250
    assert len(usual.waits_s) - len(usual.jobs_s) < 10
    least = PROCESSOR_SECONDS["segment"] * 0.6 + PROCESSOR_SECONDS["mesh"] + PROCESSOR_SECONDS["render"]
    assert quantile(usual.jobs_s, 0.5) > 0.9 * least
    assert all(0.0 < pool.busy_s <= pool.pod_s for pool in usual.pools.values())


def test_the_same_seed_gives_the_same_day(usual: Day) -> None:
    """A comparison of settings compares settings, not luck."""
    assert figures_of(day(), Cluster()) == figures_of(usual, Cluster())


def test_more_pods_cost_more_and_wait_less(usual: Day) -> None:
    """Pods that are always there buy short waits."""
    ready = figures_of(day(least=8), Cluster())
    grown = figures_of(usual, Cluster())
    assert ready["wait_p99_s"] <= grown["wait_p99_s"] and ready["job_p99_s"] < grown["job_p99_s"]
    assert ready["cost"] > grown["cost"]


def test_lost_pods_repeat_their_work_and_lose_no_job() -> None:
    """With nodes that live for minutes stages are repeated, and the jobs still end."""
    hard = day(Cluster(spot_hours=0.1), least=4)
    assert sum(pool.repeated for pool in hard.pools.values()) > 10
    assert len(hard.jobs_s) > 1_800


def test_a_pool_keeps_to_its_bounds(usual: Day) -> None:
    """No pool is ever larger than it may be."""
    for name, pool in usual.pools.items():
        assert isinstance(pool, Pool)
        assert pool.most_pods <= CHART[name].most
