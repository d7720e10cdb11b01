"""Find languages whose words are older than the Japanese ones.

Words are filled in for fifteen languages at once, and then somebody changes the Japanese. A draft
stores for each language the Japanese words that it was made for. So the others are marked until
somebody changes them too or confirms them. If the Japanese is changed back, nothing is marked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.models import AlertDraft, draft_of_notice

MADE_FOR = "made_for"
"""The key in ``AlertDraft.detail``: a fingerprint of the Japanese words by language."""
Words = Mapping[str, Mapping[str, str]]


def older(draft: AlertDraft) -> list[str]:
    """Return the languages whose words were made for an earlier Japanese text."""
    now, made = _fingerprint(draft.texts), draft.detail.get(MADE_FOR, {})
    return [code for code in _others(draft.texts) if made.get(code, now) != now]


def with_words(
    draft: AlertDraft, texts: Words, still_right: Collection[str] = ()
) -> dict[str, Any]:
    """Return the ``detail`` of ``draft`` with the new words ``texts``.

    Parameters
    ----------
    still_right
        Languages whose words somebody has confirmed for the current Japanese text.
    """
    before, now = _fingerprint(draft.texts), _fingerprint(texts)
    known = draft.detail.get(MADE_FOR, {})
    made = {}
    for code in _others(texts):
        changed = dict(texts[code]) != dict(draft.texts.get(code, {}))
        fits = changed or code in still_right or not draft.texts.get("ja", {}).get("text")
        made[code] = now if fits else known.get(code, before)
    return {**draft.detail, MADE_FOR: made}


async def as_begun(session: AsyncSession, draft: AlertDraft) -> dict[str, Any]:
    """Return the ``detail`` of a draft that begins with words of an earlier alert.

    Words that were out of date there are out of date here.
    """
    made = dict.fromkeys(_others(draft.texts), _fingerprint(draft.texts))
    source = draft.replaces_id or draft.detail.get("from_notice")
    if source is not None:
        earlier = await draft_of_notice(session, source)
        known = earlier.detail.get(MADE_FOR, {}) if earlier is not None else {}
        for code in made:
            if earlier is not None and draft.texts[code] == earlier.texts.get(code):
                made[code] = known.get(code, made[code])
    return {**draft.detail, MADE_FOR: made}


def _others(texts: Words) -> list[str]:
    return [code for code in texts if code != "ja" and texts[code].get("text")]


def _fingerprint(texts: Words) -> str:
    japanese = texts.get("ja", {})
    said = " ".join(f"{japanese.get('title', '')}\n{japanese.get('text', '')}".split())
    return hashlib.sha256(said.encode()).hexdigest()[:16]
