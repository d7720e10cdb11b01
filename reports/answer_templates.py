"""The office's templates for answers: words with blanks, per state and kind, in every language.

Todoke brings some (``reports.answer_words``). The office changes them on a page of the console,
adds its own, and takes out what it does not want. Each change makes a new version, which stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, name_in
from core import word_templates
from core.database import add_new
from core.errors import Refusal
from core.faults import FormFault
from core.languages import mark, reads_japanese
from core.word_templates import CHANGED, GONE, Actions, Shelf, blanks, check_seen, put_in
from feeds.texts.times import day_name
from reports import public_place
from reports.answer_words import ANY, BLANKS, BUILT_IN, REOPENED, BuiltIn, built_in
from reports.models import AnswerTemplate, AnswerVersion, Report
from reports.states import ReportState

TEXT_LIMIT = 2000
JAPANESE_BLANKS = {
    "番号": "number",
    "受付番号": "number",
    "種類": "kind",
    "場所": "place",
    "日": "date",
    "日付": "date",
    "作業日": "date",
    "担当": "office",
    "部署": "office",
}
"""Other names that staff may write; they are stored as the blank."""
WHEN = (
    ANY,
    *(state.value for state in ReportState if state.facts.set_by != "resident"),
    REOPENED,
)
"""When a template can be said."""
OWN = "own-"


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template as it is now. ``version`` 0 is a built-in one that nobody changed."""

    code: str
    version: int = 0
    name: str = ""
    said_when: str = ANY
    kinds: tuple[str, ...] = ()
    by_itself: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, int] = field(default_factory=dict)
    written_by: str = ""
    written_at: datetime | None = None
    withdrawn: bool = False

    @property
    def is_built_in(self) -> bool:
        return built_in(self.code) is not None

    def missing(self, languages: Sequence[str]) -> list[str]:
        """Return the languages without words."""
        return [code for code in languages if not self.texts.get(code)]

    def older(self, languages: Sequence[str]) -> list[str]:
        """Return the languages whose words are older than the Japanese ones."""
        newest = self.since.get("ja", 0)
        return [
            code for code in languages if self.texts.get(code) and self.since.get(code, 0) < newest
        ]

    def fits(self, when: str, kind: str) -> bool:
        """Whether it can be said of a report of ``kind`` that gets the state ``when``."""
        return self.said_when in (ANY, when) and (not self.kinds or kind in self.kinds)


def normal(text: str) -> str:
    """Return a template's words in the form in which they are stored."""
    return word_templates.normal(text, lambda blank: JAPANESE_BLANKS.get(blank, blank))


def faults(template: Template, city: City) -> list[FormFault]:
    """Return what is wrong with a template, its words in the form :func:`normal` gives them."""
    found = word_templates.faults(
        template.name,
        template.texts,
        city.languages,
        limit=TEXT_LIMIT,
        is_blank=BLANKS.__contains__,
    )
    if template.said_when not in WHEN:
        found.append(FormFault("said_when", mark("Say when it is said.")))
    if template.by_itself and template.said_when == ANY:
        found.append(
            FormFault("by_itself", mark("Only what belongs to a state can be said by itself."))
        )
    if {*template.kinds} - {kind.code for kind in city.report_categories}:
        found.append(FormFault("kinds", mark("The city has no such kind.")))
    return found


SHELF = Shelf(
    AnswerTemplate,
    AnswerVersion,
    action=Actions(
        "answer_template.changed", "answer_template.withdrawn", "answer_template.restored"
    ),
    subject=lambda one: f"answer_template:{one.code}",
)


def of_built_in(one: BuiltIn, city: City, *, withdrawn: bool = False) -> Template:
    """Return a built-in template as nobody has changed it."""
    return Template(
        code=one.code,
        said_when=one.when,
        by_itself=one.by_itself,
        texts=dict(_texts(one.code, tuple(city.languages))),
        withdrawn=withdrawn,
    )


@cache
def _texts(code: str, languages: tuple[str, ...]) -> dict[str, str]:
    """Return the words of a built-in template; they change only with the program."""
    one = built_in(code)
    assert one is not None
    return {language: one.text(language) for language in languages}


def _of_version(row: AnswerTemplate, version: AnswerVersion) -> Template:
    return Template(
        code=row.code,
        version=version.version,
        name=version.name,
        said_when=version.said_when,
        kinds=tuple(version.kinds),
        by_itself=version.by_itself,
        texts=version.texts,
        since=version.since,
        written_by=version.written_by,
        written_at=version.written_at,
        withdrawn=row.withdrawn_at is not None,
    )


async def every(session: AsyncSession, city: City) -> list[Template]:
    """Return all templates as they are now, also those that were taken out of the list."""
    written = {row.code: (row, version) for row, version in await SHELF.newest(session)}
    found = []
    for one in BUILT_IN:
        row, version = written.pop(one.code, (None, None))
        if row is None or version is None:
            withdrawn = row is not None and row.withdrawn_at is not None
            found.append(of_built_in(one, city, withdrawn=withdrawn))
        else:
            found.append(_of_version(row, version))
    return found + [
        _of_version(row, version) for row, version in written.values() if version is not None
    ]


