"""What is kept of a sentence that was not understood: no numbers, addresses and names."""

from __future__ import annotations

import re
import unicodedata

from core.text import clean

MOST = 80
"""Letters; somebody who writes more tells of themselves."""
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+")
_NUMBER = re.compile(r"\d[\d\s\-－ー−()（）.+/]*\d|\d")
_TITLED = re.compile(r"[^\W\d_]{1,8}(?=さん|さま|様|くん|君|ちゃん|氏|先生|씨|님|先生|女士|小姐)")
_KIN = re.compile(
    "(?:お?(?:母|父|かあ|とう|ばあ|じい|婆|爺|姉|兄|ねえ|にい|孫|嫁)|おば|おじ|赤|あか|"
    "職員|しょくいん|皆|みな|隣|ゴミ屋|선생|고객|先|大家|皆)$"
)
_AFTER = re.compile(
    r"(?P<start>my name is|i am called|me llamo|mi nombre es|meu nome (?:é|e)|me chamo|"
    r"tên (?:tôi )?là|tôi tên(?: là)?|nama saya|ang pangalan ko(?: ay)?|ako si|제 이름은|"
    r"我叫|我的名字是|ฉันชื่อ|ผมชื่อ|मेरो नाम|ខ្ញុំឈ្មោះ|ကျွန်တော့်နာမည်|ကျွန်မနာမည်|миний нэр|"
    r"名前は|なまえは|氏名)\s*\S+(?:\s\S+)?",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\S{1,12}(?=と(?:申し|もうし|いいま|言いま)|といいます)")


def masked(text: str) -> str | None:
    """Return a sentence as it is kept for staff; None if it is too long or says nothing."""
    plain = clean(unicodedata.normalize("NFKC", text), line=True)
    if len(plain) > MOST:
        return None
    plain = _ADDRESS.sub("…", plain)
    plain = _NUMBER.sub("#", plain)
    plain = _AFTER.sub(lambda found: f"{found['start']} ○○", plain)
    plain = _CALLED.sub("○○", plain)
    plain = _TITLED.sub(lambda found: found[0] if _KIN.search(found[0]) else "○○", plain)
    plain = plain.casefold().strip(" .,!?！？。、…~〜")
    return plain[:MOST] if any(c.isalpha() for c in plain) else None
