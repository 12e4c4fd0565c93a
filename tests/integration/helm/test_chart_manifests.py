"""The chart rendered by the real helm, each example and toggle, held to the schemas of three Kubernetes versions."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.rehearsal.chart import CHART, EXAMPLES, Manifest, lint, named, of_kind, pod_templates, render
from deploy.rehearsal.schemas import validate
from gateway.http.studio.upload import FORM_OVERHEAD_BYTES
from lensora.imaging.limits import MAX_BYTES

KUBERNETES_VERSIONS = ("1.30", "1.33", "1.36")
"""The oldest that the chart takes, one in the middle, and a new one."""

CRDS = Path(__file__).parent / "crds"
"""Closed schemas of the custom resources, as far as the chart uses them."""

TRITON = (
    'triton.pools={"small":{"models":["isnet-general-use"]}}',
    "stages.segment.inference=triton",
    "stages.segment.tritonPool=small",
)
S3 = (
    "artifacts.type=s3",
    "artifacts.s3.bucket=bucket",
    'artifacts.s3.networkPolicyPeers=[{"ipBlock":{"cidr":"10.9.0.0/16"}}]',
)
SHARED = ('artifacts.pvc.accessModes=["ReadWriteMany"]', 'models.persistence.accessModes=["ReadWriteMany"]')
EXTERNAL_REDIS = (
    "redis.mode=external",
    "redis.external.existingSecret=outside",
    "redis.external.address=redis.data.svc:6380",
    'redis.external.networkPolicyPeers=[{"namespaceSelector":{}}]',
)

TOGGLES: dict[str, tuple[tuple[str, ...], set[str], set[str]]] = {
    "calls by cert-manager's certificates": (
        ("rpc.tls.certManager.enabled=true",),
        {
            *(f"{kind}/studio-lensora-rpc-tls" for kind in ("Issuer", "Certificate")),
            "Issuer/studio-lensora-rpc-tls-start",
            "Certificate/studio-lensora-rpc-tls-ca",
        },
        {"Secret/studio-lensora-rpc-tls"},
    ),
    "calls by a certificate of one's own": (
        ("rpc.tls.existingSecret=ours",),
        set(),
        {"Secret/studio-lensora-rpc-tls"},
    ),
    "calls by a token alone": (
        ("rpc.tls.enabled=false", "rpc.tokensSecret=ours"),
        set(),
        {"Secret/studio-lensora-rpc-tls"},
    ),
    "gateway autoscaling": (
        ("gateway.autoscaling.enabled=true",),
        {"HorizontalPodAutoscaler/studio-lensora-gateway"},
        set(),
    ),
    "gateway autoscaling on requests": (
        ("gateway.autoscaling.enabled=true", "gateway.autoscaling.metric=requests", "gateway.autoscaling.target=100"),
        {"HorizontalPodAutoscaler/studio-lensora-gateway"},
        set(),
    ),
    "volumes that every node may mount": (
        SHARED,
        {f"PodDisruptionBudget/studio-lensora-{name}" for name in ("gateway", "worker", "detect", "mesh")},
        set(),
    ),
    "three without disruption budget": (
        (*SHARED, *(f"{name}.podDisruptionBudget.enabled=false" for name in ("gateway", "worker", "stages.mesh"))),
        {f"PodDisruptionBudget/studio-lensora-{name}" for name in ("detect", "segment", "render")},
        set(),
    ),
    "worker on KEDA": (
        ("worker.autoscaling.mode=keda",),
        {"ScaledObject/studio-lensora-worker", "TriggerAuthentication/studio-lensora-worker"},
        set(),
    ),
    "worker on KEDA and external Redis": (
        (
            *EXTERNAL_REDIS,
            "worker.autoscaling.mode=keda",
            "redis.external.tls=true",
            "redis.external.caSecret=ca",
            "redis.external.passwordKey=password",
        ),
        {"ScaledObject/studio-lensora-worker", "TriggerAuthentication/studio-lensora-worker"},
        set(),
    ),
    "worker on KEDA and external Redis without a password": (
        (*EXTERNAL_REDIS, "worker.autoscaling.mode=keda"),
        {"ScaledObject/studio-lensora-worker"},
        set(),
    ),
    "worker on KEDA and Redis behind Sentinel": (
        (
            *EXTERNAL_REDIS,
            "worker.autoscaling.mode=keda",
            'redis.external.sentinels=["sentinel-0.data.svc:26379","sentinel-1.data.svc:26379"]',
            "redis.external.sentinelService=films",
            "redis.external.passwordKey=password",
            "redis.external.sentinelPasswordKey=sentinel-password",
        ),
        {"ScaledObject/studio-lensora-worker", "TriggerAuthentication/studio-lensora-worker"},
        set(),
    ),
    "worker on HPA": (
        ("worker.autoscaling.mode=hpa",),
        {"HorizontalPodAutoscaler/studio-lensora-worker"},
        set(),
    ),
    "stage autoscaling": (
        ("stages.mesh.autoscaling.enabled=true",),
        {"HorizontalPodAutoscaler/studio-lensora-mesh"},
        set(),
    ),
    "stage on a GPU": (("stages.render.gpu.enabled=true", "stages.render.gpu.runtimeClassName=nvidia"), set(), set()),
    "stage with CUDA in its process": (
        ("stages.segment.gpu.enabled=true", "stages.segment.device=cuda"),
        set(),
        set(),
    ),
    "stages without preStop": (("stages.mesh.preStopSeconds=0", "gateway.preStopSeconds=0"), set(), set()),
    "a Triton pool": (
        (*TRITON, SHARED[1]),
        {
            "Deployment/studio-lensora-triton-small",
            "Service/studio-lensora-triton-small",
            "NetworkPolicy/studio-lensora-triton-small",
            "PodDisruptionBudget/studio-lensora-triton-small",
            "ServiceAccount/studio-lensora-triton-small",
        },
        set(),
    ),
    "a Triton pool that scales": (
        ('triton.pools={"small":{"models":["isnet-general-use"],"autoscaling":{"enabled":true}}}', SHARED[1]),
        {"HorizontalPodAutoscaler/studio-lensora-triton-small", "PodDisruptionBudget/studio-lensora-triton-small"},
        set(),
    ),
    "artifacts in a bucket": (S3, set(), {"PersistentVolumeClaim/studio-lensora-artifacts"}),
    "artifacts in a bucket with keys": (
        (*S3, "artifacts.s3.existingSecret=keys", "artifacts.s3.endpoint=http://minio:9000", "artifacts.s3.region=eu"),
        set(),
        {"PersistentVolumeClaim/studio-lensora-artifacts"},
    ),
    "artifacts on a claim that exists": (
        ("artifacts.pvc.existingClaim=mine",),
        set(),
        {"PersistentVolumeClaim/studio-lensora-artifacts"},
    ),
    "external Redis": (
        EXTERNAL_REDIS,
        set(),
        {
            "StatefulSet/studio-lensora-redis",
            "Service/studio-lensora-redis",
            "ConfigMap/studio-lensora-redis",
            "Secret/studio-lensora-redis-auth",
            "NetworkPolicy/studio-lensora-redis",
            "ServiceAccount/studio-lensora-redis",
        },
    ),
    "Redis with a Secret that exists": (
        ("redis.builtin.existingSecret=mine",),
        set(),
        {"Secret/studio-lensora-redis-auth"},
    ),
    "signing keys that exist": (("secrets.existingSecret=mine",), set(), {"Secret/studio-lensora-signing"}),
    "no job for weights": (("models.pull.enabled=false",), set(), {"NetworkPolicy/studio-lensora-models"}),
    "weights on a claim that exists": (
        ("models.persistence.existingClaim=mine",),
        set(),
        {"PersistentVolumeClaim/studio-lensora-models"},
    ),
    "no network policies": (
        ("networkPolicy.enabled=false",),
        set(),
        {"NetworkPolicy/studio-lensora-deny", "NetworkPolicy/studio-lensora-gateway"},
    ),
    "an Ingress": (
        ("ingress.enabled=true", 'ingress.hosts=["studio.example.com"]'),
        {"Ingress/studio-lensora-gateway"},
        set(),
    ),
    "an HTTPRoute": (
        ("httpRoute.enabled=true", 'httpRoute.parentRefs=[{"name":"public"}]'),
        {"HTTPRoute/studio-lensora-gateway"},
        set(),
    ),
    "monitors": (("monitoring.monitors.enabled=true",), {"PodMonitor/studio-lensora"}, set()),
    "monitors with Triton": (
        (*TRITON, "monitoring.monitors.enabled=true"),
        {"PodMonitor/studio-lensora", "ServiceMonitor/studio-lensora-triton"},
        set(),
    ),
    "rules": (("monitoring.rules.enabled=true",), {"PrometheusRule/studio-lensora"}, set()),
    "dashboards": (
        ("monitoring.dashboards.enabled=true",),
        {"ConfigMap/studio-lensora-dashboard-overview", "ConfigMap/studio-lensora-dashboard-money"},
        set(),
    ),
    "traces": (("tracing.otlpEndpoint=http://collector.observability:4317",), set(), set()),
    "no test pod": (("tests.enabled=false",), set(), {"Pod/studio-lensora-test", "NetworkPolicy/studio-lensora-test"}),
    "another name": (("fullnameOverride=films",), {"Deployment/films-gateway"}, {"Deployment/studio-lensora-gateway"}),
    "OpenShift": (("openshift.enabled=true",), set(), set()),
    "two families": (("services.ipFamilyPolicy=PreferDualStack", 'services.ipFamilies=["IPv6","IPv4"]'), set(), set()),
    "pull secrets": (('image.pullSecrets=["registry"]',), set(), set()),
}
"""What is set; objects that must be there then; objects that must not. Those that must be there are absent by default,
those that must not are there by default."""


def _defaults() -> list[Manifest]:
    return render()


def _default_names() -> set[str]:
    return _names(_defaults())


def _names(manifests: list[Manifest]) -> set[str]:
    return {f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in manifests}


@cache
def _crd(kind: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CRDS / f"{kind.lower()}.json").read_text())
    return loaded


def check_schema(manifest: Manifest, versions: tuple[str, ...] = KUBERNETES_VERSIONS) -> None:
    """Validate one object strictly: built-in kinds by Kubernetes's own schemas, custom ones by ours."""
    group = manifest["apiVersion"].rpartition("/")[0]
    if ("." in group and not group.endswith(".k8s.io")) or group == "gateway.networking.k8s.io":
        jsonschema.validate(manifest, _crd(manifest["kind"]))
        return
    for version in versions:
        validate(manifest, version)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_render_valid_manifests(example: Path) -> None:
    """Each example passes helm lint --strict, and each object of it the strict schemas of three Kubernetes versions."""
    assert "0 chart(s) failed" in lint(example)
    manifests = render(example)
    assert len(manifests) > 40
    for manifest in manifests:
        check_schema(manifest)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_proxies_of_examples_let_the_api_through(example: Path) -> None:
    """By itself nginx takes bodies of 1 MB, holds answers back and waits a minute; photos have 20 MB, streams go on."""
    for ingress in of_kind(render(example), "Ingress"):
        if ingress["spec"]["ingressClassName"] == "nginx":
            said = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
            assert int(said["proxy-body-size"].removesuffix("m")) * 1_000_000 > MAX_BYTES + FORM_OVERHEAD_BYTES
            assert said["proxy-buffering"] == "off" and int(said["proxy-read-timeout"]) >= 3600
        else:
            assert ingress["spec"]["ingressClassName"] == "openshift-default"


