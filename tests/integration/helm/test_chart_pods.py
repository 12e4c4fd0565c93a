"""What operators set for pods, for all of them or for one component, and where the scheduler may put them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.rehearsal.chart import CHART, EXAMPLES, Manifest, named, notes, of_kind, pod_templates, render, render_text
from deploy.rehearsal.schemas import validate

POD = {
    "podSecurityContext": {"runAsUser": 5000, "supplementalGroups": [7]},
    "securityContext": {"readOnlyRootFilesystem": False},
    "priorityClassName": "business",
    "podLabels": {"team": "studio"},
    "podAnnotations": {"example.com/owner": "studio"},
    "extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "mine"}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
    "extraInitContainers": [{"name": "wait", "image": "busybox:1.37", "command": ["true"]}],
    "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "nodeSelector": {"pool": "studio"},
    "tolerations": [{"key": "studio", "operator": "Exists"}],
}

COMPONENTS = {
    "gateway": "Deployment/studio-lensora-gateway",
    "worker": "Deployment/studio-lensora-worker",
    "stages.mesh": "Deployment/studio-lensora-mesh",
    "triton.pools.small": "Deployment/studio-lensora-triton-small",
    "redis.builtin": "StatefulSet/studio-lensora-redis",
    "models.pull": "Job/studio-lensora-models",
    "tests": "Pod/studio-lensora-test",
}
TRITON = 'triton.pools={"small":{"models":["isnet-general-use"]}}'


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Every pod template by the name of its owner, without the hash of the job for weights."""
    found = {}
    for name, template in pod_templates(manifests):
        found[name.rpartition("-")[0] if name.startswith("Job/") else name] = template
    return found


