"""The rules that kube-linter checks by default and kubescape rates high, on every example.

Neither tool comes from a package registry, so their rules are written here, by kube-linter's list of default checks
(internal/defaultchecks in its repository, with the templates that they name) and kubescape's controls of severity high
and critical.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from deploy.rehearsal.chart import EXAMPLES, Manifest, of_kind, pod_templates, render

KUBE_LINTER_DEFAULTS = (
    "dangling-service",
    "deprecated-service-account-field",
    "docker-sock",
    "drop-net-raw-capability",
    "duplicate-env-var",
    "env-var-secret",
    "host-ipc",
    "host-network",
    "host-pid",
    "invalid-target-ports",
    "latest-tag",
    "liveness-port",
    "mismatching-selector",
    "no-anti-affinity",
    "no-extensions-v1beta",
    "no-read-only-root-fs",
    "non-existent-service-account",
    "pdb-max-unavailable",
    "pdb-min-available",
    "pdb-unhealthy-pod-eviction-policy",
    "privilege-escalation-container",
    "privileged-container",
    "readiness-port",
    "run-as-non-root",
    "sensitive-host-mounts",
    "ssh-port",
    "startup-port",
    "unsafe-sysctls",
    "unset-cpu-requirements",
    "unset-memory-requirements",
)
"""Its checks that are on by default, in the newest list that we have seen."""

IGNORED = "ignore-check.kube-linter.io/"
"""An annotation of this name and a check's says why an object may break it; kube-linter then leaves it alone."""

Finding = str
Pod = Callable[[Manifest, list[Manifest]], list[Finding]]
Container = Callable[[Manifest], list[Finding]]


def _when(found: Any, finding: Finding) -> list[Finding]:
    return [finding] if found else []


def _capabilities(container: Manifest) -> list[Finding]:
    capabilities = container["securityContext"].get("capabilities", {})
    kept = "ALL" not in capabilities.get("drop", ()) or capabilities.get("add")
    return _when(kept, "drop-net-raw-capability, C-0046 insecure capabilities")


def _secret_in_environment(container: Manifest) -> list[Finding]:
    named = [entry["name"] for entry in container.get("env", ()) if re.search("secret", entry["name"], re.I)]
    plain = {entry["name"] for entry in container.get("env", ()) if entry.get("value")}
    return _when(plain & set(named), "env-var-secret, C-0012 credentials in configuration")


def _twice_in_environment(container: Manifest) -> list[Finding]:
    names = [entry["name"] for entry in container.get("env", ())]
    return _when(len(names) > len(set(names)), "duplicate-env-var")


def _image(container: Manifest) -> list[Finding]:
    last = container["image"].rpartition("/")[2]
    return _when(":" not in last or last.endswith(":latest"), "latest-tag, C-0075 image pull policy on latest tag")


def _resources(container: Manifest) -> list[Finding]:
    asked = container.get("resources", {})
    enough = {"cpu", "memory"} <= asked.get("requests", {}).keys() and "memory" in asked.get("limits", {})
    return _when(not enough, "unset-cpu-requirements, unset-memory-requirements, C-0004, C-0268, C-0269, C-0271")


CONTAINERS: dict[str, Container] = {
    "privileged": lambda one: _when(one["securityContext"].get("privileged"), "privileged-container, C-0057"),
    "escalation": lambda one: _when(
        one["securityContext"].get("allowPrivilegeEscalation") is not False, "privilege-escalation-container, C-0016"
    ),
    "read-only": lambda one: _when(
        one["securityContext"].get("readOnlyRootFilesystem") is not True, "no-read-only-root-fs, C-0017"
    ),
    "capabilities": _capabilities,
    "secrets": _secret_in_environment,
    "environment": _twice_in_environment,
    "image": _image,
    "resources": _resources,
    "ssh": lambda one: _when(
        any(port["containerPort"] in (22, 2222) for port in one.get("ports", ())), "ssh-port, C-0042"
    ),
    "host ports": lambda one: _when(any("hostPort" in port for port in one.get("ports", ())), "C-0044 host port"),
    "privileged ports": lambda one: _when(
        any(port["containerPort"] < 1024 for port in one.get("ports", ())), "privileged-ports"
    ),
}


