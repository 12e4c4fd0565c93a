"""What every pod of the chart may do: little."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import exceptions

from deploy.rehearsal.chart import EXAMPLES, Manifest, named, of_kind, pod_templates, render
from gateway.jobs.store import open_store
from gateway.jobs.testing import customer, do_stages, submit, take_one
from gateway.pipeline.redis_watch import RedisWatch
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import free_port
from lensora.core.errors import Unavailable
from lensora.testing.valkey import valkey_folder

STAGES = ("detect", "segment", "mesh", "render")


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: path.stem)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """The manifests of one example."""
    return render(request.param)


def test_pods_meet_the_restricted_standard(manifests: list[Manifest]) -> None:
    """Every pod meets the restricted pod security standard, with a read-only root file system beside."""
    for name, template in pod_templates(manifests):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        # OpenShift's constraints choose a user of their own.
        assert spec["securityContext"].get("runAsUser", 1) > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert not spec.get(forbidden), name
        for volume in spec.get("volumes", []):
            kinds = set(volume) - {"name"}
            assert kinds <= {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"}, name
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name


def test_pods_have_accounts_of_their_own_without_tokens(manifests: list[Manifest]) -> None:
    """Every pod has a ServiceAccount that the chart makes, and no token of it."""
    accounts = {account["metadata"]["name"]: account for account in of_kind(manifests, "ServiceAccount")}
    for account in accounts.values():
        assert account["automountServiceAccountToken"] is False
    for name, template in pod_templates(manifests):
        assert template["spec"]["automountServiceAccountToken"] is False, name
        assert template["spec"]["serviceAccountName"] in accounts, name


def test_containers_say_what_they_need(manifests: list[Manifest]) -> None:
    """Every container has requests for CPU and memory and a limit of memory."""
    for name, template in pod_templates(manifests):
        for container in template["spec"]["containers"]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


def test_deployments_are_probed_spread_and_drained(manifests: list[Manifest]) -> None:
    """Every Deployment has all three probes, a spread or one node to share, and more grace than it drains."""
    for deployment in of_kind(manifests, "Deployment"):
        name = deployment["metadata"]["name"]
        spec = deployment["spec"]["template"]["spec"]
        if "podAffinity" not in spec.get("affinity", {}):
            spread = {one["topologyKey"] for one in spec["topologySpreadConstraints"]}
            assert spread == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name
        (container,) = spec["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] >= pause + _drain_seconds(manifests, container) + 10, name


def test_grace_follows_the_drain() -> None:
    """A longer drain makes a longer grace."""
    manifests = render(sets=("stages.mesh.drainSeconds=300", "gateway.drainSeconds=100", "worker.drainSeconds=90"))
    graces = {
        component: named(manifests, "Deployment", f"studio-lensora-{component}")["spec"]["template"]["spec"][
            "terminationGracePeriodSeconds"
        ]
        for component in ("mesh", "gateway", "worker")
    }
    assert graces == {"mesh": 315, "gateway": 115, "worker": 100}


def test_a_rollout_waits_as_long_as_models_may_load() -> None:
    """Its deadline is behind that of the startup probe, for stages and for Triton."""
    manifests = render(
        sets=(
            "stages.segment.startupSeconds=1800",
            'triton.pools={"small":{"models":["isnet-general-use"],"startupSeconds":7200}}',
        )
    )
    for component in ("detect", "segment", "mesh", "render", "triton-small"):
        spec = named(manifests, "Deployment", f"studio-lensora-{component}")["spec"]
        probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
        loading = probe["periodSeconds"] * probe["failureThreshold"]
        assert spec["progressDeadlineSeconds"] >= max(600, loading + 300), component


def test_config_changes_roll_the_pods() -> None:
    """A changed setting changes the pod template's checksum, of the processes that it concerns and of no other."""

    def checksums(*sets: str) -> dict[str, str]:
        return {
            deployment["metadata"]["name"]: deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for deployment in of_kind(render(sets=sets), "Deployment")
        }

    before, after = checksums(), checksums("stages.mesh.workers=3")
    assert {name for name in before if before[name] != after[name]} == {"studio-lensora-mesh"}
    everywhere = checksums("log.level=debug")
    assert {name for name in before if before[name] != everywhere[name]} == set(before)


