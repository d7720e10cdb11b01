"""The sixteen languages and their gettext catalogues.

Catalogues are ``<room>/locales/<language>.po`` with English msgids; they are read at first
use, so nothing compiled has to be kept. A message missing in a language falls back to easy
Japanese, never to a guess, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter

MISSING_TRANSLATIONS = Counter(
    "todoke_missing_translations_total",
    "Messages for which the resident's language had no translation",
    ["language", "catalogue"],
)

EASY_JAPANESE = "ja-x-easy"


@dataclass(frozen=True)
class Language:
    """A language residents can choose.

    ``code`` is BCP 47; ``name`` is in its own script; ``english`` for staff; ``locale`` is the
    CLDR locale for dates and numbers; ``dictionary`` is its key in the Meteorological
    Agency's multilingual dictionary (Japanese has none there).
    """

    code: str
    name: str
    english: str
    japanese: str
    locale: str
    dictionary: str | None = None


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("ja", "日本語", "Japanese", "日本語", "ja"),
        Language(
            EASY_JAPANESE, "やさしい日本語（にほんご）", "Easy Japanese", "やさしい日本語", "ja"
        ),
        Language("en", "English", "English", "英語", "en", "en"),
        Language(
            "zh-Hans", "简体中文", "Chinese (Simplified)", "中国語（簡体字）", "zh_Hans", "zh"
        ),
        Language(
            "zh-Hant", "繁體中文", "Chinese (Traditional)", "中国語（繁体字）", "zh_Hant", "zhHant"
        ),
        Language("ko", "한국어", "Korean", "韓国語", "ko", "ko"),
        Language("vi", "Tiếng Việt", "Vietnamese", "ベトナム語", "vi", "vi"),
        Language("pt", "Português", "Portuguese", "ポルトガル語", "pt", "pt"),
        Language("es", "Español", "Spanish", "スペイン語", "es", "es"),
        Language("id", "Bahasa Indonesia", "Indonesian", "インドネシア語", "id", "id"),
        Language("tl", "Tagalog", "Tagalog", "タガログ語", "fil", "tl"),
        Language("th", "ไทย", "Thai", "タイ語", "th", "th"),
        Language("ne", "नेपाली", "Nepali", "ネパール語", "ne", "ne"),
        Language("km", "ភាសាខ្មែរ", "Khmer", "クメール語", "km", "km"),
        Language("my", "မြန်မာဘာသာ", "Burmese", "ミャンマー語", "my", "my"),
        Language("mn", "Монгол", "Mongolian", "モンゴル語", "mn", "mn"),
    )
}


def match_language(tag: str | None) -> str | None:
    """Return our language for a profile's BCP 47 tag (``zh-TW``, ``pt_BR``), or None.

    LINE gives the language of the phone, which may be one of ours by another name.
    """
    if not tag:
        return None
    parts = tag.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        traditional = {"hant", "tw", "hk", "mo"} & set(parts[1:])
        return "zh-Hant" if traditional else "zh-Hans"
    primary = {"fil": "tl", "in": "id", "jp": "ja"}.get(parts[0], parts[0])
    if primary == "ja" and parts[1:] == ["x", "easy"]:
        return EASY_JAPANESE
    return primary if primary in LANGUAGES else None


class Catalogue:
    """The messages of one room in all languages.

    Parameters
    ----------
    directory
        Holds ``<language>.po`` for each language; English needs none, its msgids are it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.name = directory.parent.name
        self._loaded: dict[str, dict[tuple[str | None, str], str]] = {}

    def text(self, language: str, message: str, /, **values: object) -> str:
        """Return ``message`` in ``language`` with ``{placeholders}`` filled in.

        A language without the message speaks easy Japanese instead, then English; each
        fall-back is counted in ``todoke_missing_translations_total``.
        """
        return self._translated(language, message, None).format(**values)

    def context_text(self, context: str, language: str, message: str, /, **values: object) -> str:
        """As :meth:`text`, for a short word whose meaning depends on ``context`` (msgctxt)."""
        return self._translated(language, message, context).format(**values)

    def has(self, language: str, message: str, context: str | None = None) -> bool:
        """Whether ``language`` itself says ``message``, with no fall-back."""
        return language == "en" or self._lookup(language, message, context) is not None

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
        if language not in self._loaded:
            self._loaded[language] = _read(self.directory / f"{language}.po")
        return self._loaded[language].get((context, message))


def _read(path: Path) -> dict[tuple[str | None, str], str]:
    """Return the finished (non-empty, not fuzzy) messages of a catalogue by context and msgid."""
    if not path.exists():
        return {}
    # Here, as most commands say nothing to residents and would wait for it.
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalogue = read_po(source, abort_invalid=True)
    return {
        (entry.context, entry.id): entry.string
        for entry in catalogue
        if isinstance(entry.id, str) and isinstance(entry.string, str)
        if entry.id and entry.string and not entry.fuzzy
    }
