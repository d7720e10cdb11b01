"""Notices for the public pages, and which of them a page shows."""

from __future__ import annotations

from typing import Any

from feeds.models import Notice
from tests.support.notices import a_notice
from tests.support.office import Office


def notice(office: Office, identity: str, **changes: Any) -> Notice:
    texts = {
        "ja": {"title": f"{identity}の題", "text": "本文です。\nhttps://city.example/a?b=1&c=2"},
        "en": {"title": f"{identity} title", "text": "The text."},
    }
    return a_notice(office.clock.now(), identity, **({"texts": texts} | changes))


def shown(page: Any, section: str) -> list[str]:
    path = f'//section[@aria-labelledby="{section}"]/article/@id'
    return [str(one) for one in page.tree.xpath(path)]