def _account(pod: Manifest, manifests: list[Manifest]) -> list[Finding]:
    accounts = {account["metadata"]["name"] for account in of_kind(manifests, "ServiceAccount")}
    missing = pod["spec"].get("serviceAccountName") not in accounts
    token = pod["spec"].get("automountServiceAccountToken") is not False
    old = "serviceAccount" in pod["spec"]
    return (
        _when(missing, "non-existent-service-account")
        + _when(old, "deprecated-service-account-field")
        + _when(token, "C-0034 automatic mapping of a token")
    )


def _host(pod: Manifest, _manifests: list[Manifest]) -> list[Finding]:
    shared = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod["spec"].get(key)]
    paths = [volume for volume in pod["spec"].get("volumes", ()) if "hostPath" in volume]
    return _when(
        shared or paths, "host-network, host-pid, host-ipc, docker-sock, sensitive-host-mounts, C-0038, C-0048"
    )


def _user(pod: Manifest, _manifests: list[Manifest]) -> list[Finding]:
    context = pod["spec"].get("securityContext", {})
    root = context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0
    return _when(root, "run-as-non-root, C-0013") + _when(context.get("sysctls"), "unsafe-sysctls")


def _isolated(pod: Manifest, manifests: list[Manifest]) -> list[Finding]:
    labels = pod["metadata"]["labels"].items()
    policies = [policy["spec"]["podSelector"]["matchLabels"].items() for policy in of_kind(manifests, "NetworkPolicy")]
    return _when(not any(selector <= labels for selector in policies), "non-isolated-pod, C-0260 no network policy")


PODS: dict[str, Pod] = {"account": _account, "host": _host, "user": _user, "network": _isolated}


def _valid_port(port: int | str) -> bool:
    """A number of a port, or a name as IANA's services have them (RFC 6335)."""
    if isinstance(port, int):
        return 1 <= port <= 65535
    return re.fullmatch(r"(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?", port) is not None


