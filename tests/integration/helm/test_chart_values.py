"""The closed schema of the chart's values: what is unknown or wrong is refused, with its place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.helm.reference import rows, table, undescribed
from deploy.rehearsal.chart import CHART, ChartRefused, Manifest, of_kind, pod_templates, render

WRONG: dict[str, tuple[str, ...]] = {
    "an unknown key": ("replicas=3",),
    "an unknown key in a component": ("gateway.replica=3",),
    "an unknown key in a stage": ("stages.mesh.worker=3",),
    "an unknown stage": ("stages.upscale.replicas=1",),
    "a misspelt switch": ("networkPolicy.enable=false",),
    "a word for a number": ("gateway.replicas=many",),
    "a number below its range": ("stages.mesh.workers=0",),
    "a number above its range": ("gateway.service.port=70000",),
    "a word for a switch": ('ingress.enabled="yes"',),
    "an unknown artifact store": ("artifacts.type=gcs",),
    "an unknown Redis mode": ("redis.mode=sentinel",),
    "an unknown autoscaler": ("worker.autoscaling.mode=vpa",),
    "an unknown metric": ("gateway.autoscaling.metric=memory",),
    "a utilisation over 100": ("gateway.autoscaling.target=170",),
    "an unknown licence policy": ("licensePolicy=none",),
    "a URL with a path": ("publicUrl=https://studio.example.com/api",),
    "a URL of another scheme": ("publicUrl=ftp://studio.example.com",),
    "a quantity with another unit": ("artifacts.pvc.size=50GiB",),
    "files on a volume that one pod alone may mount": ('artifacts.pvc.accessModes=["ReadWriteOncePod"]',),
    "weights on a volume that one pod alone may mount": ('models.persistence.accessModes=["ReadWriteOncePod"]',),
    "a digest that is none": ("image.digests.gateway=latest",),
    "a digest of an unknown image": ('image.digests={"gui":"sha256:0"}',),
    "a setting of a foreign name": ("gateway.env.PATH=/tmp",),
    "a setting that is no string": ("gateway.env.LENSORA_PORT=8000",),
    "a bucket without a name": ("artifacts.type=s3",),
    "an external Redis without a Secret": ("redis.mode=external", "redis.external.address=redis:6379"),
    "an external Redis without an address": ("redis.mode=external", "redis.external.existingSecret=redis"),
    "Triton without a pool": ("stages.segment.inference=triton",),
    "CUDA without a GPU": ("stages.segment.device=cuda",),
    "neural nets in the stage that has none": (
        "stages.render.inference=triton",
        "stages.render.tritonPool=small",
        'triton.pools={"small":{"models":["isnet-general-use"]}}',
    ),
    "a pool with a capital letter": ('triton.pools={"Small":{"models":["isnet"]}}',),
    "an unknown key for all pods": ("podDefaults.nodeSelectors.a=b",),
    "a variable without a name": ('gateway.extraEnv=[{"value":"a"}]',),
    "a sentinel without a port": ('redis.external.sentinels=["sentinel"]',),
    "an unknown family": ('services.ipFamilies=["IPv5"]',),
    "a certificate's time that is no number of hours": ("rpc.tls.certManager.duration=90d",),
    "an unknown key of calls": ("rpc.tls.enable=true",),
    "a scrape that comes too seldom for the rules": ("monitoring.monitors.interval=2m",),
    "a scrape of more than a minute in seconds": ("monitoring.monitors.interval=61s",),
    "a scrape without a pause": ("monitoring.monitors.interval=0s",),
    "a toleration with a wrong effect": ('worker.tolerations=[{"key":"a","effect":"Never"}]',),
}

CONTRADICTORY: dict[str, tuple[tuple[str, ...], str]] = {
    "a stage in a pool that is not there": (
        ("stages.segment.inference=triton", "stages.segment.tritonPool=large"),
        "stages.segment.tritonPool",
    ),
    "a pool without models": (('triton.pools={"small":{}}',), "triton.pools.small.models"),
    "a bucket that no policy opens": (
        ("artifacts.type=s3", "artifacts.s3.bucket=bucket"),
        "artifacts.s3.networkPolicyPeers",
    ),
    "an external Redis that no policy opens": (
        ("redis.mode=external", "redis.external.existingSecret=redis", "redis.external.address=redis:6379"),
        "redis.external.networkPolicyPeers",
    ),
    "KEDA by sentinels without the primary's name": (
        (
            "redis.mode=external",
            "redis.external.existingSecret=redis",
            "redis.external.address=redis:6379",
            'redis.external.networkPolicyPeers=[{"namespaceSelector":{}}]',
            'redis.external.sentinels=["sentinel:26379"]',
            "worker.autoscaling.mode=keda",
        ),
        "redis.external.sentinelService",
    ),
    "a gateway of at least more pods than at most": (
        ("gateway.autoscaling.enabled=true", "gateway.autoscaling.maxReplicas=1"),
        "gateway.autoscaling.minReplicas is 2, which is more than its maxReplicas, 1",
    ),
    "a stage of at least more pods than at most": (
        ("stages.mesh.autoscaling.enabled=true", "stages.mesh.autoscaling.minReplicas=11"),
        "stages.mesh.autoscaling.minReplicas is 11",
    ),
    "a pool of at least more pods than at most": (
        ('triton.pools={"small":{"models":["a"],"autoscaling":{"enabled":true,"minReplicas":5}}}',),
        "triton.pools.small.autoscaling.minReplicas is 5",
    ),
    "a worker of at least more pods than at most, on KEDA": (
        ("worker.autoscaling.mode=keda", "worker.autoscaling.minReplicas=21"),
        "worker.autoscaling.minReplicas is 21",
    ),
    "a worker of at least more pods than at most": (
        ("worker.autoscaling.mode=hpa", "worker.autoscaling.minReplicas=21"),
        "worker.autoscaling.minReplicas is 21",
    ),
    "a prefix with a dot": (("fullnameOverride=films.example",), "set fullnameOverride"),
    "a prefix that starts with a digit": (("fullnameOverride=3d",), "set fullnameOverride"),
    "a pool whose Service would have too long a name": (
        (f"fullnameOverride={'f' * 40}", 'triton.pools={"of-16-characters":{"models":["a"]}}'),
        "63 are the most",
    ),
    "two families on one stack": (
        ("services.ipFamilyPolicy=SingleStack", 'services.ipFamilies=["IPv6","IPv4"]'),
        "services.ipFamilyPolicy",
    ),
    "a certificate that is renewed before it is made": (
        ("rpc.tls.certManager.enabled=true", "rpc.tls.certManager.duration=720h"),
        "rpc.tls.certManager.renewBefore",
    ),
    "Redis's address as a plain setting": (
        ('worker.env={"LENSORA_REDIS_URL":"redis://mine:6379/0"}',),
        "LENSORA_REDIS_URL would be ignored: pods take it from a Secret, yours by redis.external.existingSecret",
    ),
    "signing keys as a plain setting": (
        ('gateway.env={"LENSORA_URL_SIGNING_KEYS":"k"}',),
        "gateway.env.LENSORA_URL_SIGNING_KEYS would be ignored",
    ),
    "a GPU whose stage runs on the CPU": (
        ("stages.segment.gpu.enabled=true",),
        "stages.segment.gpu.enabled asks for a GPU that device cpu leaves unused: set stages.segment.device to cuda",
    ),
    "a GPU whose stage asks Triton": (
        (
            "stages.segment.gpu.enabled=true",
            "stages.segment.device=cuda",
            "stages.segment.inference=triton",
            "stages.segment.tritonPool=small",
            'triton.pools={"small":{"models":["isnet-general-use"]}}',
        ),
        "stages.segment.gpu.enabled asks for a GPU that inference triton leaves unused",
    ),
    "a gateway's drain that the pod's grace does not know": (
        ('gateway.env={"LENSORA_DRAIN_SECONDS":"120"}',),
        "gateway.env.LENSORA_DRAIN_SECONDS would not lengthen the pod's grace: set gateway.drainSeconds",
    ),
    "a notice that the pod's grace does not know": (
        ('gateway.env={"LENSORA_DRAIN_NOTICE_SECONDS":"30"}',),
        "gateway.env.LENSORA_DRAIN_NOTICE_SECONDS would not lengthen the pod's grace: set gateway.preStopSeconds",
    ),
    "a worker's drain that the pod's grace does not know": (
        ('worker.env={"LENSORA_DRAIN_SECONDS":"120"}',),
        "set worker.drainSeconds",
    ),
    "a stage's drain that the pod's grace does not know": (
        ('stages.mesh.env={"LENSORA_DRAIN_SECONDS":"120"}',),
        "set stages.mesh.drainSeconds",
    ),
    "a stage that would never scale": (
        ("stages.mesh.autoscaling.enabled=true", "stages.mesh.autoscaling.metric=running"),
        "stages.mesh.autoscaling.target is 60 calls that run or wait, and one pod takes 10 at most",
    ),
    "an Ingress without a host": (("ingress.enabled=true",), "ingress.hosts"),
    "a route without a Gateway": (("httpRoute.enabled=true",), "httpRoute.parentRefs"),
}


@pytest.mark.parametrize("case", WRONG)
def test_schema_refuses(case: str) -> None:
    """Helm refuses the value by the schema and names its path."""
    sets = WRONG[case]
    with pytest.raises(ChartRefused) as refused:
        render(sets=sets)
    sentence = str(refused.value)
    assert "don't meet the specifications of the schema" in sentence
    top = sets[0].partition("=")[0].split(".")[0]
    assert top in sentence


@pytest.mark.parametrize("case", CONTRADICTORY)
def test_templates_refuse_contradictions(case: str) -> None:
    """Values that are each right but do not fit together are refused by a sentence that names what to set."""
    sets, named = CONTRADICTORY[case]
    with pytest.raises(ChartRefused) as refused:
        render(sets=sets)
    assert named in str(refused.value)


def test_a_scrape_may_come_each_minute() -> None:
    """Two samples then lie in the shortest window of the rules."""
    (monitor,) = of_kind(
        render(sets=("monitoring.monitors.enabled=true", "monitoring.monitors.interval=60s")), "PodMonitor"
    )
    assert monitor["spec"]["podMetricsEndpoints"][0]["interval"] == "60s"
    windows = re.findall(r"\[(\d+)m\]", (CHART / "rules" / "lensora.yaml").read_text())
    assert min(map(int, windows)) == 2


def test_a_pool_takes_a_part_of_its_disruption_budget() -> None:
    """What a pool leaves out of its budget is that of triton.defaults, as in all of its other sections."""
    path = "triton.pools.small.podDisruptionBudget"

    def budgets(value: str) -> list[object]:
        found = of_kind(render(CHART / "examples" / "small-gpu.yaml", sets=(f"{path}.{value}",)), "PodDisruptionBudget")
        return [one["spec"]["maxUnavailable"] for one in found if one["metadata"]["name"].endswith("-triton-small")]

    assert budgets("maxUnavailable=50%") == ["50%"]
    assert budgets("enabled=true") == [1]
    assert budgets("enabled=false") == []
    with pytest.raises(ChartRefused, match="maxUnavailable"):
        budgets("maxUnavailable=0")


def _paths(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))


def _without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The values as helm sees them when this one is null: the key is gone."""
    changed = copy.deepcopy(values)
    section = changed
    for key in path[:-1]:
        section = section[key]
    del section[path[-1]]
    return changed


