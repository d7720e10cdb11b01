"""Telegrams of the Meteorological Agency, for one city.

It turns the bytes of a telegram into facts: what changed for this municipality compared with what
was known (``HazardBoard``). ``feeds.texts`` chooses the words; ``feeds.policy`` decides what to do
with a fact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from city.city import JmaCodes
from feeds.errors import UnknownKind, Unreadable
from feeds.facts import Fact
from feeds.jma import early, nankai, quakes, rivers, sudden, tsunami, typhoon, volcano, warnings
from feeds.jma.building import is_cancellation
from feeds.jma.codes import codes_for, completed, names_region_of, place_of
from feeds.jma.levels import OLD_FORMS
from feeds.jma.state import HazardBoard, Key, LatestWarning, Side, is_older
from feeds.jma.store import last_told, load, remember_notice, remember_sent, save
from feeds.jma.telegram import Telegram, read_telegram
from feeds.reasons import reason

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
"""The reader of each kind."""

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
"""Old forms that repeat a new one of the same minute."""

BY_OFFICE = (
    frozenset(kind for kind in READERS if kind.startswith("VPWW"))
    | OLD_FORMS
    | {"VPOA50", "VPBS50", "VPHW50", "VPHW51"}
)
"""Kinds that an office sends for its own forecast area: another's 取消 takes nothing back here."""

FROM_THE_HEAD = frozenset(
    ("VPNO50", "VPBS50", "VXKO", "VXSU", "VYSE60", "VPTI50", "VPTI51", "VPTI52")
)
"""Kinds whose Head says whom they concern; all others need a Body."""

AHEAD = timedelta(minutes=15)
"""How far a telegram's clock may be ahead of ours. A warning dated next year would block all later
ones, because the newest wins.
"""


def facts(
    telegram: Telegram,
    codes: JmaCodes,
    state: HazardBoard,
    *,
    now: datetime | None = None,
) -> list[Fact]:
    """Return what a telegram changes for the city.

    Parameters
    ----------
    telegram
        As :func:`read_telegram` returned it.
    codes
        The city's codes; missing ones are filled in from the agency's tables.
    state
        The board; it is changed in place. Drills and tests change only its drill side.
    now
        The moment of reading; with it a telegram from the future is refused.

    Returns
    ------- Facts, the most serious first; empty if the telegram does not concern the city or is
    older than what is known. ``Fact.is_news`` says which ones are for residents.

    Raises
    ------
    UnknownKind
        No reader knows the kind.
    Unreadable
        It says something about this city that is not understood, or is dated in the future. The
        board is then unchanged.
    """
    if now is not None and telegram.reported_at > now + AHEAD:
        raise Unreadable(reason("telegram.dated", moment=f"{telegram.reported_at:%Y-%m-%d %H:%M}"))
    if telegram.kind in QUIET:
        return []
    reader = READERS.get(telegram.kind)
    if reader is None:
        raise UnknownKind(reason("telegram.unknown-kind", kind=telegram.kind[:8]))
    own, side = completed(codes), state.side(drill=telegram.drill)
    key = Key("taken-back", telegram.kind, telegram.event_id)
    if is_cancellation(telegram):
        if telegram.kind in BY_OFFICE and _is_elsewhere(telegram, own):
            return []
        found = reader(telegram, own, side)
        if any(fact.untold for fact in found):
            # It suppresses a telegram that comes after its own 取消.
            side.put(key, LatestWarning.said_by(telegram, level=0))
        return found
    if telegram.kind not in FROM_THE_HEAD and (telegram.body is None or not len(telegram.body)):
        raise Unreadable(reason("telegram.no-body"))
    taken_back = side.get(key)
    if taken_back is not None and is_older(taken_back, telegram):
        return []
    return reader(telegram, own, side)


def _is_elsewhere(telegram: Telegram, codes: JmaCodes) -> bool:
    return place_of(codes) is not None and not names_region_of(telegram.head_title, codes)


def reading_order(telegram: Telegram) -> tuple[datetime, bool, tuple[datetime, datetime, int]]:
    """The order of telegrams that came together: by time, and the new form before the old.

    The new form names the municipality and uses the current name.
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
    "remember_sent",
    "save",
]
