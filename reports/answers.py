"""What the city answers: who will hear what, and telling them, each in their language, once.

A page first asks :func:`preview` and shows it; :func:`tell` then sends the same. Everything goes
through the delivery engine, which keeps residents' quiet hours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.dispatch import push
from channels.medium import Format
from channels.quiet import quiet_until
from city.city import City
from core import audit
from core.errors import Refusal
from core.languages import EASY_JAPANESE, reads_japanese
from core.text import clean
from core.word_templates import blanks
from core.work import Queue
from feeds.furigana import reader
from feeds.translate import ArticleTranslations
from reports import answer_templates, verdicts
from reports.answer_messages import MOST_PHOTOS, Message, Said, messages
from reports.answer_templates import TEXT_LIMIT, Template, filled
from reports.answer_words import ANY
from reports.hearers import Hearer, Way, hearers, reachable
from reports.models import Photo, PhotoRole, Report, ReportUpdate
from reports.photo_links import PhotoLinks
from reports.states import ReportState
from reports.work import Changed

BY_ITSELF = "by-itself"
"""Stands for the template that is said when staff choose nothing."""
NONE = ""
MOST_WHY = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What staff want to be said with a change.

    Parameters
    ----------
    template
        The code of a template, :data:`BY_ITSELF`, or "" for none.
    on
        The day of the work, if the words name it.
    words
        Staff's own words in Japanese, instead of the template's.
    translated
        ``words`` by language, as ``engine`` translated them.
    photos
        Ids of photos of the case that go along, at most two.
    nobody
        Why nobody is told; only if there is nothing to say.
    """

    template: str = BY_ITSELF
    on: date | None = None
    words: str = ""
    translated: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    photos: tuple[int, ...] = ()
    nobody: str = ""


@dataclass(frozen=True)
class Means:
    """With what residents are told: queue, medium, and addresses of photos."""

    queue: Queue
    medium: Format
    photos: PhotoLinks


