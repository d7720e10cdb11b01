"""The record of who received what: small enough for millions, and readable like a list.

A request is one entry for any number of recipients: their ids are stored with 16 bytes each, and
entries with the same messages share them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

LedgerMode = Literal["full", "compact", "counts"]
_ID_BYTES = 16
_JAPAN_AHEAD, _DAY_SECONDS = 9 * 3600, 24 * 3600


def pack_ids(user_ids: Sequence[str]) -> bytes:
    """Put user ids (``U`` and 32 hexadecimal digits) behind one another, 16 bytes each."""
    return bytes.fromhex("".join([user_id[1:] for user_id in user_ids]))


def unpack_ids(packed: bytes) -> list[str]:
    """Undo :func:`pack_ids`."""
    digits = packed.hex()
    return ["U" + digits[start : start + 32] for start in range(0, len(digits), 32)]


def day_in_japan(at: float) -> int:
    """The day in Japan, counted from 1970-01-01, of a time in seconds since 1970."""
    return int(at + _JAPAN_AHEAD) // _DAY_SECONDS


def month_in_japan(at: float) -> str:
    """The month in Japan of a time in seconds since 1970."""
    return f"{datetime.fromtimestamp(at + _JAPAN_AHEAD, UTC):%Y-%m}"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One request that was carried out.

    Parameters
    ----------
    at
        Seconds since 1970.
    endpoint
        ``reply``, ``push``, ``multicast`` or ``broadcast``.
    packed
        The ids of the users that it reached, without blocked and unknown ones.
    body
        The messages as JSON, empty in a compact ledger.
    reply_token
        What a reply answers.
    """

    at: float
    endpoint: str
    request_id: str
    retry_key: str | None
    packed: bytes
    body: bytes
    aggregation_unit: str | None = None
    silent: bool = False
    reply_token: str | None = None

    @property
    def user_ids(self) -> list[str]:
        return unpack_ids(self.packed)

    @property
    def recipients(self) -> int:
        return len(self.packed) // _ID_BYTES

    @property
    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body) if self.body else []
        return found


class Ledger:
    """All that was delivered, in order.

    Parameters
    ----------
    mode
        ``full`` keeps everything; ``compact`` leaves the messages out; ``counts`` keeps only
        the totals, for measurements that need no more.
    """

    def __init__(self, mode: LedgerMode = "full") -> None:
        self.mode = mode
        self.entries: list[LedgerEntry] = []
        self.requests = 0
        self.deliveries_total = 0
        self.quota_used = 0
        self.sent_on: Counter[tuple[int, str]] = Counter()
        """Messages that arrived, by day in Japan (see :func:`day_in_japan`) and endpoint."""
        self._units: dict[str, dict[str, None]] = {}
        """Names of statistics by month in Japan, in the order of their first use."""
        self.first_at: float | None = None
        self.last_at: float | None = None

    def note(self, entry: LedgerEntry) -> None:
        """Enter a request that was carried out."""
        self.requests += 1
        if self.first_at is None:
            self.first_at = entry.at
        self.last_at = entry.at
        recipients = len(entry.packed) // _ID_BYTES
        self.deliveries_total += recipients
        self.sent_on[day_in_japan(entry.at), entry.endpoint] += recipients
        if entry.aggregation_unit is not None:
            self._units.setdefault(month_in_japan(entry.at), {})[entry.aggregation_unit] = None
        if self.mode != "counts":
            self.entries.append(entry)

    def units_of(self, at: float) -> Sequence[str]:
        """The names of statistics that were used in the month of a time."""
        return list(self._units.get(month_in_japan(at), ()))

    def deliveries(self, user_id: str) -> list[LedgerEntry]:
        """What ``user_id`` received, in order."""
        wanted = bytes.fromhex(user_id[1:])
        return [entry for entry in self.entries if _holds(entry.packed, wanted)]

    def recipients(self) -> Counter[str]:
        """How many requests reached each user."""
        counted: Counter[str] = Counter()
        for entry in self.entries:
            counted.update(unpack_ids(entry.packed))
        return counted

    def counts_by_times(self) -> dict[int, int]:
        """How many users were reached once, twice and so on; cheaper than :meth:`recipients`."""
        counted: Counter[bytes] = Counter()
        for entry in self.entries:
            packed = entry.packed
            counted.update([packed[i : i + _ID_BYTES] for i in range(0, len(packed), _ID_BYTES)])
        return dict(Counter(counted.values()))

    def texts(self, user_id: str) -> list[str]:
        """The texts of everything that ``user_id`` received."""
        return [
            sentence
            for entry in self.deliveries(user_id)
            for message in entry.messages
            for sentence in texts_in(message)
        ]

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.sent_on.clear()
        self._units.clear()
        self.requests = self.deliveries_total = self.quota_used = 0
        self.first_at = self.last_at = None


def _holds(packed: bytes, wanted: bytes) -> bool:
    start = packed.find(wanted)
    while start >= 0:
        if start % _ID_BYTES == 0:
            return True
        start = packed.find(wanted, start + 1)
    return False


def texts_in(message: Any) -> Iterator[str]:
    """Every visible text of a message, without alternative texts."""
    if isinstance(message, list):
        for part in message:
            yield from texts_in(part)
    elif isinstance(message, dict):
        for name, value in message.items():
            if name in ("text", "title", "label", "address") and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from texts_in(value)