def test_defaults_render_valid_manifests() -> None:
    """The default values pass the same."""
    assert "0 chart(s) failed" in lint()
    for manifest in _defaults():
        check_schema(manifest)


@pytest.mark.parametrize("toggle", TOGGLES)
def test_toggle(toggle: str) -> None:
    """Each toggle makes and unmakes the objects that it is for, and what it renders is valid."""
    sets, present, absent = TOGGLES[toggle]
    assert not present & _default_names()
    assert absent <= _default_names()
    manifests = render(sets=sets)
    names = _names(manifests)
    assert len(names) == len(manifests), "two objects have the same kind and name"
    assert present <= names
    assert not absent & names
    # What is as by default has been checked with the defaults.
    changed = [manifest for manifest in manifests if manifest not in _defaults()]
    assert changed or absent
    for manifest in changed:
        check_schema(manifest)


def test_dashboards_may_have_no_label_of_the_sidecar() -> None:
    """Without ``grafana_dashboard``, and no label in its place, the ConfigMaps have the chart's own labels."""
    sets = ("monitoring.dashboards.enabled=true", "monitoring.dashboards.labels.grafana_dashboard=null")
    board = named(render(sets=sets), "ConfigMap", "studio-lensora-dashboard-money")
    check_schema(board)
    assert "grafana_dashboard" not in board["metadata"]["labels"]