@dataclass(frozen=True)
class Group:
    """Residents who get the same words.

    Parameters
    ----------
    messages
        What the first of them gets, as the phone shows it.
    numbers
        Under which number each hears of it.
    follow
        Whether they follow the report of somebody else.
    """

    language: str
    numbers: tuple[str, ...]
    follow: bool
    messages: tuple[Message, ...]

    @property
    def count(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Who will hear what.

    Parameters
    ----------
    template
        The template that is said; None for staff's own words, or if nothing is said.
    groups
        Those who are told in LINE.
    until_morning
        How many of them are in their quiet hours and hear of it afterwards.
    left
        How many left or blocked the account: they cannot be reached.
    calls, programs, office
        Numbers of reports whose reporters have to be called, whose answers another program reads,
        and which the office made itself.
    asks
        Whether they are asked if it is right.
    is_silent
        Whether a state changes and nothing is said of it.
    problem
        Why it cannot be said as it is (a msgid with values of a :class:`Refusal`).
    """

    template: Template | None = None
    groups: tuple[Group, ...] = ()
    until_morning: int = 0
    left: int = 0
    calls: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    asks: bool = False
    is_silent: bool = False
    problem: Refusal | None = None

    @property
    def told(self) -> int:
        return sum(group.count for group in self.groups)


@dataclass(frozen=True)
class Told:
    """Whom :func:`tell` told."""

    told: int = 0
    left: int = 0
    asked: int = 0


async def by_machine(
    machine: ArticleTranslations | None, words: str, languages: Collection[str]
) -> dict[str, str]:
    """Translate staff's own words, paragraph by paragraph, where a translator is set up.

    A language whose translation fails a check (numbers, names, length) is left out.
    """
    wanted = [code for code in languages if not reads_japanese(code)]
    lines = list(dict.fromkeys(line for line in words.split("\n") if line.strip()))
    if machine is None or not machine.engine or not wanted or not lines:
        return {}
    made = {}
    for code, found in (await machine.words(lines, wanted)).items():
        if found.problem:
            continue
        text = "\n".join(found.texts[line] if line.strip() else "" for line in words.split("\n"))
        if len(text) <= TEXT_LIMIT:
            made[code] = text
    return made


async def languages_of(session: AsyncSession, case: Report) -> list[str]:
    """Return the languages of those who hear of a case, each once."""
    found = reachable(await hearers(session, case))
    return list(dict.fromkeys(one.language for one in found))


def cleaned(answer: Answer) -> Answer:
    """Return an answer without invisible characters, and not longer than it may be."""
    return replace(
        answer,
        words=clean(answer.words)[:TEXT_LIMIT],
        nobody=clean(answer.nobody, line=True)[:MOST_WHY],
        photos=answer.photos[:MOST_PHOTOS],
    )


async def preview(
    session: AsyncSession,
    city: City,
    case: Report,
    after: ReportState | None,
    answer: Answer,
    *,
    now: datetime,
    photo_address: Callable[[int], str] | None = None,
) -> Preview:
    """Return who will hear what if a case gets the state ``after``; nothing is changed.

    Parameters
    ----------
    case
        The leading report.
    after
        The new state; None if it stays.
    photo_address
        Where the page that shows the preview finds a photo.
    """
    answer = cleaned(answer)
    some = await hearers(session, case)
    before = case.state
    problem: Refusal | None = None
    words: _Words | None = None
    groups: tuple[Group, ...] = ()
    asks = _asks(before, after or before)
    try:
        words = await _words(session, city, case, before, after or before, answer)
        groups = await _groups(session, city, case, some, words, photo_address, asks=asks)
    except Refusal as refusal:
        problem = refusal
    listening = reachable(some) if words else []
    changes = after is not None and after is not before
    return Preview(
        template=words.template if words else None,
        groups=groups,
        until_morning=sum(
            quiet_until(now, city.quiet_hours, one.resident.quiet_start, one.resident.quiet_end)
            is not None
            for one in listening
            if one.resident is not None
        ),
        left=sum(one.way is Way.LEFT for one in some),
        calls=_numbers(some, Way.CALL),
        programs=_numbers(some, Way.PROGRAM),
        office=_numbers(some, Way.OFFICE),
        asks=bool(words) and asks,
        is_silent=changes and words is None and problem is None and not answer.nobody,
        problem=problem,
    )


async def check(
    session: AsyncSession,
    city: City,
    case: Report,
    after: ReportState | None,
    answer: Answer,
) -> None:
    """Refuse a change of state of which nobody would hear by oversight.

    Raises
    ------
    Refusal
        A state changes, nothing is said, and nobody said why; or the words cannot be said.
    """
    answer = cleaned(answer)
    before = case.state
    words = await _words(session, city, case, before, after or before, answer)
    if words is not None:
        for hearer in await hearers(session, case):
            words.to(hearer, city)
    elif after is not None and after is not before and not answer.nobody:
        raise Refusal("Nobody would hear of the new state. Choose words, or say why not.")


async def tell(
    session: AsyncSession,
    means: Means,
    city: City,
    changed: Changed,
    answer: Answer,
    *,
    by: str,
    now: datetime,
    besides: Collection[int] = (),
) -> Told:
    """Tell everybody who hears of a case what became of it, in the caller's transaction.

    Parameters
    ----------
    changed
        What ``reports.work.change`` returned.
    besides
        Residents who know it already.

    Raises
    ------
    Refusal
        A state changed, nothing is said, and nobody said why; or the words cannot be said.
    """
    answer = cleaned(answer)
    case = changed.report
    words = await _words(session, city, case, changed.before, changed.after, answer)
    if words is None:
        if changed.before is not changed.after:
            if not answer.nobody:
                raise Refusal("Nobody would hear of the new state. Choose words, or say why not.")
            await _note_untold(session, case, answer.nobody, by=by, now=now)
        return Told()
    some = await hearers(session, case)
    listening = {
        one.resident.id: one
        for one in reachable(some)
        if one.resident is not None
        and one.resident.id is not None
        and one.resident.id not in besides
    }
    keys: dict[int, str] = {}
    if _asks(changed.before, changed.after):
        keys = await verdicts.ask(session, case, list(listening.values()), now)
    sent = await _photos(session, case, answer.photos)
    pictures = [
        (large, means.photos.address(one, now, small=True))
        for one in sent
        if (large := means.photos.address(one, now))
    ]
    told = 0
    for resident_id, hearer in listening.items():
        made = messages(
            hearer.report.number,
            words.to(hearer, city),
            hearer.language,
            follows=hearer.follows,
            photos=pictures,
            key=keys.get(resident_id, ""),
        )
        delivery = await push(session, means.queue, resident_id, made, by, now, medium=means.medium)
        told += delivery is not None
    await _note(session, city, case, some, words, told, by=by, now=now)
    log.info("report.answered", report_id=case.number, residents=told, questions=len(keys))
    return Told(told, sum(one.way is Way.LEFT for one in some), len(keys))


async def tell_by_itself(
    session: AsyncSession,
    means: Means,
    city: City,
    changed: Changed,
    *,
    by: str,
    now: datetime,
    besides: Collection[int] = (),
) -> Told:
    """Tell what is said by itself of a new state that no member of staff gave.

    Where the office took such words out, or they need a day, nobody is told, and the trail says so.
    """
    templates = await answer_templates.in_use(session, city)
    when = answer_templates.when_of(changed.before, changed.after)
    said = when and answer_templates.said_by_itself(templates, when, changed.report.category)
    if not said or "date" in blanks(said.texts["ja"]):
        if when:
            await _note_untold(session, changed.report, "", by=by, now=now)
        return Told()
    return await tell(session, means, city, changed, Answer(), by=by, now=now, besides=besides)


@dataclass(frozen=True)
class _Words:
    """The words of one answer, for any reader."""

    template: Template | None
    answer: Answer
    department: str
    """Of the case: it may have come to another one since the reader reported."""

    def to(self, hearer: Hearer, city: City) -> Said:
        """Return them for one reader.

        Raises
        ------
        Refusal
            A blank cannot be filled in.
        """
        language, answer = hearer.language, self.answer
        if self.template is None:
            if language in answer.translated:
                return Said(answer.translated[language], by_machine=True)
            readable = reader() if language == EASY_JAPANESE else None
            words = readable(answer.words) if readable else answer.words
            return Said(words, in_japanese=True)
        texts = self.template.texts
        # Who has no words of their own gets the Japanese, and is told that it is Japanese.
        spoken = language if texts.get(language) else "ja"
        words = filled(
            texts[spoken],
            spoken,
            hearer.report,
            city,
            number=hearer.report.number,
            on=answer.on,
            department=self.department,
            exact=not hearer.only_reads,
        )
        return Said(words, in_japanese=spoken != language)


async def _words(
    session: AsyncSession,
    city: City,
    case: Report,
    before: ReportState,
    after: ReportState,
    answer: Answer,
) -> _Words | None:
    """Return what is said; None if nothing is.

    Raises
    ------
    Refusal
        The template is not there or is for another state, or nobody is to be told.
    """
    if answer.nobody:
        if answer.words or answer.template not in (NONE, BY_ITSELF):
            raise Refusal("You wrote why nobody is told, and chose words as well.")
        return None
    if answer.words:
        return _Words(None, answer, case.department)
    when = answer_templates.when_of(before, after)
    if answer.template == NONE:
        return None
    templates = await answer_templates.in_use(session, city)
    if answer.template == BY_ITSELF:
        found = answer_templates.said_by_itself(templates, when, case.category) if when else None
        return None if found is None else _Words(found, answer, case.department)
    chosen = next((one for one in templates if one.code == answer.template), None)
    if chosen is None:
        raise Refusal("This template is no longer there.")
    if chosen.said_when not in (ANY, when, after.value):
        raise Refusal("These words are for another state.")
    return _Words(chosen, answer, case.department)


async def _groups(
    session: AsyncSession,
    city: City,
    case: Report,
    some: Sequence[Hearer],
    words: _Words | None,
    photo_address: Callable[[int], str] | None,
    *,
    asks: bool,
) -> tuple[Group, ...]:
    if words is None:
        return ()
    sent = await _photos(session, case, words.answer.photos)
    pictures = [(photo_address(one), photo_address(one)) for one in sent if photo_address]
    by_words: dict[tuple[str, bool], list[Hearer]] = {}
    for hearer in reachable(some):
        by_words.setdefault((hearer.language, hearer.follows), []).append(hearer)
    return tuple(
        Group(
            language,
            tuple(one.report.number for one in same),
            follows,
            tuple(
                messages(
                    same[0].report.number,
                    words.to(same[0], city),
                    language,
                    follows=follows,
                    photos=pictures,
                    key="preview" if asks else "",
                )
            ),
        )
        for (language, follows), same in by_words.items()
    )


def _asks(before: ReportState, after: ReportState) -> bool:
    """Whether this is the completion after which residents are asked if it is right."""
    return before is not after and after is ReportState.DONE


def _numbers(some: Sequence[Hearer], way: Way) -> tuple[str, ...]:
    return tuple(one.report.number for one in some if one.way is way)


async def _photos(session: AsyncSession, case: Report, wanted: Sequence[int]) -> list[int]:
    """Return those photos that are of the case and were taken by the office after the work.

    Photos of residents never go to other residents, nor those that staff keep private.
    """
    if not wanted:
        return []
    found = await session.scalars(
        select(col(Photo.id)).where(
            col(Photo.id).in_(list(wanted)[:MOST_PHOTOS]),
            col(Photo.report_id) == case.id,
            col(Photo.role) == PhotoRole.AFTER,
            col(Photo.kept_private).is_(False),
        )
    )
    there = set(found)
    return [one for one in wanted if one in there]


async def sent_photo(session: AsyncSession, photo_id: int) -> str | None:
    """Return the file of a photo that goes to residents; the copy without faces, if there is one.

    Returns None if it is no photo of the office's own after the work, or was kept private since.
    """
    found = await session.get(Photo, photo_id)
    if found is None or found.role is not PhotoRole.AFTER or found.kept_private:
        return None
    return found.public_sha256 or found.sha256


async def _note(
    session: AsyncSession,
    city: City,
    case: Report,
    some: Sequence[Hearer],
    words: _Words,
    told: int,
    *,
    by: str,
    now: datetime,
) -> None:
    """Keep the answer in the life of each report of the case, in its reporter's language."""
    for hearer in some:
        if hearer.follows or hearer.way in (Way.LEFT, Way.OFFICE):
            continue
        assert hearer.report.id is not None
        session.add(
            ReportUpdate(
                report_id=hearer.report.id,
                by=by,
                answer=words.to(hearer, city).words,
                told=told if hearer.report.id == case.id else int(hearer.way is Way.LINE),
                created_at=now,
            )
        )
        hearer.report.updated_at, hearer.report.forgotten = now, False
        session.add(hearer.report)
    # Also if its own reporter left: the page from which it was sent is out of date.
    case.updated_at, case.forgotten = now, False
    session.add(case)
    await session.flush()
    template = words.template
    await audit.record(
        session,
        now,
        actor=by,
        action="report.answered",
        subject=f"report:{case.number}",
        told=told,
        left=sum(one.way is Way.LEFT for one in some),
        template=f"{template.code}:{template.version}" if template else "",
        machine=words.answer.engine if words.answer.translated else "",
        photos=len(words.answer.photos),
    )


async def _note_untold(
    session: AsyncSession, case: Report, why: str, *, by: str, now: datetime
) -> None:
    assert case.id is not None
    if why:
        session.add(ReportUpdate(report_id=case.id, by=by, note=why, created_at=now))
        await session.flush()
    await audit.record(
        session,
        now,
        actor=by,
        action="report.not_told",
        subject=f"report:{case.number}",
        why=why,
    )


__all__ = [
    "BY_ITSELF",
    "Answer",
    "Group",
    "Means",
    "Preview",
    "Told",
    "by_machine",
    "check",
    "languages_of",
    "preview",
    "sent_photo",
    "tell",
    "tell_by_itself",
]
