"""The office's templates for answers: words with blanks, per state and kind, in every language.

Todoke brings some (``reports.answer_words``). The office changes them on a page of the console,
adds its own, and takes out what it does not want. Each change makes a new version, which stays.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, name_in
from core import audit
from core.database import add_new
from core.errors import Refusal
from core.languages import LANGUAGES, mark, reads_japanese
from core.text import clean
from feeds.texts.times import day_name
from reports import public_place
from reports.answer_words import ANY, BLANKS, BUILT_IN, REOPENED, BuiltIn, built_in
from reports.models import AnswerTemplate, AnswerVersion, Report
from reports.states import ReportState

NAME_LIMIT = 80
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
_BRACES = re.compile(r"\{([^{}]*)\}")
OWN = "own-"


@dataclass(frozen=True)
class Fault:
    """Something wrong with a template: the field, and a msgid with its values."""

    field: str
    message: str
    values: tuple[tuple[str, str], ...] = ()


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


def blanks(text: str) -> tuple[str, ...]:
    """Return the blanks of a text, each once, in their order."""
    return tuple(dict.fromkeys(_BRACES.findall(text)))


def normal(text: str) -> str:
    """Return a template's words in the form in which they are stored."""

    def one(match: re.Match[str]) -> str:
        name = unicodedata.normalize("NFKC", match[1]).strip().casefold()
        return f"{{{JAPANESE_BLANKS.get(name, name)}}}"

    return _BRACES.sub(one, clean(text).replace("｛", "{").replace("｝", "}"))


def faults(template: Template, city: City) -> list[Fault]:
    """Return what is wrong with a template, its words in the form :func:`normal` gives them."""
    found = []
    if not template.name or len(template.name) > NAME_LIMIT:
        message = mark("A name has between 1 and {n} characters.")
        found.append(Fault("name", message, (("n", str(NAME_LIMIT)),)))
    if template.said_when not in WHEN:
        found.append(Fault("said_when", mark("Say when it is said.")))
    if template.by_itself and template.said_when == ANY:
        found.append(
            Fault("by_itself", mark("Only what belongs to a state can be said by itself."))
        )
    if {*template.kinds} - {kind.code for kind in city.report_categories}:
        found.append(Fault("kinds", mark("The city has no such kind.")))
    if not template.texts.get("ja"):
        found.append(Fault("text-ja", mark("The text in Japanese is needed.")))
    wanted = set(blanks(template.texts.get("ja", "")))
    for code, text in template.texts.items():
        found += _text_faults(code, text, wanted, city)
    return found


def _text_faults(code: str, text: str, wanted: Collection[str], city: City) -> list[Fault]:
    name = ("language", LANGUAGES[code].name)
    there = set(blanks(text))
    found = []
    if code not in city.languages:
        found.append(Fault(f"text-{code}", mark("The city does not speak {language}."), (name,)))
    if len(text) > TEXT_LIMIT:
        message = mark("{language}: a text has at most {n} characters.")
        found.append(Fault(f"text-{code}", message, (name, ("n", str(TEXT_LIMIT)))))
    unknown = sorted(there - set(BLANKS))
    if unknown or "{" in _BRACES.sub("", text) or "}" in _BRACES.sub("", text):
        message = mark("{language}: there is no such blank: {blanks}")
        shown = " ".join(f"{{{one}}}" for one in unknown) or "{ }"
        found.append(Fault(f"text-{code}", message, (name, ("blanks", shown))))
    elif there != set(wanted):
        message = mark("{language}: the blanks are not those of the Japanese: {blanks}")
        shown = " ".join(f"{{{one}}}" for one in sorted(wanted)) or "–"
        found.append(Fault(f"text-{code}", message, (name, ("blanks", shown))))
    return found


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
    rows = {row.code: row for row in await session.scalars(select(AnswerTemplate))}
    newest = await session.scalars(
        select(AnswerVersion).join(
            AnswerTemplate,
            (col(AnswerTemplate.id) == col(AnswerVersion.template_id))
            & (col(AnswerTemplate.version) == col(AnswerVersion.version)),
        )
    )
    versions = {version.template_id: version for version in newest}
    found = []
    for one in BUILT_IN:
        row = rows.pop(one.code, None)
        version = versions.get(row.id or 0) if row else None
        if row is None or version is None:
            withdrawn = row is not None and row.withdrawn_at is not None
            found.append(of_built_in(one, city, withdrawn=withdrawn))
        else:
            found.append(_of_version(row, version))
    for row in sorted(rows.values(), key=lambda each: each.id or 0):
        if (row.id or 0) in versions:
            found.append(_of_version(row, versions[row.id or 0]))
    return found


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
        raise Refusal("This template is no longer there.")
    return found


