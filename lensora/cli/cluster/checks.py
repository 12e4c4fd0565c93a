"""What is looked at in a namespace: workloads, pods, versions, volumes, Secrets, GPUs, readiness, the queue."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from lensora.cli.cluster.kubectl import Kubectl, Object
from lensora.cli.findings import Finding
from lensora.core.errors import ConfigurationError

COMPONENT = "app.kubernetes.io/component"

# Not urlopen: it raises for the 503 of a gateway that is not ready, whose answer is what is wanted, and asks the pod's
# proxy where it has one.
ASK = (
    "import http.client as h; c = h.HTTPConnection('127.0.0.1', {port}); c.request('GET', '{path}'); "
    "print(c.getresponse().read().decode())"
)
READY = ASK.format(port=8000, path="/readyz")
METRICS = ASK.format(port=9090, path="/metrics")
"""Run in our own pods by their own Python: nothing needs to be open to the outside."""

QUEUE = re.compile(r"^(lensora_queue_jobs_waiting|lensora_queue_jobs_running)(?:\{[^}]*\})? ([0-9.e+]+)$", re.M)

NEVER_BY_ITSELF = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}
"""Reasons of a container that waits which time does not mend."""


def look(kubectl: Kubectl) -> list[Finding]:
    """Look at everything; nothing is changed.

    Raises:
        ConfigurationError: kubectl cannot read the namespace at all.
    """
    workloads = [*kubectl.objects("deployments"), *kubectl.objects("statefulsets")]
    if not workloads:
        where = f"nothing of Lensora is in the namespace {kubectl.namespace}"
        return [Finding("Installation", False, where, "name it with --namespace, or install the chart")]
    pods = kubectl.objects("pods")
    checks: list[Callable[[], Iterable[Finding]]] = [
        lambda: _workloads(workloads),
        lambda: _pods(pods),
        lambda: _versions(workloads),
        lambda: _claims(kubectl.objects("persistentvolumeclaims")),
        lambda: _secrets(workloads, kubectl.objects("secrets", selector="")),
        lambda: _gpus(kubectl, workloads),
        lambda: _readiness(kubectl, workloads),
        lambda: _queue(kubectl, workloads),
    ]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except ConfigurationError as error:
            findings.append(Finding("kubectl", False, error.message, "ask for the right to read it"))
    return findings


def _workloads(workloads: list[Object]) -> Iterable[Finding]:
    """Ready pods of each Deployment and StatefulSet, as their own probes say."""
    for one in workloads:
        name = one["metadata"]["name"]
        wanted = one["spec"].get("replicas", 1)
        status = one.get("status", {})
        ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
        seen = f"{ready} of {wanted} ready" + (f", {updated} of this release" if updated < wanted else "")
        yield Finding(name, ready >= wanted and updated >= wanted, seen, f"kubectl describe pods -l {COMPONENT}=...")


def _pods(pods: list[Object]) -> Iterable[Finding]:
    """Pods that wait for a node, for their image or for a Secret, that crash, or that were killed for memory."""
    bad: list[str] = []
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status", {})
        bad += [
            f"{name} has no node: {condition.get('message', condition.get('reason', ''))}"
            for condition in status.get("conditions", ())
            if condition["type"] == "PodScheduled" and condition["status"] == "False"
        ]
        for container in [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]:
            waiting = container.get("state", {}).get("waiting", {})
            ended = container.get("lastState", {}).get("terminated", {})
            if waiting.get("reason") in NEVER_BY_ITSELF or waiting.get("reason") == "CrashLoopBackOff":
                bad.append(f"{name}: {waiting['reason']} {waiting.get('message', '')}".strip())
            if ended.get("reason") == "OOMKilled":
                bad.append(f"{name} was killed for memory {container.get('restartCount', 0)} times")
    remedy = "kubectl describe pod NAME; kubectl logs NAME --previous"
    yield Finding("Pods", not bad, "; ".join(bad) if bad else f"{len(pods)} pods, none in trouble", remedy)


def _versions(workloads: list[Object]) -> Iterable[Finding]:
    """One version of our images: two of them are a rollout that has not ended."""
    images: dict[str, set[str]] = defaultdict(set)
    for one in workloads:
        for container in one["spec"]["template"]["spec"]["containers"]:
            name = container["image"].rpartition("/")[2]
            if name.startswith("lensora-"):
                images["digest" if "@" in name else name.rpartition(":")[2]].add(name.split("@")[0].split(":")[0])
    seen = ", ".join(f"{version} ({len(names)} images)" for version, names in sorted(images.items()))
    yield Finding("Versions", len(images) == 1, seen, "finish the upgrade, or helm rollback")


def _claims(claims: list[Object]) -> Iterable[Finding]:
    waiting = [
        claim["metadata"]["name"] for claim in claims if claim.get("status", {}).get("phase", "Pending") != "Bound"
    ]
    remedy = "is there a default StorageClass? kubectl describe pvc NAME"
    seen = f"not bound: {', '.join(waiting)}" if waiting else f"{len(claims)} claims, all bound"
    yield Finding("Volumes", not waiting, seen, remedy)


def _secrets(workloads: list[Object], secrets: list[Object]) -> Iterable[Finding]:
    """Every Secret and key that a pod names is there. Values are not looked at."""
    there = {secret["metadata"]["name"]: set(secret.get("data") or {}) for secret in secrets}
    missing = set()
    for one in workloads:
        spec = one["spec"]["template"]["spec"]
        for container in spec["containers"]:
            for entry in container.get("env", ()):
                reference = entry.get("valueFrom", {}).get("secretKeyRef")
                if reference and reference["key"] not in there.get(reference["name"], ()):
                    missing.add(f"{reference['name']} with the key {reference['key']}")
        for volume in spec.get("volumes", ()):
            if "secret" in volume and volume["secret"]["secretName"] not in there:
                missing.add(volume["secret"]["secretName"])
    seen = f"missing: {', '.join(sorted(missing))}" if missing else "all that pods name are there"
    yield Finding("Secrets", not missing, seen, "kubectl create secret generic NAME --from-literal=KEY=...")


def _gpus(kubectl: Kubectl, workloads: list[Object]) -> Iterable[Finding]:
    """What pools ask for, beside what nodes have. Without the right to read nodes only the asking is said."""
    asked: dict[str, int] = defaultdict(int)
    for one in workloads:
        for container in one["spec"]["template"]["spec"]["containers"]:
            for resource, amount in container.get("resources", {}).get("limits", {}).items():
                if "/" in resource:
                    asked[resource] += int(amount) * one["spec"].get("replicas", 1)
    if not asked:
        return
    try:
        nodes = json.loads(kubectl.run(["get", "nodes", "--output", "json"]))["items"]
    except ConfigurationError as error:
        yield Finding("GPUs", True, f"{_amounts(asked)} asked for; nodes could not be read: {error.message}")
        return
    have: dict[str, int] = defaultdict(int)
    for node in nodes:
        for resource in asked:
            have[resource] += int(node.get("status", {}).get("allocatable", {}).get(resource, 0))
    well = all(have[resource] >= amount for resource, amount in asked.items())
    seen = f"{_amounts(asked)} asked for, nodes have {_amounts(have)}"
    yield Finding("GPUs", well, seen, "add nodes, install the device plugin, or scale the pools down")


def _amounts(amounts: dict[str, int]) -> str:
    return ", ".join(f"{amount} {resource}" for resource, amount in sorted(amounts.items()))


def _readiness(kubectl: Kubectl, workloads: list[Object]) -> Iterable[Finding]:
    """``/readyz`` of the gateway, which asks Redis and every stage."""
    answer = json.loads(kubectl.inside(_named(workloads, "gateway"), ["python", "-c", READY]))
    away = [f"{name}: {said}" for name, said in answer["checks"].items() if said != "ok"]
    seen = "; ".join(away) if away else f"{len(answer['checks'])} dependencies answer"
    yield Finding("Readiness", not away, seen, "look at the pods of what does not answer")


def _queue(kubectl: Kubectl, workloads: list[Object]) -> Iterable[Finding]:
    """Jobs that wait and run, as a worker counts them."""
    text = kubectl.inside(_named(workloads, "worker"), ["python", "-c", METRICS])
    amounts = {name.rpartition("_")[2]: round(float(value)) for name, value in QUEUE.findall(text)}
    waiting, running = amounts.get("waiting", 0), amounts.get("running", 0)
    stuck = waiting > 0 and running == 0
    yield Finding("Queue", not stuck, f"{waiting} jobs wait, {running} run", "docs/runbooks/queue-lag.md")


def _named(workloads: list[Object], component: str) -> str:
    for one in workloads:
        if one["metadata"].get("labels", {}).get(COMPONENT) == component:
            name: str = one["metadata"]["name"]
            return name
    raise ConfigurationError(f"there is no Deployment of the {component}")
