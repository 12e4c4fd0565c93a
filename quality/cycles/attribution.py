"""Who made what the corpus shows: written beside it, from the meshes' manifest."""

from __future__ import annotations

import csv
import json
from pathlib import Path

COLUMNS = ("object", "part", "kind", "source", "licence_author", "changes")

CHANGES = "scaled to the unit sphere, positions rounded to 16 bits, texture left out of the mesh; photographed"


def write(corpus: Path, manifest: Path) -> int:
    """Write ``ATTRIBUTION.tsv`` and ``split.json`` for the objects of a corpus; returns how many there are."""
    rows = {
        row["file"].removesuffix(".glb"): row
        for row in csv.DictReader(manifest.read_text().splitlines(), delimiter="\t")
    }
    parts: dict[str, list[str]] = {"tune": [], "unseen": []}
    kinds: dict[str, str] = {}
    for part, names in parts.items():
        for path in sorted((corpus / part).glob("*/camera.json")):
            camera = json.loads(path.read_text())
            kinds[camera["object"]] = camera["kind"]
            if camera["object"] not in names:
                names.append(camera["object"])
    with (corpus / "ATTRIBUTION.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(COLUMNS)
        for part, names in parts.items():
            for name in names:
                row = rows[name]
                table.writerow([name, part, kinds[name], row["source"], row["licence_author"], CHANGES])
    (corpus / "split.json").write_text(json.dumps(parts, indent=1) + "\n")
    return len(kinds)
