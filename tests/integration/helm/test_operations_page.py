"""docs/OPERATIONS.md and the runbooks, held to the chart, the dashboards, the commands and the code they tell of."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from deploy.dashboards.__main__ import FOLDER
from deploy.images.check import MOST_MB
from deploy.images.closure import ROOT, TARGETS
from deploy.rehearsal import examples
from deploy.rehearsal.chart import CHART, EXAMPLES, Manifest, named, of_kind, render
from deploy.rehearsal.schemas import validate
from gateway import admin
from gateway.http.settings import HttpSettings
from gateway.jobs import pricing, sentinel
from gateway.jobs.accounts import ROTATION_MS
from gateway.pipeline.settings import WorkerSettings
from lensora.cli.plan import PROCESSOR_SECONDS, plan_for
from lensora.rpc.server import CONNECTION_AGE_S
from services.segment.settings import SegmentSettings

OPERATIONS = ROOT / "docs" / "OPERATIONS.md"
PAGES = [OPERATIONS, *sorted((ROOT / "docs" / "runbooks").glob("*.md"))]
PAGE = OPERATIONS.read_text("utf-8")
named_pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@cache
def values() -> dict[str, Any]:
    """values.yaml."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def commands(text: str) -> list[str]:
    """The shell commands of a page's code blocks, continued lines joined."""
    blocks = re.findall(r"(?m)^(?:    .*\n?)+", text)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [re.sub(r"\s+#.*$", "", line) for line in lines if line]


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table behind a heading, or behind words of the page; without its head."""
    table = re.search(r"(?m)(?:^\|.*\n)+", PAGE[PAGE.index(heading) :])
    assert table is not None, heading
    lines = table[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def everything() -> list[Manifest]:
    """What the chart can make: its defaults and every example."""
    return [*render(), *(manifest for example in EXAMPLES for manifest in render(example))]


def test_every_value_that_is_set_exists() -> None:
    """Each ``--set`` and ``--set-json`` of the page renders, alone, and each example that it names is there."""
    options = []
    for line in [*commands(PAGE), *re.findall(r"`([a-z]\w*(?:\.\w+)+=[^`]*)`", PAGE)]:
        words = shlex.split(line) if "--set" in line else ["--set", line]
        options += [after for word, after in pairwise(words) if word.startswith("--set")]
    sets = [option for option in options if not re.match(r"\S* ", option) and option.split(".")[0] in values()]
    assert len(sets) >= 7
    for one in sets:
        render(sets=(one,))
    assert {Path(name).name for name in re.findall(r"[\w/.-]+\.yaml", PAGE)} >= {path.name for path in EXAMPLES}
    for name in re.findall(r"-f ([\w/.-]+)\.yaml", PAGE):
        assert name in ("your-values", "restore") or Path(name).name in {path.stem for path in EXAMPLES}


@named_pages
def test_every_value_that_is_named_exists(page: Path) -> None:
    """A dotted name in backticks that starts as a value does is one of values.yaml, or a key of a component's pods."""
    for name in re.findall(r"`([a-z]\w*(?:\.[A-Za-z]\w*)+)`", page.read_text("utf-8")):
        place: Any = values()
        path = name.replace("STAGE", "mesh").replace("triton.pools.POOL", "triton.defaults").split(".")
        if path[0] not in place or name.endswith((".py", ".yaml", ".json", ".md", ".yml")):
            continue
        for key in path:
            assert key in place or key in values()["podDefaults"], name
            place = place.get(key, {})


@named_pages
def test_every_object_that_is_named_is_made(page: Path) -> None:
    """What the page calls ``RELEASE-...`` the chart makes, by its defaults or in an example."""
    made = {re.sub(r"-models-[0-9a-f]{8}$", "-models-HASH", one["metadata"]["name"]) for one in everything()}
    # A StatefulSet's pod, and the claim that it mounts.
    made |= {"studio-lensora-redis-0", "data-studio-lensora-redis-0"}
    for name in re.findall(r"\b(?:data-)?RELEASE(?:-[A-Za-z0-9]+)+", page.read_text("utf-8")):
        real = name.replace("RELEASE", "studio-lensora").replace("POOL", "small")
        assert real in made, name


