"""Requests and answers without an HTTP server, and LINE's form of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.line.checks import Check, RequestFault

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """A request; names of ``headers`` are case-insensitive."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Answer:
    """An answer, sent after ``delay`` seconds.

    With ``drop`` the connection is closed instead; with ``hang`` nothing is sent at all.
    """

    status: int = 200
    body: bytes = b"{}"
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    hang: bool = False
    bytes_per_second: float | None = None


def answer_json(value: Any, status: int = 200) -> Answer:
    """Answer with ``value`` as JSON."""
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


class LineError(Exception):
    """A refusal of LINE: a status, a sentence, and the place of the fault."""

    def __init__(
        self,
        status: int,
        message: str,
        details: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def answer(self) -> Answer:
        """The answer in the form of the schema ``ErrorResponse``."""
        content: dict[str, Any] = {"message": self.message}
        if self.details:
            content["details"] = [
                {"message": message, "property": where} for message, where in self.details
            ]
        content.update(self.more)
        made = answer_json(content, self.status)
        made.headers.update(self.headers)
        return made


def _dotted(path: Sequence[str | int]) -> str:
    said = ""
    for step in path:
        if isinstance(step, int):
            said += f"[{step}]"
        else:
            said += f".{step}" if said else step
    return said


def refuse(faults: Sequence[RequestFault]) -> LineError:
    """Return the faults of a body in LINE's form.

    Faults inside a Flex container are named by a pointer from the container down, all others by
    the way from the top of the body.
    """
    first = faults[0].path
    if len(first) > 2 and first[0] == "messages" and first[2] == "contents":
        index = first[1]
        here = [fault for fault in faults if fault.path[:3] == first[:3]]
        return LineError(
            400,
            f"A message (messages[{index}]) in the request body is invalid",
            [
                (fault.message, "/" + "/".join(str(step) for step in fault.path[3:]))
                for fault in here
            ],
        )
    return LineError(
        400,
        f"The request body has {len(faults)} error(s)",
        [(fault.message, _dotted(fault.path)) for fault in faults],
    )


def read_json(body: bytes, check: Check) -> dict[str, Any]:
    """Parse and check a body.

    Raises
    ------
    LineError
        400, in LINE's words.
    """
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        raise LineError(
            400,
            "The request body could not be parsed as JSON "
            f"(line: {error.lineno}, column: {error.colno})",
        ) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise LineError(400, "The request body could not be parsed as JSON") from error
    try:
        faults = check(value)
    except RecursionError as error:
        raise LineError(400, "The request body is nested too deeply") from error
    if faults:
        raise refuse(faults)
    read: dict[str, Any] = value
    return read
