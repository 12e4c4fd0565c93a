"""Tables that grow by a line: the log of a training, and what is measured after each run."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path


def add_line(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file.

    Columns that the file lacks are added to it, and stay empty in the rows before: a run that measured few kinds, or an
    earlier version, does not decide what later ones may say.
    """
    rows: list[Mapping[str, object]] = [row]
    columns, is_rewritten = list(row), True
    if path.exists():
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            known = list(reader.fieldnames or ())
            new = [name for name in row if name not in known]
            columns, is_rewritten = known + new, bool(new)
            if new:
                rows = [*reader, row]
    with path.open("w" if is_rewritten else "a", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        if is_rewritten:
            writer.writeheader()
        writer.writerows(rows)