def test_null_is_taken_or_refused_by_the_schema() -> None:
    """A value that is set to null is either refused by the schema, or rendered as nothing: no template fails on it."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = jsonschema.Draft202012Validator(json.loads((CHART / "values.schema.json").read_text()))
    schema.validate(values)
    may_be_null = [path for path in _paths(values) if schema.is_valid(_without(values, path))]
    named = {".".join(path) for path in may_be_null}
    assert {"stages.detect.resources", "stages.detect.gpu", "image.digests", "gateway.autoscaling"} <= named
    assert not {"gateway.replicas", "worker.jobs", "publicUrl", "redis.builtin.image"} & named
    # Deeper ones apart from those above them, which would hide them.
    for depth in range(1, max(map(len, may_be_null)) + 1):
        nulls = tuple(f"{'.'.join(path)}=null" for path in may_be_null if len(path) == depth)
        if nulls:
            pool = 'triton.pools={"a":{"models":["b"]}}'
            render(sets=nulls if "triton.pools=null" in nulls else (pool, *nulls))


KUBERNETES_OWN = (
    "affinity",
    "peers",
    "openMap",
    "securityContext",
    "listOfObjects",
    "extra",
    "topologySpreadConstraints",
)
"""Starts of definitions that take an object of Kubernetes as it is; the API server checks those."""


def _open_places(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        closed = node.get("additionalProperties") is False or isinstance(node.get("additionalProperties"), dict)
        if node.get("type") == "object" and not closed:
            yield path
        for key, value in node.items():
            yield from _open_places(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _open_places(value, f"{path}/{index}")


def test_the_schema_is_closed() -> None:
    """No section of the values takes a key that nobody reads; only objects of Kubernetes, and helm's own, are open."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    ours = {
        place
        for place in _open_places(schema)
        if place != "/properties/global" and not place.startswith(tuple(f"/$defs/{name}" for name in KUBERNETES_OWN))
    }
    assert ours == set()


