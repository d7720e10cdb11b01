"""A clock that ignores a sudden step of the machine's clock until it is confirmed.

The machine's clock is compared with the time that has passed (the monotonic clock). After a step
this clock keeps the old time, so that nothing is sent, expired, skipped or erased by a wrong date.
It takes the new time when a witness (LINE, the agency) confirms it, when staff confirm it, or after
:data:`STANDS_SECONDS` without a contradiction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import structlog

from core.clock import Clock

STEP = timedelta(seconds=10)
"""Less than this within a minute is a slew, a leap second or jitter."""
WITNESS = timedelta(seconds=30)
"""How far a witness may differ from a time that it confirms, because its answer took a while."""
ANCHOR_SECONDS = 60.0
STANDS_SECONDS = 600.0
ORDINARY_REST = timedelta(hours=6)
"""After a longer time without a mark, a start asks a witness before it believes the clock."""
READ_SECONDS = 0.5
"""Two readings further apart than this are repeated: the process was held up between them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Doubt:
    """A step that nobody has confirmed yet.

    Parameters
    ----------
    size
        The machine's clock minus the time that we use.
    since
        When it was noticed, in the time that we use.
    began
        The same by the monotonic clock; set again whenever a witness contradicts the machine.
    at_least
        Whether the time that we use is only a lower bound, as after a long pause.
    against
        Who contradicted the machine's clock, if anybody did.
    """

    size: timedelta
    since: datetime
    began: float
    at_least: bool = False
    against: str = ""


class SteadyClock:
    """The time to use: the machine's, without unconfirmed steps.

    Parameters
    ----------
    machine
        The machine's own clock.
    """

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._doubt: Doubt | None = None
        self._wall, self._elapsed = self._read()

    @property
    def doubt(self) -> Doubt | None:
        """The step that is not confirmed, if there is one."""
        self.now()
        return self._doubt

    def now(self) -> datetime:
        """Return the time to use."""
        wall, elapsed = self._read()
        expected = self._expected(elapsed)
        size = wall - expected
        if abs(size) <= STEP:
            if self._doubt is not None:
                log.warning("clock.recovered", step_s=self._doubt.size.total_seconds())
                self._take(wall, elapsed)
            elif elapsed - self._elapsed >= ANCHOR_SECONDS:
                self._wall, self._elapsed = wall, elapsed
            return wall
        doubt = self._doubt
        if doubt is None or abs(size - doubt.size) > STEP:
            against = "" if doubt is None else doubt.against
            self._doubt = Doubt(size, expected, elapsed, against=against)
            log.error("clock.stepped", step_s=size.total_seconds(), machine_time=wall.isoformat())
        elif elapsed - doubt.began >= STANDS_SECONDS:
            self._confirmed(wall, elapsed, "it stood")
            return wall
        return expected

    def monotonic(self) -> float:
        """See :meth:`core.clock.Clock.monotonic`."""
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See :meth:`core.clock.Clock.sleep`."""
        await self._machine.sleep(seconds)

    def surely(self) -> datetime:
        """Return a time that has surely been reached: the earlier of the two while they differ.

        Expiry and retention use this one, because they cannot be undone.
        """
        now = self.now()
        return now if self._doubt is None else min(now, now + self._doubt.size)

    def begin(self, newest: datetime, elapsed: float | None) -> None:
        """Continue from the mark of an earlier process.

        Parameters
        ----------
        newest
            The last time that it used.
        elapsed
            The monotonic clock at that moment, if it was in this boot of the machine.
        """
        wall, here = self._read()
        if elapsed is not None and elapsed <= here:
            self._wall, self._elapsed = newest, elapsed
            self.now()
        elif not newest - STEP <= wall <= newest + ORDINARY_REST:
            self._wall, self._elapsed = newest, here
            self._doubt = Doubt(wall - newest, newest, here, at_least=True)
            log.error("clock.stepped", step_s=(wall - newest).total_seconds(), found_at="start")

    def witness(self, said: datetime, by: str) -> None:
        """Accept a witness's time; it only decides between the two while they differ."""
        now = self.now()
        doubt = self._doubt
        if doubt is None:
            return
        wall, elapsed = self._read()
        far = abs(wall - said)
        if far <= WITNESS and far < abs(now - said):
            self._confirmed(wall, elapsed, by)
        elif abs(now - said) <= WITNESS:
            self._doubt = replace(doubt, began=elapsed, against=by, at_least=False)
        elif doubt.at_least and said > now:
            # We know only that it is not earlier than the mark; the machine's clock is wrong.
            self._wall, self._elapsed = said, elapsed
            self._doubt = Doubt(wall - said, said, elapsed, against=by)

    def confirm(self, size: timedelta, by: str) -> bool:
        """Take the machine's time because staff saw a step of ``size`` and said it is right."""
        self.now()
        if self._doubt is None or abs(self._doubt.size - size) > STEP:
            return False
        self._confirmed(*self._read(), by)
        return True

    def mark(self) -> tuple[datetime, float]:
        """Return the time that we use and the monotonic clock, for later processes."""
        now = self.now()
        return now, self._machine.monotonic()

    def _read(self) -> tuple[datetime, float]:
        for _ in range(3):
            before = self._machine.monotonic()
            wall = self._machine.now()
            elapsed = self._machine.monotonic()
            if elapsed - before < READ_SECONDS:
                break
        return wall, elapsed

    def _expected(self, elapsed: float) -> datetime:
        return self._wall + timedelta(seconds=elapsed - self._elapsed)

    def _take(self, wall: datetime, elapsed: float) -> None:
        self._wall, self._elapsed, self._doubt = wall, elapsed, None

    def _confirmed(self, wall: datetime, elapsed: float, by: str) -> None:
        assert self._doubt is not None
        log.warning("clock.confirmed", step_s=self._doubt.size.total_seconds(), confirmed_by=by)
        self._take(wall, elapsed)


def surely(clock: Clock) -> datetime:
    """Return a moment that has surely come by ``clock``; see :meth:`SteadyClock.surely`."""
    return clock.surely() if isinstance(clock, SteadyClock) else clock.now()


def in_doubt(clock: Clock) -> bool:
    """Whether the clock has made a step that is not confirmed."""
    return isinstance(clock, SteadyClock) and clock.doubt is not None


def knows_the_time(clock: Clock) -> bool:
    """Whether ``clock.now()`` is the time, and not only the earliest it can be."""
    return not isinstance(clock, SteadyClock) or clock.doubt is None or not clock.doubt.at_least


def hear_date(clock: Clock, headers: Mapping[str, str], by: str) -> None:
    """Use the ``Date`` of an HTTP answer if a step must be confirmed."""
    if not isinstance(clock, SteadyClock) or clock.doubt is None:
        return
    try:
        said = parsedate_to_datetime(headers.get("Date", ""))
        kept = float(headers.get("Age", "0"))
        clock.witness(said + timedelta(seconds=kept), by)
    except (ValueError, TypeError, OverflowError):
        return
