"""What the conversation reads of reports before an answer, and does with them after it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.dialogues.kinds import (
    ADDING,
    REPORT,
    AddPhoto,
    AddToReport,
    AddWords,
    CaseAsked,
    DialogueState,
    FollowReport,
    Incoming,
    Located,
    NearReport,
    OfReport,
    OwnReport,
    Photographed,
    Pressed,
    Said,
    WatchRepairs,
    WithdrawReport,
)
from bot.dialogues.spot import PLACE
from city.city import City
from public.following import asked_to_follow
from reports import following, register, repairs, verdicts
from reports.nearby import open_near
from reports.published import case_called, number_in
from reports.withdrawn import withdraw_report

SHOWN_REPORTS = 5
TAKES_BACK = "my-withdraw-yes"
MOST_JOINED = 200
"""Joined reports among which a button's number is looked for."""


async def own_reports(session: AsyncSession, resident_id: int) -> tuple[OwnReport, ...]:
    """Return the resident's newest reports, and the newest of others that they joined."""
    own = await register.newest_of_resident(session, resident_id, SHOWN_REPORTS)
    joined = await following.reports_followed(session, resident_id, SHOWN_REPORTS)
    return (
        *(OwnReport(one.number, one.category, one.state) for one in own),
        *(OwnReport(one.number, one.category, one.state, joined=True) for one in joined),
    )


async def report_meant(
    session: AsyncSession, state: DialogueState, incoming: Incoming, resident_id: int
) -> tuple[OwnReport, ...]:
    """Return the report of the resident, or joined by them, that an event is about, if any.

    Their own is locked until the transaction ends, so that what they are told of it is true.
    """
    number = _number_of(state, incoming)
    if not number:
        return ()
    leaves = isinstance(incoming, Pressed) and incoming.do == TAKES_BACK
    one = await following.own_report(session, number, resident_id, leaves=leaves)
    if one is not None and one.id is not None:
        photos = len(await register.photos_of(session, one.id))
        return (OwnReport(one.number, one.category, one.state, photos=photos),)
    joined = await following.reports_followed(session, resident_id, MOST_JOINED)
    return tuple(
        OwnReport(other.number, other.category, other.state, joined=True)
        for other in joined
        if other.number == number
    )


async def case_asked(
    session: AsyncSession, city: City, incoming: Incoming, resident_id: int
) -> CaseAsked | None:
    """Return the case whose number a message or a button has; None if it has none."""
    follow = True
    match incoming:
        case Said(text):
            number = number_in(text, whole=True)
            follow = asked_to_follow(text) is not None
        case Pressed("follow-case", {"n": text}):
            number = number_in(text, whole=True)
        case _:
            return None
    if number is None:
        return None
    own = await following.own_report(session, number, resident_id)
    if own is not None and own.id is not None:
        photos = len(await register.photos_of(session, own.id))
        return CaseAsked(own=OwnReport(own.number, own.category, own.state, photos=photos))
    public = await case_called(session, city, number)
    wanted = {number, public.number if public is not None else number}
    for other in await following.reports_followed(session, resident_id, MOST_JOINED):
        if other.number in wanted:
            joined = OwnReport(other.number, other.category, other.state, joined=True)
            return CaseAsked(own=joined)
    return CaseAsked(follow, public=public)


def is_about_a_report(state: DialogueState, incoming: Incoming) -> bool:
    """Whether an event is about one report that is there."""
    return bool(_number_of(state, incoming))


def _number_of(state: DialogueState, incoming: Incoming) -> str:
    if isinstance(incoming, Pressed) and incoming.do.startswith("my-"):
        return incoming.values.get("n", "")[:20].replace("\0", "")
    if isinstance(incoming, Photographed) and state.name == ADDING:
        return str(state.data.get("number", ""))
    return ""


async def do_with_report(
    session: AsyncSession, effect: OfReport, resident_id: int, now: datetime
) -> None:
    """Do what a resident does with a report that is there."""
    if isinstance(effect, FollowReport):
        if effect.on and effect.saw:
            await following.join(session, effect.number, resident_id, now)
        elif effect.on:
            case = await register.get_report(session, effect.number)
            await following.follow(session, case, resident_id, now)
        else:
            await following.leave(session, effect.number, resident_id)
        return
    if isinstance(effect, AddWords):
        number, words = effect.number, effect.words
        await verdicts.add_words(session, number, resident_id, words, effect.message_id)
        return
    leaves = isinstance(effect, WithdrawReport)
    report = await following.own_report(session, effect.number, resident_id, leaves=leaves)
    if report is None:
        return
    match effect:
        case AddToReport(_, addition):
            await following.tell(session, report, addition, now)
        case AddPhoto(_, picture):
            await following.add_photo(session, report, picture, now)
        case WithdrawReport():
            await withdraw_report(session, report, now)


async def watch_repairs(
    session: AsyncSession, effect: WatchRepairs, resident_id: int, now: datetime
) -> None:
    """Watch repairs, or no longer."""
    if effect.on:
        await repairs.watch(session, resident_id, effect.place, now)
    else:
        await repairs.unwatch(session, resident_id)


async def watches_repairs(session: AsyncSession, resident_id: int) -> bool:
    """Whether a resident is told of repairs near them."""
    return await repairs.watch_of(session, resident_id) is not None


async def reports_near(
    session: AsyncSession, city: City, state: DialogueState, incoming: Incoming
) -> tuple[NearReport, ...]:
    """Return what others reported near the place of the report being made."""
    if state.name != REPORT:
        return ()
    # A resident who is changing the place may give one without a position.
    place = state.data.get("pin" if state.step == PLACE else "place") or {}
    longitude, latitude = place.get("longitude"), place.get("latitude")
    if isinstance(incoming, Located):
        longitude, latitude = incoming.longitude, incoming.latitude
    if isinstance(incoming, Pressed) and incoming.do == "r-exif" and state.data.get("exif"):
        longitude, latitude = state.data["exif"]
    if longitude is None or latitude is None:
        return ()
    found = await open_near(session, city, longitude, latitude)
    return tuple(
        NearReport(one.report.number, one.report.category, one.report.state, one.metres)
        for one in found
    )
