"""Which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from simulator.line.answers import Answer, Request

Names = dict[str, str]
Handler = Callable[[Request, Names], Answer | Coroutine[Any, Any, Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Parameters
    ----------
    name
        As rate limits, faults and statistics call it.
    retry_keys
        Whether ``X-Line-Retry-Key`` may be given.
    takes_json
        Whether a body must be declared as JSON.
    needs_token
        Whether a channel access token is asked for.
    """

    name: str
    handler: Handler
    retry_keys: bool = False
    takes_json: bool = False
    needs_token: bool = True


class Router:
    """Finds the endpoint of a method and path; ``{name}`` in a path matches one part."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Route]] = []

    def add(self, method: str, path: str, route: Route) -> None:
        """Add an endpoint."""
        if "{" not in path:
            self._fixed[method, path] = route
            return
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        self._patterns.append((method, pattern, route))

    def find(self, method: str, path: str) -> tuple[Route, Names] | None:
        """Return the endpoint and what its path names, or ``None``."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        for wanted, pattern, route in self._patterns:
            if wanted == method:
                match = pattern.fullmatch(path)
                if match is not None:
                    return route, match.groupdict()
        return None

    def knows(self, path: str) -> bool:
        """Whether any method has an endpoint at ``path``."""
        return any(fixed == path for _, fixed in self._fixed) or any(
            pattern.fullmatch(path) for _, pattern, _ in self._patterns
        )
