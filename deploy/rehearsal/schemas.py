"""The strict schemas of several Kubernetes versions, from the package kubernetes-validate, each read once."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from deploy.rehearsal.chart import Manifest

FOLDER = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def validate(manifest: Manifest, version: str) -> None:
    """Hold one object to the schema of its kind: unknown fields are refused.

    Args:
        manifest: an object of a built-in kind.
        version: of Kubernetes, such as ``1.33``.

    Raises:
        jsonschema.ValidationError: what is wrong, and where.
        FileNotFoundError: this version has no such kind.
    """
    _validator(version, manifest["kind"], manifest["apiVersion"]).validate(manifest)


@cache
def _validator(version: str, kind: str, api_version: str) -> Any:
    # rbac.authorization.k8s.io/v1 is rbac-v1 there.
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    folder = _folder(version)
    schema = json.loads((folder / f"{kind.lower()}-{group}.json").read_text())
    registry = Resource.from_contents(schema) @ (_definitions(folder) @ Registry())
    return Draft202012Validator(schema, registry=registry)


@cache
def _definitions(folder: Path) -> Any:
    return Resource.from_contents(json.loads((folder / "_definitions.json").read_text()))


@cache
def _folder(version: str) -> Path:
    found = [
        path for path in FOLDER.iterdir() if re.fullmatch(rf"v{re.escape(version)}(\.\d+)?-local-strict", path.name)
    ]
    if not found:
        raise FileNotFoundError(f"kubernetes-validate has no schemas of Kubernetes {version}")
    return max(found)
