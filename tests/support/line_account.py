"""The service's side of the conversation with the LINE simulator."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from simulator.line import Simulator

TEXT = [{"type": "text", "text": "レベル４ 大雨危険警報"}]


@functools.cache
def official(path: Path) -> dict[str, Any]:
    """One of LINE's OpenAPI descriptions."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=loader)
    return read


@dataclass
class Said:
    """What LINE answered."""

    status: int
    content: Any
    headers: dict[str, str]

    @property
    def properties(self) -> list[str]:
        return [detail["property"] for detail in self.content.get("details", [])]


class Line:
    """Posts to the stand-in with the right token."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Said:
        sent = {"Authorization": "Bearer t"}
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            sent["X-Line-Retry-Key"] = key
        sent.update(headers or {})
        async with self.session.request(
            method, self.simulator.url + path, data=data, headers=sent
        ) as answer:
            raw = await answer.read()
            kind = answer.headers.get("Content-Type", "")
            content = json.loads(raw) if kind.startswith("application/json") else raw
            return Said(
                answer.status,
                content,
                {name.lower(): value for name, value in answer.headers.items()},
            )

    async def post(self, path: str, body: Any, **more: Any) -> Said:
        return await self.call("POST", path, body, **more)

    async def get(self, path: str, **more: Any) -> Said:
        return await self.call("GET", path, **more)

    async def multicast(self, to: list[str], messages: Any = TEXT, **more: Any) -> Said:
        return await self.post(
            "/v2/bot/message/multicast", {"messages": messages, "to": to}, **more
        )

    async def push(self, to: str, messages: Any = TEXT, **more: Any) -> Said:
        return await self.post("/v2/bot/message/push", {"to": to, "messages": messages}, **more)

    async def reply(self, token: str, messages: Any = TEXT, **more: Any) -> Said:
        body = {"replyToken": token, "messages": messages}
        return await self.post("/v2/bot/message/reply", body, **more)


@dataclass
class Service:
    """A service that takes webhooks and answers as told."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in json.loads(body)["events"]]
