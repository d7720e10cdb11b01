"""Translate titles and summaries of articles by machine, if the result is safe.

The glossary inserts the city's own names before the machine sees the text. Translations are stored.
A translation that lost a number or a name, or has a wrong length, is thrown away; the article is
then sent in Japanese under a heading in the resident's language. The message says if a machine
translated it (``feeds.texts``).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import structlog
from sqlmodel import col, select

from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import TodokeError
from core.languages import EASY_JAPANESE, reads_japanese
from core.settings import TranslatorSettings
from feeds import limits
from feeds.articles import Translations
from feeds.fidelity import problem_of
from feeds.furigana import FuriganaReader, reader
from feeds.metrics import TRANSLATIONS
from feeds.models import Translation
from feeds.rss import Article
from feeds.translators import Translator, translator_of
from feeds.wording import plain_text

log = structlog.get_logger(__name__)

Glossary = Mapping[str, Mapping[str, str]]
"""By Japanese term: its name in each language."""


def city_glossary(city: City) -> Glossary:
    """Return the city's own names: itself, its districts and its departments."""
    named = (city.name, *(d.names for d in city.districts), *(d.names for d in city.departments))
    return {
        names["ja"]: {
            language: name for language, name in names.items() if not reads_japanese(language)
        }
        for names in named
        if len(names.get("ja", "")) > 1
    }


def article_translations(
    settings: TranslatorSettings | None,
    http: aiohttp.ClientSession,
    city: City,
    database: Database,
    clock: Clock,
) -> ArticleTranslations | None:
    """Return the translator of this installation, or None if it has none.

    Parameters
    ----------
    settings
        Settings of the translation machine; None if there is none.
    http
        An ordinary session: the city's own translation server may have a private address.
    """
    translator = translator_of(settings, http, clock) if settings is not None else None
    readings = reader()
    if translator is None and readings is None:
        return None
    return ArticleTranslations(translator, city, database, clock, reader=readings)


FAILED, NOT_ABLE = "failed", "not-able"
"""Problems beside those of ``feeds.fidelity`` and ``name``: the machine did not answer in time or
refused; it does not have the language.
"""


@dataclass(frozen=True)
class Translated:
    """Translations by Japanese text, or the slug of the problem; then there is none."""

    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


