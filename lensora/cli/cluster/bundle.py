"""A support bundle: what someone needs to help, in one archive, without anything secret."""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lensora import __version__
from lensora.cli.cluster.kubectl import Kubectl, Object
from lensora.cli.findings import Finding
from lensora.core.errors import ConfigurationError
from lensora.observability.redaction import HIDDEN, redact

KINDS = (
    *("deployments", "statefulsets", "pods", "jobs", "services", "configmaps", "persistentvolumeclaims"),
    *("horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies", "ingresses"),
)
LOG_LINES = 1_000
"""Of each pod, and of its container before the last restart."""

_SECRET_NAME = re.compile(r"password|passwd|secret|token|signing|credential|api[-_]?key|access[-_]?key", re.IGNORECASE)
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)")
_ACL = re.compile(r"(?<=on )>\S+")
"""A user's password as Redis's ACL writes it."""


def write(kubectl: Kubectl, findings: list[Finding], target: Path) -> list[str]:
    """Write the archive.

    Args:
        kubectl: the namespace.
        findings: what the doctor found.
        target: a ``.tar.gz``.

    Returns:
        The names of its files.
    """
    names = []
    with tarfile.open(target, "w:gz") as archive:
        for name, text in _files(kubectl, findings):
            data = clean(text).encode()
            member = tarfile.TarInfo(f"lensora-support/{name}")
            member.size, member.mtime = len(data), round(time.time())
            archive.addfile(member, io.BytesIO(data))
            names.append(name)
    target.chmod(0o600)
    return names


def clean(text: str) -> str:
    """Text without keys, tokens and passwords: those of our shapes, and those in URLs and in Redis's ACL."""
    return _ACL.sub(HIDDEN, _CREDENTIALS_IN_URL.sub(HIDDEN, redact(text)))


def hide(value: Any) -> Any:
    """An object without values whose names say that they are secret: variables, annotations, keys of maps."""
    if isinstance(value, list):
        return [hide(one) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("name"), str) and _SECRET_NAME.search(value["name"]) and "value" in value:
        value = {**value, "value": HIDDEN}
    return {
        key: HIDDEN if _SECRET_NAME.search(key) and isinstance(one, str) and key != "secretName" else hide(one)
        for key, one in value.items()
    }


def secret_names(secrets: list[Object]) -> list[dict[str, Any]]:
    """Which Secrets there are and which keys they have; no value."""
    return [
        {"name": one["metadata"]["name"], "type": one.get("type", ""), "keys": sorted(one.get("data") or {})}
        for one in secrets
    ]


def _files(kubectl: Kubectl, findings: list[Finding]) -> Iterator[tuple[str, str]]:
    about = {"lensora": __version__, "namespace": kubectl.namespace, "context": kubectl.context}
    yield "about.json", _json(about)
    yield "findings.json", _json([asdict(finding) for finding in findings])
    yield "versions.txt", _attempt(kubectl, ["version"])
    yield "events.txt", _attempt(kubectl, ["get", "events", "--sort-by=.lastTimestamp"])
    pods: list[Object] = []
    for kind in KINDS:
        try:
            objects = kubectl.objects(kind)
        except ConfigurationError as error:
            yield f"{kind}.txt", error.message
            continue
        pods = objects if kind == "pods" else pods
        yield f"{kind}.json", _json([_trimmed(one) for one in objects])
    try:
        yield "secrets.json", _json(secret_names(kubectl.objects("secrets", selector="")))
    except ConfigurationError as error:
        yield "secrets.txt", error.message
    for pod in pods:
        name = pod["metadata"]["name"]
        yield f"logs/{name}.log", kubectl.logs(name, LOG_LINES)
        before = kubectl.logs(name, LOG_LINES, previous=True)
        if before:
            yield f"logs/{name}.before.log", before


def _trimmed(one: Object) -> Any:
    metadata = {key: value for key, value in one["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations", {})
    # The whole object once more, as it was applied.
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return hide({**one, "metadata": metadata})


def _attempt(kubectl: Kubectl, arguments: list[str]) -> str:
    try:
        return kubectl.run(arguments)
    except ConfigurationError as error:
        return error.message


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str)
