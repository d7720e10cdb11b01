"""Put ready paragraphs into a draft: ready words, or a template whose blanks are filled in."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.models import AlertDraft
from alerts.origins import Origin, origins

Texts = dict[str, tuple[str, str]]
"""Title and text by language."""


def put_in(
    draft: AlertDraft, words: Mapping[str, str], origin: Origin, *, replace: bool
) -> tuple[Texts, dict[str, Origin]]:
    """Return a draft's texts with ``words`` in them, and the origin of what changed.

    Parameters
    ----------
    words
        A paragraph by language.
    replace
        Whether they replace all words. Otherwise they come after those that are there, in the
        languages that have words already: half a message in a language would look like all of it.
        Where there is no Japanese yet, they begin every language.
    """
    if replace:
        return {code: ("", text) for code, text in words.items()}, dict.fromkeys(words, origin)
    before = origins(draft)
    texts = {code: (own.get("title", ""), own.get("text", "")) for code, own in draft.texts.items()}
    is_first = not texts.get("ja", ("", ""))[1]
    made = {}
    for code, text in words.items():
        title, old = texts.get(code, ("", ""))
        if not old and not is_first:
            continue
        texts[code] = (title, f"{old}\n\n{text}" if old else text)
        made[code] = before[code].followed_by(origin) if old else origin
    return texts, made
