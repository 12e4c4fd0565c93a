"""Every word of the public API is defined once: an enum in ``lensora/core``, and nowhere else in our code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from lensora.core import boxes, steps, words
from lensora.core.errors import error_classes

ROOT = Path(__file__).resolve().parents[3]
VOCABULARIES: tuple[type[StrEnum], ...] = (
    boxes.Category,
    steps.JobStatus,
    steps.Step,
    steps.StageStatus,
    words.BackgroundType,
    words.CameraMove,
    words.DeliveryStatus,
    words.LedgerKind,
    words.OutputFormat,
    words.WebhookEvent,
)
MODULES = sorted(
    path
    for package in ("lensora", "gateway", "services")
    for path in (ROOT / package).rglob("*.py")
    if (ROOT / "lensora" / "api") not in path.parents
)
OF_A_STAGE = {"services/mesh/formats.py", "services/render/film.py"}
"""The formats that one stage writes, each as its own enum: subsets, tied to the public words by a test of their own."""


def definitions(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    """Where a module sets words down as a vocabulary: enums, Literals, and tuples, lists and sets of plain strings."""
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases):
            found = [item.value for item in node.body if isinstance(item, ast.Assign)]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            found = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            found = list(node.elts)
        texts = {item.value for item in found if isinstance(item, ast.Constant) and isinstance(item.value, str)}
        if texts:
            yield f"line {getattr(node, 'lineno', 0)}", frozenset(texts)


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda one: one.__name__)
def test_a_vocabulary_is_written_once(vocabulary: type[StrEnum]) -> None:
    """No other enum, Literal or list of our code holds most of its words."""
    public = {word.value for word in vocabulary}
    most = max(2, (len(public) + 1) // 2)
    places = [
        f"{path.relative_to(ROOT)} {where}"
        for path in MODULES
        if str(path.relative_to(ROOT)) not in OF_A_STAGE
        for where, texts in definitions(ast.parse(path.read_text("utf-8")))
        if len(texts & public) >= most and len(texts & public) >= len(texts) / 2
    ]
    assert len(places) == 1, places
    assert places[0].startswith("lensora/core/")


def test_a_stage_s_formats_are_public_words() -> None:
    """What a stage can write beside the GLB has the name that the public API gives it."""
    from services.mesh.finish.formats import FileFormat
    from services.render.film import VideoFormat

    public = {word.value for word in words.OutputFormat}
    assert {kind.value for kind in FileFormat} <= public
    assert {kind.value for kind in VideoFormat} <= public


def test_every_code_is_one_error() -> None:
    """No two classes of the tree share a code, but the base, whose code is the one of a fault of ours."""
    codes = [cls.code for cls in error_classes()]
    assert sorted(codes) == sorted([*set(codes), "internal"])
