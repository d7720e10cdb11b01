"""Reminders on the right day: collections, and children's vaccinations and check-ups.

Three times a day, at the hours of the city's folder, a delivery is made for the residents whom it
concerns, page by page in their order, each page with how far it came in one transaction. So a crash
neither skips nor repeats anybody. Each medium has deliveries of its own: residents are reminded by
the medium that they follow by. Rules for what is late:

- Collections are told on the evening before or on the morning of the day, as a resident chose.
  Who has quiet hours at one of these times is told at the other. An evening that was missed for
  :data:`LATE` is left out, and what says "tomorrow" is not sent after midnight. The morning makes
  up for it, also for those whose quiet hours had begun when a late evening was told. Nothing is
  sent after :data:`TOO_LATE`, as rubbish that is put out later is often left behind.
- Vaccinations and check-ups are told once, on their day. After a break what fell on the last
  :data:`MISSED_DAYS` days is told together with today's; what is older is left out.
- What may have been sent before a restore is not sent again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues.words import listed
from channels import outbox
from channels.forget import REMINDER
from channels.individual import IndividualMessage, add_individual_messages
from channels.media import inhabited
from channels.medium import Format, Note, compact_json
from channels.models import Delivery, DeliveryKind, DeliveryState, Priority, unfinished
from channels.quiet import quiet_until
from city.children import ChildReminder
from city.city import City, name_in
from city.collection import WasteKind
from city.context import Context
from city.folder import CityFolder
from core.clock import JAPAN, in_japan
from core.languages import mark
from core.restored import held_until, is_unseen
from feeds.texts import day_name
from public.choices import CHILDREN_TOPIC, REMINDED_TOPIC
from subscriptions.audience_query import CHOSEN_ONLY
from subscriptions.models import LINE_MEDIUM
from subscriptions.reminded import RemindedResident, parents, subscribers

RUBBISH = mark("Rubbish on {day}: {kinds}")
NO_RUBBISH = mark("No rubbish collection on {day}: {kinds}")
TODAY, TOMORROW = mark("Today"), mark("Tomorrow")
CHECKUPS = mark("Vaccinations and check-ups")
SOON = mark("It will soon be time for this. The city's letter, or the health centre, says how.")
TOO_LATE = time(8)
"""On the day itself, in Japan."""
LATE = timedelta(hours=3)
MISSED_DAYS = 3
LIFE = timedelta(hours=20)
"""After so long a reminder of a vaccination that could not be sent is not sent any more."""
PAGE = 2_000
MOST_NAMED = 20
"""Districts named for each set of kinds, for somebody who hears of the whole city."""
MOST_LETTERS = 2_000
"""LINE takes 5,000 UTF-16 units."""
RULE = "rule:reminder"

Page = Callable[[AsyncSession, int], Awaitable[list[RemindedResident]]]
"""Returns the next residents after an id; none at the end."""

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What is told at one of the three hours."""

    EVENING = "evening"
    MORNING = "morning"
    CHILDREN = "children"


@dataclass(frozen=True)
class Slot:
    """One hour of one day.

    Parameters
    ----------
    at, until
        When it is due, and from when on it is too late.
    days
        The days of the collections; or those whose vaccinations and check-ups are told.
    """

    kind: Kind
    at: datetime
    until: datetime
    days: tuple[date, ...]

    def reference(self, medium: str) -> str:
        return _reference(self.kind, in_japan(self.at).date(), medium)


async def remind(context: Context, folder: CityFolder, media: Iterable[Format]) -> int:
    """Send the reminders that are due; return to how many residents.

    Accounts in other networks are not reminded.
    """
    told, slots = 0, due_slots(context.city, context.clock.now())
    failure: Exception | None = None
    by_name = {each.name: each for each in media if each.name not in CHOSEN_ONLY}
    async with context.database.reading() as session:
        if await is_unseen(session):
            return 0
        restored = await held_until(session)
        used = await inhabited(session, by_name)
    for name, medium in by_name.items():
        if name not in used:
            continue
        try:
            told += await _remind_by(context, folder, medium, slots, restored)
        except Exception as error:
            # Whatever is wrong with one medium, the others must not wait for it.
            failure = failure or error
    await _close_late(context, context.clock.now())
    if failure is not None:
        raise failure
    return told


