"""The words of a notice for a reader, checked for drill and real. Every medium uses these."""

from __future__ import annotations

from channels.reasons import reason
from core.errors import BadInput
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.models import Notice
from feeds.texts import drill_mark


def notice_words(notice: Notice, language: str) -> tuple[str, str, str]:
    """Return the language that is used in the end, the title and the text.

    If the notice lacks the language, easy Japanese, Japanese, English or any other is used. Title
    and text of a drill begin with the language's 【訓練】 (promise 5).

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    order = (language, EASY_JAPANESE, "ja", "en", *notice.texts)
    spoken = next((each for each in order if each in notice.texts), None)
    if spoken is None:
        raise BadInput(reason("notice.no-words", identity=notice.identity))
    words = notice.texts[spoken]
    title, text = words.get("title", "").strip(), words.get("text", "").strip()
    title, text = title or text.partition("\n")[0], text or title
    if not title:
        raise BadInput(reason("notice.silent-in", identity=notice.identity, language=spoken))
    known = spoken if spoken in LANGUAGES else "ja"
    if notice.drill:
        mark = drill_mark(known)
        title = title if title.startswith(mark) else f"{mark} {title}"
        text = text if text.startswith(mark) else f"{mark} {text}"
    elif any(words.startswith(mark) for mark in _all_marks() for words in (title, text)):
        raise BadInput(reason("notice.real-as-drill", identity=notice.identity))
    return known, title, text


def _all_marks() -> set[str]:
    return {drill_mark(language) for language in LANGUAGES}
