"""The table of the chart's values, from values.yaml and its comments: ``python -m deploy.helm.reference [--check]``.

It stands between two marks in the chart's README.md. A key without a comment of its own is part of the map above it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "lensora"
BEGIN = "<!-- values: written by `python -m deploy.helm.reference` -->"
END = "<!-- end of values -->"

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):(?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class Row:
    """One value: its path, its default, and what its comment says."""

    path: str
    default: str
    description: str


def rows(text: str) -> Iterator[Row]:
    """The described values of a values.yaml, in its order."""
    values = yaml.safe_load(text)
    above: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# -- "):
            comment = [stripped.removeprefix("# -- ")]
            continue
        if stripped.startswith("#"):
            if comment:
                comment.append(stripped.removeprefix("# "))
            continue
        match = _KEY.match(line)
        if match is None:
            comment = []
            continue
        while above and above[-1][0] >= len(match["indent"]):
            above.pop()
        above.append((len(match["indent"]), match["key"]))
        if comment:
            keys = [key for _, key in above]
            yield Row(".".join(keys), _default(values, keys), " ".join(comment))
        comment = []


def undescribed(text: str) -> list[str]:
    """Paths of values that no comment describes: neither their own nor that of a map that they are in."""
    described = {row.path for row in rows(text)}

    def covered(path: str) -> bool:
        parts = path.split(".")
        return any(".".join(parts[:length]) in described for length in range(1, len(parts) + 1))

    # The other stages have the shape of the first one.
    return [
        path
        for path in _leaves(yaml.safe_load(text))
        if not covered(re.sub(r"^stages\.(segment|mesh|render)\.", "stages.detect.", path))
    ]


def table(text: str) -> str:
    """The table in Markdown."""
    lines = ["| value | default | what it is |", "|---|---|---|"]
    for row in rows(text):
        path = row.path.replace("stages.detect.", "stages.STAGE.")
        lines.append(f"| `{path}` | `{row.default}` | {row.description.replace('|', '/')} |")
    return "\n".join(lines)


def _leaves(values: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _default(values: Any, keys: list[str]) -> str:
    for key in keys:
        values = values[key]
    return json.dumps(values)


def main() -> int:
    """``--check`` exits with 1 where README.md is not what values.yaml makes."""
    text = (CHART / "values.yaml").read_text()
    readme = CHART / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    wanted = f"{before}{BEGIN}\n\n{table(text)}\n\n{END}{rest.partition(END)[2]}"
    missing = undescribed(text)
    for path in missing:
        sys.stderr.write(f"{path} has no `# --` comment in values.yaml\n")
    if "--check" in sys.argv[1:]:
        stale = readme.read_text() != wanted
        if stale:
            sys.stderr.write("README.md is not what values.yaml makes; run: python -m deploy.helm.reference\n")
        return 1 if stale or missing else 0
    readme.write_text(wanted)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
