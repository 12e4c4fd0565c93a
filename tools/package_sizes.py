"""Print what each extra of the package brings: packages and bytes, as they are installed in this environment.

``python tools/package_sizes.py``. Bytecode is not counted; what is not installed here is named. docs/guides/install.md
holds what it printed.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

PACKAGE = "lensora"
SETS: tuple[tuple[str, ...], ...] = ((), ("mcp",), ("server",), ("server", "tools"), ("server", "usd"))


def needed(extras: tuple[str, ...]) -> set[str]:
    """Names of every package that these extras bring, our own left out."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(f"{PACKAGE}[{','.join(extras)}]")]
    while waiting:
        wanted = waiting.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if (name, frozenset(wanted.extras)) in found:
            continue
        found.add((name, frozenset(wanted.extras)))
        for line in distribution(name).requires or ():
            further = Requirement(line)
            chosen = ("", *wanted.extras)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in chosen):
                waiting.append(further)
    return {name for name, _extras in found} - {PACKAGE}


def bytes_of(name: str) -> int:
    """Size of a package's files without bytecode."""
    files = [file for file in distribution(name).files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for file in files if (path := file.locate()).is_file())  # type: ignore[attr-defined]


def main() -> None:
    """One line for each set of extras."""
    for extras in SETS:
        label = f"{PACKAGE}[{','.join(extras)}]" if extras else PACKAGE
        try:
            names = needed(extras)
        except PackageNotFoundError as error:
            sys.stdout.write(f"{label:24} not installed here: {error.name}\n")
            continue
        sizes = {name: bytes_of(name) / 1e6 for name in names}
        largest = ", ".join(f"{name} {sizes[name]:.0f}" for name in sorted(sizes, key=lambda one: -sizes[one])[:4])
        total = f"{sum(sizes.values()):6.0f} MB in {len(names)} packages"
        sys.stdout.write(f"{label:24} {total} ({largest})\n")


if __name__ == "__main__":
    main()
