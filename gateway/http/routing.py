"""From a method and a path to a handler: fixed paths by one dictionary look-up, the others by one pattern each."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lensora.core.errors import MethodNotAllowed, NotFound

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. ``{name}`` in the template stands for a segment, ``{name:path}`` for the rest."""

    method: str
    template: str
    handler: Handler


class Router:
    """All routes; HEAD goes to GET's handler."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        by_template: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = by_template.setdefault(route.template, {})
            methods[route.method] = route
            if route.method == "GET":
                methods.setdefault("HEAD", route)
        for template, methods in by_template.items():
            if "{" in template:
                self._patterns.append((_pattern(template), methods))
            else:
                self._fixed[template] = methods

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route, and what its template's names stand for.

        Raises:
            NotFound: no such path.
            MethodNotAllowed: the path has other methods.
        """
        methods, parameters = self._find(path)
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed(f"The method must be one of {', '.join(sorted(methods))}, not {method[:20]}.")
        return route, parameters

    def allowed(self, path: str) -> list[str]:
        """The methods of a path. Raises NotFound."""
        return sorted(self._find(path)[0])

    def _find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        methods = self._fixed.get(path)
        if methods is not None:
            return methods, {}
        for pattern, candidates in self._patterns:
            found = pattern.fullmatch(path)
            if found is not None:
                return candidates, found.groupdict()
        raise NotFound(f"There is nothing at {path[:200]}.")


def _pattern(template: str) -> re.Pattern[str]:
    expression = re.escape(template)
    expression = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.+)", expression)
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", expression), re.DOTALL)
