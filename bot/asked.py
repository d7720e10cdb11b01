"""What is kept of a sentence that was not understood: no numbers, addresses and names.

Rules cannot find every name. What they leave is kept without who asked, and for
``[retention] questions`` days.
"""

from __future__ import annotations

import re
import unicodedata

from bot.personal_names import MASK, without_names
from core.text import clean

MOST = 80
"""Letters; somebody who writes more tells of themselves."""
_K = r"[一-\u9fff々ヶ]"
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+|(?<!\w)@[\w.]{3,40}")
_PLATE = re.compile(
    rf"(?:{_K}|[ぁ-んァ-ヶ]){{1,4}}\s?\d{{2,3}}[A-Z]?\s?[ぁ-ん]\s?(?:\d\d?-\d\d|[・.]{{1,3}}\s?-?\d{{1,3}}|\d{{1,4}})"
)
"""A number plate: つくば 500 あ 12-34."""
_KANJI_NUMBER = re.compile(
    r"[〇一二三四五六七八九十百]+(?=丁目|番地|番[〇一二三四五六七八九十\d]|号室)"
    r"|(?<=番)[〇一二三四五六七八九十百]+(?=号)"
)
_NUMBER = re.compile(r"\d[\d\s\-－ー−()（）.+/]*\d|\d")
_LOT = re.compile(r"#(?:(?:丁目|番地|番|号)#?|の#)+(?![線車])")
"""What is left of the numbers of a lot: 三丁目2番5号."""
_ROOM = re.compile(r"(?:[ァ-ヶーA-Za-z]{2,15}\s?)?#\s?号室")
_BEFORE_NUMBER = re.compile(
    r"(?P<start>(?:住所|じゅうしょ|自宅)(?:は|:|が)|\b(?:my address is|i live at|mi dirección es|"
    r"vivo en|meu endereço é|moro na|moro no|alamat saya|nakatira ako sa|"
    r"địa chỉ(?: của)? tôi(?: là)?|"
    r"хаяг(?: минь)?|주소는)|我住在|地址是|ที่อยู่(?:ของฉัน)?คือ|मेरो ठेगाना)\s*[^#]{1,40}#"
)


def masked(text: str) -> str | None:
    """Return a sentence as it is kept for staff; None if it is too long or says nothing.

    Mail addresses, links, number plates, names and the numbers of telephones, houses and rooms are
    replaced. Towns, facilities and things stay: without them nobody could answer.
    """
    plain = clean(unicodedata.normalize("NFKC", text), line=True)
    if len(plain) > MOST:
        return None
    plain = _ADDRESS.sub("…", plain)
    plain = _PLATE.sub(MASK, plain)
    plain = _KANJI_NUMBER.sub("#", plain)
    plain = without_names(plain)
    plain = _NUMBER.sub("#", plain)
    plain = _LOT.sub("#", _ROOM.sub("#", plain))
    plain = _BEFORE_NUMBER.sub(lambda found: f"{found['start']} {MASK}", plain)
    plain = plain.casefold().strip(" .,!?！？。、…~〜")
    return plain[:MOST] if any(c.isalpha() for c in plain) else None