async def _remind_by(
    context: Context,
    folder: CityFolder,
    medium: Format,
    slots: Sequence[Slot],
    restored: datetime | None,
) -> int:
    """Send what is due by one medium."""
    told, name = 0, medium.name
    references = {slot.reference(name) for slot in slots}
    references |= {_reference(Kind.CHILDREN, day, name) for slot in slots for day in slot.days}
    async with context.database.reading() as session:
        made = await _made(session, sorted(references))
    for slot in slots:
        if made.get(slot.reference(name)) or (restored is not None and slot.at <= restored):
            continue
        if slot.kind is Kind.CHILDREN:
            days = _untold(slot, name, made, restored)
            told += await _tell_parents(context, folder, medium, slot, days)
        else:
            told += await _tell_of_collections(context, folder, medium, slot, restored)
    return told


def _untold(slot: Slot, medium: str, made: Container[str], restored: datetime | None) -> list[date]:
    """Return the slot's days after the last that may have been told; its own is one of them."""
    *earlier, today = slot.days
    done = [day for day in earlier if _reference(slot.kind, day, medium) in made]
    if restored is not None:
        done.append(in_japan(restored).date())
    return [*(day for day in earlier if not done or day > max(done)), today]


def due_slots(city: City, now: datetime) -> list[Slot]:
    """Return the slots whose hour has come and is not too long ago."""
    today = in_japan(now).date()
    tomorrow = today + timedelta(days=1)
    hours, topics = city.reminder_hours, {topic.code for topic in city.topics}
    found = []
    if city.collection_reminders and REMINDED_TOPIC in topics:
        evening, morning = _at(today, time(hours.evening)), _at(today, time(hours.morning))
        found = [
            Slot(Kind.MORNING, morning, _at(today, TOO_LATE), (today,)),
            Slot(Kind.EVENING, evening, min(evening + LATE, _at(tomorrow, time(0))), (tomorrow,)),
        ]
    if CHILDREN_TOPIC in topics:
        at = _at(today, time(hours.children))
        days = tuple(today - timedelta(days=back) for back in range(MISSED_DAYS, -1, -1))
        found.append(Slot(Kind.CHILDREN, at, _at(today, time(20)), days))
    return [slot for slot in found if slot.at <= now < slot.until]


@dataclass(frozen=True)
class Collections:
    """What is collected, or called off, on a day: by message and kinds, with the districts."""

    day: date
    groups: tuple[tuple[str, tuple[WasteKind, ...], tuple[str, ...]], ...]

    @classmethod
    def on(cls, city: City, folder: CityFolder, day: date) -> Collections:
        """Return the collections of a day in all districts."""
        calendar, groups = folder.calendar, []
        for message, kinds_on in ((RUBBISH, calendar.collected), (NO_RUBBISH, calendar.called_off)):
            kinds: dict[tuple[str, ...], tuple[WasteKind, ...]] = {}
            by_code: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
            for district in city.districts:
                if found := kinds_on(district.code, day):
                    codes = tuple(kind.code for kind in found)
                    kinds[codes] = tuple(found)
                    by_code[codes].append(district.code)
            groups += [(message, kinds[codes], tuple(by_code[codes])) for codes in by_code]
        return cls(day, tuple(groups))

    def near(self, language: str, *, today: bool) -> str:
        """Return the day as a reader says it."""
        near = WORDS.text(language, TODAY if today else TOMORROW)
        return f"{near} · {day_name(self.day, language)}"

    def text(self, city: City, areas: Sequence[str], language: str, *, today: bool) -> str:
        """Return the words for a resident of these districts (none: the whole city), or ""."""
        day = self.near(language, today=today)
        lines = []
        for message, kinds, districts in self.groups:
            here = [code for code in districts if not areas or code in areas]
            if not here:
                continue
            names = listed([name_in(kind.names, language) for kind in kinds], language)
            line = WORDS.text(language, message, day=day, kinds=names)
            if len(areas) != 1:
                named = here[:MOST_NAMED]
                places = [name_in(city.district_by_code[code].names, language) for code in named]
                more = "…" if len(here) > len(named) else ""
                line = f"{line}\n{listed(places, language)}{more}"
            lines.append(line)
        return "\n\n".join(lines)[:MOST_LETTERS]


