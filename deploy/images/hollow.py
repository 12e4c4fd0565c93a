"""Put a hollow library where a full one is loaded but never called: ``python hollow.py ROOT NAME ...``.

Wheels and distributions link against more than we use: OpenCV's wheel brings FFmpeg for video files, and LLVM asks for
an XML parser. The loader refuses to start without such a library, so it cannot be deleted. The hollow one has the same
name and those functions that other libraries under ROOT ask for. Each of them ends the process (``abort``); with
``--absent`` it answers null, for callers that ask whether something is there. ``make test-images`` runs a whole job
through the images.

It runs in a build stage of deploy/Dockerfile, with the ``as`` and ``ld`` of binutils and Debian's own Python.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FUNCTIONS = ("FUNC", "IFUNC")

CALL_ABORT = {"x86_64": "jmp abort@PLT", "aarch64": "b abort"}
ANSWER_NULL = {"x86_64": "xor %eax, %eax\nret", "aarch64": "mov x0, 0\nret"}

_SYMBOL = re.compile(
    r"^\s*\d+: [0-9a-f]+\s+\w+ (?P<kind>\w+)\s+\w+\s+\w+\s+(?P<section>\w+) (?P<name>[^@\s]+)(?:@@?(?P<version>\S+))?"
)
_ENTRY = re.compile(r"\((?P<tag>NEEDED|SONAME)\).*\[(?P<name>.+)\]")


class Symbol(NamedTuple):
    """A name that the loader binds, and its version, which may be empty."""

    name: str
    version: str


@dataclass(frozen=True)
class Library:
    """A shared library: what it is called, which others it names, what it asks for and what it has.

    Attributes:
        path: the file itself.
        soname: by which others name it.
        needed: sonames of others.
        wanted: symbols that it takes from others.
        offered: the kind of each symbol that it has, such as FUNC.
    """

    path: Path
    soname: str
    needed: frozenset[str]
    wanted: frozenset[Symbol]
    offered: Mapping[Symbol, str]


def main() -> int:
    """Print what each step saved. Status 1 where a NAME is not there, or data is asked of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder of everything that may load these libraries")
    parser.add_argument("names", nargs="+", help="patterns of file names under ROOT, whose functions then abort")
    parser.add_argument("--absent", nargs="*", default=[], help="patterns of those whose functions then answer null")
    options = parser.parse_args()
    bodies = dict.fromkeys(options.names, CALL_ABORT) | dict.fromkeys(options.absent, ANSWER_NULL)
    hollow = {
        path: body[platform.machine()]
        for name, body in bodies.items()
        for path in options.root.rglob(name)
        if not path.is_symlink()
    }
    missing = [name for name in bodies if not any(path.match(name) for path in hollow)]
    if missing:
        sys.stderr.write(f"hollow: not under {options.root}: {' '.join(missing)}\n")
        return 1
    users = [read(path) for path in shared_libraries(options.root) if path not in hollow]
    wanted = frozenset().union(*(user.wanted for user in users))
    for path, body in sorted(hollow.items()):
        before = path.stat().st_size
        write(read(path), wanted, body)
        sys.stdout.write(f"hollow: {path.name} {before / 1e6:.1f} MB, now {path.stat().st_size / 1e6:.2f}\n")
    while gone := orphans(options.root):
        for path in gone:
            sys.stdout.write(f"hollow: {path.name} {path.stat().st_size / 1e6:.1f} MB, named by none, gone\n")
            path.unlink()
    return 0


def shared_libraries(root: Path) -> list[Path]:
    """Every ELF library under a folder."""
    found = []
    for path in root.rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def read(path: Path) -> Library:
    """What ``readelf`` says of a library."""
    dynamic = [match for line in _readelf("-d", path) if (match := _ENTRY.search(line))]
    symbols = [match for line in _readelf("--dyn-syms", path) if (match := _SYMBOL.match(line))]
    sonames = [match["name"] for match in dynamic if match["tag"] == "SONAME"]
    return Library(
        path=path,
        soname=(sonames or [path.name])[0],
        needed=frozenset(match["name"] for match in dynamic if match["tag"] == "NEEDED"),
        wanted=frozenset(_symbol(match) for match in symbols if match["section"] == "UND"),
        offered={_symbol(match): match["kind"] for match in symbols if match["section"] != "UND"},
    )


def _symbol(match: re.Match[str]) -> Symbol:
    return Symbol(match["name"], match["version"] or "")


def write(library: Library, wanted: Iterable[Symbol], body: str) -> None:
    """Replace the file by one that has those of its functions that are wanted, each with the same body in assembler.

    Raises:
        ValueError: data of it is wanted, which cannot be made up.
    """
    symbols = sorted(set(wanted) & set(library.offered))
    data = [symbol.name for symbol in symbols if library.offered[symbol] not in FUNCTIONS]
    if data:
        raise ValueError(f"{library.path.name}: others read its data: {' '.join(data)}")
    lines = [".text", *(f".globl {name}\n.type {name}, %function\n{name}:" for name, _version in symbols)]
    lines += [body, '.section .note.GNU-stack,"",%progbits', ""]
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in symbols:
        versions[version].append(name)
    script = "\n".join(f"{version} {{ {'; '.join(names)}; }};" for version, names in versions.items())
    with tempfile.TemporaryDirectory() as folder:
        source, compiled, map_file = (Path(folder, name) for name in ("a.s", "a.o", "a.map"))
        source.write_text("\n".join(lines))
        map_file.write_text(script)
        versioned: list[str | Path] = ["--version-script", map_file] if set(versions) - {""} else []
        _run("as", "-o", compiled, source)
        _run("ld", "-shared", "-soname", library.soname, *versioned, "-o", library.path, compiled)


def orphans(root: Path) -> list[Path]:
    """Libraries that only wheels bring (in their folders ``*.libs``) and no other library names any more."""
    libraries = [read(path) for path in shared_libraries(root)]
    named = frozenset().union(*(library.needed for library in libraries))
    bundled = [library for library in libraries if library.path.parent.suffix == ".libs"]
    return [library.path for library in bundled if not named & {library.soname, library.path.name}]


def _readelf(option: str, path: Path) -> list[str]:
    return _run("readelf", "--wide", option, path).splitlines()


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
