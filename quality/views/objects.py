"""The split by object of the things that are photographed from several sides.

``python -m quality.views.objects --data DIR`` wrote ``objects.tsv`` from the folder's ``MANIFEST.tsv``: reserved
objects alone (``quality.split``), those with colours of their own, a hash deciding their part. It is read from then
on.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quality.split import is_reserved

LIST = Path(__file__).parent / "objects.tsv"

PARTS = {"tune": 40, "unseen": 60}
"""Objects in each part."""

INVENTED = "colours made up"
"""What the manifest says of meshes whose colours nobody has: nothing can be said of a texture there."""


@dataclass(frozen=True)
class Thing:
    """An object of the split: its file's name without suffix, its part, and what kind of thing it is."""

    name: str
    part: str
    category: str


def things(part: str) -> list[Thing]:
    """All of a part, ``tune`` or ``unseen``, by name."""
    with LIST.open(newline="") as file:
        rows = [Thing(**row) for row in csv.DictReader(file, delimiter="\t")]
    return [row for row in rows if row.part == part]


def chosen(manifest: Path) -> list[Thing]:
    """The split of a folder's objects."""
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    usable = {
        row["file"].removesuffix(".glb"): row["category"] for row in rows if INVENTED not in row["licence_author"]
    }
    order = sorted((name for name in usable if is_reserved(name)), key=lambda name: _digest(f"views {name}"))
    picked, start = [], 0
    for part, count in PARTS.items():
        picked += [Thing(name, part, usable[name]) for name in order[start : start + count]]
        start += count
    return sorted(picked, key=lambda thing: (thing.part, thing.name))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(prog="quality.views.objects")
    parser.add_argument("--data", type=Path, required=True, help="folder with MANIFEST.tsv")
    options = parser.parse_args(arguments)
    with LIST.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["name", "part", "category"])
        writer.writerows([thing.name, thing.part, thing.category] for thing in chosen(options.data / "MANIFEST.tsv"))


if __name__ == "__main__":
    main()
