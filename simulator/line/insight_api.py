"""The part of LINE's API that says what became of messages, in numbers.

Of every ten residents who got a message, seven saw it and two opened a link. A number of fewer
than twenty is not given, and today's numbers are ready tomorrow, as LINE's reference says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from simulator.line.answers import Answer, LineError, Request, answer_json
from simulator.line.ledger import Ledger, LedgerEntry, day_in_japan, unpack_ids
from simulator.line.moments import PlatformTime
from simulator.line.routes import Names, Route, Router
from simulator.line.users import Users

LEAST = 20
LONGEST_DAYS = 30
SEEN, TAPPED = 7, 2
"""Of ten."""
_UNIT = re.compile(r"[a-zA-Z0-9_]{1,30}")
_EPOCH = date(1970, 1, 1)
_BEGIN = date(2018, 3, 31)
_DELIVERED = {
    "broadcast": "apiBroadcast",
    "push": "apiPush",
    "multicast": "apiMulticast",
    "narrowcast": "apiNarrowcast",
    "reply": "apiReply",
}
_PLAYED = ("mediaPlayed", *(f"mediaPlayed{part}Percent" for part in (25, 50, 75, 100)))
_UNPLAYED: dict[str, None] = dict.fromkeys(
    (*_PLAYED, *(f"unique{name[0].upper()}{name[1:]}" for name in _PLAYED))
)


class InsightApi:
    """Answers for deliveries of a day, friends' attributes, and what was seen and tapped."""

    def __init__(self, *, users: Users, ledger: Ledger, time: PlatformTime) -> None:
        self._users = users
        self._ledger = ledger
        self._time = time

    def add_to(self, router: Router) -> None:
        """Add all endpoints."""
        event = "/v2/bot/insight/message/event"
        for path, name, handler in (
            ("/v2/bot/insight/followers", "insight-followers", self._friends),
            ("/v2/bot/insight/message/delivery", "insight-delivery", self._delivered),
            ("/v2/bot/insight/demographic", "insight-demographic", self._demographic),
            (event, "insight-event", self._event),
            (f"{event}/aggregation", "insight-unit", self._unit),
        ):
            router.add("GET", path, Route(name, handler))

    def _today(self) -> int:
        return day_in_japan(self._time.seconds())

    def _friends(self, request: Request, _names: Names) -> Answer:
        """The number of friends; for every past day the current number."""
        day = self.asked_day(request)
        if isinstance(day, str):
            return answer_json({"status": day})
        friends, blocks = len(self._users.followers()), len(self._users.blocked)
        return answer_json(
            {
                "status": "ready",
                "followers": friends + blocks,
                "targetedReaches": friends * 9 // 10,
                "blocks": blocks,
            }
        )

    def asked_day(self, request: Request) -> int | str:
        """Return the day asked for, or the status of one that has no numbers."""
        day = _day(request, "date")
        if day < _BEGIN:
            return "out_of_service"
        number = (day - _EPOCH).days
        return "unready" if number >= self._today() else number

    def _delivered(self, request: Request, _names: Names) -> Answer:
        day = self.asked_day(request)
        if isinstance(day, str):
            return answer_json({"status": day})
        sent = self._ledger.sent_on
        numbers = {name: sent[day, kind] for kind, name in _DELIVERED.items()}
        return answer_json({"status": "ready", "broadcast": 0, "targeting": 0, **numbers})

    def _demographic(self, _request: Request, _names: Names) -> Answer:
        if len(self._users.followers()) < LEAST:
            return answer_json({"available": False})
        return answer_json(
            {
                "available": True,
                "genders": _shares("gender", unknown=40.0, male=27.5, female=32.5),
                "ages": _shares("age", unknown=40.0, from20to24=10.0, from50=50.0),
                "areas": _shares("area", unknown=20.0, 茨城=80.0),
                "appTypes": _shares("appType", ios=55.5, android=44.0, others=0.5),
                "subscriptionPeriods": _shares("subscriptionPeriod", over365days=100.0),
            }
        )

    def _event(self, request: Request, _names: Names) -> Answer:
        """What became of one broadcast or narrowcast."""
        wanted = request.query.get("requestId", "")
        if not wanted:
            raise LineError(400, "The value for the 'requestId' parameter is invalid")
        found = [
            entry
            for entry in self._ledger.entries
            if entry.request_id == wanted and entry.endpoint in ("broadcast", "narrowcast")
        ]
        if not found:
            raise LineError(404, "Not found")
        [entry] = found
        people = entry.recipients if day_in_japan(entry.at) < self._today() else 0
        return answer_json(
            {
                "overview": {
                    "requestId": wanted,
                    "timestamp": int(entry.at),
                    "delivered": entry.recipients,
                    **_overview(people),
                },
                **_parts([entry], people),
            }
        )

    def _unit(self, request: Request, _names: Names) -> Answer:
        """What became of the messages with one name, sent in some days."""
        name = request.query.get("customAggregationUnit", "")
        if _UNIT.fullmatch(name) is None:
            raise LineError(400, "The value for the 'customAggregationUnit' parameter is invalid")
        first, last = ((_day(request, end) - _EPOCH).days for end in ("from", "to"))
        if not 0 <= last - first <= LONGEST_DAYS:
            raise LineError(400, "The value for the 'to' parameter is invalid")
        last = min(last, self._today() - 1)
        found = [
            entry
            for entry in self._ledger.entries
            if entry.aggregation_unit == name and first <= day_in_japan(entry.at) <= last
        ]
        people = len({user for entry in found for user in unpack_ids(entry.packed)})
        return answer_json({"overview": _overview(people), **_parts(found, people)})


def _day(request: Request, name: str) -> date:
    wanted = request.query.get(name, "")
    try:
        if len(wanted) != len("yyyymmdd") or not wanted.isdecimal():
            raise ValueError
        return datetime.strptime(wanted, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise LineError(400, f"The value for the '{name}' parameter is invalid") from error


def _hidden(number: int) -> int | None:
    return number if number >= LEAST else None


def _overview(people: int) -> dict[str, Any]:
    return {
        "uniqueImpression": _hidden(people * SEEN // 10),
        "uniqueClick": _hidden(people * TAPPED // 10),
        "uniqueMediaPlayed": None,
        "uniqueMediaPlayed100Percent": None,
    }


def _parts(entries: Iterable[LedgerEntry], people: int) -> dict[str, Any]:
    """Return the numbers of each bubble, and of each link."""
    bubbles = 0
    links: Counter[tuple[int, str]] = Counter()
    for entry in entries:
        for seq, message in enumerate(entry.messages, start=1):
            bubbles = max(bubbles, seq)
            links.update((seq, url) for url in _urls(message))
    seen, tapped = _hidden(people * SEEN // 10), _hidden(people * TAPPED // 10)
    return {
        "messages": [
            {"seq": seq, "impression": seen, **_UNPLAYED} for seq in range(1, bubbles + 1)
        ],
        "clicks": [
            {
                "seq": seq,
                "url": url,
                "click": tapped,
                "uniqueClick": tapped,
                "uniqueClickOfRequest": tapped,
            }
            for seq, url in sorted(links)
        ],
    }


def _urls(message: Any) -> Iterator[str]:
    if isinstance(message, list):
        for one in message:
            yield from _urls(one)
    elif isinstance(message, dict):
        for name, value in message.items():
            if name == "uri" and isinstance(value, str):
                yield value
            else:
                yield from _urls(value)


def _shares(name: str, **shares: float) -> list[dict[str, Any]]:
    return [{name: value, "percentage": share} for value, share in shares.items()]