async def history(session: AsyncSession, code: str) -> list[Template]:
    """Return all versions of a template that the office wrote, the newest first."""
    row = await session.scalar(select(AnswerTemplate).where(col(AnswerTemplate.code) == code))
    if row is None:
        return []
    found = await session.scalars(
        select(AnswerVersion)
        .where(col(AnswerVersion.template_id) == row.id)
        .order_by(col(AnswerVersion.version).desc())
    )
    return [_of_version(row, version) for version in found]


def said_by_itself(templates: Sequence[Template], when: str, kind: str) -> Template | None:
    """Return what is said when a report of ``kind`` gets a state and staff chose nothing else.

    One for this kind goes before one for all kinds, the office's own before a built-in one.
    """
    fitting = [
        one for one in templates if one.by_itself and one.said_when == when and one.fits(when, kind)
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
    text: str, language: str, report: Report, city: City, *, number: str, on: date | None
) -> str:
    """Return a template's words with the blanks filled in for a reader of ``language``.

    Parameters
    ----------
    number
        The number under which the reader hears of it.
    on
        The day of the work.

    Raises
    ------
    Refusal
        The words name the day of the work, and nobody said it.
    """
    needed = set(blanks(text))
    if "date" in needed and on is None:
        raise Refusal("Say the day of the work: the words name it.")
    values = {
        "number": number,
        "kind": _kind(report, language, city),
        "place": place(report, language, city),
        "date": day_name(on, language) if on else "",
        "office": next(
            (name_in(d.names, language) for d in city.departments if d.code == report.department),
            "",
        ),
    }
    return _BRACES.sub(lambda match: values.get(match[1], match[0]), text)


def _kind(report: Report, language: str, city: City) -> str:
    names = {kind.code: kind.names for kind in city.report_categories}
    return name_in(names[report.category], language) if report.category in names else ""


def place(report: Report, language: str, city: City) -> str:
    """Return where it is for a reader of ``language``: the address, or the district's name.

    An address is Japanese: who does not read that gets the district. Somebody's home is named by
    its district alone.
    """
    district = city.district_by_code.get(report.area or "")
    near = name_in(district.names, language) if district else name_in(city.name, language)
    if report.address and reads_japanese(language) and not public_place.is_home(report, city):
        return report.address
    return near


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
    wrong = faults(template, city)
    if wrong:
        raise Refusal(wrong[0].message, **dict(wrong[0].values))
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
    if before.version != seen:
        raise Refusal("Somebody changed this template meanwhile. Look at it again.")
    row.version += 1
    session.add(row)
    assert row.id is not None
    version = AnswerVersion(
        template_id=row.id,
        version=row.version,
        name=template.name,
        said_when=template.said_when,
        kinds=list(template.kinds),
        by_itself=template.by_itself,
        texts={code: text for code, text in template.texts.items() if text},
        since={
            code: before.since.get(code, 0) if text == before.texts.get(code) else row.version
            for code, text in template.texts.items()
            if text
        },
        written_by=actor,
        written_at=now,
    )
    session.add(version)
    await session.flush()
    await _note(session, row.code, actor, now, "answer_template.changed", version=row.version)
    return _of_version(row, version)


async def withdraw(session: AsyncSession, code: str, *, actor: str, now: datetime) -> None:
    """Take a template out of the list."""
    row = await _locked(session, code)
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        session.add(row)
        await _note(session, code, actor, now, "answer_template.withdrawn", version=row.version)


async def restore(session: AsyncSession, code: str, *, actor: str, now: datetime) -> None:
    """Put a template that was taken out back into the list."""
    row = await _locked(session, code)
    if row.withdrawn_at is not None:
        row.withdrawn_at = None
        session.add(row)
        await _note(session, code, actor, now, "answer_template.restored", version=row.version)


async def _locked(session: AsyncSession, code: str) -> AnswerTemplate:
    """Return a template's row, locked; a built-in one gets its row now."""
    query = select(AnswerTemplate).where(col(AnswerTemplate.code) == code)
    row = await session.scalar(query.with_for_update())
    if row is None and built_in(code) is not None:
        row = AnswerTemplate(code=code, version=0)
        changed = "Somebody changed this template meanwhile. Look at it again."
        await add_new(session, row, Refusal(changed))
    if row is None:
        raise Refusal("This template is no longer there.")
    return row


async def _note(
    session: AsyncSession, code: str, actor: str, now: datetime, action: str, *, version: int
) -> None:
    await audit.record(
        session, now, actor=actor, action=action, subject=f"answer_template:{code}", version=version
    )
