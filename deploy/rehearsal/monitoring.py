"""A real Prometheus over a rehearsal, scraping by the chart's own monitors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from deploy.rehearsal.chart import Manifest, of_kind
from deploy.rehearsal.cluster import Cluster
from deploy.rehearsal.pod import Pod

SCRAPE_S = 1
"""Oftener than the chart's interval, so that rates exist after seconds."""

_METRIC = re.compile(r"\b(?:lensora[_:][a-zA-Z0-9_:]+|nv_[a-z0-9_]+|process_[a-z_]+|up)\b")
_SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def metrics_of(expression: str) -> set[str]:
    """The names of metrics in PromQL."""
    return set(_METRIC.findall(re.sub(r'"[^"]*"', '""', expression)))


def exists(metric: str, names: set[str]) -> bool:
    """Whether the metric, or the histogram that it belongs to, is among ``names``."""
    return metric in names or _SUFFIX.sub("", metric) in names


class Prometheus:
    """Debian's Prometheus. Use as a context manager; ``discover`` whenever pods have come or gone."""

    def __init__(
        self, cluster: Cluster, manifests: Sequence[Manifest], rules: Path, folder: Path, address: str
    ) -> None:
        """
        Args:
            cluster: what is scraped.
            manifests: the rendered chart, for its PodMonitors and ServiceMonitors.
            rules: the chart's rules file; its intervals are shortened.
            folder: for its data.
            address: ``host:port`` to listen on.

        Raises:
            FileNotFoundError: it is not installed; the sentence says how to.
        """
        binary = shutil.which("prometheus")
        if binary is None:
            raise FileNotFoundError("prometheus is not installed; Debian and Ubuntu: apt-get install prometheus")
        folder.mkdir()
        self._cluster = cluster
        self._monitors = of_kind(manifests, "PodMonitor", "ServiceMonitor")
        self._services = of_kind(manifests, "Service")
        self._targets = folder / "targets.json"
        self._log = folder / "log"
        self._url = f"http://{address}"
        self._client = httpx.Client(trust_env=False, timeout=30)
        self.discover()
        short = re.sub(r"(?m)^(\s+)interval: .*$", rf"\1interval: {SCRAPE_S}s", rules.read_text())
        (folder / "rules.yaml").write_text(short)
        config = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [
                {
                    "job_name": "chart",
                    "file_sd_configs": [{"files": [str(self._targets)], "refresh_interval": "1s"}],
                    "relabel_configs": [{"source_labels": ["path"], "target_label": "__metrics_path__"}],
                }
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self._command = [
            binary,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if self._client.get(f"{self._url}/-/ready").is_success:
                    return self
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError(f"Prometheus did not become ready:\n{self._log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)
        self._client.close()

    def discover(self) -> None:
        """Write the targets that the monitors select among the pods that run, as the operator would."""
        groups = []
        for monitor in self._monitors:
            for pod in self._cluster.pods:
                for endpoint in self._endpoints(monitor, pod):
                    labels = {
                        "namespace": "lensora",
                        "pod": pod.name,
                        "path": endpoint["path"],
                        "component": self._relabelled(endpoint, pod),
                    }
                    groups.append({"targets": [f"{pod.address}:{pod.ports[endpoint['port']]}"], "labels": labels})
        partial = self._targets.with_suffix(".partial")
        partial.write_text(json.dumps(groups))
        partial.replace(self._targets)

    def scraped(self) -> set[str]:
        """The names of pods whose last scrape succeeded. Targets that came or went count some seconds later."""
        return {entry["metric"]["pod"] for entry in self.query("up == 1")}

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's result. Raises AssertionError when Prometheus does not understand it."""
        answer = self._client.get(f"{self._url}/api/v1/query", params={"query": expression})
        body = answer.json()
        assert body["status"] == "success", f"{expression}: {body}"
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    def unhealthy(self) -> list[str]:
        """Targets whose last scrape failed, with the error."""
        body = self._client.get(f"{self._url}/api/v1/targets").json()
        return [
            f"{target['labels']['pod']}: {target['lastError']}"
            for target in body["data"]["activeTargets"]
            if target["health"] != "up"
        ]

    def names(self) -> set[str]:
        """Every metric that a target exports (by its TYPE line, so without a value too) or a rule records."""
        series = self._client.get(f"{self._url}/api/v1/label/__name__/values").json()["data"]
        described = self._client.get(f"{self._url}/api/v1/metadata").json()["data"]
        known = set(series) | set(described)
        return known | {f"{name}_total" for name, kinds in described.items() if kinds[0]["type"] == "counter"}

    def _endpoints(self, monitor: Manifest, pod: Pod) -> list[Manifest]:
        """The monitor's endpoints that this pod has: by its own labels, or by those of its Service."""
        selector = monitor["spec"]["selector"]
        if monitor["kind"] == "PodMonitor":
            found: list[Manifest] = monitor["spec"]["podMetricsEndpoints"]
            return found if _matches(selector, pod.template["metadata"]["labels"]) else []
        for service in self._services:
            owns = service["spec"]["selector"].items() <= pod.template["metadata"]["labels"].items()
            if owns and _matches(selector, service["metadata"]["labels"]):
                ports = {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
                return [{**endpoint, "port": ports[endpoint["port"]]} for endpoint in monitor["spec"]["endpoints"]]
        return []

    def _relabelled(self, endpoint: Manifest, pod: Pod) -> str:
        """The label ``component`` by the monitor's relabelling: a copy of a label of the pod or of its Service."""
        (rule,) = endpoint["relabelings"]
        assert rule["targetLabel"] == "component"
        assert rule["sourceLabels"][0].endswith("_label_app_kubernetes_io_component")
        return pod.component


def _matches(selector: Manifest, labels: dict[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for one in selector.get("matchExpressions", ()):
        value = labels.get(one["key"])
        if one["operator"] == "Exists" and value is None:
            return False
        if one["operator"] == "In" and value not in one["values"]:
            return False
    return True
