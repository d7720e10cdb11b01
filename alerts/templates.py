"""The city's own templates: words with blanks, in every language, that staff fill in once.

A template is kept in the database and edited on a page of the console. Each change makes a new
version, and an alert stores which versions it used. A blank is written ``{place}``, ``{river}``,
``{shelter}``, ``{time}`` or ``{words}``; a second one of a kind has a number, as in ``{time2}``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts import ready_words
from alerts.checks import TEXT_LIMIT
from alerts.drill_words import says_drill, says_not_drill
from alerts.models import AlertTemplate, TemplateVersion
from city.city import City
from city.shelters import Shelter
from core import word_templates
from core.errors import Refusal
from core.faults import FormFault
from core.languages import EASY_JAPANESE, LANGUAGES, mark, reads_japanese, script_of
from core.word_templates import GONE, Actions, Shelf, blanks, check_seen, put_in
from feeds.furigana import with_reading
from feeds.texts import moment, place_name
from feeds.texts.places import area_names, joined
from feeds.texts.romaji import hiragana

KINDS = ("place", "river", "shelter", "time", "words")
JAPANESE_KINDS = {
    "場所": "place",
    "地区": "place",
    "川": "river",
    "河川": "river",
    "避難所": "shelter",
    "避難場所": "shelter",
    "時刻": "time",
    "日時": "time",
    "自由": "words",
}
"""Other names that staff may write; they are stored as the kind."""
_NAME = re.compile(r"([^\d]+)(\d?)")
_KANA = re.compile("[\u3041-\u30ff]")
_JAPANESE_LETTERS = re.compile("[\u3041-\u30ff\u3400-\u9fff]")

STARTERS = {
    mark("Evacuation site opened"): (
        "Evacuation site opened: {shelter}\nOpen from: {time}\nBring drinking water, food, "
        "medicine and your mobile phone. Do not go through dangerous places to get there."
    ),
    mark("River close to overflowing"): (
        "{river}: the water is close to overflowing.\nKeep away from the river, and do not go to "
        "look at it.\nArea in danger: {place}"
    ),
    mark("Water supply stopped"): (
        "The water supply has stopped.\nWhere: {place}\nExpected until: {time}\nThis time may "
        "change. We will tell you when the water is back."
    ),
}
"""Templates to begin with, by name: messages of the catalogue, in all languages."""


@dataclass(frozen=True)
class Blank:
    """What was put into one blank.

    Parameters
    ----------
    areas
        Codes of districts, for a place.
    shelters
        Evacuation sites.
    at
        A time.
    said
        A name or words in Japanese, after the districts if there are some.
    latin
        The same for readers of other languages.
    """

    areas: tuple[str, ...] = ()
    shelters: tuple[Shelter, ...] = ()
    at: datetime | None = None
    said: str = ""
    latin: str = ""


def kind_of(blank: str) -> str:
    """Return the kind of a blank: ``time`` of ``time2``."""
    return blank.rstrip("0123456789")


def normal(text: str) -> str:
    """Return a template's words in the form in which they are stored."""
    return word_templates.normal(text, _stored)


def _stored(blank: str) -> str:
    parts = _NAME.fullmatch(blank)
    return f"{JAPANESE_KINDS.get(parts[1], parts[1])}{parts[2]}" if parts else blank


def faults(name: str, texts: Mapping[str, str], city: City) -> list[FormFault]:
    """Return what is wrong with a template's words, in the form :func:`normal` gives them."""
    found = word_templates.faults(name, texts, city.languages, limit=TEXT_LIMIT, is_blank=_is_blank)
    for code, text in texts.items():
        if says_drill(text, code) or says_not_drill(text):
            message = mark(
                "{language}: a template does not speak of drills. A drill is marked anyway."
            )
            found.append(FormFault(f"text-{code}", message, (("language", LANGUAGES[code].name),)))
    return found


def _is_blank(blank: str) -> bool:
    return kind_of(blank) in KINDS and _NAME.fullmatch(blank) is not None


SHELF = Shelf(
    AlertTemplate,
    TemplateVersion,
    action=Actions("template.saved", "template.withdrawn", "template.restored"),
    subject=lambda one: f"template:{one.id}",
)


async def in_use(session: AsyncSession) -> list[TemplateVersion]:
    """Return the newest version of each template that can be used, by name."""
    return await _newest(session, withdrawn=False)


async def withdrawn(session: AsyncSession) -> list[TemplateVersion]:
    """Return the newest version of each template that was taken out of the list."""
    return await _newest(session, withdrawn=True)


async def _newest(session: AsyncSession, *, withdrawn: bool) -> list[TemplateVersion]:
    found = [
        version
        for template, version in await SHELF.newest(session)
        if version is not None and (template.withdrawn_at is not None) is withdrawn
    ]
    return sorted(found, key=lambda one: (one.name, one.template_id))


async def usable(session: AsyncSession, template_id: int) -> TemplateVersion:
    """Return the newest version of a template that was not withdrawn.

    Raises
    ------
    Refusal
        There is none.
    """
    template = await session.get(AlertTemplate, template_id)
    if template is None or template.withdrawn_at is not None:
        raise Refusal(GONE)
    return await session.get_one(TemplateVersion, (template_id, template.version))