def test_the_table_of_objects_has_every_workload() -> None:
    """No Deployment, StatefulSet or Job is missing in the table of what is where."""
    told = " ".join(row[0] for row in rows("### What is where"))
    for workload in of_kind(everything(), "Deployment", "StatefulSet", "Job"):
        name = workload["metadata"]["name"].removeprefix("studio-lensora")
        name = re.sub(r"^-triton-.*", "-triton-POOL", re.sub(r"^-models-.*", "-models-HASH", name))
        assert f"{name}`" in told, name


def test_every_key_of_pods_is_told() -> None:
    """What may be set for pods is listed, each key or its plain word."""
    plain = {"podSecurityContext": "security contexts", "securityContext": "security contexts"}
    plain |= {"podLabels": "labels", "podAnnotations": "annotations"}
    section = " ".join(PAGE[PAGE.index("### Pods") : PAGE.index("### Redis")].split())
    for key in values()["podDefaults"]:
        word = plain.get(key, key)
        assert word in section or word.removeprefix("extra") in section, key


def _panels() -> dict[str, set[str]]:
    """Titles of panels and rows by dashboard."""
    found: dict[str, set[str]] = {}
    for path in FOLDER.glob("*.json"):
        board = json.loads(path.read_text())
        waiting = list(board["panels"])
        titles = found.setdefault(board["title"].removeprefix("Lensora / "), set())
        while waiting:
            panel = waiting.pop()
            titles.add(panel["title"])
            waiting += panel.get("panels") or []
    return found


def test_the_table_of_dashboards_is_complete() -> None:
    """The page knows the dashboards that there are."""
    assert {row[0] for row in rows("## Watch")} == set(_panels())


@named_pages
def test_every_panel_that_is_named_is_there(page: Path) -> None:
    """What stands in italics with a capital letter is a dashboard, a row or a panel of one."""
    boards = _panels()
    titles = set().union(*boards.values())
    chapters = {"Capacity", "Fast", "Slowly", "Mismatch", "Stale"}
    for name in re.findall(r"(?<![*\w])\*([A-Z][^*\n]+)\*(?!\*)", page.read_text("utf-8")):
        board, _, panel = name.partition(" / ")
        if panel:
            assert any(title.startswith(panel) for title in boards[board]), name
        elif name not in chapters:
            assert name in boards or any(title.startswith(name) for title in titles), name


def test_the_adapters_rules_make_what_autoscalers_ask_for() -> None:
    """Each metric that an HPA of the chart may want comes from a rule of the page, and each rule is for one."""
    block = PAGE[PAGE.index("    rules:\n      custom:") :]
    text = re.match(r"(?:    .*\n)+", block)
    assert text is not None
    parsed = yaml.safe_load(text[0])["rules"]
    made = {
        rule.get("name", {}).get("as") or rule["seriesQuery"].partition("{")[0]
        for rule in (*parsed["custom"], *parsed["external"])
    }
    autoscaled = ("gateway.autoscaling.metric=requests", "stages.mesh.autoscaling.metric=running")
    autoscaled += ("stages.mesh.autoscaling.target=2",)
    switched = ("gateway.autoscaling.enabled=true", "stages.mesh.autoscaling.enabled=true")
    pool = 'triton.pools={"a":{"models":["b"],"autoscaling":{"enabled":true}}}'
    asked = set()
    for scaler in of_kind(
        render(sets=(*autoscaled, *switched, "worker.autoscaling.mode=hpa", pool)), "HorizontalPodAutoscaler"
    ):
        for metric in scaler["spec"]["metrics"]:
            asked |= {metric[kind]["metric"]["name"] for kind in ("pods", "external") if kind in metric}
    assert made == asked