async def _tell_of_collections(
    context: Context, folder: CityFolder, medium: Format, slot: Slot, restored: datetime | None
) -> int:
    city, (day,) = context.city, slot.days
    collections = Collections.on(city, folder, day)
    if not collections.groups:
        return 0
    in_morning = slot.kind is Kind.MORNING
    evening = context.clock.now()
    told_at = await _evening_before(context, day, medium.name, restored) if in_morning else evening

    def message(resident: RemindedResident) -> bytes | None:
        if _told_in_morning(city, resident, day, told_at) != in_morning:
            return None
        language = resident.language
        words = collections.text(city, resident.areas, language, today=in_morning)
        if not words:
            return None
        title = WORDS.text(language, "Rubbish days")
        press = messages.press(title, "rubbish")
        near = f"{title} · {collections.near(language, today=in_morning)}"
        note = Note(REMINDED_TOPIC, near, words, slot.at, expires_at)
        return _messages(medium, note, language, city, press)

    async def page(session: AsyncSession, after: int) -> list[RemindedResident]:
        return await subscribers(session, medium.name, REMINDED_TOPIC, after, PAGE)

    expires_at = _at(day, TOO_LATE if in_morning else time(0))
    return await _deliver(context, medium, slot, page, message, expires_at)


def _messages(
    medium: Format, note: Note, language: str, city: City, press: messages.Action
) -> bytes:
    """Return a reminder in a medium's form; at LINE with a button that asks for more."""
    made = medium.note(note, language, city)
    if medium.name == LINE_MEDIUM:
        *before, last = made
        made = [*before, messages.with_quick_replies(last, [press])]
    return compact_json(made)


async def _evening_before(
    context: Context, day: date, medium: str, restored: datetime | None
) -> datetime | None:
    """Return when a day's collections were told on the evening before; None if they were not."""
    before = day - timedelta(days=1)
    at = _at(before, time(context.city.reminder_hours.evening))
    if restored is not None and at <= restored:
        return at  # it may have been told before the restore
    of_evening = select(Delivery.created_at).where(
        col(Delivery.reference) == _reference(Kind.EVENING, before, medium)
    )
    async with context.database.reading() as session:
        return await session.scalar(of_evening)


def _told_in_morning(
    city: City, resident: RemindedResident, day: date, evening: datetime | None
) -> bool:
    """Whether a resident is told of a day's collections on the day, not on the evening before.

    ``evening`` is when the others are told on the evening before; None: they were not.
    """
    if evening is None:
        return True
    own = (city.quiet_hours, resident.quiet_start, resident.quiet_end)
    quiet = quiet_until(evening, *own)
    if quiet is not None and quiet >= _at(day, time(0)):
        return True
    morning = _at(day, time(city.reminder_hours.morning))
    return resident.in_morning and quiet_until(morning, *own) is None


async def _tell_parents(
    context: Context, folder: CityFolder, medium: Format, slot: Slot, days: Sequence[date]
) -> int:
    due: defaultdict[str, list[ChildReminder]] = defaultdict(list)
    for day in days:
        for born, reminders in folder.children.due_on(day).items():
            due[born] += reminders
    if not due:
        return 0

    def message(resident: RemindedResident) -> bytes | None:
        wanted = {one.code: one for born in resident.children for one in due.get(born, ())}
        if not wanted:
            return None
        language = resident.language
        title, text = _due_words(wanted, language)
        if medium.name == LINE_MEDIUM:
            text = f"{title}\n{text}"  # it has no place for a title
        note = Note(CHILDREN_TOPIC, title, text, slot.at, until)
        press = messages.press(WORDS.text(language, "Children"), "children")
        return _messages(medium, note, language, context.city, press)

    async def page(session: AsyncSession, after: int) -> list[RemindedResident]:
        return await parents(session, medium.name, CHILDREN_TOPIC, sorted(due), after, PAGE)

    until = slot.at + LIFE
    return await _deliver(context, medium, slot, page, message, until)