async def in_use(session: AsyncSession, city: City) -> list[Template]:
    """Return the templates that can be said."""
    return [one for one in await every(session, city) if not one.withdrawn]


async def find(session: AsyncSession, city: City, code: str) -> Template:
    """Return a template by its code, also one that was taken out of the list.

    Raises
    ------
    Refusal
        There is none.
    """
    found = next((one for one in await every(session, city) if one.code == code), None)
    if found is None:
        raise Refusal(GONE)
    return found


async def history(session: AsyncSession, code: str) -> list[Template]:
    """Return all versions of a template that the office wrote, the newest first."""
    row = await session.scalar(select(AnswerTemplate).where(col(AnswerTemplate.code) == code))
    if row is None or row.id is None:
        return []
    return [_of_version(row, version) for version in await SHELF.history(session, row.id)]


def said_by_itself(some: Sequence[Template], when: str, kind: str) -> Template | None:
    """Return what is said when a report of ``kind`` gets a state and staff chose nothing else.

    One for this kind goes before one for all kinds, the office's own before a built-in one.
    """
    fitting = [
        one for one in some if one.by_itself and one.said_when == when and one.fits(when, kind)
    ]
    return min(
        fitting, key=lambda one: (not one.kinds, one.version == 0, one.is_built_in), default=None
    )


def when_of(before: ReportState, after: ReportState) -> str:
    """Return what a change of state is for templates; "" if the state does not change."""
    if before is after:
        return ANY
    if not before.is_open and after.is_open:
        return REOPENED
    return after.value


def filled(
    text: str,
    language: str,
    report: Report,
    city: City,
    *,
    number: str,
    on: date | None,
    department: str = "",
    exact: bool = True,
) -> str:
    """Return a template's words with the blanks filled in for a reader of ``language``.

    Parameters
    ----------
    number
        The number under which the reader hears of it.
    on
        The day of the work.
    department
        Which one does it, if not the report's own.
    exact
        Whether the reader may hear the address, which the reporter may have written.

    Raises
    ------
    Refusal
        The words name the day of the work, and nobody said it.
    """
    needed = set(blanks(text))
    if "date" in needed and on is None:
        raise Refusal("Say the day of the work: the words name it.")
    office = city.department(department or report.department)
    values = {
        "number": number,
        "kind": city.kind_name(report.category, language),
        "place": place(report, language, city, exact=exact),
        "date": day_name(on, language) if on else "",
        "office": name_in(office.names, language) if office else "",
    }
    return put_in(text, values)


def place(report: Report, language: str, city: City, *, exact: bool = True) -> str:
    """Return where it is for a reader of ``language``: the address, or the district's name.

    An address is Japanese: who does not read that gets the district. Somebody's home is named by
    its district alone; so is everything if it is not to be ``exact``.
    """
    district = city.district_by_code.get(report.area or "")
    near = name_in(district.names, language) if district else name_in(city.name, language)
    exact = exact and reads_japanese(language) and not public_place.is_home(report, city)
    return report.address if exact and report.address else near


async def store(
    session: AsyncSession,
    city: City,
    template: Template,
    *,
    seen: int,
    actor: str,
    now: datetime,
) -> Template:
    """Store a new version of a template, or a new template if its code is empty.

    Words that did not change keep the version that they are from.

    Parameters
    ----------
    seen
        The version that was looked at.

    Raises
    ------
    Refusal
        Something is wrong with it, or somebody changed it meanwhile.
    """
    for fault in faults(template, city):
        raise fault.refusal()
    if template.code:
        row = await _locked(session, template.code)
        before = await find(session, city, template.code)
    else:
        before = Template(code="")
        # The code is made of the row's number, which only the database knows.
        row = AnswerTemplate(code=f"new-{secrets.token_hex(12)}", version=0)
        session.add(row)
        await session.flush()
        row.code = f"{OWN}{row.id}"
    check_seen(row, seen)
    texts = {code: text for code, text in template.texts.items() if text}
    words = {
        "name": template.name,
        "said_when": template.said_when,
        "kinds": list(template.kinds),
        "by_itself": template.by_itself,
        "texts": texts,
        "since": {
            code: before.since.get(code, 0) if text == before.texts.get(code) else row.version + 1
            for code, text in texts.items()
        },
    }
    made = await SHELF.keep(session, row, words, actor=actor, now=now)
    return _of_version(row, made)


async def withdraw(session: AsyncSession, code: str, *, actor: str, now: datetime) -> None:
    """Take a template out of the list."""
    await SHELF.withdraw(session, await _locked(session, code), actor=actor, now=now)


async def restore(session: AsyncSession, code: str, *, actor: str, now: datetime) -> None:
    """Put a template that was taken out back into the list."""
    await SHELF.restore(session, await _locked(session, code), actor=actor, now=now)


async def _locked(session: AsyncSession, code: str) -> AnswerTemplate:
    """Return a template's row, locked; a built-in one gets its row now."""
    query = select(AnswerTemplate).where(col(AnswerTemplate.code) == code)
    row = await session.scalar(query.with_for_update())
    if row is None and built_in(code) is not None:
        row = AnswerTemplate(code=code, version=0)
        await add_new(session, row, Refusal(CHANGED))
    if row is None:
        raise Refusal(GONE)
    return row
