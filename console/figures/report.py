"""The parts of the figures in their order: what a month's report has, and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from channels.line.quota_readings import quota_readings
from channels.line.units import Opened, opened_of
from city.city import City
from console import words
from console.board import INTENTS
from console.charts import bars
from console.figures.hiding import LEAST, apart, single
from console.figures.kept import Figures, Period, notices_of, read
from console.figures.parts import (
    NOTHING_YET,
    Cell,
    Desk,
    Part,
    Say,
    bar,
    over_time,
    ranking,
    timeline,
)
from console.figures.projection import LOOKED_BACK, ONE_DAY, Reading, project
from core.languages import mark
from core.waits import within
from feeds.models import Notice

MOST_NOTICES = 30
MENU = {
    "now": mark("Warnings in force"),
    "shelters": mark("Evacuation sites"),
    "numbers": mark("Useful numbers"),
    "rubbish": mark("Collection days"),
    "reports": mark("Their own reports"),
    "areas": mark("Districts"),
    "topics": mark("Topics"),
    "quiet-hours": mark("Quiet hours"),
    "data": mark("Their own data"),
}
OTHERS = "others"
NO_NOTICE = mark("No notice in the day before")
LINE_SAYS = mark("LINE's own estimate. It says nothing below 20, and is ready the next day.")


@dataclass(frozen=True)
class Read:
    """All that the parts need, read at once."""

    figures: Figures
    notices: Mapping[int, Notice]
    opened: Mapping[int, Opened]
    readings: Mapping[date, Reading]
    today: date


async def read_all(session: AsyncSession, period: Period, today: date) -> Read:
    """Read the daily rows of a period, and the notices that they name."""
    figures = await read(session, period)
    wanted = [int(key) for key, _ in figures.total("notice").most_common(MOST_NOTICES)]
    after = [int(key) for key, _ in figures.total("left-after").most_common(MOST_NOTICES) if key]
    first = min(period.first, today) - (LOOKED_BACK + 1) * ONE_DAY
    readings = await quota_readings(session, first, today)
    return Read(
        figures,
        await notices_of(session, [*wanted, *after]),
        await opened_of(session, wanted),
        {day: Reading(row.most, row.used) for day, row in readings.items()},
        today,
    )


def report(found: Read, city: City, language: str, say: Say) -> tuple[Desk, list[Part]]:
    """Return the parts in order."""
    desk = Desk(found.figures, city, language, say)
    return desk, [
        _residents(desk),
        _came(desk),
        over_time(desk, "media", say("By medium"), "medium-now", desk.medium),
        over_time(desk, "languages", say("By language"), "language-now", desk.reader),
        over_time(
            desk,
            "topics",
            say("By topic"),
            "topic-now",
            desk.topic,
            hide=apart,
            more=say("Who follows several topics counts in each."),
        ),
        over_time(
            desk,
            "districts",
            say("By district"),
            "area-now",
            desk.area,
            more=say("Who chose several districts counts in each."),
        ),
        _left_after(desk, found),
        _messages(desk),
        _media(desk),
        _notices(desk, found),
        _friends(desk),
        _quota(desk, found),
        _menu(desk),
        _asked(desk),
        _intents(desk),
        _chats(desk),
        _reports(desk),
        _response(desk),
    ]


def _residents(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Residents who follow")
    at_end = desk.figures.at_end("state-now")
    found: dict[date, tuple[Cell, ...]] = {
        day: (single(counts.get("following", 0)),) for day, counts in at_end.items()
    }
    sentence = say(NOTHING_YET)
    if found:
        sentence = say(
            "{n} follow at the end of {when}, by all media together.",
            n=desk.cell(found[max(found)][0]),
            when=desk.step(max(found)),
        )
    more = say("A resident who follows by two media counts twice.")
    return timeline(desk, "residents", title, sentence, (say("Residents"),), found, more=more)


def _came(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Came and left")
    came, left = desk.figures.by_step("came"), desk.figures.by_step("left")
    found: dict[date, tuple[Cell, ...]] = {}
    for day in came:
        every, blocked = sum(came[day].values()), left[day]["blocked"]
        found[day] = (every, sum(left[day].values()), came[day]["back"], blocked)
    whole, gone = desk.figures.total("came"), desk.figures.total("left")
    sentence = say(
        "{came} came, {back} of them back; {left} left, {blocked} of them by blocking the account. "
        "Above the line came, below it left.",
        came=f"{sum(whole.values()):,}",
        back=f"{whole['back']:,}",
        left=f"{sum(gone.values()):,}",
        blocked=f"{gone['blocked']:,}",
    )
    heads = (say("Newcomers"), say("Left"), say("Of these back"), say("Of these blocked"))
    more = say("LINE does not tell a block from a removed account.")
    return timeline(desk, "came", title, sentence, heads, found, below=True, more=more)


def _title(found: Read, language: str, key: str) -> str:
    notice = found.notices.get(int(key))
    return words.title_of(notice, language) if notice else f"#{key}"


def _left_after(desk: Desk, found: Read) -> Part:
    say = desk.say

    def name(key: str) -> str:
        if key == OTHERS:
            return say("Other notices")
        return _title(found, desk.language, key) if key else say(NO_NOTICE)

    counts = desk.figures.total("left-after")
    if 0 < counts.total() < LEAST:
        # Who left is counted above; with so few, a notice that stands here alone had all of them.
        words_of_few = say("Fewer than 10 left; they are not shown by notice.")
        title = say("After which notice they left")
        return Part("left-after", title, words_of_few, Markup(""), (), [])
    parts = dict(counts.most_common(MOST_NOTICES))
    parts[OTHERS] = counts.total() - sum(parts.values())
    return ranking(
        desk,
        "left-after",
        say("After which notice they left"),
        parts,
        name,
        say("Left"),
        hides=True,
        more=say(
            "The last notice by LINE within 24 hours before somebody blocked the account. It need "
            "not be the reason."
        ),
    )


def _messages(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Messages")
    taken, failed = desk.figures.by_step("taken"), desk.figures.by_step("failed")
    found: dict[date, tuple[Cell, ...]] = {
        day: (sum(taken[day].values()), sum(failed[day].values())) for day in taken
    }
    sentence = say(
        "{taken} messages were taken by their medium, {failed} failed.",
        taken=f"{desk.figures.total('taken').total():,}",
        failed=f"{desk.figures.total('failed').total():,}",
    )
    heads = (say("Taken by the medium"), say("Could not be delivered"))
    return timeline(desk, "messages", title, sentence, heads, found, part=False)


def _media(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Messages by medium")
    taken, failed = desk.figures.total("taken"), desk.figures.total("failed")
    keys = sorted({*taken, *failed}, key=lambda key: (-taken[key], key))
    rows: list[tuple[Cell, ...]] = [(desk.medium(key), taken[key], failed[key]) for key in keys]
    sentence = say("What LINE takes it shows to everybody who has not blocked the account.")
    chart = bars(title, [bar(desk.medium(key), taken[key]) for key in keys])
    heads = (say("Taken by the medium"), say("Could not be delivered"))
    return Part("by-medium", title, sentence, chart, heads, rows)


def _notices(desk: Desk, found: Read) -> Part:
    say, title = desk.say, desk.say("Opened and tapped")
    reached, visits = desk.figures.total("notice"), desk.figures.total("visit")
    by_line = desk.figures.total("notice-line")
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for key, number in reached.most_common(MOST_NOTICES):
        opened = found.opened.get(int(key), Opened(None, None, None))
        seen, tapped = _said(opened.opened), _said(opened.tapped)
        name = _title(found, desk.language, key)
        share = _share(opened.opened, by_line[key])
        rows.append((name, single(number), seen, tapped, share, visits[key]))
        if opened.opened is not None:
            drawn.append(bar(name, opened.opened, said=f"{opened.opened:,} · {share}"))
    sentence = say("The {n} notices that reached most residents.", n=len(rows))
    if not rows:
        sentence = say(NOTHING_YET)
    heads = (
        say("Reached"),
        say("Opened"),
        say("Tapped"),
        say("Opened of LINE's"),
        say("Visits of the page"),
    )
    more = f"{say(LINE_SAYS)} {say('Visits are of the short address, counted without who.')}"
    return Part("notices", title, sentence, bars(title, drawn[:15]), heads, rows, more=more)


def _said(number: int | None) -> Cell:
    """Return what LINE said; a dash if it said nothing, also below its own 20."""
    return "–" if number is None else single(number)


def _share(opened: int | None, reached: int) -> str:
    if opened is None or single(opened) is None or not reached:
        return "–"
    return f"{min(100, round(100 * opened / reached))} %"


def _friends(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Friends as LINE counts them")
    at_end = desk.figures.line_at_end("friends")
    found: dict[date, tuple[Cell, ...]] = {
        day: tuple(_counted(of_it.get(name)) for name in ("reach", "blocks", "followers"))
        for day, of_it in at_end.items()
    }
    sentence = say(
        "Who can be reached, who blocks the account, and who ever added it. The darker part blocks."
    )
    heads = (say("Can be reached"), say("Block the account"), say("Ever added it"))
    return timeline(desk, "friends", title, sentence, heads, found, more=say(LINE_SAYS))


def _counted(value: object) -> Cell:
    return single(value) if isinstance(value, int) else "–"


def _quota(desk: Desk, found: Read) -> Part:
    say, title = desk.say, desk.say("LINE's messages of the month")
    period, last = desk.figures.period, min(desk.figures.period.last, found.today)
    ends: dict[date, tuple[Cell, ...]] = {}
    for day in sorted(found.readings):
        if period.first <= day <= period.last:
            reading = found.readings[day]
            most: Cell = "–" if reading.most is None else reading.most
            ends[period.step_of(day)] = (reading.used, most)
    sentence, warns = say(NOTHING_YET), False
    projected = project(found.readings, found.today) if last == found.today else None
    if projected is not None and projected.most is None:
        sentence = say("{used} are used this month; the plan has no limit.", used=projected.used)
    elif projected is not None:
        sentence = say(
            "{used} of {most} are used this month. As each weekday went lately, it will end at "
            "about {end}.",
            used=f"{projected.used:,}",
            most=f"{projected.most:,}",
            end=f"{projected.end:,}",
        )
        if projected.runs_out is not None:
            warns = True
            when = words.day_of(projected.runs_out, desk.language)
            sentence += " " + say("They run out on {day}.", day=when)
    elif ends:
        used, _ = ends[max(ends)]
        sentence = say("{n} were used at the end.", n=desk.cell(used))
    heads = (say("Used"), say("Most"))
    return timeline(desk, "quota", title, sentence, heads, ends, part=False, warns=warns)


def _menu(desk: Desk) -> Part:
    def name(key: str) -> str:
        return desk.say(MENU.get(key) or INTENTS.get(key, key))

    return ranking(
        desk,
        "menu",
        desk.say("Taps on the menu"),
        desk.figures.total("tap"),
        name,
        desk.say("Taps"),
        hides=False,
        more=desk.say("A button below an answer that does the same counts as well."),
    )


def _asked(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Questions asked, and not understood")
    asked = desk.figures.by_step("asked")
    found: dict[date, tuple[Cell, ...]] = {
        day: (of_it.total(), of_it["unknown"]) for day, of_it in asked.items()
    }
    whole = desk.figures.total("asked")
    sentence = say(
        "{asked} questions; {unknown} were not understood ({share} %), the darker part.",
        asked=f"{whole.total():,}",
        unknown=f"{whole['unknown']:,}",
        share=round(100 * whole["unknown"] / max(1, whole.total())),
    )
    heads = (say("Asked"), say("Not understood"))
    return timeline(desk, "asked", title, sentence, heads, found)


def _intents(desk: Desk) -> Part:
    counts = {key: n for key, n in desk.figures.total("asked").items() if key != "unknown"}
    return ranking(
        desk,
        "asked-for",
        desk.say("What they asked for"),
        counts,
        lambda key: desk.say(INTENTS[key]) if key in INTENTS else key,
        desk.say("Asked"),
        hides=False,
    )


def _chats(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Talks with a person")
    by_step, whole = desk.figures.by_step("chat"), desk.figures.total("chat")
    found: dict[date, tuple[Cell, ...]] = {
        day: (of["opened"], of["answered"], of["closed"]) for day, of in by_step.items()
    }
    sentence = say(
        "{opened} talks began, {answered} were answered, {closed} ended.",
        **{key: f"{whole[key]:,}" for key in ("opened", "answered", "closed")},
    )
    heads = (say("Begun"), say("Answered by somebody"), say("Ended"))
    return timeline(desk, "chats", title, sentence, heads, found, part=False)


def _reports(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Reports of damage")
    by_step, whole = desk.figures.by_step("report"), desk.figures.total("report")
    found: dict[date, tuple[Cell, ...]] = {
        day: (of["came"], of["answered"], of["ended"], of["due"], of["in_time"])
        for day, of in by_step.items()
    }
    sentence = say(
        "{came} came in, {answered} were taken up, {ended} ended; {in_time} of {due} with a due "
        "day ended in time.",
        **{key: f"{whole[key]:,}" for key in ("came", "answered", "ended", "in_time", "due")},
    )
    heads = (
        say("Came in"),
        say("Taken up"),
        say("Ended"),
        say("With a due day"),
        say("Within it"),
    )
    return timeline(desk, "reports", title, sentence, heads, found, part=False)


def _response(desk: Desk) -> Part:
    say, title = desk.say, desk.say("Response of Todoke itself")
    webhook, first = desk.figures.by_step("webhook"), desk.figures.by_step("first")
    found: dict[date, tuple[Cell, ...]] = {}
    for day in webhook:
        times = [
            within(counts.get(day, {}), share)
            for counts in (webhook, first)
            for share in (0.95, 0.5)
        ]
        if any(time is not None for time in times):
            found[day] = tuple("–" if time is None else time for time in times)
    sentence = say(NOTHING_YET)
    of_webhook, of_first = desk.figures.total("webhook"), desk.figures.total("first")
    if found:
        sentence = say(
            "Of 100 calls by LINE, 95 were stored within {webhook} ms. Of 100 urgent notices, 95 "
            "had their first message within {first} ms.",
            webhook=desk.cell(within(of_webhook, 0.95) or "–"),
            first=desk.cell(within(of_first, 0.95) or "–"),
        )
    heads = (
        say("Call by LINE, 95 of 100 (ms)"),
        say("Half (ms)"),
        say("First message, 95 of 100 (ms)"),
        say("Half of these (ms)"),
    )
    more = say("Times are in steps: at most so long.")
    return timeline(desk, "response", title, sentence, heads, found, part=False, more=more)
