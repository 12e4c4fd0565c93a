"""Make a release, part by part; a forge's workflow calls it, and so can people.

    python -m deploy.release check v0.1.0         every place says this version
    python -m deploy.release audit                no pinned package has a known hole (OSV_URL names a mirror)
    python -m deploy.release image gateway v0.1.0 --out DIGESTS    build, push and sign one image; note its digest
    python -m deploy.release chart v0.1.0 --digests DIGESTS        write the digests into the chart, push and sign it
    python -m deploy.release packages v0.1.0      publish the wheel and the npm package
    python -m deploy.release host                 the registry's host, to log in to
    python -m deploy.release dry-run              all of it: build the chart, print every command, push nothing

The variable OCI_REGISTRY says where to, such as ghcr.io/lensora/studio.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.images.closure import ROOT
from deploy.release import audit, plan
from deploy.release.chart import package
from deploy.release.plan import PLATFORMS, ReleaseRefused, Step


def main(arguments: Sequence[str] | None = None) -> int:
    """One sentence on standard error and status 1 where it does not work."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    check = parts.add_parser("check")
    image = parts.add_parser("image")
    image.add_argument("target", choices=sorted(PLATFORMS))
    chart = parts.add_parser("chart")
    packages = parts.add_parser("packages")
    for part in (check, image, chart, packages):
        part.add_argument("tag", help="the release's git tag, such as v0.1.0")
    image.add_argument("--out", type=Path, required=True, help="folder that gets TARGET.digest")
    chart.add_argument("--digests", type=Path, required=True, help="folder of all *.digest files")
    parts.add_parser("host")
    parts.add_parser("audit")
    parts.add_parser("dry-run")
    options = parser.parse_args(arguments)
    try:
        if options.part == "dry-run":
            dry_run()
            return 0
        if options.part == "audit":
            count = audit.audit(
                sorted(audit.LOCKS.glob("*.lock")),
                audit.page_packages(),
                osv_url=os.environ.get(audit.OSV_VARIABLE, "") or audit.OSV_URL,
                waivers=audit.waivers_of(),
                today=datetime.now(UTC).date(),
            )
            sys.stdout.write(f"{count} pinned packages looked up: no known hole\n")
            return 0
        if options.part == "host":
            sys.stdout.write(f"{plan.registry().partition('/')[0]}\n")
            return 0
        version = plan.version_of(options.tag)
        if options.part == "image":
            release_image(options.target, version, options.out)
        elif options.part == "chart":
            release_chart(version, options.digests)
        elif options.part == "packages":
            with tempfile.TemporaryDirectory() as folder:
                _run(plan.package_steps(Path(folder)))
    except ReleaseRefused as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    return 0


def release_image(target: str, version: str, out: Path) -> None:
    """Build, push, sign, and write the digest to ``out/TARGET.digest``."""
    out.mkdir(parents=True, exist_ok=True)
    metadata = out / f"{target}.json"
    _run(plan.image_steps(target, version, _revision(), metadata))
    digest = json.loads(metadata.read_text())["containerimage.digest"]
    _run([plan.sign_step(f"{plan.registry()}/lensora-{target}@{digest}")])
    (out / f"{target}.digest").write_text(f"{digest}\n")


def release_chart(version: str, digests: Path) -> None:
    """Package the chart with the digests, push and sign it."""
    found = {path.stem: path.read_text().strip() for path in digests.glob("*.digest")}
    with tempfile.TemporaryDirectory() as folder:
        archive = package(found, Path(folder))
        (push,) = plan.chart_steps(archive)
        _say(push)
        done = subprocess.run(push.command, capture_output=True, text=True, check=False, cwd=push.folder)  # noqa: S603
        pushed = re.search(r"sha256:[0-9a-f]{64}", done.stdout + done.stderr)
        if done.returncode != 0 or pushed is None:
            raise ReleaseRefused(f"helm push: {done.stdout}{done.stderr}")
        _run([plan.sign_step(f"{plan.registry()}/charts/lensora@{pushed[0]}")])


def dry_run() -> None:
    """Check the versions, package the chart with made-up digests, and print what a release would run."""
    version = plan.said_versions()["Chart.yaml: version"]
    plan.version_of(f"v{version}")
    digests = {name: f"sha256:{index:064x}" for index, name in enumerate(sorted(PLATFORMS), start=1)}
    with tempfile.TemporaryDirectory() as folder:
        archive = package(digests, Path(folder))
        sys.stdout.write(f"# {archive.name}: {archive.stat().st_size} bytes, {len(digests)} images by digest\n")
        steps: list[Step] = []
        for target in PLATFORMS:
            steps += plan.image_steps(target, version, _revision(), Path(f"{target}.json"))
            steps.append(plan.sign_step(f"{plan.registry()}/lensora-{target}@{digests[target]}"))
        steps += plan.chart_steps(Path(archive.name))
        steps += plan.package_steps(Path("dist"))
        sys.stdout.write(f"{plan.shown(steps)}\n")


def _run(steps: Sequence[Step]) -> None:
    for step in steps:
        _say(step)
        if subprocess.run(step.command, check=False, cwd=step.folder).returncode != 0:  # noqa: S603
            raise ReleaseRefused(f"{step.title} failed")


def _say(step: Step) -> None:
    sys.stderr.write(f"{plan.shown([step])}\n")


def _revision() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip() or "unknown"  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
