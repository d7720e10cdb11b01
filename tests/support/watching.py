"""Wait for other processes, and read the simulator's records."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from simulator.line.control import PREFIX
from simulator.line.ledger import texts_in
from tests.support.changes import Place, changes_at

T = TypeVar("T")
AGAIN_SECONDS = 0.5
"""When to look again without a change: a port that listens, or PostgreSQL's tables, tell nobody."""


def eventually(
    look: Callable[[], T],
    what: str,
    *,
    on: Iterable[Place],
    within_seconds: float = 20.0,
) -> T:
    """Return the first thing ``look`` returns that counts as true, looking after each change.

    Parameters
    ----------
    on
        Where a change shows: folders of processes that write, and addresses of simulators.

    Raises
    ------
    AssertionError
        There was none in time; it says what was waited for, and what was seen last.
    """
    deadline = time.monotonic() + within_seconds
    if seen := look():
        return seen
    with changes_at(on) as changes:
        while not (seen := look()):
            left = deadline - time.monotonic()
            if left < 0:
                raise AssertionError(
                    f"waited {within_seconds:.0f} s for {what}; last seen: {seen!r}"
                )
            changes.wait(min(left, AGAIN_SECONDS))
    return seen


def fetch(url: str, *, timeout: float = 10.0, body: bytes | None = None) -> tuple[int, str]:
    """Return status and body of an address, also when the status says that something is wrong."""
    try:
        with urlopen(Request(url, data=body), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


class Stand:
    """The LINE simulator in another process, asked over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def ask(self, method: str, path: str, wish: dict[str, Any] | None = None) -> Any:
        body = None if wish is None else json.dumps(wish).encode()
        request = Request(f"{self.url}{PREFIX}{path}", data=body, method=method)
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def add_user(self, name: str, language: str, *, follows: bool = False) -> str:
        wish = {"name": name, "language": language, "follows": follows}
        return str(self.ask("POST", "users", wish)["userId"])

    def act(self, user_id: str, what: str, **wish: Any) -> str:
        """Let somebody do something; return the id of the event."""
        return str(self.ask("POST", f"users/{user_id}/{what}", wish)["webhookEventId"])

    def attempts(self, event_id: str) -> list[dict[str, Any]]:
        """Every attempt to bring an event to the service."""
        attempts = self.ask("GET", "webhook")["attempts"]
        return [attempt for attempt in attempts if event_id in attempt["eventIds"]]

    def user_called(self, name: str) -> str:
        """Return the id of the newest resident of that name."""
        users = self.ask("GET", "users")
        return str([user["userId"] for user in users if user["name"] == name][-1])

    def chat_texts(self, user_id: str) -> list[str]:
        """Every text of a chat, as the phone holds it."""
        chat = self.ask("GET", f"users/{user_id}")["chat"]
        return [sentence for item in chat for sentence in texts_in(item.get("message", {}))]

    def carried(self, user_id: str | None = None) -> list[dict[str, Any]]:
        """Every request that was carried out, or those that reached one resident."""
        found: list[dict[str, Any]] = []
        user = f"&user={user_id}" if user_id else ""
        while entries := self.ask("GET", f"ledger?limit=1000&after={len(found)}{user}"):
            found += entries
        return found

    def received(self, words: str) -> Counter[str]:
        """How often each resident was sent a message that has ``words`` in it."""
        counted: Counter[str] = Counter()
        for entry in self.carried():
            if any(words in sentence for sentence in texts_in(entry["messages"])):
                counted.update(entry["userIds"])
        return counted

    def times_reached(self) -> dict[int, int]:
        """How many residents were reached once, twice and so on."""
        found = self.ask("GET", "ledger/summary")
        return {int(times): number for times, number in found["usersByTimes"].items()}