def test_toggles_cover_every_switch() -> None:
    """Every key of values.yaml that is called enabled, mode or type is flipped by a toggle."""
    import yaml

    def switches(values: dict[str, Any], path: str = "") -> set[str]:
        found = set()
        for key, value in values.items():
            here = f"{path}{key}"
            if isinstance(value, dict):
                found |= switches(value, f"{here}.")
            elif key in ("enabled", "mode") or here == "artifacts.type":
                found.add(here)
        return found

    stages = ("detect", "segment", "mesh", "render")

    def one_stage(path: str) -> str:
        head, _, tail = path.partition(".")
        stage, _, rest = tail.partition(".")
        return f"stages.*.{rest}" if head == "stages" and stage in stages else path

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    flipped = {one_stage(one.partition("=")[0]) for sets, _, _ in TOGGLES.values() for one in sets}
    wanted = {one_stage(path) for path in switches(values) if not path.startswith("triton.defaults.")}
    assert wanted <= flipped


def test_no_replicas_under_an_autoscaler() -> None:
    """A Deployment that an autoscaler sizes says no number of replicas, so an upgrade does not reset it."""
    manifests = render(
        sets=(
            "gateway.autoscaling.enabled=true",
            "worker.autoscaling.mode=keda",
            "stages.mesh.autoscaling.enabled=true",
        )
    )
    for component, scaled in {"gateway": True, "worker": True, "mesh": True, "render": False}.items():
        spec = named(manifests, "Deployment", f"studio-lensora-{component}")["spec"]
        assert ("replicas" not in spec) == scaled, component


