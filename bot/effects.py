"""Do what a dialogue asks for: each effect once, and none that a newer event has overtaken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.asked import masked
from bot.dialogues.kinds import (
    CheckedIn,
    CheckedOut,
    ConfirmTopics,
    DialogueOutcome,
    Effect,
    Erase,
    FileReport,
    OfReport,
    SetArea,
    SetChild,
    SetDigestHour,
    SetLanguage,
    SetQuietHours,
    SetReminder,
    SetTopic,
    TellCity,
    Unanswered,
    WatchRepairs,
)
from bot.models import Dialogue, EventState, WebhookEvent
from bot.own_reports import (
    do_with_report,
    watch_repairs,
)
from bot.relay import forget_sender
from channels.forget import forget_personal
from city.city import City
from core.clock import in_japan
from public.questions import asker_token, note
from reports import dangers
from reports.register import create_report
from response.check_ins import check_in as come_to
from response.check_ins import check_out as go_from
from response.households import tell
from response.joining import leave
from subscriptions import residents as registry
from subscriptions.models import Resident
from subscriptions.page_choices import (
    ALL_AREAS,
    DIGEST,
    LANGUAGE,
    QUIET,
    REMINDER,
    area_choice,
    child_choice,
    times_of,
    topic_choice,
)


async def apply(
    city: City,
    session: AsyncSession,
    event: WebhookEvent,
    resident: Resident,
    dialogue: Dialogue,
    outcome: DialogueOutcome,
    now: datetime,
    *,
    asker_key: str = "",
) -> DialogueOutcome:
    """Do the effects; return the outcome with the results of the effects.

    Parameters
    ----------
    asker_key
        The key of the tokens for who asked what was not understood.
    """
    for effect in outcome.effects:
        if isinstance(effect, FileReport) and effect.drill:
            assert resident.id is not None
            await dangers.keep_drill(
                session, city, effect.draft, resident.id, resident.language, now
            )
        elif isinstance(effect, FileReport):
            report = await create_report(
                session,
                city,
                effect.draft,
                resident_id=resident.id,
                language=resident.language,
                now=now,
            )
            if effect.danger:
                await dangers.keep_real(session, report, now)
            assert outcome.filed is not None
            state, words = outcome.filed(report.number)
            outcome = replace(outcome, state=state, messages=words)
        elif isinstance(effect, WatchRepairs):
            assert resident.id is not None
            await watch_repairs(session, effect, resident.id, now)
        elif isinstance(effect, OfReport):
            assert resident.id is not None
            await do_with_report(
                city, session, effect, resident.id, now, language=resident.language
            )
        elif isinstance(effect, TellCity | CheckedIn | CheckedOut) and _is_late(
            dialogue, effect, event.timestamp_ms
        ):
            continue
        elif isinstance(effect, TellCity):
            assert resident.id is not None
            await tell(
                session,
                resident.id,
                effect.told,
                now,
                told_ms=event.timestamp_ms,
                drill=effect.drill,
                area=effect.area,
            )
        elif isinstance(effect, CheckedIn):
            assert resident.id is not None
            await come_to(session, resident.id, effect.shelter, now, drill=effect.drill)
        elif isinstance(effect, CheckedOut):
            assert resident.id is not None
            await go_from(session, resident.id, now, drill=effect.drill)
        elif isinstance(effect, Unanswered):
            if kept := masked(effect.text):
                day = in_japan(now).date()
                asker = asker_token(asker_key, resident.line_user_id or "", day)
                note(session, kept, effect.language, day, asker=asker)
        elif isinstance(effect, Erase):
            await _erase(city, session, event, resident, dialogue, now)
        else:
            await _choose(city, session, event, resident, dialogue, effect, now)
    return outcome


async def _choose(
    city: City,
    session: AsyncSession,
    event: WebhookEvent,
    resident: Resident,
    dialogue: Dialogue,
    effect: Effect,
    now: datetime,
) -> None:
    """Change one choice, unless a newer event, or the settings page, has made it already."""
    assert resident.id is not None
    choice = _choice(effect)
    applied = dict(dialogue.applied)
    on_page = await times_of(session, resident.id)
    moment = event.timestamp_ms

    def newest(one: str) -> int:
        return max(applied.get(one, 0), on_page.get(one, 0))

    if moment < newest(choice):
        return
    if isinstance(effect, SetArea) and moment < newest(ALL_AREAS):
        return
    choices = await registry.preferences(session, city, resident.id)
    match effect:
        case SetLanguage(language):
            await registry.choose_language(session, city, resident.id, language, now)
        case SetArea(None):
            kept = [area for area in choices.areas if newest(area_choice(area)) > moment]
            await registry.choose_areas(session, city, resident.id, kept, now)
        case SetArea(str(area), on):
            areas = set(choices.areas) - {area} | ({area} if on else set())
            await registry.choose_areas(session, city, resident.id, sorted(areas), now)
        case SetTopic(topic, level):
            topics = {code: n for code, n in choices.topics.items() if code != topic}
            if level is not None:
                topics[topic] = level
            await registry.choose_topics(session, city, resident.id, topics, now)
        case ConfirmTopics():
            await registry.choose_topics(session, city, resident.id, choices.topics, now)
        case SetQuietHours(start, end):
            await registry.choose_quiet_hours(session, city, resident.id, start, end, now)
        case SetDigestHour(hour):
            await registry.choose_digest_hour(session, city, resident.id, hour, now)
        case SetReminder(in_morning):
            await registry.choose_reminder(session, city, resident.id, now, in_morning=in_morning)
        case SetChild(born, on):
            months = set(choices.children) - {born} | ({born} if on else set())
            await registry.choose_children(session, city, resident.id, sorted(months), now)
    applied[choice] = moment
    dialogue.applied = applied


async def _erase(
    city: City,
    session: AsyncSession,
    event: WebhookEvent,
    resident: Resident,
    dialogue: Dialogue,
    now: datetime,
) -> None:
    """Erase the resident and their earlier messages; this event after its answer."""
    assert resident.id is not None and resident.line_user_id is not None
    session.expunge(dialogue)
    await forget_personal(session, await registry.rows_of_person(session, resident.id))
    await leave(session, resident.line_user_id, now)
    await forget_sender(session, resident.line_user_id)
    await registry.erase(session, city, resident.id, now)
    await session.execute(
        update(WebhookEvent)
        .where(
            col(WebhookEvent.line_user_id) == event.line_user_id,
            col(WebhookEvent.id) != event.id,
            (col(WebhookEvent.timestamp_ms) <= event.timestamp_ms)
            | col(WebhookEvent.state).in_((EventState.DONE, EventState.FAILED, EventState.IGNORED)),
        )
        .values(state=EventState.DONE, line_user_id=None, payload="{}", answer=None)
        .execution_options(synchronize_session=False)
    )
    event.forget = True


def _is_late(dialogue: Dialogue, effect: TellCity | CheckedIn | CheckedOut, moment: int) -> bool:
    """Whether a newer event has said this already; note that this one says it.

    The beginning of a household's answer has its own time (``response.households.tell``).
    """
    match effect:
        case TellCity(told) if told.condition is not None:
            return False
        case TellCity(told):
            choice = f"safe:{told.part}"
        case _:
            choice = "check-in:drill" if effect.drill else "check-in"
    if moment < dialogue.applied.get(choice, 0):
        return True
    dialogue.applied = {**dialogue.applied, choice: moment}
    return False


def _choice(effect: Effect) -> str:
    match effect:
        case SetLanguage():
            return LANGUAGE
        case SetArea(None):
            return ALL_AREAS
        case SetArea(str(area)):
            return area_choice(area)
        case SetTopic(topic):
            return topic_choice(topic)
        case SetQuietHours():
            return QUIET
        case SetDigestHour():
            return DIGEST
        case SetReminder():
            return REMINDER
        case SetChild(born):
            return child_choice(born)
        case _:
            return "topics"
