"""Speak with another office's Open311 endpoint (GeoReport v2): post a case, ask what became of it.

What the other side says is read with care: it is a stranger's program, and often wrong in small
things. (https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp

from city.city import Endpoint
from core.clock import in_japan
from core.errors import Permanent, Retryable
from core.reason import Reason
from core.text import clean
from feeds.fetch import AllowedHosts
from feeds.xml import local_name, read_xml
from reports.office_words import Said
from reports.outside import Answer, Internal, PublicHosts, ask
from reports.reasons import reason

PAGE_SIZE, MOST_PAGES = 100, 10
"""Of a list in which a case is looked for."""
LONGEST_ID, LONGEST_TOKEN, LONGEST_NOTES = 100, 200, 1000
AGAIN = frozenset({401, 403, 408, 425, 429})
"""Refusals that somebody can put right: a key, too many at once. All others are for good."""


class OfficeRefused(Permanent):
    """The other office does not take this case as it is."""


class OfficeBusy(Retryable):
    """The other office does not take it now; it certainly did not take it."""


class OfficeUnclear(Retryable):
    """Nobody can say whether the other office has it."""


class NotKnownThere(Permanent):
    """The other office does not know the number or the token."""


@dataclass(frozen=True)
class Named:
    """What another office calls a case: its number, or what to ask for it with."""

    number: str = ""
    token: str = ""


class Open311Client:
    """One endpoint of another office.

    Parameters
    ----------
    environment
        Where the key is looked for.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: Endpoint,
        *,
        internal: Internal = frozenset(),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        env = os.environ if environment is None else environment
        self._key = env.get(endpoint.key_setting, "").strip() if endpoint.key_setting else ""
        self._reach = reach_of(endpoint, internal)

    async def post(self, fields: Mapping[str, str]) -> Named:
        """Post a case.

        Raises
        ------
        OfficeRefused
            They do not take it as it is.
        OfficeBusy, NotAsked
            They certainly do not have it.
        OfficeUnclear, NoAnswer
            They may have it.
        """
        if self._endpoint.key_setting and not self._key:
            raise OfficeBusy(reason("office.no-key", setting=self._endpoint.key_setting))
        sent = {**self._always(), **({"api_key": self._key} if self._key else {}), **fields}
        answer = await ask(
            self._http,
            "POST",
            f"{self._endpoint.url}/requests.{self._endpoint.format}",
            self._reach,
            body=urlencode(sent).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        )
        if answer.status >= 500:
            # Some servers take a case and then fail to say so.
            raise OfficeUnclear(_refusal(answer), retry_after=answer.retry_after)
        if answer.status in AGAIN:
            raise OfficeBusy(_refusal(answer), retry_after=answer.retry_after)
        if answer.status not in (200, 201):
            raise OfficeRefused(_refusal(answer))
        for entry in _entries(answer):
            named = Named(
                _text(entry.get("service_request_id"), LONGEST_ID),
                _text(entry.get("token"), LONGEST_TOKEN),
            )
            if named != Named():
                return named
        raise OfficeUnclear(reason("office.unreadable"))

    async def number_of(self, token: str) -> str:
        """Return the number that a token stands for; "" while there is none.

        Raises
        ------
        Retryable
            They do not say now.
        """
        answer = await self._get(f"tokens/{quote(token, safe='')}")
        for entry in _entries(answer):
            if _text(entry.get("token"), LONGEST_TOKEN) not in ("", token):
                continue  # another's
            if number := _text(entry.get("service_request_id"), LONGEST_ID):
                return number
        return ""

    async def look(self, number: str) -> Said:
        """Return what they say of a case.

        Raises
        ------
        NotKnownThere
            They do not know it.
        Retryable
            They do not say now, or what they say cannot be read.
        """
        answer = await self._get(f"requests/{quote(number, safe='')}")
        for entry in _entries(answer):
            if _text(entry.get("service_request_id"), LONGEST_ID) not in ("", number):
                continue  # some servers answer with a list of all
            status = _text(entry.get("status"), 16).lower()
            if status in ("open", "closed"):
                notes = _text(entry.get("status_notes"), LONGEST_NOTES)
                return Said(status, notes, _text(entry.get("updated_datetime"), 40))
        raise OfficeUnclear(reason("office.unreadable"))

    async def find(self, service: str, since: datetime, mark: str) -> Named | None:
        """Return the case whose words contain ``mark``, of those posted since then.

        This is how a post whose answer was lost is found again, before it is posted twice.
        """
        asked = {"service_code": service, "start_date": in_japan(since).isoformat("T", "seconds")}
        seen: set[str] = set()
        for page in range(1, MOST_PAGES + 1):
            more = {"page": str(page), "page_size": str(PAGE_SIZE)}
            entries = _entries(await self._get("requests", asked | more))
            numbers = [_text(entry.get("service_request_id"), LONGEST_ID) for entry in entries]
            for entry, number in zip(entries, numbers, strict=True):
                if mark in _text(entry.get("description"), 8000):
                    return Named(number) if number else None
            if len(entries) < PAGE_SIZE or seen.issuperset(numbers):
                break  # the last page, or a server without pages
            seen.update(numbers)
        return None

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        # Some servers, such as Todoke, tell only whose key it is what became of a case.
        asked = {**self._always(), **({"api_key": self._key} if self._key else {}), **(query or {})}
        url = f"{self._endpoint.url}/{path}.{self._endpoint.format}"
        url += f"?{urlencode(asked)}" if asked else ""
        answer = await ask(self._http, "GET", url, self._reach)
        if answer.status in (404, 410):
            raise NotKnownThere(_refusal(answer))
        if answer.status != 200:
            raise OfficeBusy(_refusal(answer), retry_after=answer.retry_after)
        return answer

    def _always(self) -> dict[str, str]:
        jurisdiction = self._endpoint.jurisdiction
        return {"jurisdiction_id": jurisdiction} if jurisdiction else {}


