"""Another office's Open311 endpoint (GeoReport v2, JSON), as far as a client needs it.

Use it as an asynchronous context. ``cases`` is what it took; :meth:`Office.says` is how it answers
them. (https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

KEY = "a key of the office"
PATH = "/open311/v2"


@dataclass
class Faults:
    """How the server fails; numbers count down with each request.

    Parameters
    ----------
    broken
        So many requests get 500.
    busy
        So many get 429 with ``Retry-After: 7``.
    lost
        So many posts are taken, and the connection ends without an answer.
    nonsense
        So many posts are taken and answered with a page for people.
    hangs
        So many requests are never answered.
    refuses
        Posts get 400 with these words while it is not empty.
    moved
        So many requests are sent to another address.
    """

    broken: int = 0
    busy: int = 0
    lost: int = 0
    nonsense: int = 0
    hangs: int = 0
    refuses: str = ""
    moved: int = 0


@dataclass
class Case:
    """What the office took."""

    number: str
    fields: dict[str, str]
    status: str = "open"
    notes: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def entry(self) -> dict[str, Any]:
        moment = self.at.isoformat(timespec="seconds")
        return {
            "service_request_id": self.number,
            "status": self.status,
            "status_notes": self.notes or None,
            "service_name": self.fields.get("service_code"),
            "service_code": self.fields.get("service_code"),
            "description": self.fields.get("description"),
            "agency_responsible": None,
            "service_notice": None,
            "requested_datetime": moment,
            "updated_datetime": moment,
            "expected_datetime": None,
            "address": self.fields.get("address_string"),
            "address_id": None,
            "zipcode": None,
            "lat": float(self.fields["lat"]) if "lat" in self.fields else None,
            "long": float(self.fields["long"]) if "long" in self.fields else None,
            "media_url": self.fields.get("media_url"),
        }


class Office:
    """Takes cases on a port of this machine.

    Parameters
    ----------
    port
        0 for a free one.
    by_token
        Whether a post is answered with a token, and the number only afterwards.
    """

    def __init__(self, *, port: int = 0, by_token: bool = False) -> None:
        self.port = port
        self.by_token = by_token
        self.faults = Faults()
        self.cases: list[Case] = []
        self.posts = 0
        """How many posts came, also those that were not taken."""
        self._runner: web.AppRunner | None = None
        self._release = asyncio.Event()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def says(self, number: str, status: str, notes: str = "") -> None:
        """Have the office change a case."""
        case = next(one for one in self.cases if one.number == number)
        case.status, case.notes, case.at = status, notes, datetime.now(UTC)

    async def __aenter__(self) -> Office:
        app = web.Application()
        app.router.add_post(f"{PATH}/requests.json", self._post)
        app.router.add_get(f"{PATH}/requests.json", self._list)
        app.router.add_get(f"{PATH}/requests/{{number}}.json", self._one)
        app.router.add_get(f"{PATH}/tokens/{{token}}.json", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self._release.set()
        await self._runner.cleanup()

    async def _failed(self) -> web.Response | None:
        faults = self.faults
        if faults.hangs > 0:
            faults.hangs -= 1
            await self._release.wait()
        if faults.broken > 0:
            faults.broken -= 1
            return _error(500, "The CRM is down.")
        if faults.busy > 0:
            faults.busy -= 1
            answer = _error(429, "Too many requests.")
            answer.headers["Retry-After"] = "7"
            return answer
        if faults.moved > 0:
            faults.moved -= 1
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
        return None

    async def _post(self, request: web.Request) -> web.StreamResponse:
        self.posts += 1
        if (failed := await self._failed()) is not None:
            return failed
        fields = {name: str(value) for name, value in (await request.post()).items()}
        if fields.get("api_key") != KEY:
            return _error(403, "api_key is not valid.")
        if self.faults.refuses:
            return _error(400, self.faults.refuses)
        if not fields.get("service_code"):
            return _error(400, "service_code was not provided.")
        case = Case(f"P-{len(self.cases) + 1:04}", fields)
        self.cases.append(case)
        if self.faults.lost > 0:
            self.faults.lost -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.faults.nonsense > 0:
            self.faults.nonsense -= 1
            return web.Response(text="<html>Thank you!</html>", content_type="text/html")
        named = {"token": f"t-{case.number}"} if self.by_token else {
            "service_request_id": case.number
        }  # fmt: skip
        return _answer([{**named, "service_notice": None, "account_id": None}])

    async def _list(self, request: web.Request) -> web.Response:
        if (failed := await self._failed()) is not None:
            return failed
        code = request.query.get("service_code", "")
        found = [case for case in self.cases if code in ("", case.fields.get("service_code"))]
        return _answer([case.entry() for case in reversed(found)])

    async def _one(self, request: web.Request) -> web.Response:
        if (failed := await self._failed()) is not None:
            return failed
        number = request.match_info["number"]
        found = [case for case in self.cases if case.number == number]
        return _answer([found[0].entry()]) if found else _error(404, "Not found.")

    async def _token(self, request: web.Request) -> web.Response:
        if (failed := await self._failed()) is not None:
            return failed
        token = request.match_info["token"]
        found = [case for case in self.cases if f"t-{case.number}" == token]
        if not found:
            return _error(404, "There is no such token.")
        return _answer([{"service_request_id": found[0].number, "token": token}])


def _answer(content: Any, status: int = 200) -> web.Response:
    return web.Response(
        text=json.dumps(content, ensure_ascii=False), status=status, content_type="application/json"
    )


def _error(status: int, words: str) -> web.Response:
    return _answer([{"code": status, "description": words}], status)
