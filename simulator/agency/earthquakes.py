"""An earthquake on a recorded day, and the telegrams that share its EventID and origin time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from simulator.agency.events import Event, by_headquarters
from simulator.agency.form import Envelope
from simulator.agency.writing import TSUKUBA, Shaking, intensity_detail, intensity_flash

NEVER = datetime.fromtimestamp(0, UTC)
"""The origin time of an earthquake before it happens; the flash sets it."""


class Earthquake:
    """One earthquake; ``intensity`` is what Tsukuba feels."""

    def __init__(self, shaking: Shaking, intensity: str) -> None:
        self.intensity = intensity
        self._shaking = shaking
        self._origin: datetime | None = None

    def origin(self, now: datetime) -> datetime:
        """When it began."""
        return self._origin or now

    def shaking(self, now: datetime) -> Shaking:
        """The earthquake with its origin time."""
        return replace(self._shaking, origin_at=self.origin(now))

    def envelope(self, now: datetime, headline: str, serial: str = "") -> Envelope:
        """The head of each of its telegrams."""
        event = f"{self.origin(now):%Y%m%d%H%M%S}"
        return Envelope(at=now, headline=headline, event_id=event, serial=serial)

    def flash(self, now: datetime) -> bytes:
        """VXSE51, a minute after it began."""
        self._origin = now - timedelta(minutes=1)
        headline = "震度３以上を観測した地域をお知らせします。今後の情報に注意してください。"
        return intensity_flash(
            TSUKUBA, self.intensity, self.shaking(now), self.envelope(now, headline)
        )

    def detail(self, now: datetime) -> bytes:
        """VXSE53."""
        headline = f"地震がありました。震源地は{self._shaking.hypocentre[1]}です。"
        envelope = self.envelope(now, headline, serial="1")
        return intensity_detail(TSUKUBA, self.intensity, self.shaking(now), envelope)


def quake_sent(
    when: timedelta, name: str, kind: str, headline: str, write: Callable[[datetime], bytes]
) -> Event:
    """A telegram about it in the feed of earthquakes and volcanoes."""
    return Event(when, by_headquarters(name, "eqvol", kind, headline, write))


def flashed(when: timedelta, quake: Earthquake) -> Event:
    """The flash is sent."""
    return quake_sent(when, "intensity flash", "VXSE51", "震度速報をお知らせします。", quake.flash)


def detailed(when: timedelta, quake: Earthquake) -> Event:
    """The detail is sent."""
    words = "震源と各地の震度をお知らせします。"
    return quake_sent(when, "intensities by municipality", "VXSE53", words, quake.detail)