def test_every_value_is_described_in_the_table() -> None:
    """Each value has a comment, and the table in the chart's README is what values.yaml makes."""
    values = (CHART / "values.yaml").read_text()
    assert undescribed(values) == []
    assert table(values) in (CHART / "README.md").read_text()


OWN_SECRETS: dict[str, tuple[str, ...]] = {
    "secrets.existingSecret": (),
    "rpc.tokensSecret": (),
    "artifacts.s3.existingSecret": ("artifacts.type=s3", "artifacts.s3.bucket=bucket", "networkPolicy.enabled=false"),
    "redis.builtin.existingSecret": (),
    "redis.external.existingSecret": (
        "redis.mode=external",
        "redis.external.address=redis:6379",
        "networkPolicy.enabled=false",
    ),
    "gateway.adminTokenSecret": (),
}
"""Values that name a Secret of the operator's, and what must be set beside them."""


def _keys_read(template: Manifest, secret: str) -> Iterator[str]:
    for container in template["spec"]["containers"]:
        for entry in container.get("env", ()):
            reference = entry.get("valueFrom", {}).get("secretKeyRef", {})
            if reference.get("name") == secret:
                yield reference["key"]
    for volume in template["spec"]["volumes"]:
        if volume.get("secret", {}).get("secretName") == secret:
            yield from (item["key"] for item in volume["secret"].get("items", ()))


@pytest.mark.parametrize("value", OWN_SECRETS)
def test_the_keys_of_ones_own_secret_are_told(value: str) -> None:
    """Every key that a pod reads from it stands in the value's description: a pod without one does not start."""
    manifests = render(sets=(f"{value}=ours-alone", *OWN_SECRETS[value]))
    read = {key for _, template in pod_templates(manifests) for key in _keys_read(template, "ours-alone")}
    (told,) = (row.description for row in rows((CHART / "values.yaml").read_text()) if row.path == value)
    assert read
    assert {key for key in read if key not in told} == set()
