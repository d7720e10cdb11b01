"""The great earthquakes to come: Nankai Trough (VYSE50-52) and off Hokkaido and Sanriku (60).

These name no areas. They concern the prefectures in which the law designates municipalities
that prepare for these earthquakes: 南海トラフ地震防災対策推進地域 and 日本海溝・千島海溝周辺
海溝型地震防災対策推進地域 (Cabinet Office). Where a prefecture is designated for its tsunami
alone, only municipalities on the sea are meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import is_cancellation, make_fact, unknown_cancellation
from feeds.jma.levels import NANKAI
from feeds.jma.state import Key, LatestWarning, Side, is_older
from feeds.jma.telegram import InfoType, Telegram, child, text
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "earthquake"
NANKAI_PREFECTURES = frozenset(
    [
        *("08", "12", "13", "14", "19", "20", "21", "22", "23", "24"),
        *("25", "26", "27", "28", "29", "30", "33", "34", "35", "36"),
        *("37", "38", "39", "40", "42", "43", "44", "45", "46", "47"),
    ]
)
SEASIDE_ONLY = frozenset(("08", "12", "13", "40", "42", "43", "46", "47"))
SANRIKU_PREFECTURES = frozenset(("01", "02", "03", "04", "07", "08", "12"))
SANRIKU_LEVEL = 3
""""Be ready to leave at once, for a week": our rule, in addition to 巨大地震注意."""
INQUIRIES = frozenset(("111", "112", "113"))
"""調査中, for a quake, a slow slip or something else."""
ALARM, INQUIRY = Key("nankai-trough", ""), Key("nankai-trough", "inquiry")
"""巨大地震警戒 or 注意, and separately the current inquiry: a new inquiry does not end an alarm."""
COMMENTARY_LEVEL = 1
COMMENTARY = "南海トラフ地震関連解説情報"
EXTRA_INFORMATION = "南海トラフ地震臨時情報"
OFF_SANRIKU = "北海道・三陸沖後発地震注意情報"
NANKAI_LASTS = timedelta(days=14)
"""巨大地震警戒 asks for a week of heightened and a week of ordinary care, 注意 for one week."""
SANRIKU_LASTS = timedelta(days=7)


def nankai(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VYSE50 (臨時情報) and of VYSE51/52 (関連解説情報)."""
    prefecture = codes.municipality[:2]
    if prefecture not in NANKAI_PREFECTURES:
        return []
    if prefecture in SEASIDE_ONLY and not codes.tsunami_regions:
        return []
    serial = child(telegram.body, "EarthquakeInfo", "InfoSerial")
    code = text(serial, "Code")
    if is_cancellation(telegram):
        level, keyword = 0, ""
    elif code in NANKAI:
        level, keyword = NANKAI[code]
    else:
        raise Unreadable(
            reason("telegram.unknown-code", what="南海トラフ地震に関連する情報", code=code[:8])
        )
    if telegram.kind != "VYSE50" or level == COMMENTARY_LEVEL:
        return _commentary(telegram, side, code)
    if any(is_older(side.get(key), telegram) for key in (ALARM, INQUIRY)):
        return []
    if is_cancellation(telegram):
        return _taken_back(telegram, side, (ALARM, INQUIRY))
    step = _step(telegram, level, f"{EXTRA_INFORMATION}（{keyword}）", code)
    if code in INQUIRIES:
        return _inquiry(telegram, side, step)
    return _finding(telegram, side, step) if level else _end(telegram, side, step)


