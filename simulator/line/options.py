"""The configuration of a simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import Clock, SystemClock
from simulator.line.faults import FaultPlan
from simulator.line.ledger import LedgerMode
from simulator.line.limits import LINE_LIMITS, RateLimit


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The options of a simulator.

    Parameters
    ----------
    port
        0 means any free one.
    channel_id, channel_secret, channel_access_token
        As LINE's console shows them. The secret signs webhooks, and with the id it asks for
        further tokens; the token is one that does not expire.
    webhook_url
        Where events are sent; without it they are held until one is set.
    any_user
        Treats every well-formed user id as a follower, so that a million of them need no account
        here.
    rate_limits, limits
        Whether LINE's rate limits are enforced, and which.
    quota
        Messages a month; without it the plan is unlimited.
    ledger
        See :class:`simulator.line.ledger.Ledger`.
    redelivery
        Sends a webhook again if it was not answered 200, after each of ``redelivery_delays``.
    webhook_timeout
        Seconds the service has to answer; LINE gives two.
    reply_token_seconds
        How long a reply token can be used.
    friends
        Friends who never wrote, from the start.
    narrowcast_seconds, audience_seconds
        How long a narrowcast and an upload of user ids take.
    least_audience
        The smallest audience that can be used in a narrowcast.
    map_file
        A GeoJSON file of the city's districts for the phone's map.
    """

    host: str = "127.0.0.1"
    port: int = 0
    channel_id: str = "1234567890"
    channel_secret: str = "simulator-secret"  # noqa: S105
    channel_access_token: str = "simulator-token"  # noqa: S105
    webhook_url: str | None = None
    account_name: str = "とどけ市"
    any_user: bool = False
    rate_limits: bool = True
    limits: Mapping[str, RateLimit] = field(default_factory=lambda: dict(LINE_LIMITS))
    quota: int | None = None
    ledger: LedgerMode = "full"
    faults: FaultPlan = field(default_factory=FaultPlan)
    redelivery: bool = True
    redelivery_delays: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
    webhook_timeout: float = 2.0
    reply_token_seconds: float = 60.0
    retry_key_seconds: float = 24 * 3600.0
    max_body_bytes: int = 2 * 1024 * 1024
    friends: int = 0
    narrowcast_seconds: float = 1.0
    audience_seconds: float = 0.5
    least_audience: int = 50
    map_file: Path | None = None
    clock: Clock = field(default_factory=SystemClock)
