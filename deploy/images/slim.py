"""Take out of an environment what no process of ours reads: ``python slim.py ENVIRONMENT [NAME ...]``.

It runs in the build stage of deploy/Dockerfile with Debian's own Python and binutils, before the environment is copied
into an image. Out go the packages' own tests, headers, type stubs and static libraries, symbols that only a debugger
reads, and the installers. Each NAME is a file or folder of site-packages that goes too.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

NEEDLESS_FOLDERS = {"tests", "include", "_examples"}
NEEDLESS_SUFFIXES = {".a", ".c", ".cpp", ".h", ".hpp", ".pxd", ".pyi", ".pyx"}
INSTALLERS = {"pip", "setuptools", "wheel"}

PT_LOAD = 1


def main() -> int:
    """Print what each step saved."""
    environment, *named = sys.argv[1:]
    (packages,) = Path(environment, "lib").glob("python3.*/site-packages")
    before = _size(packages)
    for name in named:
        found = list(packages.glob(name))
        if not found:
            sys.stderr.write(f"slim: {name} is not in {packages}\n")
            return 1
        for path in found:
            _remove(path)
    for path in sorted(packages.rglob("*"), key=lambda one: len(one.parts)):
        needless = path.name in NEEDLESS_FOLDERS if path.is_dir() else path.suffix in NEEDLESS_SUFFIXES
        if needless and path.exists():
            _remove(path)
    for path in packages.iterdir():
        if path.name.partition("-")[0] in INSTALLERS:
            _remove(path)
    after = _size(packages)
    for path in packages.rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            strip(path)
    stripped = _size(packages)
    mega = 1e6
    sys.stdout.write(
        f"slim: {before / mega:.0f} MB, {after / mega:.0f} without what nobody reads, {stripped / mega:.0f} stripped\n"
    )
    return 0


def strip(path: Path) -> None:
    """Drop the symbols that no loader reads, unless that would ruin the file.

    Libraries whose wheel was repaired (auditwheel moves their headers with patchelf) can lose the alignment of their
    segments when they are stripped; the loader refuses such a file, so it stays as it was.
    """
    thinner = path.with_name(f"{path.name}.thin")
    done = subprocess.run(["strip", "--strip-unneeded", "-o", thinner, path], capture_output=True, check=False)  # noqa: S603, S607
    if done.returncode == 0 and aligned(thinner):
        thinner.chmod(path.stat().st_mode)
        thinner.replace(path)
    else:
        thinner.unlink(missing_ok=True)


def aligned(path: Path) -> bool:
    """Whether the loader can map every segment of a 64-bit ELF file: offset and address agree by page."""
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return False
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _flags, offset, address, _physical, _file, _memory, align = struct.unpack_from(
            "<IIQQQQQQ", data, start + number * size
        )
        if kind == PT_LOAD and align and (offset - address) % align:
            return False
    return True


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
