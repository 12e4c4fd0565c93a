"""The chart's wiring, proven without a cluster: its own commands, settings, probes, monitors and hooks, on loopback.

One rehearsal serves all tests of this module, in their order: the previous release starts and takes jobs, is upgraded
to this one with the jobs in flight, does another job, is watched, and is rolled back with jobs in flight.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.dashboards.__main__ import FOLDER
from deploy.images.closure import ROOT
from deploy.rehearsal.chart import CHART, Manifest, named, notes, render
from deploy.rehearsal.cluster import Cluster, wait_until
from deploy.rehearsal.monitoring import Prometheus, exists, metrics_of
from deploy.rehearsal.pod import Pod
from deploy.rehearsal.previous import unpack
from deploy.rehearsal.probes import run_command
from lensora.client import Client
from lensora.core.errors import LensoraError
from lensora.testing.triton import environment_folder, library_path, server_folder

MODELS = Path("~/.cache/lensora/models").expanduser()
"""Where ``make setup`` puts the weights."""

TRITON = Path(__file__).resolve().parents[3] / "deploy" / "triton"

RESTARTED = ("gateway", "worker", "detect", "segment", "mesh", "render", "triton-small")

NEEDS_A_GPU = {"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes", "nv_gpu_power_usage"}
"""Triton exports these on a machine with an NVIDIA GPU alone (its documentation, "Metrics", GPU Metrics)."""

SMALL_FILM = {"size": 256, "fps": 12, "seconds": 1.0}

VALUES = (
    # One pod of each: while a new one starts beside it, nothing else could answer for it.
    "gateway.replicas=1",
    "worker.jobs=3",
    'worker.env={"LENSORA_SWEEP_SECONDS":"2"}',
    # Two cores: every process has its say, none takes all.
    # Two nets of the four that detection has by default: each starts a process of its own, three times in these tests.
    'triton.pools={"small":{"models":["isnet-general-use","efficientnet-lite0"],"gpu":{"enabled":false},'
    '"startupSeconds":120,"preStopSeconds":1,"drainSeconds":30}}',
    "stages.detect.inference=triton",
    "stages.detect.tritonPool=small",
    'stages.detect.env={"LENSORA_DETECT_BACKEND":"saliency"}',
    "monitoring.monitors.enabled=true",
    "monitoring.rules.enabled=true",
    "gateway.preStopSeconds=1",
    *(f"stages.{stage}.preStopSeconds=1" for stage in ("detect", "segment", "mesh", "render")),
)


@dataclass(frozen=True)
class Studio:
    """A running rehearsal: this release's manifests, and the previous one's with its code."""

    manifests: list[Manifest]
    before: list[Manifest]
    source: Path
    cluster: Cluster
    prometheus: Prometheus
    account_key: str

    def client(self) -> Client:
        """The public API, through the gateway's Service."""
        return Client(self.cluster.url("studio-lensora-gateway"), self.account_key)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The previous release on one node, detection on a Triton pool, all started at once, and Prometheus."""
    folder = tmp_path_factory.mktemp("rehearsal")
    manifests = render(CHART / "examples" / "single-node-cpu.yaml", sets=VALUES)
    source = unpack(folder / "previous")
    chart = source / CHART.relative_to(ROOT)
    before = render(chart / "examples" / "single-node-cpu.yaml", sets=(*VALUES, "image.tag=previous"), chart=chart)
    claims = {"studio-lensora-models": MODELS}
    for claim in ("data", "studio-lensora-artifacts"):
        claims[claim] = folder / claim
        claims[claim].mkdir()
    files = {"/opt/triton": TRITON}
    tools = _image_tools(folder / "bin")
    with Cluster(before, folder, claims, files=files, tools=tools, source=source) as cluster:
        address = f"{cluster.pod_address()}:9090"
        rules = CHART / "rules" / "lensora.yaml"
        with Prometheus(cluster, manifests, rules, folder / "prometheus", address) as prometheus:
            cluster.start()
            prometheus.discover()
            yield Studio(manifests, before, source, cluster, prometheus, _account_key(cluster))


def _image_tools(folder: Path) -> Path:
    """What the Triton image has on its PATH: the server, with its backends and the Python of its models."""
    folder.mkdir()
    server = server_folder() / "pytriton" / "tritonserver"
    assert server.exists(), "Triton is not installed; run: python deploy/triton/install_server.py"
    script = folder / "tritonserver"
    script.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={library_path(server_folder())}\n"
        f"export PATH={environment_folder() / 'bin'}:$PATH\n"
        f"exec {server / 'bin' / 'tritonserver'} --backend-directory={server / 'backends'} \\\n"
        f'  "--backend-config=python,shm-region-prefix-name=lensora-{os.getpid()}-$$-" "$@"\n'
    )
    script.chmod(0o755)
    return folder


def _account_key(cluster: Cluster) -> str:
    """An API key, made as NOTES say: by a command in a gateway pod."""
    gateway = cluster.of("gateway")[0]
    admin = ["python", "-m", "gateway.admin"]
    assert gateway.run([*admin, "credits", "grant", "8000", "--account", "first"], 60) == 0
    status, output = gateway.output([*admin, "keys", "create", "--account", "first", "--json"], 60)
    assert status == 0, output
    return str(json.loads(output)["api_key"])


def test_upgrade_with_jobs_in_flight_loses_none(studio: Studio) -> None:
    """The previous release's jobs are in flight when everything is upgraded at once; Redis is not touched."""
    (redis,) = studio.cluster.of("redis")
    _survive(studio, lambda: studio.cluster.upgrade(studio.manifests))
    assert studio.cluster.of("redis") == [redis]
    assert redis.running()
    assert len(studio.cluster.past) == len(studio.cluster.pods) - 1, "every pod but Redis's was replaced"
    # Prometheus must see the new pods' counters before they count, and takes up targets after up to five seconds.
    studio.prometheus.discover()
    pods = {pod.name for pod in studio.cluster.pods if pod.component != "redis"}
    wait_until(lambda: studio.prometheus.scraped() == pods, 60, "the new pods are scraped")


