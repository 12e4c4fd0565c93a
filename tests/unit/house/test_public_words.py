"""Every word of the public API is defined once: an enum in ``lensora/core``, and nowhere else in our code."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

import lensora.core
from gateway.http.app import public_calls
from gateway.http.pages.openapi import document
from lensora.contract.problems import MEANINGS
from lensora.core import artifacts, boxes, errors, steps, words

ROOT = Path(__file__).resolve().parents[3]
CODES_HOME = "lensora/core/errors.py"
NAMES = "lensora/client/__init__.py"
"""Lists names of functions, some of which are called as the words that they stand for."""
PLAIN = {"failed"}
"""A word that means other things too: a try of a webhook can fail."""


def vocabularies() -> Iterator[tuple[str, type[StrEnum]]]:
    """Every enum of words in ``lensora.core``, with its module's path."""
    for info in pkgutil.iter_modules(lensora.core.__path__):
        module = importlib.import_module(f"lensora.core.{info.name}")
        for member in vars(module).values():
            if not isinstance(member, type) or not issubclass(member, StrEnum) or member.__module__ != module.__name__:
                continue
            # The words of media types are IANA's, not ours.
            if member is not artifacts.MediaType:
                yield f"lensora/core/{info.name}.py", member


VOCABULARIES = list(vocabularies())
CODES = {cls.code for cls in errors.error_classes()}


@cache
def trees() -> dict[str, ast.Module]:
    """Our Python code, by path; what is generated is left out."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for package in ("lensora", "gateway", "services")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (ROOT / "lensora" / "api") not in path.parents
    }


def texts_of(nodes: list[ast.expr | None]) -> set[str]:
    """The plain strings among expressions."""
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def definitions(tree: ast.Module) -> Iterator[tuple[int, set[str]]]:
    """Lines on which a module sets words down as a vocabulary: enums, Literals, and collections of plain strings."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() if any("Enum" in ast.unparse(base) for base in node.bases):
                yield node.lineno, texts_of([item.value for item in node.body if isinstance(item, ast.Assign)])
            case ast.Subscript(slice=ast.Tuple(elts=elements)) if ast.unparse(node.value) == "Literal":
                yield node.lineno, texts_of([*elements])
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                yield node.lineno, texts_of([*elements])
            case ast.Dict(keys=keys):
                yield node.lineno, texts_of(keys)


@cache
def collected() -> list[tuple[str, int, set[str]]]:
    """All such places: path, line, strings."""
    return [(path, line, texts) for path, tree in trees().items() for line, texts in definitions(tree) if texts]


def spoken(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Plain strings that are no docstrings and no parts of ``__all__``."""
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(id(node.value))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            silent |= {id(part) for part in ast.walk(node.value)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("home", "vocabulary"),
    VOCABULARIES,
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_vocabulary_is_written_once(home: str, vocabulary: type[StrEnum]) -> None:
    """No other enum, Literal or collection of our code is made of two of its words or more."""
    public = {word.value for word in vocabulary}
    elsewhere = [
        f"{path}:{line} {sorted(texts & public)}"
        for path, line, texts in collected()
        if path not in (home, NAMES) and len(texts & public) >= 2 and 2 * len(texts & public) > len(texts)
    ]
    assert not elsewhere


def test_a_word_that_means_nothing_else_is_written_once() -> None:
    """A step, event, status, code, or a format of two parts is taken from its enum, not written again as a string."""
    homes = {
        word.value: home
        for home, vocabulary in VOCABULARIES
        for word in vocabulary
        if vocabulary is steps.JobStatus or any(mark in word.value for mark in "._-")
    }
    homes |= {code: CODES_HOME for code in CODES if "_" in code}
    again = [
        f"{path}:{line} {text}"
        for path, tree in trees().items()
        for line, text in spoken(tree)
        if homes.get(text, path) != path and text not in PLAIN
    ]
    assert not again


def test_no_two_vocabularies_share_a_word_by_chance() -> None:
    """A word in two enums means the same in both, or the pair is told here."""
    told = {frozenset(("Step", "StageStatus")): {"done"}}
    for place, (_home, first) in enumerate(VOCABULARIES):
        for _other, second in VOCABULARIES[place + 1 :]:
            shared = {word.value for word in first} & {word.value for word in second}
            assert shared == told.get(frozenset((first.__name__, second.__name__)), set()), (first, second)


def test_every_code_is_one_error_with_one_meaning() -> None:
    """No two classes of the tree share a code, but the base, whose code is that of a fault of ours."""
    codes = [cls.code for cls in errors.error_classes()]
    assert sorted(codes) == sorted([*set(codes), "internal"])
    meant = [cls.code for cls in MEANINGS]
    assert len(meant) == len(set(meant)) and set(meant) <= CODES


def test_the_openapi_document_takes_each_vocabulary_once() -> None:
    """Each enum under ``components`` is one of ours or a part of one, and no two there hold the same words."""
    schemas = document(public_calls(), "http://studio.test")["components"]["schemas"]
    lists = {name: frozenset(schema["enum"]) for name, schema in schemas.items() if "enum" in schema}
    assert len(set(lists.values())) == len(lists)
    ours = [frozenset(word.value for word in vocabulary) for _home, vocabulary in VOCABULARIES]
    assert all(any(found == own for own in ours) for found in lists.values()), lists
    for vocabulary in (boxes.Category, steps.JobStatus, steps.Step, words.OutputFormat, words.WebhookEvent):
        assert lists[vocabulary.__name__] == {word.value for word in vocabulary}