class ArticleTranslations:
    """Translates articles and words of staff, and stores the translations.

    Parameters
    ----------
    translator
        The machine; with None there are only readings.
    city
        Its languages are the targets; its names are the glossary.
    database
        Stores the translations.
    glossary
        More terms, such as the names of the city's schemes.
    reader
        Adds readings to kanji for easy Japanese.
    """

    def __init__(
        self,
        translator: Translator | None,
        city: City,
        database: Database,
        clock: Clock,
        *,
        glossary: Glossary | None = None,
        reader: FuriganaReader | None = None,
    ) -> None:
        self._translator = translator
        self._reader = reader
        self._city = city
        self._database = database
        self._clock = clock
        self._glossary = {**city_glossary(city), **(glossary or {})}

    async def articles(self, some: Sequence[Article]) -> Translations:
        """Return title and summary by content hash and language; nothing where none is sure.

        A language the machine fails at is left out and the others go on; the whole takes no
        longer than the time limit, however many languages there are.
        """
        if not some:
            return {}
        made: dict[str, dict[str, tuple[str, str]]] = {a.content_hash: {} for a in some}
        if self._reader is not None and EASY_JAPANESE in self._city.languages:
            for article in some:
                readable = (self._reader(article.title), self._reader(article.summary))
                made[article.content_hash][EASY_JAPANESE] = readable
        if self._translator is None:
            return made
        try:
            able = await self._translator.languages()
        except TodokeError as error:
            log.warning("translator.failed", engine=self._translator.name, reason=str(error))
            return made
        wanted = [
            language
            for language in self._city.languages
            if language in able and not reads_japanese(language)
        ]
        sources = list(dict.fromkeys(text for a in some for text in (a.title, a.summary) if text))
        results = await asyncio.gather(
            *(self._into(self._translator, language, sources) for language in wanted)
        )
        for language, (texts, _) in zip(wanted, results, strict=True):
            for article in some:
                title = texts.get(article.title)
                summary = texts.get(article.summary) if article.summary else ""
                if title is not None and summary is not None:
                    made[article.content_hash][language] = (title, summary)
        return made

    async def words(self, texts: Sequence[str], languages: Sequence[str]) -> dict[str, Translated]:
        """Translate words that staff wrote, and say for each language why it could not be done.

        Parameters
        ----------
        texts
            Japanese paragraphs.
        languages
            Languages that are wanted; Japanese ones are left out.
        """
        wanted = [language for language in languages if not reads_japanese(language)]
        if self._translator is None:
            return {language: Translated(problem=NOT_ABLE) for language in wanted}
        try:
            async with asyncio.timeout(limits.TRANSLATION_TIMEOUT * 2):
                able = await self._translator.languages()
        except (TodokeError, TimeoutError) as error:
            log.warning("translator.failed", engine=self._translator.name, reason=str(error))
            return {language: Translated(problem=FAILED) for language in wanted}
        asked = [language for language in wanted if language in able]
        results = await asyncio.gather(
            *(self._into(self._translator, language, list(texts)) for language in asked)
        )
        made = {language: Translated(problem=NOT_ABLE) for language in wanted}
        for language, (found, problem) in zip(asked, results, strict=True):
            whole = all(text in found for text in texts)
            made[language] = Translated(found) if whole else Translated(problem=problem or FAILED)
        return made

    @property
    def engine(self) -> str:
        """The name of the machine; "" for none."""
        return "" if self._translator is None else self._translator.name

    async def _into(
        self, translator: Translator, language: str, texts: Sequence[str]
    ) -> tuple[dict[str, str], str | None]:
        """Return what could be translated, by Japanese text, and the first problem."""
        found = await self._remembered(translator, texts, language)
        missing = [text for text in texts if text not in found]
        if not missing:
            return found, None
        prepared = [self._with_names(text, language) for text in missing]
        try:
            async with asyncio.timeout(limits.TRANSLATION_TIMEOUT * 2):
                answers = await translator.translate(prepared, language)
        except (TodokeError, TimeoutError) as error:
            TRANSLATIONS.labels(language, "failed").inc(len(missing))
            log.warning(
                "translation.failed", engine=translator.name, language=language, reason=str(error)
            )
            return found, FAILED
        good: dict[str, str] = {}
        first: str | None = None
        for source, answer in zip(missing, answers, strict=True):
            target = plain_text(answer, limits.MAX_SUMMARY_CHARACTERS)
            problem = problem_of(source, target, language) or self._lost_name(
                source, target, language
            )
            TRANSLATIONS.labels(language, problem or "good").inc()
            if problem is None:
                good[source] = target
            else:
                first = first or problem
                log.warning("translation.refused", language=language, reason=problem)
        await self._remember(translator, good, language)
        return {**found, **good}, first

    def _terms(self, text: str, language: str) -> Iterable[tuple[str, str]]:
        """Yield the glossary's terms in ``text``, the longest first."""
        for term in sorted(self._glossary, key=len, reverse=True):
            name = self._glossary[term].get(language)
            if name and term in text:
                yield term, name

    def _with_names(self, text: str, language: str) -> str:
        for term, name in self._terms(text, language):
            text = text.replace(term, f" {name} " if name.isascii() else name)
        return text

    def _lost_name(self, source: str, target: str, language: str) -> str | None:
        folded = target.casefold()
        rest = source
        for term, name in self._terms(source, language):
            # A term inside a longer one was already put in with it.
            if term not in rest:
                continue
            rest = rest.replace(term, " ")
            if name.casefold() not in folded:
                return "name"
        return None

    def _key(self, translator: Translator, text: str, language: str) -> str:
        used = sorted(self._terms(text, language))
        parts = (translator.name, language, text, *(f"{t}={n}" for t, n in used))
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()

    async def _remembered(
        self, translator: Translator, texts: Sequence[str], language: str
    ) -> dict[str, str]:
        keys = {self._key(translator, text, language): text for text in texts}
        found: dict[str, str] = {}
        names = list(keys)
        async with self._database.reading() as session:
            for start in range(0, len(names), 500):
                rows = await session.scalars(
                    select(Translation).where(col(Translation.key).in_(names[start : start + 500]))
                )
                found.update({keys[row.key]: row.text for row in rows})
        return found

    async def _remember(
        self, translator: Translator, good: Mapping[str, str], language: str
    ) -> None:
        if not good:
            return
        async with self._database.writing() as session:
            for source, target in good.items():
                await session.merge(
                    Translation(
                        key=self._key(translator, source, language),
                        text=target,
                        created_at=self._clock.now(),
                    )
                )
