"""Faults that the simulator makes on purpose, to test the sender."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, fields, replace
from typing import Literal

from core.errors import BadInput

Outcome = Literal[
    "act", "unauthorized", "forbidden", "storm", "error", "drop", "hang", "bomb", "proxy"
]
VERIFIED_ONLY = frozenset(
    ("followers", "narrowcast", "audience-create", "audience-add", "audience", "audience-delete")
)
"""Endpoints that LINE opens to verified and premium accounts, or by contract."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_SPEED = re.compile(r"(\d+(?:\.\d+)?)(B|KB|MB)/s")
_SPEED_UNITS = {"B": 1.0, "KB": 1_000.0, "MB": 1_000_000.0}


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which faults, how often. Chances are between 0 and 1, times in seconds.

    As text (``todoke simulator --faults``) a plan is a list of ``name=value`` with commas:

    ========================== =====================================================
    ``latency=50ms``           every answer waits this long (``ms``, ``s``, ``m``)
    ``latency=20ms..80ms``     every answer waits somewhere between
    ``5xx-before=1%``          answers 500 and does nothing
    ``5xx-after=1%``           does it and answers 500
    ``drop-before=1%``         closes the connection and does nothing
    ``drop-after=1%``          does it and closes the connection
    ``drop=1%``                half of each
    ``hang-before=1%``         does nothing and never answers
    ``hang-after=1%``          does it and never answers
    ``hang=1%``                half of each
    ``bomb-before=1%``         does nothing and answers 200 with what unpacks to 64 MB
    ``bomb-after=1%``          does it and answers the same
    ``bomb=1%``                half of each
    ``429=1%``                 answers 429 and does nothing
    ``429-storm=2s/10s``       answers nothing but 429 for the first 2 s of every 10 s
    ``retry-after=3s``         says so in every 429 of the two above (silent without)
    ``unauthorized=on``        answers 401 as if the token had been withdrawn
    ``unverified=on``          answers 403 to what only verified accounts may do (friends'
                               ids, audiences, narrowcasts; with ``only=`` some of them)
    ``proxy=404``              answers this status with HTML, as a proxy in between would, and
                               does nothing; ``proxy=404/10%`` does so now and then
    ``proxy-after=200/10%``    does it, and a proxy answers this status with HTML
    ``stripped=on``            answers without LINE's headers, as behind some proxies
    ``slow-content=50KB/s``    pictures and other content come at this speed
    ``webhook-twice=10%``      sends a webhook a second time although it was answered
    ``only=multicast+push``    touches only these endpoints (the last part of their path)
    ``seed=7``                 makes the same choices every time
    ========================== =====================================================

    ``none`` and the empty text are no faults at all.
    """

    latency: float = 0.0
    latency_most: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    drop_before: float = 0.0
    drop_after: float = 0.0
    hang_before: float = 0.0
    hang_after: float = 0.0
    bomb_before: float = 0.0
    bomb_after: float = 0.0
    too_many: float = 0.0
    storm_length: float = 0.0
    storm_period: float = 0.0
    retry_after: float | None = None
    unauthorized: bool = False
    unverified: bool = False
    proxy: int = 0
    proxy_share: float = 1.0
    proxy_after: int = 0
    proxy_after_share: float = 1.0
    stripped: bool = False
    content_bytes_per_second: float | None = None
    webhook_twice: float = 0.0
    only: frozenset[str] = frozenset()
    seed: int = 0

    @classmethod
    def parse(cls, spec: str) -> FaultPlan:
        """Read a plan from text.

        Raises
        ------
        BadInput
            With one sentence that names the part that cannot be read.
        """
        plan = cls()
        if spec.strip() in ("", "none"):
            return plan
        for part in spec.split(","):
            name, equals, value = part.strip().partition("=")
            if not equals:
                raise BadInput(f"--faults: {part.strip()!r} is not of the form name=value.")
            plan = _with(plan, name.strip(), value.strip())
        return plan

    def __str__(self) -> str:
        """Return the plan in the form that :meth:`parse` reads."""
        parts: list[str] = []
        if self.latency or self.latency_most:
            spread = f"..{_time(self.latency_most)}" if self.latency_most > self.latency else ""
            parts.append(f"latency={_time(self.latency)}{spread}")
        for name, attribute in _CHANCES.items():
            chance = getattr(self, attribute)
            if chance:
                parts.append(f"{name}={chance * 100:g}%")
        if self.storm_length:
            parts.append(f"429-storm={_time(self.storm_length)}/{_time(self.storm_period)}")
        if self.retry_after is not None:
            parts.append(f"retry-after={_time(self.retry_after)}")
        if self.unauthorized:
            parts.append("unauthorized=on")
        if self.unverified:
            parts.append("unverified=on")
        for name, status, share in (
            ("proxy", self.proxy, self.proxy_share),
            ("proxy-after", self.proxy_after, self.proxy_after_share),
        ):
            if status:
                parts.append(f"{name}={status}" + (f"/{share * 100:g}%" if share < 1 else ""))
        if self.stripped:
            parts.append("stripped=on")
        if self.content_bytes_per_second is not None:
            parts.append(f"slow-content={self.content_bytes_per_second:g}B/s")
        if self.only:
            parts.append(f"only={'+'.join(sorted(self.only))}")
        if self.seed:
            parts.append(f"seed={self.seed}")
        return ",".join(parts) or "none"

    @property
    def quiet(self) -> bool:
        """Whether the plan has no faults."""
        return all(
            getattr(self, each.name) == each.default for each in fields(self) if each.name != "seed"
        )


_CHANCES = {
    "5xx-before": "error_before",
    "5xx-after": "error_after",
    "drop-before": "drop_before",
    "drop-after": "drop_after",
    "hang-before": "hang_before",
    "hang-after": "hang_after",
    "bomb-before": "bomb_before",
    "bomb-after": "bomb_after",
    "429": "too_many",
    "webhook-twice": "webhook_twice",
}

_HALVED = ("drop", "hang", "bomb")
"""Half before the request is carried out, half after."""

_OTHERS = (
    "latency",
    *_HALVED,
    "429-storm",
    "retry-after",
    "unauthorized",
    "unverified",
    "proxy",
    "proxy-after",
    "stripped",
    "slow-content",
    "only",
    "seed",
)


def _time(seconds: float) -> str:
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"


def _with(plan: FaultPlan, name: str, value: str) -> FaultPlan:
    if name in _CHANCES:
        return replace(plan, **{_CHANCES[name]: _chance(name, value)})  # type: ignore[arg-type]
    match name:
        case "latency":
            least, dots, most = value.partition("..")
            low = _seconds(name, least)
            high = _seconds(name, most) if dots else low
            if high < low:
                raise BadInput(f"--faults: {name}={value} runs from more to less.")
            return replace(plan, latency=low, latency_most=high)
        case "drop" | "hang" | "bomb":
            half = _chance(name, value) / 2
            return replace(plan, **{f"{name}_before": half, f"{name}_after": half})  # type: ignore[arg-type]
        case "429-storm":
            length, slash, period = value.partition("/")
            if not slash:
                raise BadInput(f"--faults: {name}={value} must be LENGTH/PERIOD, such as 2s/10s.")
            long, every = _seconds(name, length), _seconds(name, period)
            if not 0 < long <= every:
                raise BadInput(f"--faults: {name}={value} must be no longer than its period.")
            return replace(plan, storm_length=long, storm_period=every)
        case "retry-after":
            return replace(plan, retry_after=_seconds(name, value))
        case "unauthorized" | "unverified" | "stripped":
            if value not in ("on", "off"):
                raise BadInput(f"--faults: {name}={value} must be on or off.")
            return replace(plan, **{name: value == "on"})  # type: ignore[arg-type]
        case "proxy" | "proxy-after":
            status, slash, share = value.partition("/")
            if re.fullmatch(r"[2-5]\d\d", status, re.ASCII) is None:
                raise BadInput(f"--faults: {name}={value} must be a status from 200 to 599.")
            chance = _chance(name, share) if slash else 1.0
            if name == "proxy":
                return replace(plan, proxy=int(status), proxy_share=chance)
            return replace(plan, proxy_after=int(status), proxy_after_share=chance)
        case "slow-content":
            speed = _SPEED.fullmatch(value)
            if speed is None or float(speed[1]) == 0:
                raise BadInput(f"--faults: {name}={value} must be a speed such as 50KB/s.")
            return replace(plan, content_bytes_per_second=float(speed[1]) * _SPEED_UNITS[speed[2]])
        case "only":
            return replace(plan, only=frozenset(value.split("+")))
        case "seed":
            if not value.isascii() or not value.isdigit():
                raise BadInput(f"--faults: {name}={value} must be a whole number.")
            return replace(plan, seed=int(value))
        case _:
            known = ", ".join((*_CHANCES, *_OTHERS))
            raise BadInput(f"--faults: there is no fault {name!r}; there are {known}.")


def _seconds(name: str, value: str) -> float:
    found = _SECONDS.fullmatch(value)
    if found is None:
        raise BadInput(f"--faults: {name} needs a time such as 50ms or 2s, not {value!r}.")
    return float(found[1]) * _UNITS[found[2]]


def _chance(name: str, value: str) -> float:
    found = _PERCENT.fullmatch(value)
    if found is None or float(found[1]) > 100:
        raise BadInput(f"--faults: {name} needs a share from 0% to 100%, not {value!r}.")
    return float(found[1]) / 100


@dataclass(frozen=True, slots=True)
class Fate:
    """The faults of one request: before it is carried out, after, and how long it waits.

    ``proxy`` is the status of a proxy that answers afterwards.
    """

    before: Outcome = "act"
    after: Outcome = "act"
    delay: float = 0.0
    stripped: bool = False
    proxy: int = 0


NO_FATE = Fate()


class Faults:
    """Chooses the faults of each request according to a plan."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan

    @property
    def plan(self) -> FaultPlan:
        return self._plan

    @plan.setter
    def plan(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._quiet = plan.quiet
        # It must be repeatable; it need not be secure.
        self._random = random.Random(plan.seed)  # noqa: S311
        self._storm_start: float | None = None

    def chance(self, share: float) -> bool:
        """Draw once."""
        return share > 0 and self._random.random() < share

    def fate(self, endpoint: str, now: float) -> Fate:
        """Choose the faults of a request to ``endpoint`` at ``now`` (seconds, any origin)."""
        plan = self._plan
        if self._quiet or (plan.only and endpoint not in plan.only):
            return NO_FATE
        delay = plan.latency
        if plan.latency_most > plan.latency:
            delay = self._random.uniform(plan.latency, plan.latency_most)
        if plan.unverified and endpoint in VERIFIED_ONLY:
            return Fate("forbidden", delay=delay)
        return Fate(self._before(now), self._after(), delay, plan.stripped, plan.proxy_after)

    def _before(self, now: float) -> Outcome:
        plan = self._plan
        if plan.proxy and self._befalls(plan.proxy_share):
            return "proxy"
        if plan.unauthorized:
            return "unauthorized"
        if plan.storm_length:
            if self._storm_start is None:
                self._storm_start = now
            if (now - self._storm_start) % plan.storm_period < plan.storm_length:
                return "storm"
        if self.chance(plan.too_many):
            return "storm"
        if self.chance(plan.error_before):
            return "error"
        if self.chance(plan.drop_before):
            return "drop"
        if self.chance(plan.hang_before):
            return "hang"
        if self.chance(plan.bomb_before):
            return "bomb"
        return "act"

    def _after(self) -> Outcome:
        plan = self._plan
        if self.chance(plan.error_after):
            return "error"
        if self.chance(plan.drop_after):
            return "drop"
        if self.chance(plan.hang_after):
            return "hang"
        if self.chance(plan.bomb_after):
            return "bomb"
        if plan.proxy_after and self._befalls(plan.proxy_after_share):
            return "proxy"
        return "act"

    def _befalls(self, share: float) -> bool:
        """Draw once, but not for what always happens."""
        return share >= 1 or self.chance(share)
