"""``lensora doctor --cluster``: what it says of a namespace, and what its support bundle holds and does not hold."""

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal.chart import Manifest, render
from lensora.cli.cluster.checks import METRICS, READY

PASSWORD = "correct-horse-battery-staple"
API_KEY = "lsk_ab0123456789abcdef0123456789"

KUBECTL = """#!{python}
import json, os, sys
words = [word for word in sys.argv[1:] if not word.startswith("--")]
asked = json.load(open(os.environ["NAMESPACE_STATE"]))
options = [word for word in sys.argv[1:] if word.startswith("--")]
# Values of options that are given apart.
words = [word for word in words if word not in ("json", asked["namespace"], "app.kubernetes.io/part-of=lensora")]
if words[0] == "get" and words[1] in asked["denied"]:
    sys.exit("Error from server (Forbidden): " + words[1] + " is forbidden")
if words[0] == "get":
    print(json.dumps({{"items": asked["objects"].get(words[1], [])}}) if words[1] != "events" else "LAST SEEN")
elif words[0] == "logs":
    sys.exit(1) if "--previous" in options else print(asked["log"])
elif words[0] == "exec":
    print(asked["readyz"] if "readyz" in sys.argv[-1] else asked["metrics"])
else:
    print("v1.33")
"""

Doctor = Callable[..., tuple[int, dict[str, dict[str, Any]]]]