def reach_of(endpoint: Endpoint, internal: Internal) -> AllowedHosts:
    """Return where the client may go: the host of the city's folder, and no other.

    An address of this machine or of a private network is right where the folder names it as such; a
    name that leads there is right where the operator named it.
    """
    parts = urlsplit(endpoint.url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    own = ((parts.hostname or "").rstrip(".").lower(), port)
    return PublicHosts(ports=frozenset({port}), internal=internal | {own})


def _entries(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the entries of an answer, in whichever of the two formats it came.

    Raises
    ------
    OfficeUnclear
        It is neither, or says what is wrong: some servers do so with the status 200.
    """
    try:
        name, entries = _listed(answer)
    except (ValueError, RecursionError, Permanent) as error:
        raise OfficeUnclear(reason("office.unreadable")) from error
    if name == "errors" or any(_is_error(entry) for entry in entries):
        raise OfficeUnclear(_refusal(answer))
    if name not in ("", "service_requests"):
        raise OfficeUnclear(reason("office.unreadable"))
    return entries


def _is_error(entry: Mapping[str, Any]) -> bool:
    return {"code", "description"} <= entry.keys() and "service_request_id" not in entry


def _listed(answer: Answer) -> tuple[str, list[Mapping[str, Any]]]:
    """Return the root of an answer in XML, and the entries.

    Raises
    ------
    ValueError, RecursionError, Permanent
        It is neither JSON nor XML, or no list.
    """
    if answer.body.lstrip()[:1] == b"<":
        root = read_xml(answer.body, limit=len(answer.body) + 1)
        found = [entry for entry in root if isinstance(entry.tag, str)]
        return local_name(root), [{local_name(part): part.text for part in one} for one in found]
    said = json.loads(answer.body)
    if isinstance(said, Mapping):  # some servers wrap the list
        lists = [value for value in said.values() if isinstance(value, list)]
        said = lists[0] if lists else [said]
    if not isinstance(said, list):
        raise ValueError
    return "", [entry for entry in said if isinstance(entry, Mapping)]


def _refusal(answer: Answer) -> Reason:
    """Return why they refuse, in their own words if they have some."""
    if 300 <= answer.status < 400 and (to := clean(answer.headers.get("Location", ""), line=True)):
        return reason("office.moved", to=to[:200])
    if words := _words(answer):
        return reason("office.said", status=answer.status, words=words)
    return reason("office.status", status=answer.status)


def _words(answer: Answer) -> str:
    """Return what the errors of an answer say."""
    entries: list[Mapping[str, Any]] = []
    with suppress(ValueError, RecursionError, Permanent):
        name, found = _listed(answer)
        entries = found if name in ("", "errors") else []
    parts = [_text(one.get("description"), 300) for one in entries]
    return " ".join(filter(None, parts))[:300]


def _text(value: object, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return clean(str(value))[:most]