def _due_words(wanted: Mapping[str, ChildReminder], language: str) -> tuple[str, str]:
    """Return the title and the text."""
    names = [f"・{name_in(one.names, language)}" for one in wanted.values()]
    links = list(dict.fromkeys(one.url for one in wanted.values() if one.url))
    text = "\n".join([*names, WORDS.text(language, SOON), *links])
    return WORDS.text(language, CHECKUPS), text


async def _deliver(
    context: Context,
    medium: Format,
    slot: Slot,
    page: Page,
    message: Callable[[RemindedResident], bytes | None],
    expires_at: datetime,
) -> int:
    """Queue a slot's messages, a page in each transaction; return for how many residents."""
    total = 0
    while True:
        async with context.database.writing() as session:
            delivery = await _delivery(session, slot, medium, expires_at, context.clock.now())
            if delivery.planning_done:
                return total
            residents = await page(session, delivery.planned_through)
            parcels = [
                IndividualMessage(
                    one.resident_id, one.language, one.quiet_start, one.quiet_end, made
                )
                for one in residents
                if (made := message(one)) is not None
            ]
            await add_individual_messages(session, context.queue, delivery, parcels, medium)
            if residents:
                delivery.planned_through = residents[-1].resident_id
            else:
                await _close(session, delivery)
        total += len(parcels)
        if not residents:
            log.info("reminder.queued", slot=slot.reference(medium.name), residents=total)
            return total


async def _delivery(
    session: AsyncSession, slot: Slot, medium: Format, expires_at: datetime, now: datetime
) -> Delivery:
    """Return the delivery of a slot, made at its first page.

    On PostgreSQL a second scheduler waits here until the page of the first is stored.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.reminders'))"))
    reference = slot.reference(medium.name)
    of_slot = select(Delivery).where(col(Delivery.reference) == reference)
    if (known := await session.scalar(of_slot)) is not None:
        return known
    delivery = Delivery(
        kind=DeliveryKind.DIGEST,
        channel=medium.name,
        reference=reference,
        state=DeliveryState.SENDING,
        priority=Priority.ROUTINE,
        expires_at=expires_at,
        created_by=RULE,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    return delivery


async def _close(session: AsyncSession, delivery: Delivery) -> None:
    delivery.planning_done = True
    await session.flush()
    assert delivery.id is not None
    await outbox.finish_if_done(session, delivery.id)


async def _close_late(context: Context, now: datetime) -> None:
    """End what was interrupted and is now too late: who was not reached is not told any more."""
    cut_off = unfinished(
        select(Delivery).where(
            col(Delivery.created_by) == RULE,
            col(Delivery.planning_done).is_(False),
            col(Delivery.expires_at) <= now,
        )
    )
    async with context.database.reading() as session:
        if not (await session.scalars(cut_off)).first():
            return
    async with context.database.writing() as session:
        for delivery in await session.scalars(cut_off):
            await _close(session, delivery)


async def _made(session: AsyncSession, references: Sequence[str]) -> dict[str, bool]:
    """Return which of these deliveries are there, and whether nobody is left to be told."""
    found = await session.execute(
        select(Delivery.reference, Delivery.planning_done).where(
            col(Delivery.reference).in_(references)
        )
    )
    return {row.reference: row.planning_done for row in found}


def _reference(kind: Kind, day: date, medium: str) -> str:
    own = "" if medium == LINE_MEDIUM else f"@{medium}"
    return f"{REMINDER}{kind}:{day.isoformat()}{own}"


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, JAPAN)