def test_the_plans_table_is_what_the_command_prints() -> None:
    """Capacity by jobs a day: the figures are those of ``lensora plan``, and so are the seconds before the table."""
    for jobs, *cells in rows("| jobs a day"):
        plan = plan_for(int(jobs.replace(",", "")))
        pods = {need.process: need.pods for need in plan.needs}
        told = [*(str(pods[stage]) for stage in ("detect", "segment", "mesh", "render"))]
        told += [f"{sum(need.cores for need in plan.needs):.1f}", str(plan.worker_slots)]
        told += [f"{plan.redis_gib:.2f} GiB", f"{plan.artifacts_gib:.0f} GiB"]
        assert cells == told
    sentence = " ".join(PAGE[PAGE.index("On CPUs with the embedded") : PAGE.index("| jobs a day")].split())
    for stage in ("detect", "segment", "mesh", "render"):
        assert re.search(
            rf"{PROCESSOR_SECONDS[stage]:.1f}(?: s of processor)? in {stage}|{stage}, {PROCESSOR_SECONDS[stage]:.1f}",
            sentence,
        )


def test_figures_are_the_settings() -> None:
    """Numbers that the page gives for a default are the default."""
    fields = HttpSettings.model_fields | WorkerSettings.model_fields | SegmentSettings.model_fields
    assert f"`LENSORA_PICTURE_MEGABYTES` ({fields['picture_megabytes'].default})" in PAGE
    assert fields["sweep_seconds"].default == 60 and "sweeps once a minute" in PAGE
    assert CONNECTION_AGE_S == 120 and "anew every two minutes" in PAGE
    assert ROTATION_MS == 24 * 3_600_000 and "beside the new one for 24 h" in PAGE
    assert fields["idempotency_hours"].default == 24
    assert values()["retention"] == {"sessionHours": 24, "jobHours": 168}
    assert [row[1] for row in rows("## Retention")][:3] == ["24 h", "7 days after the end", "24 h"]
    grace_h = fields["job_wait_hours"].default + fields["job_deadline_seconds"].default * pricing.LONGEST / 3_600
    assert f"up to {grace_h:g} hours longer" in " ".join(PAGE.split())
    limits = {stage: values()["stages"][stage]["resources"]["limits"]["memory"] for stage in ("detect", "segment")}
    assert f"detect {limits['detect'].replace('Gi', ' GiB')}, segment {limits['segment'].replace('Gi', ' GiB')}" in PAGE
    scaled = values()["stages"]["mesh"]["autoscaling"]["target"]
    waiting, percent = values()["worker"]["autoscaling"]["targetWaiting"], values()["scaleDown"]["percent"]
    assert f"| **{scaled}%** | **{waiting}** | **{percent}%** |" in PAGE


def test_versions_are_those_that_are_tested() -> None:
    """Kubernetes's versions, the oldest one, and Valkey's are the ones of the tests and of the chart."""
    assert "{}, {} and {}".format(*examples.VERSIONS) in PAGE
    oldest = re.search(r">=(\d+\.\d+)", (CHART / "Chart.yaml").read_text())
    assert oldest is not None and f"Kubernetes {oldest[1]} or newer" in PAGE
    assert f"Valkey {values()['redis']['builtin']['image'].rpartition(':')[2]}" in " ".join(PAGE.split())


def test_burn_rates_are_those_of_the_rules() -> None:
    """The alerts' windows and rates stand in the page."""
    rules = (CHART / "rules" / "lensora.yaml").read_text()
    for rate, long, short in (("14.4", "1h", "5m"), ("6", "6h", "30m"), ("3", "1d", "2h")):
        for window in (long, short):
            assert f"lensora:http_errors:ratio_rate{window} > ({rate} * 0.001)" in rules
        assert re.search(
            rf"(?<![\d.]){re.escape(rate)} \({long[:-1]} {long[-1]} and {short[:-1]} ", " ".join(PAGE.split())
        )