def off_sanriku(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VYSE60 (北海道・三陸沖後発地震注意情報)."""
    if codes.municipality[:2] not in SANRIKU_PREFECTURES:
        return []
    key = Key("off-sanriku", "")
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        return _taken_back(telegram, side, (key,))
    before = _in_force(known, telegram, SANRIKU_LASTS)
    step = _step(telegram, SANRIKU_LEVEL, OFF_SANRIKU, "")
    status = Status.CONTINUED if _is_same(known, step) else Status.ISSUED
    side.put(key, _after(step, known))
    return [_fact(telegram, key, status, step, before)]


def _commentary(telegram: Telegram, side: Side, code: str) -> list[Fact]:
    """An explanation, monthly or after an event: published once, and pushed to nobody.

    What people should do is in the steps of VYSE50, which have their own notices.
    """
    key = Key("nankai-comment", "", telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    cancelled = is_cancellation(telegram)
    if cancelled and (known is None or not known.level):
        return [
            unknown_cancellation(telegram, topic=TOPIC, hazard="nankai-trough", kind=COMMENTARY)
        ]
    level = 0 if cancelled else COMMENTARY_LEVEL
    side.put(key, _step(telegram, level, COMMENTARY, code))
    published = Status.ISSUED if known is None else Status.CONTINUED
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="nankai-trough",
            kind=COMMENTARY,
            kind_code=code,
            level=level,
            status=Status.CANCELLED if cancelled else published,
            standing=(key.area,),
            quiet=True,
        )
    ]


def _inquiry(telegram: Telegram, side: Side, step: LatestWarning) -> list[Fact]:
    """調査中. It may be about a second quake while the alarm for the first is in force."""
    known, alarm = side.get(INQUIRY), _in_force(side.get(ALARM), telegram)
    open_one = _in_force(known, telegram)
    side.put(INQUIRY, _after(step, known))
    if open_one is None:
        status = Status.ISSUED
    elif open_one.kind_code == step.kind_code:
        status = Status.CONTINUED
    else:
        status = _corrected_or(Status.ISSUED, telegram)
    fact = _fact(telegram, INQUIRY, status, step, alarm or open_one)
    return [replace(fact, standing_kind=alarm.kind if alarm is not None else "")]


def _finding(telegram: Telegram, side: Side, step: LatestWarning) -> list[Fact]:
    """巨大地震警戒 or 注意, which closes the inquiry before it.

    No telegram ends them: they end after :data:`NANKAI_LASTS`, and what comes later is a new case.
    A weaker result of a later inquiry does not weaken the alarm in force.
    """
    alarm = _in_force(side.get(ALARM), telegram)
    answered = _in_force(side.get(INQUIRY), telegram)
    if answered is not None:
        side.put(INQUIRY, _after(replace(step, level=0), answered))
    before = alarm or answered
    if alarm is not None and answered is not None and step.level < alarm.level:
        fact = _fact(telegram, ALARM, Status.ISSUED, step, alarm)
        return [replace(fact, standing_kind=alarm.kind)]
    if alarm is not None and alarm.kind_code == step.kind_code and answered is None:
        status = Status.CONTINUED
    elif before is None or before.level == step.level:
        status = Status.ISSUED
    else:
        raised = step.level > before.level
        status = _corrected_or(Status.RAISED if raised else Status.LOWERED, telegram)
    side.put(ALARM, _after(step, side.get(ALARM)))
    return [_fact(telegram, ALARM, status, step, before)]


def _end(telegram: Telegram, side: Side, step: LatestWarning) -> list[Fact]:
    """調査終了: nothing was found. An alarm for an earlier quake stays in force."""
    known, alarm = side.get(INQUIRY), _in_force(side.get(ALARM), telegram)
    answered = _in_force(known, telegram)
    side.put(INQUIRY, _after(step, known))
    if answered is not None:
        fact = _fact(telegram, INQUIRY, Status.LIFTED, step, answered)
        if alarm is None:
            return [replace(fact, level=0)]
        return [replace(fact, level=alarm.level, standing_kind=alarm.kind)]
    if alarm is not None:
        side.put(ALARM, _after(step, alarm))
    repeated = alarm is None and known is not None and known.kind_code == step.kind_code
    status = Status.CONTINUED if repeated else Status.LIFTED
    return [_fact(telegram, ALARM, status, step, alarm)]


def _corrected_or(status: Status, telegram: Telegram) -> Status:
    return Status.CORRECTED if telegram.info_type is InfoType.CORRECTED else status


def _in_force(
    known: LatestWarning | None, telegram: Telegram, lasting: timedelta = NANKAI_LASTS
) -> LatestWarning | None:
    if known is None or not known.level or telegram.reported_at - known.reported_at > lasting:
        return None
    return known


def _is_same(known: LatestWarning | None, step: LatestWarning) -> bool:
    """Whether a step was known before; each has its own EventID."""
    return known is not None and bool(known.level) and known.detail == step.detail


def _taken_back(telegram: Telegram, side: Side, keys: Iterable[Key]) -> list[Fact]:
    """Take back the step with this EventID; the state before it is in force again."""
    keys = tuple(keys)
    event = {"event_id": telegram.event_id}
    found = [(key, side.get(key)) for key in keys]
    undone = [
        (key, known) for key, known in found if known and known.told and known.detail == event
    ]
    if not undone:
        hazard = keys[0].hazard
        name = EXTRA_INFORMATION if keys[0] == ALARM else OFF_SANRIKU
        return [unknown_cancellation(telegram, topic=TOPIC, hazard=hazard, kind=name)]
    for key, known in undone:
        side.put(key, _restored(telegram, known.before))
    key, wrong = undone[0]
    stands = [side.get(each) for each in keys]
    left = max((each for each in stands if each is not None), key=lambda each: each.level)
    fact = _fact(telegram, key, Status.CANCELLED, wrong, wrong)
    said, _ = NANKAI.get(wrong.kind_code, (wrong.level, ""))
    name = left.kind if left.level else ""
    return [replace(fact, level=left.level, previous_level=said, standing_kind=name)]


def _restored(telegram: Telegram, before: LatestWarning | None) -> LatestWarning:
    if before is None:
        return LatestWarning.said_by(telegram, level=0)
    return replace(
        before,
        reported_at=telegram.reported_at,
        published_at=telegram.published_at,
        serial=telegram.serial,
        telegram=telegram.kind,
        before=None,
    )


def _step(telegram: Telegram, level: int, name: str, code: str) -> LatestWarning:
    return LatestWarning.said_by(
        telegram,
        level=level,
        kind=name,
        kind_code=code,
        told=True,
        detail={"event_id": telegram.event_id},
    )


def _after(step: LatestWarning, known: LatestWarning | None) -> LatestWarning:
    """The step and its predecessor; a repeated step keeps its first predecessor."""
    repeated = known is not None and known.order == step.order
    past = known.before if repeated and known is not None else known
    return replace(step, before=None if past is None else replace(past, before=None))


def _fact(
    telegram: Telegram, key: Key, status: Status, step: LatestWarning, before: LatestWarning | None
) -> Fact:
    return make_fact(
        telegram,
        topic=TOPIC,
        hazard=key.hazard,
        kind=step.kind,
        kind_code=step.kind_code,
        level=step.level,
        status=status,
        standing=(key.area,),
        previous_kind=before.kind if before is not None else "",
        previous_level=before.level if before is not None else 0,
    )
