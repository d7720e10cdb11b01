"""Notices as the public reads them, for tests of pages."""

from __future__ import annotations

from typing import Any

from city.city import Decision
from feeds.models import Notice, Status
from tests.support.office import Office

ORDER = {
    "ja": {
        "title": "【避難指示】警戒レベル４ 中央地区",
        "text": "川の水があふれるおそれがあります。"
        "危険な場所にいる人は、全員今すぐ避難してください。\n"
        "外に出るのが危ないときは、建物の２階以上へ移ってください。",
    },
    "ja-x-easy": {"title": "逃（に）げてください", "text": "川（かわ）が 危（あぶ）ないです。"},
    "en": {
        "title": "Evacuation order: alert level 4, Chuo",
        "text": "The river may overflow. Everybody in a dangerous place: leave now.\n"
        "If it is dangerous to go out, move to the second floor or higher.",
    },
    "my": {
        "title": "ဘေးရှောင်ရန် ညွှန်ကြားချက် − အန္တရာယ်အဆင့် ၄",
        "text": "မြစ်ရေ လျှံနိုင်ပါသည်။ အန္တရာယ်ရှိသော နေရာရှိသူအားလုံး ယခုချက်ချင်း ရှောင်ပါ။",
    },
}
"""An evacuation order as staff send it."""


def order(office: Office, identity: str = "order", **changes: Any) -> Notice:
    """Return a real evacuation order for the whole city, in force now."""
    now = office.clock.now()
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "evacuation",
        "kind": "避難指示",
        "level": 4,
        "emergency": True,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": now,
        "texts": ORDER,
        "decision": Decision.SEND,
        "decided_by": "staff@city.example",
        "created_at": now,
        **changes,
    }
    return Notice(**values)


def news(office: Office, identity: str, **changes: Any) -> Notice:
    """Return a piece of news that concerns nobody's life."""
    words = {
        "ja": {"title": f"{identity}のお知らせ", "text": "図書館は月曜日に休みます。"},
        "en": {"title": f"News: {identity}", "text": "The library is closed on Monday."},
    }
    usual = {"topic": "events", "kind": "", "level": 0, "emergency": False, "texts": words}
    return order(office, identity, **{**usual, "status": Status.NONE, **changes})