def test_the_sentinels_url_is_read() -> None:
    """The URL of the page is one that the processes take."""
    url = re.search(r"redis\+sentinel://\S+", PAGE)
    assert url is not None
    parsed = sentinel.parse(url[0])
    assert len(parsed.sentinels) == 3 and parsed.service == "SERVICE"


@named_pages
def test_operators_commands_are_there(page: Path) -> None:
    """``python -m gateway.admin ...`` has each command with its options."""
    groups: dict[str, click.Group] = {"keys": admin.keys, "credits": admin.credits, "accounts": admin.accounts}
    for line in re.findall(r"python -m gateway\.admin ([^`\n]+)", page.read_text("utf-8")):
        group, name, *words = shlex.split(line.replace("ACCOUNT", "a"))
        command = groups[group].commands[name]
        for word in words:
            if word.startswith("--"):
                assert any(word in option.opts for option in command.params), line


@named_pages
def test_logs_of_many_pods_are_read_whole(page: Path) -> None:
    """By a selector kubectl shows the last ten lines of each pod, whatever ``--since`` says, unless told otherwise."""
    for line in re.findall(r"kubectl [^`\n]*\blogs\b[^`\n]*", page.read_text("utf-8")):
        assert " -l " not in line or " --tail=-1 " in line, line


def test_events_that_are_named_are_logged() -> None:
    """What a runbook tells to look for in logs, some process writes."""
    code = "".join(
        path.read_text() for room in ("gateway", "lensora", "services") for path in (ROOT / room).rglob("*.py")
    )
    for page in PAGES:
        for event in re.findall(r"\b(?:job|stage|request|webhook|chore)_[a-z_]+\b", page.read_text("utf-8")):
            assert f'"{event}"' in code, f"{page.name}: {event}"


def test_fields_of_events_are_logged() -> None:
    """What a runbook says that an event's lines hold, the call that writes it gives; a job's id is bound around it."""
    code = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    found = 0
    for page in PAGES:
        for event, told in re.findall(r"`([a-z_]+)` hold\s+((?:`\w+`(?:, | and )?)+)", page.read_text("utf-8")):
            call = re.search(rf'_log\.\w+\([^)]*?"{event}",([^\n]*)', code)
            assert call is not None, event
            given = {*re.findall(r"(\w+)=", call[1]), "job_id"}
            assert set(re.findall(r"`(\w+)`", told)) <= given, f"{page.name}: {event}"
            found += 1
    assert found >= 3


def test_images_are_all_told_and_within_their_budgets() -> None:
    """The table has every image, with the budget that the check holds it to."""
    told = {}
    for name, budget, size, *_when in rows("| image | budget"):
        image = name.split()[0].removeprefix("lensora-")
        told[image] = float(budget or 0)
        assert not budget or float(size) <= float(budget), name
    assert set(told) == {*TARGETS, "triton"}
    assert {name: budget for name, budget in told.items() if budget} == MOST_MB


def test_the_pod_for_a_restore_is_one_that_clusters_take() -> None:
    """It is valid, restricted, and has the image and the claim of the chart's Redis."""
    text = re.search(r"(?m)^    apiVersion: v1\n    kind: Pod\n(?:    .*\n)+", PAGE)
    assert text is not None
    pod = yaml.safe_load(text[0].replace("RELEASE", "studio-lensora"))
    for version in examples.VERSIONS:
        validate(pod, version)
    redis = named(render(), "StatefulSet", "studio-lensora-redis")["spec"]["template"]["spec"]
    (container,), (theirs,) = pod["spec"]["containers"], redis["containers"]
    assert container["image"] == theirs["image"]
    assert pod["spec"]["securityContext"] == redis["securityContext"]
    assert container["securityContext"] == theirs["securityContext"]
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == "data-studio-lensora-redis-0"
