"""The documentation's English: short sentences, and one name for a neural network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MOST_WORDS = 30
ELSEWHERE = ("notes/", "models/", "BENCHMARKS.md", "DECISIONS.md", "MESH.md", "internals/mesh.md")
"""Notes, decisions and cards of models tell what was tried and measured."""

PAGES = [
    path
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        ROOT / "examples" / "README.md",
        ROOT / "clients" / "node" / "README.md",
    )
    if not path.relative_to(ROOT).as_posix().removeprefix("docs/").startswith(ELSEWHERE)
]


def prose(text: str) -> str:
    """A page without code, tables, pictures and the addresses of links."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(\||    ).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a page's prose; a list's entries and what follows a colon are their own."""
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n#+ ", prose(text)):
        yield from re.split(r"(?<=[.!?:;])\s+(?=[A-Z`*0-9])", " ".join(paragraph.split()))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sentences_are_short(page: Path) -> None:
    """Nobody has to read a sentence twice: it has at most 30 words."""
    long = [sentence for sentence in sentences(page.read_text("utf-8")) if len(sentence.split()) > MOST_WORDS]
    assert not long


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_neural_network_is_called_one_first(page: Path) -> None:
    """A page that says "net" has said "neural network" before."""
    text = prose(page.read_text("utf-8"))
    short = re.search(r"(?<![-`\w/])nets?(?![-`\w/])", text)
    first = re.search(r"neural network", text, re.IGNORECASE)
    assert short is None or (first is not None and first.start() < short.start())


def test_an_internals_page_is_read_in_minutes() -> None:
    """How a stage works has about a thousand words; what was tried lies in the notes."""
    pages = [page for page in (ROOT / "docs" / "internals").glob("*.md") if page.name != "overview.md"]
    assert len(pages) >= 5
    words = {page.name: len(page.read_text("utf-8").split()) for page in pages}
    assert all(600 <= count <= 1_300 for count in words.values()), words
