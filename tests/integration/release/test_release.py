"""The release pipeline: its workflows are sound, and a dry run does everything but push."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from deploy.images.closure import ROOT
from deploy.rehearsal.chart import pod_templates, render
from deploy.release import plan
from deploy.release.chart import package
from deploy.release.plan import PLATFORMS, ReleaseRefused

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINTER = ROOT / "tests" / "tools" / "lint_workflow.mjs"
DIGESTS = {name: f"sha256:{index:064x}" for index, name in enumerate(sorted(PLATFORMS), start=1)}


def findings(*workflows: Path) -> list[dict[str, object]]:
    """What actionlint says."""
    assert (LINTER.parent / "node_modules" / "@tktco" / "node-actionlint").exists(), (
        "actionlint is not installed; run: python tools/node_packages.py --validator"
    )
    done = subprocess.run(["node", LINTER, *workflows], capture_output=True, text=True, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_workflows_are_sound(tmp_path: Path) -> None:
    """actionlint finds nothing in our workflows, and something in one that names what is not there."""
    assert findings(*WORKFLOWS) == []
    bad = tmp_path / "bad.yml"
    bad.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.no }}\n")
    assert "not defined" in str(findings(bad)[0]["message"])


def test_workflows_ask_for_little() -> None:
    """Each workflow reads the repository alone by default, and each job of it has a time limit."""
    for workflow in WORKFLOWS:
        loaded = yaml.safe_load(workflow.read_text())
        assert loaded["permissions"] == {"contents": "read"}, workflow.name
        for name, job in loaded["jobs"].items():
            assert "timeout-minutes" in job or "uses" in job, f"{workflow.name}: {name}"


def test_the_workflow_builds_every_image() -> None:
    """The release's matrix and the pipeline know the same images, and the Dockerfile has a target for each."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    assert set(jobs["images"]["strategy"]["matrix"]["target"]) == set(PLATFORMS)
    stages = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", (ROOT / "deploy" / "Dockerfile").read_text()))
    assert set(PLATFORMS) <= stages


def test_dry_run_prints_a_whole_release() -> None:
    """The dry run packages the chart and prints the command of every push and signature, with the one registry."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.release", "dry-run"],
        env={"PATH": "/usr/bin:/bin", "OCI_REGISTRY": "registry.example.com/studio/"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for target in PLATFORMS:
        assert f"--tag registry.example.com/studio/lensora-{target}:" in done.stdout
        assert f"cosign sign --yes --recursive registry.example.com/studio/lensora-{target}@sha256:" in done.stdout
    assert done.stdout.count("--sbom=true --provenance=mode=max --push") == len(PLATFORMS)
    assert "--platform linux/amd64,linux/arm64" in done.stdout
    assert "oci://registry.example.com/studio/charts" in done.stdout
    assert "uv publish" in done.stdout


def test_packaged_chart_names_images_by_digest(tmp_path: Path) -> None:
    """The chart that is pushed renders every image of ours by its digest, at the release's registry."""
    archive = package(DIGESTS, tmp_path / "made")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    sets = ('triton.pools={"a":{"models":["b"]}}',)
    images = {
        container["image"]
        for _, template in pod_templates(render(sets=sets, chart=tmp_path / "unpacked" / "lensora"))
        for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]
    }
    wanted = {f"{plan.registry()}/lensora-{name}@{digest}" for name, digest in DIGESTS.items()}
    assert wanted <= images
    assert len(images - wanted) == 1, "only Valkey's image is another's"


def test_the_npm_package_is_built_before_anything_is_published() -> None:
    """A clean checkout has no compiled client, which is all that the package holds: npm would publish it empty."""
    client = plan.NODE_CLIENT
    assert json.loads((client / "package.json").read_text())["main"] == "./dist/index.js"
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "dist/index.js"], cwd=client, check=False)
    assert ignored.returncode == 0
    steps = plan.package_steps(Path("dist"))
    commands = [step.command[:2] for step in steps if step.folder == client]
    assert commands == [("npm", "ci"), ("npm", "run"), ("npm", "publish")]
    published = [index for index, step in enumerate(steps) if "publish" in step.command]
    assert published == [len(steps) - 2, len(steps) - 1]


def test_a_release_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A tag of another version, a tag that is none, a missing digest, and a signature of a tag stop the release."""
    for tag in ("v9.9.9", "0.1.0", "latest"):
        with pytest.raises(ReleaseRefused):
            plan.version_of(tag)
    with pytest.raises(ReleaseRefused, match="triton"):
        package({name: digest for name, digest in DIGESTS.items() if name != "triton"}, tmp_path)
    with pytest.raises(ReleaseRefused, match="no digest"):
        plan.sign_step("registry.example.com/lensora-gateway:0.1.0")
