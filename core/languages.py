"""The sixteen languages and their gettext catalogues.

Catalogues are ``<package>/locales/<language>.po`` with English msgids; they are read at first
use, so nothing compiled has to be kept. A message missing in a language falls back to easy
Japanese, never to a guess, and is counted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prometheus_client import Counter

from core.errors import BadInput

MISSING_TRANSLATIONS = Counter(
    "todoke_missing_translations_total",
    "Messages for which the resident's language had no translation",
    ["language", "catalogue"],
)

EASY_JAPANESE = "ja-x-easy"


@dataclass(frozen=True)
class Letters:
    """Letters that identify a script; ``characters`` is the inside of a pattern's brackets."""

    name: str
    characters: str


@dataclass(frozen=True)
class Script:
    """How a language is written.

    Parameters
    ----------
    code
        ISO 15924.
    letters
        Its letters. A text that has some of them may be in a language of this script.
    font
        The font family of pictures; free fonts only.
    line_space
        Distance of lines relative to the size of letters; marks above and below need more.
    spaced
        Whether spaces separate words.
    spaced_from_latin
        Whether a space separates Latin letters from its own, although its words have no spaces.
    names_in_characters
        Whether readers know a Japanese place by its characters, as on signs.
    comma
        The separator of a list.
    direction
        ``ltr`` or ``rtl``.
    """

    code: str
    letters: tuple[Letters, ...]
    font: str
    line_space: float = 1.28
    spaced: bool = True
    spaced_from_latin: bool = False
    names_in_characters: bool = False
    comma: str = ", "
    direction: Literal["ltr", "rtl"] = "ltr"

    @property
    def lines(self) -> str:
        """How far apart a page sets its lines: ``tallest``, ``tall`` or as usual (empty)."""
        return "tallest" if self.line_space >= 1.5 else "tall" if self.line_space >= 1.4 else ""