def state() -> dict[str, Any]:
    """A namespace where all is well: the chart's own objects, with the status that a cluster would give them."""
    objects: dict[str, list[Manifest]] = {}
    for manifest in copy.deepcopy(render()):
        objects.setdefault(f"{manifest['kind'].lower()}s", []).append(manifest)
    for workload in [*objects["deployments"], *objects["statefulsets"]]:
        replicas = workload["spec"]["replicas"]
        workload["status"] = {"readyReplicas": replicas, "updatedReplicas": replicas}
    for claim in objects["persistentvolumeclaims"]:
        claim["status"] = {"phase": "Bound"}
    for secret in objects["secrets"]:
        for key, value in secret.pop("stringData", {}).items():
            hidden = value.replace(secret["metadata"]["name"], PASSWORD)
            secret.setdefault("data", {})[key] = base64.b64encode(f"{hidden}{PASSWORD}".encode()).decode()
    objects["pods"] = [
        {"metadata": {"name": f"{one['metadata']['name']}-0"}, "spec": one["spec"]["template"]["spec"], "status": {}}
        for one in objects["deployments"]
    ]
    return {
        "namespace": "studio",
        "objects": objects,
        "denied": [],
        "log": f'{{"event": "x", "url": "redis://lensora:{PASSWORD}@redis:6379/0", "key": "{API_KEY}"}}',
        "readyz": json.dumps({"checks": {"redis": "ok", "mesh": "ok"}}),
        "metrics": "lensora_queue_jobs_waiting 3.0\nlensora_queue_jobs_running 2.0\n",
    }


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Runs the command on a described namespace: its exit status, and its findings by name."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(0o755)

    def run(described: dict[str, Any], *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
        (tmp_path / "state.json").write_text(json.dumps(described))
        environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-m", "lensora.cli.main", "doctor", "--cluster", "--json", *more],
            env={**environment, "NAMESPACE_STATE": str(tmp_path / "state.json")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, {finding["name"]: finding for finding in json.loads(done.stdout)}

    return run


def test_a_namespace_that_is_well(doctor: Doctor) -> None:
    """Every workload, the volumes, Secrets, dependencies and the queue are named, and the status is 0."""
    status, found = doctor(state())
    assert status == 0, found
    assert found["studio-lensora-gateway"]["seen"] == "2 of 2 ready"
    assert {"Pods", "Versions", "Volumes", "Secrets", "Readiness", "Queue"} <= found.keys()
    assert found["Queue"]["seen"] == "3 jobs wait, 2 run"


def test_each_trouble_is_named(doctor: Doctor) -> None:
    """No node, no image, two versions, a claim that is not bound, a missing key, too few GPUs, a stuck queue."""
    sick = state()
    objects = sick["objects"]
    objects["deployments"][0]["status"]["readyReplicas"] = 0
    (mesh,) = (one for one in objects["deployments"] if one["metadata"]["name"].endswith("-mesh"))
    image = mesh["spec"]["template"]["spec"]["containers"][0]
    image["image"] = image["image"].replace("0.1.0", "0.2.0")
    image["resources"]["limits"]["nvidia.com/gpu"] = 2
    objects["persistentvolumeclaims"][0]["status"] = {"phase": "Pending"}
    objects["secrets"] = [one for one in objects["secrets"] if "signing" not in one["metadata"]["name"]]
    objects["nodes"] = [{"status": {"allocatable": {"nvidia.com/gpu": "1"}}}]
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: Insufficient cpu"}
    objects["pods"][0]["status"] = {"conditions": [unscheduled]}
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}
    killed = {"state": {}, "lastState": {"terminated": {"reason": "OOMKilled"}}, "restartCount": 4}
    objects["pods"][1]["status"] = {"containerStatuses": [waiting, killed]}
    sick |= {
        "readyz": json.dumps({"checks": {"redis": "unavailable", "mesh": "ok"}}),
        "metrics": "lensora_queue_jobs_waiting 9.0\nlensora_queue_jobs_running 0.0\n",
    }
    status, found = doctor(sick)
    assert status == 1
    bad = {name: finding for name, finding in found.items() if not finding["well"]}
    assert {"Pods", "Versions", "Volumes", "Secrets", "GPUs", "Readiness", "Queue"} <= bad.keys()
    for words in ("Insufficient cpu", "ImagePullBackOff not found", "killed for memory 4 times"):
        assert words in bad["Pods"]["seen"]
    assert "studio-lensora-signing with the key url-signing-keys" in bad["Secrets"]["seen"]
    assert bad["GPUs"]["seen"] == "2 nvidia.com/gpu asked for, nodes have 1 nvidia.com/gpu"
    assert all(finding["remedy"] for finding in bad.values())


@pytest.mark.parametrize(("script", "port", "path"), [(READY, "8000", "/readyz"), (METRICS, "9090", "/metrics")])
def test_what_runs_in_a_pod_prints_the_answer(script: str, port: str, path: str) -> None:
    """``/readyz`` is 503 while something is away: the answer is printed all the same. No proxy is asked."""
    body = b'{"status": "unready", "checks": {"redis": "unavailable"}}'

    class Process(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path == path else 404)
            self.end_headers()
            self.wfile.write(body if self.path == path else b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Process) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        here = script.replace(port, str(server.server_port))
        proxied = {**os.environ, "http_proxy": "http://127.0.0.1:1", "no_proxy": ""}
        done = subprocess.run([sys.executable, "-c", here], env=proxied, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(body)


def test_what_may_not_be_read_is_said(doctor: Doctor) -> None:
    """Without the right to read Secrets or nodes the rest is still looked at."""
    limited = state()
    limited["denied"] = ["secrets", "nodes"]
    status, found = doctor(limited)
    assert status == 1
    assert "secrets is forbidden" in found["kubectl"]["seen"]
    assert found["Queue"]["well"]


def test_an_empty_namespace_is_said(doctor: Doctor) -> None:
    """A namespace without the chart is one finding, which says how to name another."""
    empty = state() | {"objects": {}}
    status, found = doctor(empty)
    assert status == 1
    assert list(found) == ["Installation"]
    assert "--namespace" in found["Installation"]["remedy"]


def test_the_bundle_holds_no_secret(doctor: Doctor, tmp_path: Path) -> None:
    """Logs, objects and findings are in the archive; no password, key or Secret's value is, in any encoding of it."""
    described = state()
    leaky = described["objects"]["deployments"][0]["spec"]["template"]["spec"]["containers"][0]
    leaky.setdefault("env", []).append({"name": "MY_PASSWORD", "value": PASSWORD})
    described["objects"]["configmaps"][0]["data"]["users.acl"] = f"user lensora on >{PASSWORD} ~*"
    target = tmp_path / "bundle.tar.gz"
    doctor(described, "--bundle", str(target))
    assert target.stat().st_mode & 0o077 == 0, "for its maker alone"
    with tarfile.open(target) as archive:
        files = {}
        for member in archive.getmembers():
            packed = archive.extractfile(member)
            assert packed is not None
            files[member.name.removeprefix("lensora-support/")] = packed.read()
    assert {"findings.json", "deployments.json", "pods.json", "events.txt", "secrets.json"} <= files.keys()
    assert any(name.startswith("logs/studio-lensora-gateway") for name in files)
    names = {secret["name"] for secret in json.loads(files["secrets.json"])}
    assert "studio-lensora-redis-auth" in names, "which Secrets there are is said"
    everything = b"".join(files.values())
    values = [value for one in described["objects"]["secrets"] for value in one["data"].values()]
    for secret in (PASSWORD, API_KEY, base64.b64encode(PASSWORD.encode()).decode(), *values):
        assert secret.encode() not in everything
