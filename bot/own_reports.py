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
from bot.dialogues.own_reports import WHICH_STEP
from bot.dialogues.spot import PLACE
from city.city import City
from public.following import asked_to_follow
from reports import following, later, register, repairs, verdicts
from reports.later import Said as SaidLater
from reports.members import leader_of
from reports.models import Addition, Report
from reports.nearby import open_near
from reports.published import case_called, number_in
from reports.withdrawn import withdraw_report
from reports.worse_words import says_worse

SHOWN_REPORTS = 5
TAKES_BACK, GOT_WORSE = "my-withdraw-yes", "my-worse"
MOST_JOINED = 200
"""Joined reports among which a button's number is looked for."""


async def own_reports(session: AsyncSession, resident_id: int) -> tuple[OwnReport, ...]:
    """Return the resident's newest reports, and the newest of others that they joined."""
    own = await register.newest_of_resident(session, resident_id, SHOWN_REPORTS)
    joined = await following.reports_followed(session, resident_id, SHOWN_REPORTS)
    return (
        *[await _shown(session, one) for one in own],
        *[await _shown(session, one, joined=True) for one in joined],
    )


async def _shown(
    session: AsyncSession, report: Report, *, joined: bool = False, photos: int = 0
) -> OwnReport:
    leading = await leader_of(session, report)
    return OwnReport(
        report.number,
        report.category,
        report.state,
        joined=joined,
        photos=photos,
        is_open=leading.state.is_open,
    )


async def worse_reports(
    session: AsyncSession, incoming: Incoming, resident_id: int
) -> tuple[OwnReport, ...]:
    """Return the open reports of which a sentence may say that they got worse."""
    if not isinstance(incoming, Said) or not says_worse(incoming.text):
        return ()
    return tuple(one for one in await own_reports(session, resident_id) if one.is_open)


async def report_meant(
    session: AsyncSession, state: DialogueState, incoming: Incoming, resident_id: int
) -> tuple[OwnReport, ...]:
    """Return the report of the resident, or joined by them, that an event is about, if any.

    Their own is locked until the transaction ends, so that what they are told of it is true; not if
    its case is to be changed, which is locked first.
    """
    number = _number_of(state, incoming)
    if not number:
        return ()
    leaves = isinstance(incoming, Pressed) and incoming.do == TAKES_BACK
    worse = isinstance(incoming, Pressed) and incoming.do == GOT_WORSE
    one = await following.own_report(session, number, resident_id, leaves=leaves, lock=not worse)
    if one is not None and one.id is not None:
        photos = len(await register.photos_of(session, one.id))
        return (await _shown(session, one, photos=photos),)
    joined = await following.reports_followed(session, resident_id, MOST_JOINED)
    return tuple(
        [await _shown(session, other, joined=True) for other in joined if other.number == number]
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
    own = await following.own_report(session, number, resident_id, lock=False)
    if own is not None and own.id is not None:
        photos = len(await register.photos_of(session, own.id))
        return CaseAsked(own=await _shown(session, own, photos=photos))
    public = await case_called(session, city, number)
    wanted = {number, public.number if public is not None else number}
    for other in await following.reports_followed(session, resident_id, MOST_JOINED):
        if other.number in wanted:
            return CaseAsked(own=await _shown(session, other, joined=True))
    return CaseAsked(follow, public=public)


def is_about_a_report(state: DialogueState, incoming: Incoming) -> bool:
    """Whether an event is about one report that is there."""
    return bool(_number_of(state, incoming))


def _number_of(state: DialogueState, incoming: Incoming) -> str:
    if isinstance(incoming, Pressed) and incoming.do.startswith("my-"):
        return incoming.values.get("n", "")[:20].replace("\0", "")
    if isinstance(incoming, Photographed) and state.name == ADDING and state.step != WHICH_STEP:
        return str(state.data.get("number", ""))
    return ""


async def do_with_report(
    city: City,
    session: AsyncSession,
    effect: OfReport,
    resident_id: int,
    now: datetime,
    *,
    language: str,
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
        said = SaidLater(effect.words, language, effect.message_id)
        tells = later.say if effect.worse else verdicts.add_words
        await tells(session, city, effect.number, resident_id, said, now)
        return
    if isinstance(effect, AddToReport) and effect.addition is Addition.WORSE:
        said = SaidLater(effect.words, language, effect.message_id)
        await later.say(session, city, effect.number, resident_id, said, now)
        return
    if isinstance(effect, AddPhoto):
        found = await later.reported_or_followed(session, effect.number, resident_id)
        if found is not None:
            await session.refresh(found[0], with_for_update=True)
            await following.add_photo(session, found[0], effect.picture, now)
        return
    leaves = isinstance(effect, WithdrawReport)
    report = await following.own_report(session, effect.number, resident_id, leaves=leaves)
    if report is None:
        return
    match effect:
        case AddToReport(_, addition):
            await following.tell(session, report, addition, now)
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