HAN = Letters("han", "\u3400-\u9fff")
LATIN_LETTERS = Letters("latin", "a-z\u00c0-\u024f")
JAPANESE = Script(
    *("Jpan", (Letters("kana", "\u3041-\u30ff"), HAN), "Noto Sans CJK JP"),
    spaced=False,
    comma="、",
)
SIMPLIFIED = Script(
    *("Hans", (HAN,), "Noto Sans CJK SC"), spaced=False, names_in_characters=True, comma="、"
)
TRADITIONAL = Script(
    *("Hant", (HAN,), "Noto Sans CJK TC"), spaced=False, names_in_characters=True, comma="、"
)
HANGUL = Script(
    "Kore", (Letters("hangul", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"),), "Noto Sans CJK KR"
)
LATIN = Script("Latn", (LATIN_LETTERS,), "Noto Sans")
CYRILLIC = Script("Cyrl", (Letters("cyrillic", "\u0400-\u04ff"),), "Noto Sans")
THAI = Script(
    *("Thai", (Letters("thai", "\u0e00-\u0e7f"),), "Noto Sans Thai", 1.45),
    spaced=False,
    spaced_from_latin=True,
)
DEVANAGARI = Script(
    *("Deva", (Letters("deva", "\u0900-\u097f"),), "Noto Sans Devanagari", 1.4),
    spaced_from_latin=True,
)
KHMER = Script(
    *("Khmr", (Letters("khmer", "\u1780-\u17ff"),), "Noto Sans Khmer", 1.5),
    spaced=False,
    spaced_from_latin=True,
)
BURMESE = Script(
    *("Mymr", (Letters("burmese", "\u1000-\u109f"),), "Noto Sans Myanmar", 1.6),
    spaced=False,
    comma="၊ ",
)


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language that residents can choose; ``docs/languages.md`` says how to add one.

    Parameters
    ----------
    code
        BCP 47.
    name, english, japanese
        Its own name, and its name for staff in English and Japanese.
    locale
        The CLDR locale for dates, numbers and lists.
    share
        Speakers among a thousand synthetic residents.
    aliases
        Other tags (lower case) that phones use for it.
    parent
        The language of which this one is a variety: easy Japanese is Japanese.
    vocabulary
        Name of its file of words for the conversation; empty for a file of its own.
    dictionary
        Its key in the Meteorological Agency's multilingual dictionary; Japanese has none there.
    deepl, textra
        Its target at these translators; empty for none.
    libretranslate
        Its names at LibreTranslate, the best first; empty for its own code.
    digits
        Its digits from 0 to 9, if the agency's dictionary uses them.
    numbered_months
        Whether it writes months as numbers.
    capital_names
        Whether a place's name begins with a capital even if its first word has none.
    """

    code: str
    name: str
    english: str
    japanese: str
    locale: str
    script: Script = LATIN
    share: float = 1.0
    aliases: tuple[str, ...] = ()
    parent: str | None = None
    vocabulary: str = ""
    dictionary: str | None = None
    deepl: str = ""
    libretranslate: tuple[str, ...] = ()
    textra: str = ""
    digits: str = ""
    numbered_months: bool = False
    capital_names: bool = False

    @property
    def vocabulary_file(self) -> str:
        """Name of the file of words that the conversation understands."""
        return self.vocabulary or self.code

    @property
    def is_japanese(self) -> bool:
        """Whether its readers read Japanese."""
        return "ja" in (self.code, self.parent)

    @property
    def tag(self) -> str:
        """The tag in web pages; programs that read them do not know easy Japanese."""
        return self.parent or self.code

    @property
    def translated_from_japanese(self) -> tuple[str, ...]:
        """Names at LibreTranslate, the best first; none for Japanese itself."""
        return () if self.is_japanese else self.libretranslate or (self.code,)


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language(
            code="ja",
            name="日本語",
            english="Japanese",
            japanese="日本語",
            locale="ja",
            script=JAPANESE,
            share=880,
            aliases=("jp",),
            numbered_months=True,
        ),
        Language(
            code=EASY_JAPANESE,
            name="やさしい日本語（にほんご）",
            english="Easy Japanese",
            japanese="やさしい日本語",
            locale="ja",
            script=JAPANESE,
            share=30,
            parent="ja",
            vocabulary="ja",
            numbered_months=True,
        ),
        Language(
            code="en",
            name="English",
            english="English",
            japanese="英語",
            locale="en",
            share=25,
            dictionary="en",
            deepl="EN-US",
            textra="generalNT_ja_en",
            capital_names=True,
        ),
        Language(
            code="zh-Hans",
            name="简体中文",
            english="Chinese (Simplified)",
            japanese="中国語（簡体字）",
            locale="zh_Hans",
            script=SIMPLIFIED,
            share=18,
            aliases=("zh",),
            vocabulary="zh",
            dictionary="zh",
            deepl="ZH-HANS",
            libretranslate=("zh-Hans", "zh"),
            textra="generalNT_ja_zh-CN",
            numbered_months=True,
        ),
        Language(
            code="zh-Hant",
            name="繁體中文",
            english="Chinese (Traditional)",
            japanese="中国語（繁体字）",
            locale="zh_Hant",
            script=TRADITIONAL,
            share=6,
            aliases=("zh-tw", "zh-hk", "zh-mo"),
            vocabulary="zh",
            dictionary="zhHant",
            deepl="ZH-HANT",
            libretranslate=("zh-Hant", "zt"),
            textra="generalNT_ja_zh-TW",
            numbered_months=True,
        ),
        Language(
            code="ko",
            name="한국어",
            english="Korean",
            japanese="韓国語",
            locale="ko",
            script=HANGUL,
            share=6,
            dictionary="ko",
            deepl="KO",
            textra="generalNT_ja_ko",
            numbered_months=True,
        ),
        Language(
            code="vi",
            name="Tiếng Việt",
            english="Vietnamese",
            japanese="ベトナム語",
            locale="vi",
            share=12,
            dictionary="vi",
            deepl="VI",
            textra="generalNT_ja_vi",
            numbered_months=True,
        ),
        Language(
            code="pt",
            name="Português",
            english="Portuguese",
            japanese="ポルトガル語",
            locale="pt",
            share=5,
            dictionary="pt",
            deepl="PT-BR",
            libretranslate=("pt-BR", "pt"),
            textra="voicetraNT_ja_pt-BR",
            capital_names=True,
        ),
        Language(
            code="es",
            name="Español",
            english="Spanish",
            japanese="スペイン語",
            locale="es",
            share=2,
            dictionary="es",
            deepl="ES",
            textra="generalNT_ja_es",
            capital_names=True,
        ),
        Language(
            code="id",
            name="Bahasa Indonesia",
            english="Indonesian",
            japanese="インドネシア語",
            locale="id",
            share=3,
            aliases=("in",),
            dictionary="id",
            deepl="ID",
            textra="generalNT_ja_id",
            capital_names=True,
        ),
        Language(
            code="tl",
            name="Tagalog",
            english="Tagalog",
            japanese="タガログ語",
            locale="fil",
            share=4,
            aliases=("fil",),
            dictionary="tl",
            textra="voicetraNT_ja_fp",
            capital_names=True,
        ),
        Language(
            code="th",
            name="ไทย",
            english="Thai",
            japanese="タイ語",
            locale="th",
            script=THAI,
            share=2,
            dictionary="th",
            deepl="TH",
            textra="generalNT_ja_th",
        ),
        Language(
            code="ne",
            name="नेपाली",
            english="Nepali",
            japanese="ネパール語",
            locale="ne",
            script=DEVANAGARI,
            share=4,
            dictionary="ne",
            digits="०१२३४५६७८९",
        ),
        Language(
            code="km",
            name="ភាសាខ្មែរ",
            english="Khmer",
            japanese="クメール語",
            locale="km",
            script=KHMER,
            share=0.8,
            dictionary="km",
        ),
        Language(
            code="my",
            name="မြန်မာဘာသာ",
            english="Burmese",
            japanese="ミャンマー語",
            locale="my",
            script=BURMESE,
            share=1.5,
            dictionary="my",
            textra="generalNT_ja_my",
            digits="၀၁၂၃၄၅၆၇၈၉",
        ),
        Language(
            code="mn",
            name="Монгол",
            english="Mongolian",
            japanese="モンゴル語",
            locale="mn",
            script=CYRILLIC,
            share=0.7,
            dictionary="mn",
        ),
    )
}
"""In the order in which residents choose one."""


def script_of(language: str) -> Script:
    """Return how a language is written; an unknown language counts as Latin."""
    known = LANGUAGES.get(language)
    return LATIN if known is None else known.script


def reads_japanese(language: str) -> bool:
    """Whether a language is Japanese or a variety of it."""
    known = LANGUAGES.get(language)
    return known is not None and known.is_japanese


def match_language(tag: str | None) -> str | None:
    """Return our language for a profile's BCP 47 tag (``zh-TW``, ``pt_BR``), or None.

    LINE gives the language of the phone, which may be one of ours under another tag.
    """
    if not tag:
        return None
    parts = tag.replace("_", "-").lower().split("-")
    known = {
        name: code
        for code, language in LANGUAGES.items()
        for name in (code.lower(), *language.aliases)
    }
    # The whole tag, language and script, language and region, or the language alone.
    names = ("-".join(parts), *(f"{parts[0]}-{part}" for part in parts[1:]), parts[0])
    return next((known[name] for name in names if name in known), None)


def tag_of(language: str) -> str:
    """Return the tag by which machines that read pages know a language."""
    known = LANGUAGES.get(language)
    return language if known is None else known.tag


def read_table(directory: Path, language: str) -> dict[str, Any]:
    """Read ``<language>.toml`` of a package's words.

    Raises
    ------
    BadInput
        The language has none yet; the message names the file.
    """
    path = directory / f"{language}.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"The language {language} needs {path}; see docs/languages.md.") from error


def mark(message: str) -> str:
    """Mark a message for the catalogue at the place where it is defined."""
    return message


class Catalogue:
    """The messages of one package in all languages.

    Parameters
    ----------
    directory
        The folder with ``<language>.po`` for each language. English needs no file: msgids are
        English.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.parent.name
        self._loaded: dict[str, dict[tuple[str | None, str], str]] = {}

    def text(self, language: str, message: str, /, **values: object) -> str:
        """Return ``message`` in ``language`` with ``{placeholders}`` filled in.

        If the language lacks the message, easy Japanese is used, then English; each
        fall-back is counted in ``todoke_missing_translations_total``.
        """
        return self._translated(language, message, None).format(**values)

    def context_text(self, context: str, language: str, message: str, /, **values: object) -> str:
        """Like :meth:`text`, for a short word whose meaning depends on ``context`` (msgctxt)."""
        return self._translated(language, message, context).format(**values)

    def has(self, language: str, message: str, context: str | None = None) -> bool:
        """Whether ``language`` itself has ``message``, without a fall-back."""
        return language == "en" or self._lookup(language, message, context) is not None

    def load(self, languages: Iterable[str]) -> None:
        """Read the messages of these languages now instead of at their first use."""
        for language in languages:
            if language not in self._loaded:
                self._loaded[language] = _read(self.directory / f"{language}.po")

    def _translated(self, language: str, message: str, context: str | None) -> str:
        if language == "en":
            return message
        found = self._lookup(language, message, context)
        if found is not None:
            return found
        MISSING_TRANSLATIONS.labels(language, self.name).inc()
        if language != EASY_JAPANESE:
            found = self._lookup(EASY_JAPANESE, message, context)
        return message if found is None else found

    def _lookup(self, language: str, message: str, context: str | None) -> str | None:
        self.load((language,))
        return self._loaded[language].get((context, message))


def _read(path: Path) -> dict[tuple[str | None, str], str]:
    """Return the finished (non-empty, not fuzzy) messages of a catalogue by context and msgid."""
    if not path.exists():
        return {}
    # Imported here, because most commands do not need it and it is slow to import.
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalogue = read_po(source, abort_invalid=True)
    return {
        (entry.context, entry.id): entry.string
        for entry in catalogue
        if isinstance(entry.id, str) and isinstance(entry.string, str)
        if entry.id and entry.string and not entry.fuzzy
    }
