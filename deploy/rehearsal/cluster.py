"""A cluster's worth of the chart on one machine: Deployments and StatefulSets as processes, Services as addresses."""

from __future__ import annotations

import base64
import itertools
import random
import re
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.rehearsal.chart import Manifest, named, of_kind, pod_templates
from deploy.rehearsal.dns import NameServer
from deploy.rehearsal.forwarder import Forwarder
from deploy.rehearsal.pod import Pod, Rehearsed, expand
from lensora.testing.valkey import valkey_folder

READY_TIMEOUT_S = 300.0
"""Patience for a machine that others use too; a pod that its own startup probe gives up on ends it sooner."""


class Cluster:
    """Runs manifests. Use as a context manager; everything ends with it."""

    def __init__(
        self,
        manifests: Sequence[Manifest],
        folder: Path,
        claims: Mapping[str, Path],
        *,
        files: Mapping[str, Path] | None = None,
        tools: Path | None = None,
        source: Path | None = None,
    ) -> None:
        """
        Args:
            manifests: the rendered chart.
            folder: for logs and for the volumes that live as long as a pod.
            claims: folders that stand for PersistentVolumeClaims, by name.
            files: paths that an image brings along, and where they lie here.
            tools: a folder with programs that an image brings along; first on every PATH. Valkey's go there too, by the
                names that its image gives them.
            source: a tree whose code the images hold; None: this one.
        """
        self._manifests = list(manifests)
        self._folder = folder
        self._claims = dict(claims)
        self._files = dict(files or {})
        self._tools = tools or folder / "bin"
        self._tools.mkdir(parents=True, exist_ok=True)
        for program in ("server", "cli"):
            (self._tools / f"redis-{program}").symlink_to(valkey_folder() / f"valkey-{program}")
        self._source = source
        # A block of loopback addresses of its own, so that two rehearsals on one machine do not meet.
        self._block = f"127.{random.randint(32, 250)}.{random.randint(0, 255)}"  # noqa: S311
        _require_ports(f"{self._block}.2", manifests)
        self._numbers = itertools.count(100)
        self.pods: list[Pod] = []
        self.past: list[Pod] = []
        self._names = NameServer(f"{self._block}.53", self._lookup)
        self._services: dict[str, Manifest] = {}
        self._addresses: dict[str, str] = {}
        self._forwarders: list[Forwarder] = []
        self._serve()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pod in self.pods:
            pod.kill()
        for forwarder in self._forwarders:
            forwarder.close()
        self._names.close()

    def start(self, components: Iterable[str] | None = None) -> None:
        """Start the Deployments and StatefulSets at their size, all at once, and wait until they are ready."""
        wanted = None if components is None else set(components)
        begun = []
        for workload in of_kind(self._manifests, "StatefulSet", "Deployment"):
            if wanted is None or _component(workload["spec"]["template"]) in wanted:
                begun += [self._begin(workload) for _ in range(workload["spec"].get("replicas", 1))]
        for pod in begun:
            pod.wait_ready(READY_TIMEOUT_S)

    def upgrade(self, manifests: Sequence[Manifest], source: Path | None = None) -> set[str]:
        """What ``helm upgrade`` does: other manifests, other code, and a rollout of what changes, all at once.

        Secrets that the chart keeps stay as they are. A pod whose template is as before goes on running.

        Args:
            manifests: of the new release.
            source: as for the cluster.

        Returns:
            The components that were restarted.
        """
        kept = {
            secret["metadata"]["name"]: secret
            for secret in of_kind(self._manifests, "Secret")
            if secret["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
        }
        self._manifests = [
            kept.get(one["metadata"]["name"], one) if one["kind"] == "Secret" else one for one in manifests
        ]
        self._source = source
        self._serve()
        workloads = {
            _component(one["spec"]["template"]): one for one in of_kind(manifests, "StatefulSet", "Deployment")
        }
        changed = [
            component
            for component, workload in workloads.items()
            if any(pod.template != workload["spec"]["template"] for pod in self.of(component))
        ]
        self.roll(changed)
        return set(changed)

    def roll(self, components: Sequence[str]) -> dict[str, float]:
        """A rolling restart of several Deployments at the same time, by their own strategy and hooks.

        Returns:
            The longest time that a pod took to end, seconds, by component.
        """
        with ThreadPoolExecutor(max(1, len(components))) as pool:
            return dict(zip(components, pool.map(self._roll, components), strict=True))

    def of(self, component: str) -> list[Pod]:
        """The pods of a component that are not on their way out."""
        return [pod for pod in self.pods if pod.component == component and not pod.terminating]

    @property
    def refusals(self) -> list[str]:
        """Why connections to Services were closed at once."""
        return [refusal for forwarder in self._forwarders for refusal in forwarder.refusals]

    def pod_address(self) -> str:
        """A free address for something that runs beside the chart."""
        return f"{self._block}.{next(self._numbers)}"

    def url(self, service: str) -> str:
        """``http://address:port`` of a Service's first port."""
        port = self._services[service]["spec"]["ports"][0]["port"]
        return f"http://{self._addresses[service]}:{port}"

    def environment(self, container: Manifest, mapping: Rehearsed) -> dict[str, str]:
        """The container's variables: ConfigMaps, Secrets, plain values; expanded and mapped."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            found |= named(self._manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
        for entry in container.get("env", ()):
            if "value" in entry:
                found[entry["name"]] = expand(entry["value"], found)
            else:
                reference = entry["valueFrom"]["secretKeyRef"]
                found[entry["name"]] = self.secret(reference["name"])[reference["key"]]
        return {name: mapping.apply(value) for name, value in found.items()}

    def secret(self, name: str) -> dict[str, str]:
        """A Secret's values, decoded."""
        manifest = named(self._manifests, "Secret", name)
        decoded = {key: base64.b64decode(value).decode() for key, value in manifest.get("data", {}).items()}
        return {**decoded, **manifest.get("stringData", {})}

    def pod_of(self, name: str, template: Manifest) -> Pod:
        """A pod of this template with an address and folders of its own, not started."""
        number = next(self._numbers)
        folder = self._folder / f"{name}-{number}"
        folder.mkdir(parents=True)
        address = f"{self._block}.{number}"
        paths = {**self._files, **self._paths(template, folder)}
        mapping = Rehearsed(paths, self._service_names(), address)
        (container,) = template["spec"]["containers"]
        self._map_files(template, mapping)
        return Pod(
            name=folder.name,
            component=_component(template),
            address=address,
            template=template,
            environment=self.environment(container, mapping),
            mapping=mapping,
            folder=folder,
            init=[self._init(one, mapping) for one in template["spec"].get("initContainers", ())],
            tools=self._tools,
            source=self._source,
        )

    def _init(self, container: Manifest, mapping: Rehearsed) -> tuple[list[str], dict[str, str]]:
        environment = self.environment(container, mapping)
        command = [*container.get("command", ()), *container.get("args", ())]
        return [mapping.apply(expand(part, environment)) for part in command], environment

    def _map_files(self, template: Manifest, mapping: Rehearsed) -> None:
        """Paths and addresses inside mounted ConfigMaps, such as ``dir /data`` of redis.conf."""
        configs = {volume["name"] for volume in template["spec"].get("volumes", ()) if "configMap" in volume}
        (container,) = template["spec"]["containers"]
        for mount in container.get("volumeMounts", ()):
            if mount["name"] in configs:
                for file in mapping.paths[mount["mountPath"]].iterdir():
                    file.write_text(mapping.apply(file.read_text()))

    def _begin(self, workload: Manifest) -> Pod:
        pod = self.pod_of(workload["metadata"]["name"], workload["spec"]["template"])
        self.pods.append(pod)
        pod.start()
        return pod

    def _roll(self, component: str) -> float:
        (deployment,) = (
            one
            for one in of_kind(self._manifests, "Deployment", "StatefulSet")
            if _component(one["spec"]["template"]) == component
        )
        # A StatefulSet ends a pod before it starts the next one.
        surge = deployment["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 0)
        longest = 0.0
        for old in self.of(component):
            if surge:
                self._begin(deployment).wait_ready(READY_TIMEOUT_S)
            longest = max(longest, old.stop())
            self.pods.remove(old)
            self.past.append(old)
            if not surge:
                self._begin(deployment).wait_ready(READY_TIMEOUT_S)
        return longest

    def _paths(self, template: Manifest, folder: Path) -> dict[str, Path]:
        volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", ())}
        (container,) = template["spec"]["containers"]
        # /dev/shm is this machine's own.
        return {
            mount["mountPath"]: self._volume(mount["name"], volumes.get(mount["name"]), folder)
            for mount in container.get("volumeMounts", ())
            if mount["mountPath"] != "/dev/shm"  # noqa: S108
        }

    def _volume(self, name: str, volume: Manifest | None, folder: Path) -> Path:
        if volume is None:
            # A volumeClaimTemplate of a StatefulSet: it outlives the pod.
            return self._claims[name]
        if "persistentVolumeClaim" in volume:
            return self._claims[volume["persistentVolumeClaim"]["claimName"]]
        here = folder / name
        here.mkdir()
        if "configMap" in volume:
            self._write(here, named(self._manifests, "ConfigMap", volume["configMap"]["name"])["data"])
        elif "secret" in volume:
            values = self.secret(volume["secret"]["secretName"])
            items = volume["secret"].get("items") or [{"key": key, "path": key} for key in values]
            self._write(here, {item["path"]: values[item["key"]] for item in items})
        return here

    def _write(self, folder: Path, files: Mapping[str, str]) -> None:
        """Files of a ConfigMap or Secret."""
        for name, text in files.items():
            (folder / name).write_text(text)

    def _service_names(self) -> list[tuple[re.Pattern[str], str]]:
        mapped = []
        for name, service in self._services.items():
            dns = re.escape(name) + r"\.[a-z0-9-]+\.svc"
            if service["spec"].get("clusterIP") == "None":
                mapped.append((re.compile(rf"dns:///(?={dns}:)"), f"dns://{self._names.authority}/"))
            else:
                mapped.append((re.compile(rf"{dns}(\.cluster\.local)?"), self._addresses[name]))
        return mapped

    def _lookup(self, name: str) -> list[str] | None:
        service = name.partition(".")[0]
        if service not in self._services or ".svc" not in name:
            return None
        return [pod.address for pod in self._selected(service) if pod.ready]

    def _selected(self, service: str) -> list[Pod]:
        selector = self._services[service]["spec"]["selector"].items()
        return [pod for pod in list(self.pods) if selector <= pod.template["metadata"]["labels"].items()]

    def _serve(self) -> None:
        """Give every Service that has none yet an address, and pass its connections on."""
        self._services = {service["metadata"]["name"]: service for service in of_kind(self._manifests, "Service")}
        for name, service in sorted(self._services.items()):
            if service["spec"].get("clusterIP") != "None" and name not in self._addresses:
                self._addresses[name] = f"{self._block}.{60 + len(self._addresses)}"
                for port in service["spec"]["ports"]:
                    self._forward(name, port)

    def _forward(self, service: str, port: Manifest) -> None:
        def backends() -> list[tuple[str, int]]:
            return [(pod.address, pod.ports[port["targetPort"]]) for pod in self._selected(service) if pod.ready]

        self._forwarders.append(Forwarder(self._addresses[service], port["port"], backends))


def _require_ports(address: str, manifests: Sequence[Manifest]) -> None:
    """Raises OSError for a port that another program holds on every address of this machine."""
    ports = {
        port["containerPort"]
        for _, template in pod_templates(manifests)
        for container in template["spec"]["containers"]
        for port in container.get("ports", ())
    }
    for port in sorted(ports):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError as error:
                raise OSError(
                    f"port {port} is taken on all addresses of this machine, and a pod of the chart needs it: "
                    f"find who with `ss -ltnp 'sport = :{port}'` (9090: perhaps `systemctl stop prometheus`)"
                ) from error


def _component(template: Manifest) -> str:
    label: str = template["metadata"]["labels"]["app.kubernetes.io/component"]
    return label


def wait_until(condition: object, timeout_s: float, what: str) -> None:
    """Wait for ``condition()`` to be true. Raises TimeoutError."""
    assert callable(condition)
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(0.05)
