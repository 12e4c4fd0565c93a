"""What the pages of the neural networks repeat of the manifest and of Triton's configurations is what stands there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs" / "models").glob("*.md"))
SERVED = sorted(path.parent for path in (ROOT / "deploy" / "triton" / "models").glob("*/config.pbtxt"))
MEMORY_OFF = 0.2
"""A page rounds the memory: it may be off by this share."""


@cache
def entries() -> dict[str, dict[str, Any]]:
    """The manifest's entries by name."""
    manifest = tomllib.loads((ROOT / "lensora" / "models" / "manifest.toml").read_text("utf-8"))
    return {entry["name"]: entry for entry in (*manifest["model"], *manifest["snapshot"])}


def page_of(name: str) -> str:
    """The page that tells of a network: its own, or one that names it in backticks in its head."""
    own = ROOT / "docs" / "models" / f"{name}.md"
    if own.exists():
        return own.read_text("utf-8")
    (found,) = (text for page in PAGES if f"`{name}`" in (text := page.read_text("utf-8")).split("\n## ")[0])
    return found


def cells(page: str, head: str) -> list[str]:
    """The cells of a table's row."""
    return [
        cell.strip() for row in re.findall(rf"^\| {head}[^|]*\|(.*)\|$", page, re.MULTILINE) for cell in row.split("|")
    ]


def tensors(page: str) -> dict[str, set[tuple[str, str]]]:
    """Each tensor that a page tells of, with its types and shapes."""
    found: dict[str, set[tuple[str, str]]] = {}
    for names, kind, shapes in re.findall(r"^\| (`[^|]*`) \| ([A-Z0-9]+) \| ([^|]*) \|", page, re.MULTILINE):
        each = shapes.split(", ")
        for place, name in enumerate(re.findall(r"`(\w+)`", names)):
            found.setdefault(name, set()).add((kind, each[min(place, len(each) - 1)]))
    return found


def configured(folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Name, type and shape of each tensor of a configuration; a size that varies is a letter."""
    text = (folder / "config.pbtxt").read_text("utf-8").split("model_warmup")[0]
    batched = "max_batch_size: 0" not in text
    for name, kind, dims in re.findall(r'name: "(\w+)" data_type: TYPE_(\w+) dims: \[ ([^\]]*) \]', text):
        sizes = ["?" if size.strip() == "-1" else size.strip() for size in dims.split(",")]
        yield name, kind, ["?", *sizes] if batched else sizes


def fits(shape: str, sizes: list[str]) -> bool:
    """Whether a page's shape, such as ``n x 3 x h x w``, is the configuration's."""
    told = shape.split(" x ")
    return len(told) == len(sizes) and all(
        part.isalpha() if size == "?" else part == size for part, size in zip(told, sizes, strict=True)
    )


@pytest.mark.parametrize("name", sorted(entries()))
def test_licence_size_and_memory_are_the_manifests(name: str) -> None:
    """As are revision and digest, where the page has them."""
    entry, page = entries()[name], page_of(name)
    licence = entry["license"]
    assert licence in page or (licence.startswith("LicenseRef") and "no licence text" in page)
    if "size_bytes" in entry:
        assert re.search(rf"\b({entry['size_bytes'] / 1e6:.0f}|{entry['size_bytes'] / 1e6:.1f}) MB", page), name
    told = [
        float(number) * {"GB": 1e9, "MB": 1e6}[unit]
        for cell in cells(page, r"[Mm]emory")
        for number, unit in re.findall(r"^(?:about )?([\d.]+) (GB|MB)", cell)
    ]
    assert any(abs(memory - entry["memory_bytes"]) <= MEMORY_OFF * entry["memory_bytes"] for memory in told), told
    if len(entry.get("revision", "")) == 40:
        assert entry["revision"] in page and entry["repository"] in page
    for digest in re.findall(r"`([0-9a-f]{8})\.\.\.`", page):
        known = [file["sha256"] for file in entry["file"]] if "repository" in entry else [entry["sha256"]]
        assert any(sha256.startswith(digest) for sha256 in known), digest


@pytest.mark.parametrize("folder", SERVED, ids=lambda folder: folder.name)
def test_tensors_and_batching_are_those_of_the_configuration(folder: Path) -> None:
    """Every tensor has its type and shape; how many wait for each other, and how long."""
    page = page_of(folder.name)
    told = tensors(page)
    for name, kind, sizes in configured(folder):
        assert any(kind == found and fits(shape, sizes) for found, shape in told.get(name, ())), (name, told.get(name))
    config = (folder / "config.pbtxt").read_text("utf-8")
    most = int(re.findall(r"max_batch_size: (\d+)", config)[0])
    batching = " ".join(cells(page, "Batching")) or page
    waits = re.findall(r"max_queue_delay_microseconds: (\d+)", config)
    if most:
        words = {4: "up to (?:4|four)"}.get(most, f"up to {most}")
        assert re.search(rf"{words}\b", batching) and f"{int(waits[0]) // 1000} ms" in batching, batching
    assert f"docs/models/{folder.name}.md" in config or not (ROOT / "docs" / "models" / f"{folder.name}.md").exists()