def _survive(studio: Studio, change: Callable[[], set[str]]) -> None:
    """Order films and make the change while they run: no poll fails, no job is lost, no pod is killed."""
    before, ended_before = _charged(studio), len(studio.cluster.past)
    with studio.client() as client:
        photo = _photo()
        sessions = [_session(client, photo) for _ in range(2)]
        tickets = [client.transform(session, "remove", output=SMALL_FILM) for session in sessions]
        while not any(client.result(ticket.job_id).stages[0].status == "done" for ticket in tickets):
            time.sleep(0.1)
        with ThreadPoolExecutor(2) as pool:
            changed = pool.submit(change)
            polled = pool.submit(_poll, studio, [ticket.job_id for ticket in tickets], changed.done)
            ended, restarted = polled.result(), changed.result()
    assert ended == dict.fromkeys((ticket.job_id for ticket in tickets), "completed")
    assert restarted == set(RESTARTED)
    for pod in studio.cluster.past[ended_before:]:
        assert not pod.killed or not _hears(pod), f"{pod.name} did not end within its grace:\n{pod.tail(300)}"
        assert not pod.unhealthy, f"{pod.name}: {pod.unhealthy}"
    assert len(tickets) * 80 == _charged(studio) - before, "each job was charged once"


def _hears(pod: Pod) -> bool:
    """Whether its release always hears SIGTERM. Older ones may miss it, and end at the end of their grace."""
    return ((pod.source or ROOT) / "lensora" / "termination.py").exists()


def _session(client: Client, photo: bytes) -> str:
    """A session; as a customer does, comes again where a machine that is still starting says 503."""
    until = time.monotonic() + 60
    while True:
        try:
            return client.init(photo).session_id
        except LensoraError as error:
            if not error.retryable or time.monotonic() > until:
                raise
            time.sleep(1.0)