async def names(
    session: AsyncSession, used: Collection[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """Return the names of versions of templates, by id and version."""
    if not used:
        return {}
    key = tuple_(col(TemplateVersion.template_id), col(TemplateVersion.version))
    found = await session.scalars(select(TemplateVersion).where(key.in_(list(used))))
    return {(one.template_id, one.version): one.name for one in found}


async def add(
    session: AsyncSession,
    name: str,
    texts: Mapping[str, str],
    city: City,
    *,
    actor: str,
    now: datetime,
) -> TemplateVersion:
    """Store a new template.

    Raises
    ------
    Refusal
        Something is wrong with its words.
    """
    _refuse_faults(name, texts, city)
    template = AlertTemplate(version=0)
    session.add(template)
    await session.flush()
    return await _keep(session, template, name, texts, actor, now)


async def change(
    session: AsyncSession,
    template_id: int,
    version: int,
    name: str,
    texts: Mapping[str, str],
    city: City,
    *,
    actor: str,
    now: datetime,
) -> TemplateVersion:
    """Store a new version of a template.

    Parameters
    ----------
    version
        The version that was looked at.

    Raises
    ------
    Refusal
        Something is wrong with its words, or somebody changed or withdrew it meanwhile.
    """
    _refuse_faults(name, texts, city)
    template = await SHELF.locked(session, template_id)
    if template.withdrawn_at is not None:
        raise Refusal(GONE)
    check_seen(template, version)
    return await _keep(session, template, name, texts, actor, now)


async def _keep(
    session: AsyncSession,
    template: AlertTemplate,
    name: str,
    texts: Mapping[str, str],
    actor: str,
    now: datetime,
) -> TemplateVersion:
    words = {"name": name, "texts": {code: text for code, text in texts.items() if text}}
    return await SHELF.keep(session, template, words, actor=actor, now=now, name=name)


async def withdraw(session: AsyncSession, template_id: int, *, actor: str, now: datetime) -> None:
    """Take a template out of the list. Alerts that used it stay as they are."""
    await SHELF.withdraw(session, await SHELF.locked(session, template_id), actor=actor, now=now)


async def restore(session: AsyncSession, template_id: int, *, actor: str, now: datetime) -> None:
    """Put a template that was withdrawn back into the list."""
    await SHELF.restore(session, await SHELF.locked(session, template_id), actor=actor, now=now)


def starters(city: City) -> dict[str, dict[str, str]]:
    """Return templates to begin with: by the English message of the name, words by language."""
    names_of_blanks = {kind: f"{{{kind}}}" for kind in KINDS}
    return {
        name: {
            code: ready_words.CATALOGUE.text(code, message, **names_of_blanks)
            for code in city.languages
        }
        for name, message in STARTERS.items()
    }


async def add_starters(
    session: AsyncSession,
    city: City,
    named: Callable[[str], str],
    *,
    actor: str,
    now: datetime,
) -> int:
    """Store the templates to begin with that have no namesake yet; returns how many.

    Parameters
    ----------
    named
        Gives the name in the language of staff for the English one.
    """
    known = {one.name for one in await in_use(session)}
    made = {named(name): texts for name, texts in starters(city).items()}
    new = {name: texts for name, texts in made.items() if name not in known}
    for name, texts in new.items():
        await add(session, name, texts, city, actor=actor, now=now)
    return len(new)


def filled(texts: Mapping[str, str], values: Mapping[str, Blank], city: City) -> dict[str, str]:
    """Return a template's words with the blanks filled in, for each language of the city.

    Raises
    ------
    Refusal
        A blank is empty, or readers of a language could not read what is in it.
    """
    made = {}
    for code in city.languages:
        text = texts.get(code, "")
        if text:
            said = {
                blank: _said(blank, values.get(blank, Blank()), code, city)
                for blank in blanks(text)
            }
            made[code] = put_in(text, said)
    return made


def _said(blank: str, value: Blank, language: str, city: City) -> str:
    """Return what is put into one blank in one language."""
    kind = kind_of(blank)
    if kind == "time" and value.at is not None:
        return moment(value.at, language)
    parts = []
    if value.areas:
        parts += area_names(value.areas, language, city)
    parts += [_site(site, language) for site in value.shelters]
    if value.said:
        parts.append(_free(kind, value, language, city))
    if not parts:
        raise Refusal("Fill in every blank: {blank}", blank=f"{{{blank}}}")
    return joined(parts, language)


def _site(site: Shelter, language: str) -> str:
    if language == EASY_JAPANESE:
        return with_reading(site.name, hiragana(site.kana)) if site.kana else site.name
    in_characters = script_of(language).names_in_characters and not _KANA.search(site.name)
    if reads_japanese(language) or in_characters:
        return site.name
    if not site.english:
        raise Refusal("{said} has no name in Latin letters in shelters.csv.", said=site.name)
    return site.english


def _free(kind: str, value: Blank, language: str, city: City) -> str:
    """Return a name or words that somebody typed, for readers of ``language``."""
    said = value.said
    if language == "ja":
        return said
    if kind in ("place", "river"):
        said = place_name(said, language, city)
    if reads_japanese(language):
        return said
    if not _JAPANESE_LETTERS.search(said):
        return unicodedata.normalize("NFKC", said)  # "０２９" is wide only beside Japanese
    if kind in ("place", "river") and script_of(language).names_in_characters:
        return said
    if value.latin:
        return value.latin
    raise Refusal(
        "Write “{said}” in English or Latin letters too: not every reader can read it.",
        said=value.said,
    )


def _refuse_faults(name: str, texts: Mapping[str, str], city: City) -> None:
    for fault in faults(name, texts, city):
        raise fault.refusal()


def examples(city: City, sites: Sequence[Shelter], now: datetime) -> dict[str, Blank]:
    """Return something for each kind of blank, to show what a template looks like."""
    first = tuple(district.code for district in city.districts[:1])
    found = {
        "place": Blank(areas=first),
        "river": Blank(said="利根川", latin="Tone River"),
        "shelter": Blank(shelters=tuple(sites[:1])),
        "time": Blank(at=now),
        "words": Blank(said="029-000-0000"),
    }
    if not sites:
        found["shelter"] = Blank(said="○○", latin="○○")
    return found
