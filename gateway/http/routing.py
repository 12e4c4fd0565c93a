"""From a method and a path to a handler: fixed paths by one dictionary look-up, the others by one pattern each."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.problems import MethodNotAllowed
from lensora.core.errors import NotFound

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
        methods = self._fixed.get(path)
        parameters: dict[str, str] = {}
        if methods is None:
            for pattern, candidates in self._patterns:
                found = pattern.fullmatch(path)
                if found is not None:
                    methods, parameters = candidates, found.groupdict()
                    break
            else:
                raise NotFound(f"There is nothing at {path[:200]}.")
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed(method, sorted(methods))
        return route, parameters


def _pattern(template: str) -> re.Pattern[str]:
    expression = re.escape(template)
    expression = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.+)", expression)
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", expression), re.DOTALL)