def test_every_pod_starts_and_passes_its_own_probes(studio: Studio) -> None:
    """Each Deployment's command comes up with the chart's environment, and its startup, readiness and liveness pass."""
    # A stage that uses Triton looks for it every few seconds, and has just seen the old one go.
    pods = studio.cluster.pods
    wait_until(lambda: all(pod.ready and pod.ask("readinessProbe") for pod in pods), 60, "every pod is ready")
    components = {pod.component for pod in studio.cluster.pods}
    assert components == {*RESTARTED, "redis"}
    for pod in studio.cluster.pods:
        assert pod.running(), pod.tail()
        assert pod.ready, pod.tail()
        assert not pod.unhealthy, f"{pod.name}: {pod.unhealthy}"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            # As often as the kubelet asks before it acts.
            assert any(pod.ask(probe) for _ in range(3)), f"{pod.name} {probe}"
    answer = httpx.get(f"{studio.cluster.url('studio-lensora-gateway')}/readyz", trust_env=False)
    assert set(answer.json()["checks"].values()) == {"ok"}


def test_helm_test_runs_a_job_to_its_end(studio: Studio) -> None:
    """The pod of ``helm test``, with its own command and environment, runs one job through the Service to completed."""
    pod = studio.cluster.pod_of("helm-test", named(studio.manifests, "Pod", "studio-lensora-test"))
    (container,) = pod.template["spec"]["containers"]
    command = [*container["command"], *container["args"]]
    status, output = run_command(command, pod.process_environment(), str(pod.folder), 240)
    assert status == 0, output
    assert "completed" in output
    _nothing_stays(studio, output)


def _nothing_stays(studio: Studio, output: str) -> None:
    """The test's job and session are gone with their files, and its key is revoked; only its account's books stay."""
    job_id, session_id = (re.search(rf"{word} ([0-9a-f-]{{36}})", output) for word in ("job", "session"))
    assert job_id and session_id, output
    (worker,) = studio.cluster.of("worker")
    artifacts = worker.mapping.paths["/var/lib/lensora/artifacts"]
    folders = (artifacts / "jobs" / job_id[1], artifacts / "sessions" / session_id[1])
    wait_until(lambda: not any(path.is_file() for folder in folders for path in folder.rglob("*")), 60, "files went")
    status, printed = studio.cluster.of("gateway")[0].output(
        ["python", "-m", "gateway.admin", "keys", "list", "--account", "helm-test", "--json"], 60
    )
    assert status == 0, printed
    keys = json.loads(printed)
    assert keys and all(key["revoked"] for key in keys)


def test_first_requests_of_the_notes_work(studio: Studio, tmp_path: Path) -> None:
    """The shell commands that ``helm install`` prints make a key, take a photo and get a session, as they stand."""
    lines = notes(CHART / "examples" / "single-node-cpu.yaml", sets=VALUES).splitlines()
    commands = [line.strip() for line in lines if line.startswith("  ")]
    begin = next(index for index, line in enumerate(commands) if "credits grant" in line)
    end = next(index for index, line in enumerate(commands) if "/v1/studio/init" in line)
    script = "\n".join(["set -e", *commands[begin : end + 1]])
    script = script.replace("http://127.0.0.1:8000", studio.cluster.url("studio-lensora-gateway"))
    assert script.count("kubectl") == 4
    environment = {"PATH": f"{_kubectl(studio, tmp_path)}:/usr/bin:/bin", "HOME": str(tmp_path)}
    status, output = run_command(["bash", "-c", script], environment, str(tmp_path), 120)
    assert status == 0, output
    answer = json.loads(output[output.index("{") :])
    assert answer["session_id"]
    assert answer["objects"][-1]["category"] == "full_frame"


def _kubectl(studio: Studio, folder: Path) -> Path:
    """A folder with a ``kubectl`` that knows ``exec deploy/NAME -- COMMAND`` and lets ``port-forward`` be."""
    pod = studio.cluster.of("gateway")[0]
    given = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in pod.process_environment().items())
    script = folder / "bin" / "kubectl"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/bash\n"
        f"{given}"
        '[ "$3" = port-forward ] && exit 0\n'
        '[ "$3 $4 $5" = "exec deploy/studio-lensora-gateway --" ] || { echo "unknown: $*" >&2; exit 9; }\n'
        "shift 5\n"
        'exec "$@"\n'
    )
    script.chmod(0o755)
    return script.parent


