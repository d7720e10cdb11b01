"""Japanese in its other forms: in Latin letters, polite, in the dialect of Kansai."""

from __future__ import annotations

import re

_ROWS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの",
    "h": "はひふへほ", "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ",
    "d": "だぢづでど", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ", "y": "や ゆ よ", "w": "わ   を",
    "l": "らりるれろ",
}  # fmt: skip
_SYLLABLES = {
    consonant + vowel: kana
    for consonant, row in _ROWS.items()
    for vowel, kana in zip("aiueo", row, strict=True)
    if kana != " "
} | {"shi": "し", "chi": "ち", "tsu": "つ", "fu": "ふ", "ji": "じ", "n": "ん"}
for _start, _kana in {
    "ky": "き", "sh": "し", "sy": "し", "ch": "ち", "ty": "ち", "ny": "に", "hy": "ひ",
    "my": "み", "ry": "り", "gy": "ぎ", "j": "じ", "jy": "じ", "zy": "じ", "by": "び", "py": "ぴ",
}.items():  # fmt: skip
    for _vowel, _small in {"a": "ゃ", "u": "ゅ", "o": "ょ"}.items():
        _SYLLABLES[_start + _vowel] = _kana + _small
_SYLLABLE = re.compile("|".join(sorted(_SYLLABLES, key=lambda s: (-len(s), s))))
_DOUBLED = re.compile(r"([kstpgdzbcj])(?=\1)|t(?=ch)")


def kana(word: str) -> str | None:
    """Return a word of Latin letters in hiragana; None when it is not Japanese."""
    rest = _DOUBLED.sub("っ", word.lower())
    rest = re.sub(r"n(?=[^aiueoy]|$)", "ん", rest)
    heard = _SYLLABLE.sub(lambda found: _SYLLABLES[found[0]], rest)
    return None if re.search("[a-z]", heard) else heard


_PLAIN_FORMS = (
    ("とります", "てる"), ("てしまった", "た"), ("てもうた", "た"), ("ちゃった", "た"),
    ("とる", "てる"), ("ておりません", "てない"), ("ていません", "てない"), ("てません", "てない"),
    ("ません", "ない"), ("ております", "てる"), ("ています", "てる"),
    ("てます", "てる"), ("ている", "てる"), ("ていない", "てない"),
    ("でいる", "でる"), ("ました", "た"), ("へんねん", "ない"),
    ("へん", "ない"),
)  # fmt: skip


def with_plain_forms(packed: str) -> str:
    """Return a text with its plain form behind it: 出ません is 出ない, つかへん is つかない."""
    plain = packed
    for polite, short in _PLAIN_FORMS:
        plain = plain.replace(polite, short)
    return packed if plain == packed else f"{packed}|{plain}"
