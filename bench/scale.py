"""A day of jobs on autoscaled pools, simulated event by event (SimPy): waiting times and cost of the chart's defaults.

What the chart sets (targets, least pods, scale-down) is read from its values; what a job costs each process comes from
``lensora plan``. Arrivals follow a day's curve with a sudden rush, pods start cold, and spot nodes are taken away.
Every cluster differs: give its own figures as options.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import simpy
import yaml

from bench.measure import closing_line, table
from lensora.cli.plan import PROCESSOR_SECONDS, SECONDS_A_DAY

VALUES = Path(__file__).parents[1] / "deploy" / "helm" / "lensora" / "values.yaml"
HOUR_S = 3600.0

Process = Iterator[Any]


@dataclass(frozen=True)
class Load:
    """What comes.

    Attributes:
        jobs_a_day: films in 24 hours.
        peak: the busiest hour over the day's mean; the day's curve is a raised cosine to a power that gives it.
        rush: factor on the rate for ``rush_s`` seconds in the busiest hour: a campaign begins.
        rush_s: its length.
    """

    jobs_a_day: float = 1_000_000
    peak: float = 4.0
    rush: float = 2.0
    rush_s: float = 600.0

    def rate(self, now_s: float) -> float:
        """Jobs a second at a time of the day."""
        share = 0.5 - 0.5 * math.cos(2.0 * math.pi * now_s / SECONDS_A_DAY)
        curve = share ** steepness(self.peak)
        rushed = abs(now_s - SECONDS_A_DAY / 2) < self.rush_s / 2
        return self.jobs_a_day / SECONDS_A_DAY * self.peak * curve * (self.rush if rushed else 1.0)

    @property
    def most(self) -> float:
        """Jobs a second at the most."""
        return self.jobs_a_day / SECONDS_A_DAY * self.peak * self.rush


@cache
def steepness(peak: float) -> float:
    """The power of a raised cosine whose mean over its period is ``1 / peak``."""
    low, high = 0.0, 1e4
    for _ in range(100):
        power = 0.5 * (low + high)
        mean = math.exp(math.lgamma(power + 0.5) - math.lgamma(power + 1.0)) / math.sqrt(math.pi)
        low, high = (power, high) if mean > 1.0 / peak else (low, power)
    return low


@dataclass(frozen=True)
class Cluster:
    """Where it runs.

    Attributes:
        cold_s: from a decision to a pod that serves: a node, the image, the weights.
        cold_spread: of that, as a share of it.
        spot_hours: mean life of a pod on a spot node.
        spread: of a stage's time, as a share of its mean.
        core_hour: price of one core for one hour.
    """

    cold_s: float = 90.0
    cold_spread: float = 0.4
    spot_hours: float = 8.0
    spread: float = 0.35
    core_hour: float = 0.012


@dataclass(frozen=True)
class Scaling:
    """How a pool grows and shrinks: the fields of the chart's ``autoscaling``, and what the controllers do by default.

    Attributes:
        least, most: pods.
        target: busy share of the pods that the HPA aims at, 0..1; for workers, live jobs a pod.
        slots: pieces of work that a pod does at a time.
        by_queue: True for workers: KEDA, on the number of live jobs.
        every_s: between two decisions.
        down_wait_s: the highest wish of so many seconds counts before pods go.
        down_pods, down_share: that go a minute at most, whichever is more.
    """

    least: int
    most: int
    target: float
    slots: int = 1
    by_queue: bool = False
    every_s: float = 15.0
    down_wait_s: float = 300.0
    down_pods: int = 1
    down_share: float = 0.0


class Pool:
    """Pods that take one piece of work per slot, in the order of asking."""

    def __init__(self, env: simpy.Environment, scaling: Scaling, cluster: Cluster) -> None:
        self.env, self.scaling, self.cluster = env, scaling, cluster
        self.pods, self.coming, self.held = scaling.least, 0, 0
        self.waiting: deque[simpy.Event] = deque()
        self.running: dict[simpy.Process, None] = {}
        self.most_pods, self.pod_s, self.busy_s, self.repeated = self.pods, 0.0, 0.0, 0
        self._window_s = self._since = self._shrunk = 0.0
        self._wishes: deque[tuple[float, int]] = deque()
        env.process(self._scale())
        env.process(self._lose())

    def enter(self) -> Process:
        """Wait for a slot, and hold it."""
        if self.held >= self.pods * self.scaling.slots:
            turn = self.env.event()
            self.waiting.append(turn)
            yield turn
        else:
            self._hold(1)

    def leave(self) -> None:
        """Give a slot back."""
        self._hold(-1)
        self._serve()

    def work(self, seconds: float) -> Process:
        """Use a slot for so long; work that is lost with its pod is done again."""
        me = self.env.active_process
        while True:
            yield from self.enter()
            self.running[me] = None
            try:
                yield self.env.timeout(seconds)
            except simpy.Interrupt:
                self.repeated += 1
                continue
            finally:
                del self.running[me]
                self.leave()
            return

    def account(self) -> None:
        """Add up to now."""
        span = self.env.now - self._since
        busy_s = span * min(self.held, self.pods * self.scaling.slots) / self.scaling.slots
        self.pod_s += span * (self.pods + self.coming)
        self.busy_s += busy_s
        self._window_s += busy_s
        self._since = self.env.now

    def _hold(self, change: int) -> None:
        self.account()
        self.held += change

    def _serve(self) -> None:
        while self.waiting and self.held < self.pods * self.scaling.slots:
            self._hold(1)
            self.waiting.popleft().succeed()

    def _scale(self) -> Process:
        while True:
            yield self.env.timeout(self.scaling.every_s)
            self.account()
            now, wish, have = self.env.now, self._wished(), self.pods + self.coming
            self._window_s = 0.0
            self._wishes.append((now, wish))
            while self._wishes[0][0] < now - self.scaling.down_wait_s:
                self._wishes.popleft()
            if wish > have:
                for _ in range(min(wish - have, max(4, have))):  # the HPA doubles at most, or adds four
                    self.env.process(self._start())
            elif now - self._shrunk >= 60.0 and not self.coming:
                self._shrunk = now
                step = max(self.scaling.down_pods, math.floor(self.scaling.down_share * self.pods))
                self.pods = min(self.pods, max(*(each for _, each in self._wishes), self.pods - step))

    def _wished(self) -> int:
        scaling = self.scaling
        if scaling.by_queue:
            wish = math.ceil((self.held + len(self.waiting)) / scaling.target)
        else:
            ratio = self._window_s / (scaling.every_s * max(1, self.pods)) / scaling.target
            wish = self.pods if abs(ratio - 1.0) <= 0.1 else math.ceil(self.pods * ratio)
        return min(scaling.most, max(scaling.least, wish))

    def _start(self) -> Process:
        self.account()
        self.coming += 1
        cold_s = self.cluster.cold_s
        yield self.env.timeout(max(5.0, random.gauss(cold_s, self.cluster.cold_spread * cold_s)))
        self.account()
        self.coming -= 1
        self.pods += 1
        self.most_pods = max(self.most_pods, self.pods)
        self._serve()

    def _lose(self) -> Process:
        while True:
            yield self.env.timeout(random.expovariate(max(1, self.pods) / (self.cluster.spot_hours * HOUR_S)))
            if self.pods:
                self.account()
                hit = min(len(self.running), round(len(self.running) / self.pods))
                self.pods -= 1
                for process in random.sample(list(self.running), hit):
                    process.interrupt()


@dataclass(frozen=True)
class Day:
    """What a day showed: seconds of uploads, of jobs and of their wait for a worker; the pools as they ended."""

    inits_s: list[float]
    jobs_s: list[float]
    waits_s: list[float]
    pools: Mapping[str, Pool]


def simulate(load: Load, cluster: Cluster, chart: Mapping[str, Scaling], costs: Mapping[str, float], seed: int) -> Day:
    """One day from midnight to midnight."""
    random.seed(seed)
    env = simpy.Environment()
    pools = {name: Pool(env, scaling, cluster) for name, scaling in chart.items()}
    day = Day([], [], [], pools)
    sigma = math.sqrt(math.log(1.0 + cluster.spread**2))

    def stage(name: str, share: float = 1.0) -> Process:
        seconds = share * costs[name] * random.lognormvariate(-sigma * sigma / 2.0, sigma)
        return env.process(pools[name].work(seconds))

    def customer() -> Process:
        uploaded = env.now
        yield stage("detect")
        day.inits_s.append(env.now - uploaded)
        submitted = env.now
        yield from pools["worker"].enter()
        day.waits_s.append(env.now - submitted)
        yield stage("segment", CUTOUT_SHARE)
        yield stage("segment", 1.0 - CUTOUT_SHARE) & stage("mesh")
        yield stage("render")
        pools["worker"].leave()
        day.jobs_s.append(env.now - submitted)

    def arrivals() -> Process:
        while True:
            yield env.timeout(random.expovariate(load.most))
            if random.random() * load.most < load.rate(env.now):
                env.process(customer())

    env.process(arrivals())
    env.run(SECONDS_A_DAY)
    for pool in pools.values():
        pool.account()
    return day


CUTOUT_SHARE = 0.6
"""Of what a job costs the segment service; scene and composite are the rest."""


def charted(values: Mapping[str, Any], load: Load, costs: Mapping[str, float]) -> dict[str, Scaling]:
    """The pools as the chart's defaults scale them; the most pods are what this load may need."""
    stages, worker = values["stages"], values["worker"]
    most = {name: max(2, math.ceil(2.0 * load.most * costs[name])) for name in ("detect", "segment", "mesh", "render")}
    down = values["scaleDown"]
    shrink = {
        "down_pods": down["pods"],
        "down_share": down["percent"] / 100.0,
        "down_wait_s": down["stabilizationSeconds"],
    }
    pools = {
        name: Scaling(
            stages[name]["autoscaling"]["minReplicas"],
            most[name],
            stages[name]["autoscaling"]["target"] / 100.0,
            **shrink,
        )
        for name in most
    }
    jobs = worker["jobs"]
    pools["worker"] = Scaling(
        worker["autoscaling"]["minReplicas"],
        math.ceil(60.0 * load.most / jobs),
        jobs + worker["autoscaling"]["targetWaiting"],
        slots=jobs,
        by_queue=True,
        every_s=10.0,
        **shrink,
    )
    return pools


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them stay under or at; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def figures_of(day: Day, cluster: Cluster) -> dict[str, float]:
    """A day in numbers."""
    stages = [pool for name, pool in day.pools.items() if name != "worker"]
    core_hours = sum(pool.pod_s for pool in stages) / HOUR_S
    return {
        "jobs": len(day.jobs_s),
        "init_p50_s": quantile(day.inits_s, 0.5),
        "init_p99_s": quantile(day.inits_s, 0.99),
        "wait_p50_s": quantile(day.waits_s, 0.5),
        "wait_p99_s": quantile(day.waits_s, 0.99),
        "wait_max_s": quantile(day.waits_s, 1.0),
        "job_p50_s": quantile(day.jobs_s, 0.5),
        "job_p99_s": quantile(day.jobs_s, 0.99),
        "core_hours": core_hours,
        "busy_share": sum(pool.busy_s for pool in stages) / HOUR_S / core_hours,
        "cost": core_hours * cluster.core_hour,
        "cost_per_1000_jobs": 1000.0 * core_hours * cluster.core_hour / max(1, len(day.jobs_s)),
        "repeated_stages": sum(pool.repeated for pool in stages),
    }