def _poll(studio: Studio, job_ids: list[str], rolled: object) -> dict[str, str]:
    """Poll as a customer does, without repeats of our own, until all jobs have ended and the restart is over."""
    assert callable(rolled)
    url = f"{studio.cluster.url('studio-lensora-gateway')}/v1/studio/result"
    headers = {"Authorization": f"Bearer {studio.account_key}"}
    until = time.monotonic() + 240
    states = dict.fromkeys(job_ids, "queued")
    while time.monotonic() < until:
        for job_id in job_ids:
            try:
                answer = httpx.get(f"{url}/{job_id}", headers=headers, trust_env=False, timeout=20)
            except httpx.TransportError as error:
                raise AssertionError(f"a poll was not answered: {error!r}; {studio.cluster.refusals}") from error
            assert answer.status_code == 200, answer.text
            states[job_id] = answer.json()["status"]
        if rolled() and not {"queued", "processing"} & set(states.values()):
            break
        time.sleep(0.3)
    return states


def _charged(studio: Studio) -> int:
    with studio.client() as client:
        return -sum(entry.amount for entry in client.ledger(limit=100).entries if entry.kind == "charge")


def _photo() -> bytes:
    from gateway.smoke import painted_photo

    return painted_photo()


def test_prometheus_scrapes_every_pod(studio: Studio) -> None:
    """Debian's Prometheus finds every pod by the chart's monitors, and every scrape succeeds."""
    studio.prometheus.discover()
    deadline = time.monotonic() + 20
    while studio.prometheus.unhealthy() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert studio.prometheus.unhealthy() == []
    up = {entry["metric"]["component"] for entry in studio.prometheus.query("up == 1")}
    assert up == set(RESTARTED)


def _panels() -> list[tuple[str, str]]:
    """``(dashboard / panel, query)`` of every target, with Grafana's variables replaced."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        waiting = list(json.loads(path.read_text())["panels"])
        while waiting:
            panel = waiting.pop()
            waiting += panel.get("panels") or []
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$namespace", ".*")
                for variable in ("$__rate_interval", "$__range"):
                    expression = expression.replace(variable, "5m")
                found.append((f"{path.stem} / {panel['title']}", expression))
    return found


def test_every_metric_of_dashboards_and_alerts_exists(studio: Studio) -> None:
    """Each metric that a panel or a rule names is exported by the stack or recorded by a rule."""
    groups = yaml.safe_load((CHART / "rules" / "lensora.yaml").read_text())["groups"]
    wanted = set().union(*(metrics_of(rule["expr"]) for group in groups for rule in group["rules"]))
    for _, expression in _panels():
        wanted |= metrics_of(expression)
    assert len(wanted) > 50
    names = studio.prometheus.names()
    assert [metric for metric in sorted(wanted - NEEDS_A_GPU) if not exists(metric, names)] == []


def test_every_panel_shows_data_after_a_job(studio: Studio) -> None:
    """Each panel shows data: its queries together have at least one series. Those of the GPU row need a GPU."""
    shown: dict[str, bool] = {}
    for panel, expression in _panels():
        if not metrics_of(expression) & NEEDS_A_GPU:
            shown[panel] = shown.get(panel, False) or bool(studio.prometheus.query(expression))
    assert len(shown) > 50
    assert [panel for panel, data in shown.items() if not data] == []


def test_no_alert_fires_on_a_healthy_stack(studio: Studio) -> None:
    """After jobs and a restart no alert that pages is firing."""
    assert studio.prometheus.query('ALERTS{alertstate="firing", severity="page"}') == []


def test_rollback_with_jobs_in_flight_loses_none(studio: Studio) -> None:
    """``helm rollback``: this release's jobs are in flight when everything goes back to the previous one at once."""
    (redis,) = studio.cluster.of("redis")
    _survive(studio, lambda: studio.cluster.upgrade(studio.before, studio.source))
    assert studio.cluster.of("redis") == [redis]
