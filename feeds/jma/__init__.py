"""Telegrams of the Meteorological Agency, for one city.

In come the bytes of a telegram; out come facts: what changed for this municipality against
what was known (``HazardBoard``). Words are chosen elsewhere (``feeds.texts``), what to do with
a fact is policy's (``feeds.policy``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from core.city import JmaCodes
from feeds.errors import UnknownKind, Unreadable
from feeds.facts import Fact
from feeds.jma import early, nankai, quakes, rivers, sudden, tsunami, typhoon, volcano, warnings
from feeds.jma.building import is_cancellation
from feeds.jma.codes import codes_for, completed, may_concern, place_of
from feeds.jma.levels import OLD_FORMS
from feeds.jma.state import HazardBoard, Key, Side, Standing, is_older
from feeds.jma.store import last_told, load, remember_notice, save
from feeds.jma.telegram import Telegram, read_telegram

Reader = Callable[[Telegram, JmaCodes, Side], list[Fact]]

READERS: dict[str, Reader] = {
    **dict.fromkeys(
        (f"VPWW{number}" for number in (53, 54, 55, 56, 57, 58, 59, 60, 61)),
        warnings.weather_warnings,
    ),
    "VPNO50": warnings.emergency_notification,
    "VXWW50": warnings.landslide_alert,
    "VXSE51": quakes.intensity_flash,
    "VXSE52": quakes.hypocentre,
    "VXSE53": quakes.intensity_detail,
    "VXSE61": quakes.hypocentre,
    "VXSE62": quakes.long_period,
    "VTSE41": tsunami.tsunami,
    "VTSE51": tsunami.tsunami,
    "VTSE52": tsunami.tsunami,
    "VXKO": rivers.river,
    "VXSU": rivers.river,
    "VPBS50": sudden.prompt_report,
    "VPOA50": sudden.record_rain,
    "VPHW50": sudden.tornado,
    "VPHW51": sudden.tornado,
    "VFVO50": volcano.alert_level,
    "VFVO53": volcano.ash,
    "VFVO54": volcano.ash,
    "VFVO55": volcano.ash,
    "VFVO56": volcano.eruption,
    "VYSE50": nankai.nankai,
    "VYSE51": nankai.nankai,
    "VYSE52": nankai.nankai,
    "VYSE60": nankai.off_sanriku,
    "VPTI50": typhoon.typhoon,
    "VPTI51": typhoon.typhoon,
    "VPTI52": typhoon.typhoon,
    "VPFD61": early.early_notice,
    "VPWP50": early.time_series,
}
"""Who reads which kind."""

QUIET = frozenset(
    (
        # Repeats: of VPWW53/54 by coarser areas, of VPWW55-61 for the whole country, of VPFD61.
        *("VPWW50", "VPWS50", "VPFD60"),
        # Forecasts.
        *("VPFD50", "VPFD51", "VPFW50", "VPFW60", "VPFG50", "VPZU50", "VPZU51", "VPTA50"),
        *("VPTW60", "VPTW61", "VPTW62", "VPTW63", "VPTW64", "VPTW65", "VPFT50", "VPAW51"),
        # Commentary on weather, tides, earthquakes and volcanoes.
        *("VPZJ50", "VPZJ51", "VPCJ50", "VPCJ51", "VPFJ50", "VPFJ51", "VPZI50", "VPCI50"),
        *("VMCJ50", "VMCJ51", "VMCJ52", "VMCJ53", "VMCJ54", "VMCJ55"),
        *("VXSE56", "VXSE60", "VZSE40", "VFVO51", "VFVO52", "VFVO60", "VZVO40"),
    )
)
"""Kinds this service knows and makes no notice of."""

REPEATS = OLD_FORMS | {"VPOA50"}
"""Old forms that say again what a new one says in the same minute."""

BY_OFFICE = (
    frozenset(kind for kind in READERS if kind.startswith("VPWW"))
    | OLD_FORMS
    | {"VPOA50", "VPBS50", "VPHW50", "VPHW51"}
)
"""Kinds that an office sends for its own forecast area: another's 取消 takes nothing back here."""

FROM_THE_HEAD = frozenset(
    ("VPNO50", "VPBS50", "VXKO", "VXSU", "VYSE60", "VPTI50", "VPTI51", "VPTI52")
)
"""Kinds whose Head says whom they concern; all others say nothing without a Body."""

AHEAD = timedelta(minutes=15)
"""How far a telegram's clock may be before ours; a warning dated next year would silence every
later one, as the newest wins."""


def facts(
    telegram: Telegram,
    codes: JmaCodes,
    state: HazardBoard,
    *,
    now: datetime | None = None,
) -> list[Fact]:
    """What a telegram changes for the city.

    Parameters
    ----------
    telegram
        As :func:`read_telegram` returned it.
    codes
        The city's codes; what they leave open is filled from the agency's tables.
    state
        The board; it is advanced in place, its drill side by drills and tests.
    now
        The moment of reading; with it a telegram from the future is refused.

    Returns
    -------
    Facts, the gravest first; empty where the telegram does not concern the city or is older
    than what is known. ``Fact.is_news`` tells which residents may hear.

    Raises
    ------
    UnknownKind
        When no reader knows the kind.
    Unreadable
        When it says something about this city that is not understood, or comes from the
        future. The board is then as it was before.
    """
    if now is not None and telegram.reported_at > now + AHEAD:
        raise Unreadable(f"The telegram is dated {telegram.reported_at:%Y-%m-%d %H:%M} UTC.")
    if telegram.kind in QUIET:
        return []
    reader = READERS.get(telegram.kind)
    if reader is None:
        raise UnknownKind(f"A telegram of the unknown kind {telegram.kind[:8]!r}.")
    own, side = completed(codes), state.side(drill=telegram.drill)
    key = Key("taken-back", telegram.kind, telegram.event_id)
    if is_cancellation(telegram):
        if telegram.kind in BY_OFFICE and _is_elsewhere(telegram, own):
            return []
        found = reader(telegram, own, side)
        if any(fact.untold for fact in found):
            # It keeps a telegram silent that comes after the 取消 that took it back.
            side.put(key, Standing.said_by(telegram, level=0))
        return found
    if telegram.kind not in FROM_THE_HEAD and (telegram.body is None or not len(telegram.body)):
        raise Unreadable("The telegram says nothing: it has no Body, or an empty one.")
    taken_back = side.get(key)
    if taken_back is not None and is_older(taken_back, telegram):
        return []
    return reader(telegram, own, side)


def _is_elsewhere(telegram: Telegram, codes: JmaCodes) -> bool:
    return place_of(codes) is not None and not may_concern(telegram.head_title, codes)


def reading_order(telegram: Telegram) -> tuple[datetime, bool, tuple[datetime, datetime, int]]:
    """By what telegrams that came together are read: by time, and the new form before the old.

    The new form says it to the municipality and by the name in use.
    """
    return (telegram.reported_at, telegram.kind in REPEATS, telegram.order)


__all__ = [
    "HazardBoard",
    "Telegram",
    "codes_for",
    "facts",
    "last_told",
    "load",
    "read_telegram",
    "reading_order",
    "remember_notice",
    "save",
]