def holds(name: str, template: Manifest) -> None:
    """The template has everything of POD."""
    spec, metadata = template["spec"], template["metadata"]
    main = spec["containers"][0]
    assert spec["securityContext"]["runAsUser"] == 5000, name
    assert spec["securityContext"]["supplementalGroups"] == [7], name
    assert spec["securityContext"]["runAsNonRoot"] is True, f"{name}: the defaults stay beside"
    assert main["securityContext"]["readOnlyRootFilesystem"] is False, name
    assert main["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
    assert spec["priorityClassName"] == "business", name
    assert metadata["labels"]["team"] == "studio", name
    assert metadata["annotations"]["example.com/owner"] == "studio", name
    assert {"name": "OTEL_SERVICE_NAME", "value": "mine"} in main["env"], name
    assert {"name": "ca", "configMap": {"name": "ca"}} in spec["volumes"], name
    assert {"name": "ca", "mountPath": "/etc/ca"} in main["volumeMounts"], name
    assert spec["initContainers"][0]["name"] == "wait", name
    assert "nodeAffinity" in spec["affinity"], name
    assert spec["nodeSelector"] == {"pool": "studio"}, name
    assert spec["tolerations"] == [{"key": "studio", "operator": "Exists"}], name


def test_the_charts_own_labels_stay() -> None:
    """Selectors and ``lensora doctor`` go by them: a label of an operator's does not replace them."""
    own = [f"app.kubernetes.io/{name}" for name in ("name", "instance", "component", "part-of")]
    sets = (TRITON, f"podDefaults.podLabels={json.dumps({**dict.fromkeys(own, 'mine'), 'team': 'studio'})}")
    for name, template in pods(render(sets=sets)).items():
        labels = template["metadata"]["labels"]
        assert labels["team"] == "studio", name
        assert "mine" not in labels.values(), name
    assert ": mine" not in render_text(sets=sets)


def test_defaults_reach_every_pod() -> None:
    """Each key of podDefaults is in each pod that the chart makes, and what comes out is valid."""
    manifests = render(sets=(TRITON, f"podDefaults={json.dumps(POD)}"))
    found = pods(manifests)
    assert set(COMPONENTS.values()) <= set(found)
    for name, template in found.items():
        holds(name, template)
    for manifest in of_kind(manifests, "Deployment", "StatefulSet", "Job", "Pod"):
        validate(manifest, "1.33")
    (constraint,) = found["Deployment/studio-lensora-gateway"]["spec"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "rack"
    assert constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"


def test_a_selector_of_ones_own_spreads_what_it_selects() -> None:
    """A constraint with a labelSelector keeps it as it is: the component's labels do not narrow it."""
    selector = {"matchLabels": {"app.kubernetes.io/part-of": "lensora"}}
    constraint = {"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    gateway = pods(render(sets=(f"gateway.topologySpreadConstraints={json.dumps([constraint])}",)))[
        "Deployment/studio-lensora-gateway"
    ]
    assert gateway["spec"]["topologySpreadConstraints"] == [constraint]


def test_a_component_differs_from_the_default() -> None:
    """Each component takes the same keys for itself alone: maps are laid over the default's, lists take their place."""
    sets = [f"{component}={json.dumps(POD)}" for component in COMPONENTS if "pools" not in component]
    sets.append(f"triton.pools={json.dumps({'small': {'models': ['isnet-general-use'], **POD}})}")
    shared = {"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    found = pods(render(sets=(*sets, f"podDefaults={json.dumps(shared)}")))
    for owner in COMPONENTS.values():
        spec = found[owner]["spec"]
        assert spec["nodeSelector"] == {"disk": "fast", "pool": "studio"}, owner
        spec = {**spec, "nodeSelector": {"pool": "studio"}}
        holds(owner, {**found[owner], "spec": spec})
    other = found["Deployment/studio-lensora-detect"]
    assert other["spec"]["nodeSelector"] == {"disk": "fast"}
    assert "team" not in other["metadata"]["labels"]
    assert other["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_openshift_chooses_the_users() -> None:
    """On OpenShift no pod asks for a user, group or fsGroup, every pod is still restricted, and DNS is OpenShift's."""
    manifests = render(sets=("openshift.enabled=true", TRITON))
    for name, template in pod_templates(manifests):
        context = template["spec"]["securityContext"]
        assert not {"runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy"} & context.keys(), name
        assert context["runAsNonRoot"] is True, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
    base = named(manifests, "NetworkPolicy", "studio-lensora-base")["spec"]["egress"][0]
    assert base["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "openshift-dns"}
    assert {port["port"] for port in base["ports"]} == {53, 5353}


@pytest.mark.parametrize("changed", ["image.tag=9.9.9", "stages.mesh.workers=3", "log.level=debug"])
def test_an_upgrade_restarts_what_changed(changed: str) -> None:
    """Another release or setting changes the pods that it concerns; Redis's pod stays, so it does not restart."""
    before, after = pods(render()), pods(render(sets=(changed,)))
    moved = {name for name in before if before[name] != after[name]}
    assert "StatefulSet/studio-lensora-redis" not in moved
    assert moved, "something restarts"
    if changed.startswith("stages"):
        assert moved == {"Deployment/studio-lensora-mesh"}


def test_no_pod_carries_a_version() -> None:
    """Labels that change with each release are on objects, not on pods: a pod restarts for what it runs alone."""
    for name, template in pod_templates(render(sets=(TRITON,))):
        assert not {"app.kubernetes.io/version", "helm.sh/chart"} & template["metadata"]["labels"].keys(), name


def _together(spec: Manifest) -> list[str]:
    terms = spec.get("affinity", {}).get("podAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", [])
    return [
        value
        for term in terms
        if term["topologyKey"] == "kubernetes.io/hostname"
        for value in term["labelSelector"]["matchExpressions"][0]["values"]
    ]


SHARED = ('artifacts.pvc.accessModes=["ReadWriteMany"]', 'models.persistence.accessModes=["ReadWriteMany"]')


def test_pods_that_share_a_volume_of_one_node_go_to_one_node() -> None:
    """Every pod that mounts a ReadWriteOnce claim requires the node of the others; further pods do not."""
    found = pods(render(sets=(TRITON,)))
    claims = {"studio-lensora-artifacts", "studio-lensora-models"}
    sharing = {
        name: template["metadata"]["labels"]["app.kubernetes.io/component"]
        for name, template in found.items()
        for volume in template["spec"]["volumes"]
        if volume.get("persistentVolumeClaim", {}).get("claimName") in claims
    }
    assert len(sharing) == 8
    for name, template in found.items():
        if name in sharing:
            assert set(_together(template["spec"])) == set(sharing.values()), name
            assert "topologySpreadConstraints" not in template["spec"], name
        else:
            assert not _together(template["spec"]), name


def test_pods_that_move_together_have_no_budget() -> None:
    """A drained node would keep them for ever: the first that goes can start nowhere, and a budget holds the others."""
    bound = render(sets=(TRITON, "gateway.replicas=3"))
    assert not of_kind(bound, "PodDisruptionBudget")
    free = of_kind(render(sets=(TRITON, *SHARED)), "PodDisruptionBudget")
    components = ("gateway", "worker", "detect", "segment", "mesh", "render", "triton-small")
    assert {one["metadata"]["name"] for one in free} == {f"studio-lensora-{name}" for name in components}
    less = of_kind(render(sets=(*SHARED, "gateway.podDisruptionBudget.enabled=false")), "PodDisruptionBudget")
    assert {one["metadata"]["name"] for one in less} == {f"studio-lensora-{name}" for name in components[1:-1]}
    # Weights on a volume of one node, files on a shared one: only those that mount the weights stay without.
    half = of_kind(render(sets=(TRITON, SHARED[0])), "PodDisruptionBudget")
    assert {one["metadata"]["name"] for one in half} == {
        f"studio-lensora-{name}" for name in ("gateway", "worker", "mesh", "render")
    }


def test_pods_spread_where_volumes_are_shared() -> None:
    """With ReadWriteMany volumes, or a bucket, pods are spread over nodes and zones, and none is bound to another."""
    found = pods(render(sets=SHARED))
    for name, template in found.items():
        assert not _together(template["spec"]), name
        if name.startswith("Deployment/"):
            keys = {one["topologyKey"] for one in template["spec"]["topologySpreadConstraints"]}
            assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name


CPU = {"m": 0.001, "": 1.0}
MEMORY = {"Mi": 1.0, "Gi": 1024.0}
"""In cores, and in MiB."""


def _amount(quantity: Any, units: dict[str, float]) -> float:
    text = str(quantity)
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * units[unit]


def test_one_node_has_room_for_a_rollout() -> None:
    """On 4 cores and 12 GiB, half a core and 1.5 GiB being Kubernetes's, all pods and a surge of each fit."""
    cores = mebibytes = 0.0
    for manifest in render(CHART / "examples" / "single-node-cpu.yaml"):
        for _, template in pod_templates([manifest]):
            copies = manifest["spec"].get("replicas", 1)
            if manifest["kind"] == "Deployment":
                copies += manifest["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            for container in template["spec"]["containers"]:
                requests = container["resources"]["requests"]
                cores += copies * _amount(requests["cpu"], CPU)
                mebibytes += copies * _amount(requests["memory"], MEMORY)
    assert cores <= 3.5
    assert mebibytes <= 10.5 * 1024


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_images_come_from_the_registry(example: Any) -> None:
    """Every image of ours has a registry before its name and a tag or a digest behind it."""
    for name, template in pod_templates(render(example)):
        for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]:
            image = container["image"]
            assert image.count("/") >= 2, f"{name}: {image}"
            assert ":" in image.rpartition("/")[2], f"{name}: {image}"


def test_services_take_the_families() -> None:
    """ipFamilyPolicy and ipFamilies reach every Service; without them the cluster decides."""
    manifests = render(sets=("services.ipFamilyPolicy=PreferDualStack", 'services.ipFamilies=["IPv6","IPv4"]', TRITON))
    for service in of_kind(manifests, "Service"):
        assert service["spec"]["ipFamilyPolicy"] == "PreferDualStack"
        assert service["spec"]["ipFamilies"] == ["IPv6", "IPv4"]
        validate(service, "1.33")
    for service in of_kind(render(), "Service"):
        assert not {"ipFamilyPolicy", "ipFamilies"} & service["spec"].keys()


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ((), "detect, gateway, mesh, models, render, segment, worker"),
        (("artifacts.pvc.existingClaim=mine",), "detect, gateway, mesh, models, render, segment, worker"),
        (("artifacts.type=s3", "artifacts.s3.bucket=bucket", "networkPolicy.enabled=false"), "detect, models, segment"),
        (('artifacts.pvc.accessModes=["ReadWriteMany"]', 'models.persistence.accessModes=["ReadWriteMany"]'), ""),
    ],
)
def test_the_notes_say_what_must_share_a_node(sets: tuple[str, ...], told: str) -> None:
    """Whichever volume it is for, and whoever made it."""
    pinned = [line.rpartition(": ")[2].rstrip(".") for line in notes(sets=sets).splitlines() if "on one node" in line]
    assert pinned == ([told] if told else [])