def main() -> None:
    """One day by the chart's defaults, or a table of other settings beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs-per-day", type=float, default=1_000_000)
    parser.add_argument("--peak", type=float, default=4.0)
    parser.add_argument("--cold-seconds", type=float, default=90.0)
    parser.add_argument("--spot-hours", type=float, default=8.0)
    parser.add_argument("--core-hour", type=float, default=0.012, help="price of one core for one hour")
    parser.add_argument("--sweep", action="store_true", help="compare targets and scale-down rules")
    arguments = parser.parse_args()
    load = Load(arguments.jobs_per_day, arguments.peak)
    cluster = Cluster(cold_s=arguments.cold_seconds, spot_hours=arguments.spot_hours, core_hour=arguments.core_hour)
    values = yaml.safe_load(VALUES.read_text("utf-8"))
    chart = charted(values, load, PROCESSOR_SECONDS)
    if arguments.sweep:
        sweep(load, cluster, chart)
        return
    day = simulate(load, cluster, chart, PROCESSOR_SECONDS, seed=1)
    table(
        ("pool", "most pods", "pod hours", "busy", "stages repeated"),
        (
            (name, pool.most_pods, pool.pod_s / HOUR_S, pool.busy_s / max(1.0, pool.pod_s), pool.repeated)
            for name, pool in day.pools.items()
        ),
    )
    found = figures_of(day, cluster)
    table(("what", "figure"), found.items())
    closing_line(found)


def sweep(load: Load, cluster: Cluster, chart: Mapping[str, Scaling]) -> None:
    """The same day under other settings."""
    rows = []
    for target in (0.5, 0.6, 0.7, 0.8):
        for waiting in (0, 1, 2):
            for down_share in (0.0, 0.1):
                tried = {
                    name: replace(
                        scaling, down_share=down_share, target=scaling.slots + waiting if scaling.by_queue else target
                    )
                    for name, scaling in chart.items()
                }
                found = figures_of(simulate(load, cluster, tried, PROCESSOR_SECONDS, seed=1), cluster)
                shown = ("wait_p99_s", "wait_max_s", "job_p50_s", "job_p99_s", "init_p99_s", "core_hours", "busy_share")
                rows.append((f"{target:.0%}", waiting, f"{down_share:.0%}", *(found[name] for name in shown)))
    table(("target", "waiting", "down a minute", *shown), rows)
    closing_line({"tried": len(rows)})


if __name__ == "__main__":
    main()
