"""The date in a sentence counts, in the forms of each language."""

from __future__ import annotations

from datetime import date

import pytest

from bot.dialogues.buttons import standard_understanding

MONDAY = date(2026, 11, 30)
SAID = (
    ("en", "trash on December 3rd", date(2026, 12, 3)),
    ("en", "what goes out on 3 December", date(2026, 12, 3)),
    ("en", "trash next Friday", date(2026, 12, 11)),
    ("en", "garbage on the 3rd", date(2026, 12, 3)),
    ("en", "I have 3 batteries", None),
    ("ja", "29日は何のごみ", date(2026, 12, 29)),
    ("ja", "１２月３日のゴミ", date(2026, 12, 3)),
    ("ja", "来週の火曜のペットボトル", date(2026, 12, 8)),
    ("ja", "10本の電池の捨て方", None),
    ("zh-Hans", "下周二收什么垃圾", date(2026, 12, 8)),
    ("zh-Hant", "29號收什麼垃圾", date(2026, 12, 29)),
    ("ko", "다음주 화요일 쓰레기", date(2026, 12, 8)),
    ("vi", "ngày 3 tháng 12 đổ rác gì", date(2026, 12, 3)),
    ("vi", "Thứ Ba tuần sau rác gì", date(2026, 12, 8)),
    ("pt", "lixo 3 de dezembro", date(2026, 12, 3)),
    ("es", "basura del 3 de diciembre", date(2026, 12, 3)),
    ("id", "sampah tanggal 29", date(2026, 12, 29)),
    ("tl", "basura sa Disyembre 3", date(2026, 12, 3)),
    ("th", "3 ธันวาคม ขยะอะไร", date(2026, 12, 3)),
    ("th", "อังคารหน้าทิ้งขยะอะไร", date(2026, 12, 8)),
    ("ne", "२९ गते कुन फोहोर", date(2026, 12, 29)),
    ("km", "ថ្ងៃទី២៩ចោលសំរាមអ្វី", date(2026, 12, 29)),
    ("my", "၂၉ ရက် ဘာအမှိုက်", date(2026, 12, 29)),
    ("mn", "12 сарын 3 ямар хог", date(2026, 12, 3)),
    ("mn", "дараа мягмар ямар хог", date(2026, 12, 8)),
)


@pytest.mark.parametrize(("language", "text", "day"), SAID)
def test_the_date_in_a_sentence_is_read_in_each_language(
    language: str, text: str, day: date | None
) -> None:
    assert standard_understanding().meaning(text, language, MONDAY).date == day