def _probes(manifest: Manifest) -> list[Finding]:
    found = []
    for container in manifest["spec"]["template"]["spec"]["containers"]:
        ports = {port["name"] for port in container.get("ports", ())}
        ports |= {port["containerPort"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container.get(probe, {})
            wanted = [asked[kind]["port"] for kind in ("httpGet", "tcpSocket", "grpc") if kind in asked]
            found += [f"{probe[:-5]}-port {port}" for port in wanted if port not in ports]
    return found


def _workload(manifest: Manifest) -> list[Finding]:
    template = manifest["spec"]["template"]
    selector = manifest["spec"]["selector"]["matchLabels"].items()
    found = _when(not selector <= template["metadata"]["labels"].items(), "mismatching-selector")
    told = f"{IGNORED}no-anti-affinity" in manifest["metadata"].get("annotations", {})
    several = manifest["spec"].get("replicas", 1) > 1
    found += _when(several and not told and not _apart(template), "no-anti-affinity")
    return found + _probes(manifest)


def _apart(template: Manifest) -> bool:
    """Whether an anti-affinity keeps pods of this template on different hosts, or would rather."""
    given = template["spec"].get("affinity", {}).get("podAntiAffinity", {})
    terms = [one["podAffinityTerm"] for one in given.get("preferredDuringSchedulingIgnoredDuringExecution", ())]
    terms += given.get("requiredDuringSchedulingIgnoredDuringExecution", ())
    labels = template["metadata"]["labels"].items()
    return any(
        term["topologyKey"] == "kubernetes.io/hostname"
        and term.get("labelSelector", {}).get("matchLabels", {}).items() <= labels
        for term in terms
    )


def _object(manifest: Manifest, manifests: list[Manifest]) -> list[Finding]:
    kind = manifest["kind"]
    templates = [template["metadata"]["labels"] for _, template in pod_templates(manifests)]
    if kind == "Service":
        selector = manifest["spec"]["selector"].items()
        targets = [port.get("targetPort", port["port"]) for port in manifest["spec"]["ports"]]
        return (
            _when(not any(selector <= labels.items() for labels in templates), "dangling-service")
            + _when(not all(map(_valid_port, targets)), "invalid-target-ports")
            + _when(manifest["spec"].get("type") in ("NodePort", "LoadBalancer"), "exposed-services, C-0256")
        )
    if kind == "PodDisruptionBudget":
        spec = manifest["spec"]
        frozen = spec.get("maxUnavailable") in (0, "0%") or "minAvailable" in spec
        policy = spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow"
        return _when(frozen, "pdb-max-unavailable, pdb-min-available") + _when(
            policy, "pdb-unhealthy-pod-eviction-policy"
        )
    if kind == "Job":
        return _when("ttlSecondsAfterFinished" not in manifest["spec"], "job-ttl-seconds-after-finished")
    if kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        return ["C-0015, C-0035, C-0187: the chart needs no rights in the cluster"]
    return _when("extensions/v1beta" in manifest["apiVersion"], "no-extensions-v1beta")


def _findings(manifests: list[Manifest]) -> list[Finding]:
    """What both tools would say of these objects."""
    findings = []
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        findings += [f"{name}: {finding}" for finding in _object(manifest, manifests)]
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            findings += [f"{name}: {finding}" for finding in _workload(manifest)]
    for name, pod in pod_templates(manifests):
        findings += [f"{name}: {finding}" for rule in PODS.values() for finding in rule(pod, manifests)]
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]:
            findings += [f"{name}: {finding}" for rule in CONTAINERS.values() for finding in rule(container)]
    return findings


@pytest.mark.parametrize("example", [None, *EXAMPLES], ids=lambda path: path.stem if path else "defaults")
def test_linters_would_find_nothing_high(example: Any) -> None:
    """No object of the defaults or of an example breaks a rule of the two linters."""
    assert _findings(render(example) if example else render()) == []


def test_several_pods_say_why_nothing_keeps_them_apart() -> None:
    """Deployments have no anti-affinity; kube-linter is told what they have in its place, and that is true."""
    for manifests in (render(), *(render(example) for example in EXAMPLES)):
        for deployment in of_kind(manifests, "Deployment"):
            said = deployment["metadata"]["annotations"][f"{IGNORED}no-anti-affinity"]
            spec = deployment["spec"]["template"]["spec"]
            if "topologySpreadConstraints" in said:
                assert spec["topologySpreadConstraints"]
            else:
                assert spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]


def test_every_rule_finds_what_breaks_it() -> None:
    """On objects that are wrong in every way each default check of kube-linter, and each rule here, speaks."""
    container: Manifest = {
        "securityContext": {"privileged": True, "capabilities": {"add": ["NET_RAW"]}},
        "image": "redis",
        "env": [{"name": "MY_SECRET", "value": "x"}, {"name": "MY_SECRET", "value": "y"}],
        "ports": [{"name": "ssh", "containerPort": 22, "hostPort": 22}],
        **{f"{probe}Probe": {"tcpSocket": {"port": 99}} for probe in ("startup", "readiness", "liveness")},
    }
    assert [name for name, rule in CONTAINERS.items() if not rule(container)] == []
    pod: Manifest = {
        "metadata": {"labels": {"app": "a"}},
        "spec": {
            "serviceAccount": "nobody",
            "hostNetwork": True,
            "securityContext": {"runAsUser": 0, "sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
            "containers": [container],
        },
    }
    assert [name for name, rule in PODS.items() if not rule(pod, [])] == []
    workload = {"replicas": 2, "selector": {"matchLabels": {"app": "b"}}, "template": pod}
    service = {"selector": {"app": "c"}, "ports": [{"port": 1, "targetPort": "no_such--name"}]}
    budget = {"maxUnavailable": 0, "minAvailable": 1}
    wrong: list[Manifest] = [
        {"kind": "Deployment", "apiVersion": "extensions/v1beta1", "metadata": {"name": "d"}, "spec": workload},
        {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s"}, "spec": service},
        {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": {"name": "b"}, "spec": budget},
    ]
    said = " ".join(_findings(wrong))
    assert [check for check in KUBE_LINTER_DEFAULTS if check not in said] == []
