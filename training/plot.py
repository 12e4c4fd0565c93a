"""The learning curve as a picture: ``python -m training.plot FOLDER/log.csv OUT.svg`` draws it by pictures seen."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, EDGE = 720, 300, 44
CURVES = {"entropy": "#1f77b4", "iou": "#2ca02c", "normals": "#9467bd", "pitch": "#d62728"}
NAMES = {
    "entropy": "field: cross-entropy",
    "iou": "field: soft IoU",
    "normals": "normals: 1 - cosine",
    "pitch": "pitch: mean error, radians",
}
WINDOW = 12
"""Lines of the log that one point of a curve is the mean of."""


def curve(values: NDArray[np.float64], images: NDArray[np.float64], top: float) -> str:
    """The points of a polyline."""
    window = min(WINDOW, len(values))
    smooth = np.convolve(values, np.ones(window) / window, mode="valid")
    x = EDGE + (WIDTH - 2 * EDGE) * images[window - 1 :] / max(float(images[-1]), 1.0)
    y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * smooth / top
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def drawn(rows: list[dict[str, str]]) -> str:
    """An SVG of the curves of a log."""
    images = np.array([float(row["images"]) for row in rows])
    columns = {name: np.array([float(row[name]) for row in rows]) for name in CURVES}
    top = max(0.1, float(np.ceil(max(np.median(values[:WINDOW]) for values in columns.values()) * 10) / 10))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for share in np.linspace(0.0, 1.0, 5):
        y, x = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * share, EDGE + (WIDTH - 2 * EDGE) * share
        parts.append(f'<line x1="{EDGE}" y1="{y:.0f}" x2="{WIDTH - EDGE}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="6" y="{y + 4:.0f}" font-size="11">{share * top:.2f}</text>')
        label = f"{images[-1] * share / 1000:.0f}k"
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - 24}" font-size="11" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" font-size="12" text-anchor="middle">pictures seen</text>')
    for number, (name, color) in enumerate(CURVES.items()):
        points = curve(columns[name], images, top)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        x = EDGE + number * 168
        parts.append(f'<text x="{x}" y="20" font-size="12" fill="{color}">{NAMES[name]}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Run the command."""
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows: list[dict[str, str]] = []
    if source.exists():
        with source.open(newline="") as file:
            # A run that was killed may have left half a line.
            rows = [row for row in csv.DictReader(file) if all(row[name] for name in CURVES)]
    if not rows:
        print(f"{source}: has no line yet, so there is no curve: a run writes one every 40 steps")
        return
    out.write_text(drawn(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
