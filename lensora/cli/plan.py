"""``lensora plan``: how large an installation must be for a number of jobs a day, with the formula it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import click

from lensora.cli.options import NumberRange, json_option, say_json
from lensora.core.errors import InvalidRequest

SECONDS_A_DAY = 86_400

PROCESSOR_SECONDS: Mapping[str, float] = {
    "detect": 0.9,
    "segment": 2.4,
    "mesh": 2.1,
    "render": 4.9,
    "gateway": 0.2,
    "worker": 0.2,
}
"""Processor seconds that one job costs each process: detection, cutout and made backplate, mesh, 96 frames at 768 px.

Measured on 2026-11-29 on two x86-64 cores with the embedded backends (medians of six photos by ``make bench-turns``,
rounded up; the machine had much other work, which makes them a fifth to a quarter longer than alone). Other machines,
GPUs and backends: measure yours and give ``--seconds``.
"""

CORES_A_POD: Mapping[str, float] = {
    "detect": 1.0,
    "segment": 1.0,
    "mesh": 1.0,
    "render": 1.0,
    "gateway": 1.0,
    "worker": 1.0,
}
"""Cores that one pod can use, as the chart requests them for the stages."""

REDIS_BYTES_A_JOB = 22_000
"""A job with its stages' results, its session and its kept answers, measured by MEMORY USAGE."""
LEDGER_BYTES_A_JOB = 2 * 90
"""Two ledger lines that are never deleted."""
ARTIFACT_BYTES_A_JOB = 1_800_000
"""The photo and every file of a job, measured; photos of phones add their own size."""

UNHURRIED_JOB_S = 10.0
"""From submit to the end of a job that waits for nobody: a worker's slot is taken for so long."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one process needs.

    Attributes:
        cores: busy at the peak, with headroom.
        pods: of the chart's size; two at least for what customers reach.
    """

    process: str
    seconds_a_job: float
    cores: float
    pods: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of an installation.

    Attributes:
        peak_jobs_a_second: arrivals in the busiest hour.
        worker_slots: jobs that run at the same time at the peak.
    """

    jobs_a_day: int
    peak_jobs_a_second: float
    needs: tuple[Need, ...]
    worker_slots: int
    redis_gib: float
    ledger_gib_a_year: float
    artifacts_gib: float


def plan_for(
    jobs_a_day: int,
    *,
    peak: float = 4.0,
    utilisation: float = 0.7,
    retention_hours: float = 168.0,
    seconds: Mapping[str, float] = PROCESSOR_SECONDS,
) -> Plan:
    """The size for a load.

    Args:
        jobs_a_day: films in 24 hours.
        peak: the busiest hour's rate over the day's mean.
        utilisation: share of a processor that is planned to be busy at the peak; the rest is for bursts and failures.
        retention_hours: how long jobs and their files are kept.
        seconds: processor seconds of a job, by process.
    """
    arrivals = jobs_a_day / SECONDS_A_DAY * peak
    needs = []
    for process, cost in seconds.items():
        cores = arrivals * cost / utilisation
        pods = max(1, math.ceil(cores / CORES_A_POD[process]))
        needs.append(Need(process, cost, round(cores, 2), max(2, pods) if process == "gateway" else pods))
    kept = jobs_a_day * retention_hours / 24
    return Plan(
        jobs_a_day=jobs_a_day,
        peak_jobs_a_second=round(arrivals, 4),
        needs=tuple(needs),
        worker_slots=max(1, math.ceil(arrivals * UNHURRIED_JOB_S / utilisation)),
        redis_gib=round(kept * REDIS_BYTES_A_JOB / 2**30, 3),
        ledger_gib_a_year=round(jobs_a_day * 365 * LEDGER_BYTES_A_JOB / 2**30, 3),
        artifacts_gib=round(kept * ARTIFACT_BYTES_A_JOB / 2**30, 1),
    )


@click.command()
@click.option("--jobs-per-day", required=True, type=click.IntRange(1, 1_000_000_000), help="Films in 24 hours.")
@click.option("--peak", default=4.0, show_default=True, type=NumberRange(1.0, 100.0), help="Busiest hour / mean.")
@click.option(
    "--utilisation",
    default=0.7,
    show_default=True,
    type=NumberRange(0.05, 1.0),
    help="Share of a core that is planned to be busy at the peak.",
)
@click.option("--retention-hours", default=168.0, show_default=True, type=NumberRange(1.0, 8760.0))
@click.option(
    "--seconds", multiple=True, metavar="PROCESS=SECONDS", help="Processor seconds that a job costs a process on yours."
)
@json_option
def plan(
    jobs_per_day: int, peak: float, utilisation: float, retention_hours: float, seconds: tuple[str, ...], as_json: bool
) -> None:
    """How many cores, pods, slots and bytes JOBS-PER-DAY need, and by what formula."""
    costs = {**PROCESSOR_SECONDS, **dict(_cost(text) for text in seconds)}
    found = plan_for(jobs_per_day, peak=peak, utilisation=utilisation, retention_hours=retention_hours, seconds=costs)
    if as_json:
        say_json(asdict(found))
        return
    click.echo(f"peak arrivals = jobs/day / 86,400 s * peak = {found.peak_jobs_a_second:.3g} jobs/s")
    click.echo("cores = arrivals * processor seconds of a job / utilisation;  pods = cores rounded up\n")
    click.echo(f"  {'process':9} {'s a job':>8} {'cores':>8} {'pods':>6}")
    for need in found.needs:
        click.echo(f"  {need.process:9} {need.seconds_a_job:8.2f} {need.cores:8.2f} {need.pods:6d}")
    click.echo(f"  {'all':9} {'':8} {sum(need.cores for need in found.needs):8.2f}\n")
    click.echo(
        f"worker slots = arrivals * {UNHURRIED_JOB_S:.0f} s of a job / utilisation = {found.worker_slots} "
        "(worker.jobs * worker replicas)"
    )
    click.echo(
        f"Redis = jobs/day * retention days * {REDIS_BYTES_A_JOB / 1000:.0f} kB = {found.redis_gib:.2f} GiB, "
        f"and {found.ledger_gib_a_year:.2f} GiB of ledger a year"
    )
    click.echo(
        f"artifacts = jobs/day * retention days * {ARTIFACT_BYTES_A_JOB / 1e6:.1f} MB = {found.artifacts_gib:.0f} GiB"
    )
    click.echo("\nThe seconds were measured on two x86-64 cores without a GPU; give your own by --seconds mesh=0.4")


def _cost(text: str) -> tuple[str, float]:
    process, _, number = text.partition("=")
    if process not in PROCESSOR_SECONDS:
        raise InvalidRequest(f"--seconds {text}: the process is one of {', '.join(PROCESSOR_SECONDS)}", field="seconds")
    try:
        value = float(number)
    except ValueError as error:
        raise InvalidRequest(f"--seconds {text}: takes a number of seconds after '='", field="seconds") from error
    if not 0 < value < SECONDS_A_DAY:
        raise InvalidRequest(f"--seconds {text}: takes more than 0 and less than {SECONDS_A_DAY}", field="seconds")
    return process, value