def test_a_changed_prefix_restarts_redis_which_reads_whose_keys_are_whose_at_its_start() -> None:
    """Else its user could not reach the keys that gateway and worker ask for. A Secret of one's own is one's own."""

    def checksum(*sets: str) -> str:
        (redis,) = of_kind(render(sets=sets), "StatefulSet")
        return str(redis["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    default = checksum()
    assert len({default, checksum("redis.prefix=shop"), checksum("redis.prefix=other")}) == 3
    assert checksum("redis.prefix=shop", "redis.builtin.existingSecret=mine") == default


def test_network_policies_open_only_what_is_needed(manifests: list[Manifest]) -> None:
    """Only gateway, worker and the job for weights reach the Internet; a stage hears only its callers."""
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")}
    assert policies["studio-lensora-deny"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & policies["studio-lensora-deny"].keys()

    def blocks(spec: dict[str, Any]) -> list[dict[str, Any]]:
        return [peer["ipBlock"] for rule in spec.get("egress", []) for peer in rule["to"] if "ipBlock" in peer]

    online = {name for name, spec in policies.items() if any(one["cidr"] == "0.0.0.0/0" for one in blocks(spec))}
    assert online == {"studio-lensora-gateway", "studio-lensora-worker", "studio-lensora-models"}
    for name in online:
        (everywhere,) = (one for one in blocks(policies[name]) if one["cidr"] == "0.0.0.0/0")
        assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(everywhere["except"])
    for stage in STAGES:
        (rule,) = policies[f"studio-lensora-{stage}"]["ingress"]
        callers = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in rule["from"]}
        assert callers == ({"gateway"} if stage == "detect" else {"gateway", "worker"})


def test_secrets_stay_in_secrets(manifests: list[Manifest]) -> None:
    """No password, key or signing secret is in a ConfigMap or in a container's plain environment."""
    words = ("PASSWORD", "SECRET", "SIGNING", "ACCESS_KEY", "TOKEN")
    for config in of_kind(manifests, "ConfigMap"):
        assert not [key for key in config["data"] if any(word in key.upper() for word in words)]
    for name, template in pod_templates(manifests):
        for container in template["spec"]["containers"]:
            for entry in container.get("env", []):
                if any(word in entry["name"] for word in words):
                    assert "secretKeyRef" in entry["valueFrom"], name


def test_generated_secrets_are_strong_and_kept() -> None:
    """What the chart generates has at least 32 random characters, differs between installs and outlives the release."""
    import base64

    first, second = render(), render(kube_version="1.34")
    for manifests in (first, second):
        signing = named(manifests, "Secret", "studio-lensora-signing")
        assert len(base64.b64decode(signing["data"]["url-signing-keys"])) >= 32
        auth = named(manifests, "Secret", "studio-lensora-redis-auth")
        assert len(auth["stringData"]["redis-password"]) >= 32
        assert f">{auth['stringData']['redis-password']} " in auth["stringData"]["users.acl"]
        for secret in (signing, auth):
            assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert (
        named(first, "Secret", "studio-lensora-signing")["data"]
        != named(second, "Secret", "studio-lensora-signing")["data"]
    )


def _drain_seconds(manifests: list[Manifest], container: Manifest) -> int:
    """What the container is told by its ConfigMap, or by Triton's own argument."""
    for argument in container.get("args", []):
        if argument.startswith("--exit-timeout-secs="):
            return int(argument.partition("=")[2])
    (source,) = container["envFrom"]
    settings = named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return int(settings["LENSORA_DRAIN_SECONDS"])


async def test_the_job_store_gives_its_processes_what_they_need_and_no_more(tmp_path: Path) -> None:
    """With the chart's list of rights a job runs to its end; nobody reads or changes the server's set-up."""
    auth = named(render(), "Secret", "studio-lensora-redis-auth")["stringData"]
    (tmp_path / "users.acl").write_text(auth["users.acl"])
    port = free_port()
    program = valkey_folder() / "valkey-server"
    rights = str(tmp_path / "users.acl")
    server = subprocess.Popen(
        [str(program), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--aclfile", rights],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://lensora:{auth['redis-password']}@127.0.0.1:{port}/0"
    try:
        async with open_store(RedisSettings(redis_url=SecretStr(url), redis_timeout_seconds=10.0)) as store:
            for _ in range(200):
                with contextlib.suppress(Unavailable):
                    await store.health.ping()
                    break
                await asyncio.sleep(0.05)
            key = await customer(store, 75)
            await submit(store, key)
            work = store.work("w", lease_s=30.0, attempts=3, block_ms=20)
            claim = await take_one(work)
            await do_stages(work, claim)
            await work.finish(claim)
            assert not await work.take(1)
            await work.attend(1)
            assert not (await store.credits.verify()).problems
            await RedisWatch(store.clients[0]).look()
            async with store.clients[1].pubsub() as pubsub:
                await pubsub.subscribe(store.scripts.key("changes"))
            for command in (
                "CONFIG GET *",
                "ACL LIST",
                "FLUSHALL",
                "KEYS *",
                "SHUTDOWN",
                "REPLICAOF NO ONE",
                "MONITOR",
            ):
                with pytest.raises(exceptions.NoPermissionError):
                    await store.scripts.client.execute_command(*command.split())
            with pytest.raises(exceptions.NoPermissionError):
                await store.scripts.client.get("another-installation")
    finally:
        server.terminate()
        server.wait()


def test_metrics_are_for_the_monitoring_namespace() -> None:
    """Not for every pod of the cluster, unless an operator says so."""
    base = named(render(), "NetworkPolicy", "studio-lensora-base")
    assert base["spec"]["ingress"][0]["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
    # A rule whose list of peers is empty would let everybody in.
    for nobody in ("networkPolicy.metricsFrom=[]", "networkPolicy.metricsFrom=null"):
        base = named(render(sets=(nobody,)), "NetworkPolicy", "studio-lensora-base")
        assert "Ingress" in base["spec"]["policyTypes"] and "ingress" not in base["spec"]


def test_the_prometheus_of_an_example_may_scrape() -> None:
    """Where an example has monitors, its policies open the metrics to the namespace of its cluster's Prometheus."""
    scraped = {example.stem: render(example) for example in EXAMPLES if of_kind(render(example), "PodMonitor")}
    assert {"openshift", "small-gpu"} <= scraped.keys()
    for name, manifests in scraped.items():
        namespace = "openshift-user-workload-monitoring" if name == "openshift" else "monitoring"
        (rule,) = named(manifests, "NetworkPolicy", "studio-lensora-base")["spec"]["ingress"]
        assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector.observability:4317", 4317),
        ("http://collector.observability:4318/v1/traces", 4318),
        ("http://collector.observability", 443),
        ("https://[fd00::17]/", 443),
    ],
)
def test_traces_reach_their_collector(endpoint: str, port: int) -> None:
    """The policy opens the port that the exporter calls, which drops a path and knows gRPC's default."""
    base = named(render(sets=(f"tracing.otlpEndpoint={endpoint}",)), "NetworkPolicy", "studio-lensora-base")
    assert [one["port"] for one in base["spec"]["egress"][-1]["ports"]] == [port]


def test_the_smoke_test_reaches_the_gateway_that_few_may_reach() -> None:
    """Beside the peers of ``networkPolicy.gatewayFrom`` the pod of ``helm test`` may call it, where there is one."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    chosen = f"networkPolicy.gatewayFrom={json.dumps([peer])}"
    manifests = render(sets=(chosen,))
    labels = named(manifests, "NetworkPolicy", "studio-lensora-test")["spec"]["podSelector"]["matchLabels"]
    wanted = {
        (): None,
        (chosen,): [peer, {"podSelector": {"matchLabels": labels}}],
        (chosen, "tests.enabled=false"): [peer],
    }
    for sets, callers in wanted.items():
        (rule,) = named(render(sets=sets), "NetworkPolicy", "studio-lensora-gateway")["spec"]["ingress"]
        assert rule.get("from") == callers
