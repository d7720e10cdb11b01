"""Words that something got worse, in what residents write of a report, in all sixteen languages.

They only make the conversation ask which of their reports is meant, and keep the words with it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

WORSE = {
    "ja": (
        "悪化|(?:悪|わる|ひど|酷|大き|おおき|深|ふか|広|ひろ)く ?な(?:っ|り|る)|"
        "(?:広が|ひろが|深ま|増え|進ん|崩れてき|傾いてき)(?:っ|り|て|で)|"
        "危(?:険に|なく) ?な(?:っ|り)|あぶなく ?な(?:っ|り)|もっと(?:悪|わる|ひど|危)"
    ),
    "en": (
        r"worse\b|worsen|deteriorat|(?:bigger|larger|deeper|wider) (?:now|than)|"
        r"(?:got|getting|become|becoming|grown|growing|is) (?:much |even |a lot )?"
        r"(?:bigger|larger|deeper|wider)|(?:now|become|became|getting) (?:very |more )?dangerous|"
        r"dangerous now|spreading"
    ),
    "zh": (
        "(?:变|變)(?:得)?(?:更)?(?:严重|嚴重|大|深|宽|寬|糟|坏|壞|危险|危險)|恶化|惡化|"
        "越来越|越來越|更(?:严重|嚴重|危险|危險|大|深|糟)了?|扩大|擴大"
    ),
    "ko": "더 (?:나빠|심해|커|깊어|넓어|위험)|악화|심해졌|커졌|깊어졌|넓어졌|위험해졌|점점",
    "vi": (
        "tệ hơn|nặng hơn|nghiêm trọng hơn|(?:to|lớn|sâu|rộng) hơn|nguy hiểm hơn|lan rộng|xấu đi"
    ),
    "pt": (
        r"pior(?:ou|ando|a)?\b|(?:ficou|está|esta|tá) (?:mais|maior|pior)|aument(?:ou|ando)|"
        "mais (?:perigos|fund|grande)|cresceu|agravou"
    ),
    "es": (
        r"peor\b|empeor|(?:está|esta|es) más|(?:más|mas) (?:grande|profund|peligros)|"
        "ha crecido|creció|se agrand|aument"
    ),
    "id": (
        "(?:makin|semakin|tambah|lebih) (?:parah|besar|dalam|lebar|buruk|bahaya|berbahaya)|memburuk"
    ),
    "tl": "lumala|lumalala|lumaki|lumalim|mas (?:malala|malaki|malalim|delikado|mapanganib)|lalong",
    "th": "แย่ลง|หนักขึ้น|รุนแรงขึ้น|ใหญ่ขึ้น|ลึกขึ้น|กว้างขึ้น|อันตรายขึ้น|อันตรายมากขึ้น|ลุกลาม",
    "ne": (
        "झन्|झन |बिग्रिँदै|बिग्रिदै|बिग्रियो|ठूलो भ(?:यो|एको)|गहिरो भ(?:यो|एको)|बढ्दै|बढेको|खतरनाक भ(?:यो|एको)"
    ),
    "km": "កាន់តែ|ធ្ងន់ធ្ងរជាង|ធំជាងមុន|ជ្រៅជាងមុន|អាក្រក់ជាងមុន",
    "my": "ပိုဆိုး|ပိုကြီး|ပိုနက်|ပိုကျယ်|ပိုအန္တရာယ်|ဆိုးလာ|ကြီးလာ|နက်လာ",
    "mn": (
        "муудсан|муудаж|дордсон|дордож|томорсон|томорч|гүнзгийр|өргөссөн|илүү (?:муу|том|гүн|аюул)"
    ),
}
"""Patterns by the language's name before its first hyphen, looked for in every text."""
MOST = 1000
_SPACED = ("en", "vi", "pt", "es", "id", "tl", "mn")


@cache
def _pattern() -> re.Pattern[str]:
    # A word of Latin or Cyrillic letters counts from its beginning.
    spaced = "|".join(WORSE[one] for one in _SPACED)
    other = "|".join(words for one, words in WORSE.items() if one not in _SPACED)
    return re.compile(rf"(?<!\w)(?:{spaced})|(?:{other})", re.IGNORECASE)


def says_worse(text: str) -> bool:
    """Whether a text says that something got worse, whatever its language."""
    return _pattern().search(unicodedata.normalize("NFKC", text[:MOST])) is not None