def test_workers_scale_with_all_jobs_that_wait_or_run() -> None:
    """KEDA reads the length of the stream: entries leave it when their jobs end, and then its lag is nil."""
    manifests = render(sets=["worker.autoscaling.mode=keda", "worker.autoscaling.targetWaiting=3", "worker.jobs=2"])
    (scaled,) = [manifest for manifest in manifests if manifest["kind"] == "ScaledObject"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["streamLength"] == "5"
    assert not {"consumerGroup", "lagCount", "pendingEntriesCount"} & set(trigger["metadata"])


def test_sentinels_are_asked_and_reached() -> None:
    """Behind Sentinel KEDA asks the sentinels, and policies open their port beside the servers'."""
    manifests = render(sets=TOGGLES["worker on KEDA and Redis behind Sentinel"][0])
    (trigger,) = of_kind(manifests, "ScaledObject")[0]["spec"]["triggers"]
    assert trigger["type"] == "redis-sentinel-streams"
    assert trigger["metadata"]["addresses"] == "sentinel-0.data.svc:26379,sentinel-1.data.svc:26379"
    assert trigger["metadata"]["sentinelMaster"] == "films"
    (secrets,) = (one["spec"]["secretTargetRef"] for one in of_kind(manifests, "TriggerAuthentication"))
    assert {one["parameter"]: one["key"] for one in secrets} == {
        "password": "password",
        "sentinelPassword": "sentinel-password",
    }
    for component in ("gateway", "worker", "test"):
        policy = named(manifests, "NetworkPolicy", f"studio-lensora-{component}")["spec"]
        assert [port["port"] for port in policy["egress"][0]["ports"]] == [6380, 26379], component


def test_redis_may_be_named_by_an_ipv6_address() -> None:
    """In a cluster with IPv6 alone its address, and those of sentinels, may be numbers; policies open their ports."""
    manifests = render(
        sets=(
            *EXTERNAL_REDIS,
            "worker.autoscaling.mode=keda",
            'redis.external.address="[2001:db8::6]:6380"',
            'redis.external.sentinels=["[2001:db8::7]:26379"]',
            "redis.external.sentinelService=films",
        )
    )
    (trigger,) = of_kind(manifests, "ScaledObject")[0]["spec"]["triggers"]
    assert trigger["metadata"]["addresses"] == "[2001:db8::7]:26379"
    ports = named(manifests, "NetworkPolicy", "studio-lensora-worker")["spec"]["egress"][0]["ports"]
    assert [port["port"] for port in ports] == [6380, 26379]


def test_redis_stops_short_of_its_limit() -> None:
    """Its data take a share of the memory limit, in every unit; a changed limit restarts it, the share does not."""

    def redis(*sets: str) -> tuple[str, Manifest]:
        manifests = render(sets=sets)
        config = named(manifests, "ConfigMap", "studio-lensora-redis")["data"]["redis.conf"]
        return config, named(manifests, "StatefulSet", "studio-lensora-redis")["spec"]["template"]

    (config, pod), limit = redis(), "redis.builtin.resources.limits.memory"
    assert "\nmaxmemory 751619276\n" in config
    for amount, kept in (("500M", 350_000_000), ("512Mi", 375_809_638), ("2Gi", 1_503_238_553)):
        assert f"\nmaxmemory {kept}\n" in redis(f"{limit}={amount}")[0]
        assert redis(f"{limit}={amount}")[1] != pod
    share, same = redis("redis.builtin.maxMemoryPercent=50")
    assert "\nmaxmemory 536870912\n" in share and same == pod
    assert "maxmemory " not in redis("redis.builtin.resources=null")[0]


def test_every_selector_selects_its_own_pods() -> None:
    """Services, budgets and policies select pods that the chart makes, and selectors do not overlap."""
    manifests = render(CHART / "examples" / "small-gpu.yaml", sets=("monitoring.monitors.enabled=true",))
    pods = {name: template["metadata"]["labels"] for name, template in pod_templates(manifests)}

    def selected(labels: dict[str, str]) -> set[str]:
        return {name for name, own in pods.items() if labels.items() <= own.items()}

    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        name = f"{workload['kind']}/{workload['metadata']['name']}"
        assert selected(workload["spec"]["selector"]["matchLabels"]) == {name}
    for service in of_kind(manifests, "Service"):
        assert len(selected(service["spec"]["selector"])) == 1
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        assert len(selected(budget["spec"]["selector"]["matchLabels"])) == 1
    for policy in of_kind(manifests, "NetworkPolicy"):
        assert selected(policy["spec"]["podSelector"]["matchLabels"]), policy["metadata"]["name"]


def test_service_ports_name_container_ports() -> None:
    """Every named port of a Service, a probe, a monitor or a policy exists in the containers that it is for."""
    for example in EXAMPLES:
        manifests = render(example)
        templates = pod_templates(manifests)
        for service in of_kind(manifests, "Service"):
            for port in service["spec"]["ports"]:
                for _, template in templates:
                    if service["spec"]["selector"].items() <= template["metadata"]["labels"].items():
                        assert port["targetPort"] in _port_names(template)
        for name, template in templates:
            for container in template["spec"]["containers"]:
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    for kind in ("httpGet", "tcpSocket"):
                        port = container.get(probe, {}).get(kind, {}).get("port")
                        assert port is None or port in _port_names(template), f"{name} {probe}"
        for policy in of_kind(manifests, "NetworkPolicy"):
            for rule in policy["spec"].get("ingress", []):
                for port in rule.get("ports", []):
                    owners = [
                        template
                        for _, template in templates
                        if policy["spec"]["podSelector"]["matchLabels"].items()
                        <= template["metadata"]["labels"].items()
                    ]
                    assert any(port["port"] in _port_names(owner) for owner in owners)


def _port_names(template: Manifest) -> set[str]:
    return {port["name"] for container in template["spec"]["containers"] for port in container.get("ports", [])}
