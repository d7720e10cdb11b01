"""Kana into hangul, as Korean writes Japanese names.

The rule is the table for Japanese in the Ministry of Culture's loanword orthography
(외래어 표기법, 표 4): か and た row sounds differ at the start of a word, つ is 쓰, ん and っ
close the syllable before them, long vowels are not written.
"""

from __future__ import annotations

import re
import unicodedata

from feeds.texts.romaji import parted

_ROWS = (
    "あ아 い이 う우 え에 お오 か카 き키 く쿠 け케 こ코 さ사 し시 す스 せ세 そ소"
    " た타 ち치 つ쓰 て테 と토 な나 に니 ぬ누 ね네 の노 は하 ひ히 ふ후 へ헤 ほ호"
    " ま마 み미 む무 め메 も모 や야 ゆ유 よ요"
    " ら라 り리 る루 れ레 ろ로 わ와 を오 が가 ぎ기 ぐ구 げ게 ご고 ざ자 じ지 ず즈 ぜ제 ぞ조"
    " だ다 ぢ지 づ즈 で데 ど도 ば바 び비 ぶ부 べ베 ぼ보 ぱ파 ぴ피 ぷ푸 ぺ페 ぽ포 ゔ부"
    " きゃ캬 きゅ큐 きょ쿄 しゃ샤 しゅ슈 しょ쇼 しぇ셰 ちゃ차 ちゅ추 ちょ초 ちぇ체"
    " にゃ냐 にゅ뉴 にょ뇨"
    " ひゃ햐 ひゅ휴 ひょ효 みゃ먀 みゅ뮤 みょ묘 りゃ랴 りゅ류 りょ료 ぎゃ갸 ぎゅ규 ぎょ교"
    " じゃ자 じゅ주 じょ조 じぇ제 びゃ뱌 びゅ뷰 びょ뵤 ぴゃ퍄 ぴゅ퓨 ぴょ표"
    " ふぁ파 ふぃ피 ふぇ페 ふぉ포 てぃ티 でぃ디 うぃ위 うぇ웨"
)
_SYLLABLES = {entry[:-1]: entry[-1] for entry in _ROWS.split()}
_FIRST = {
    "か": "가",
    "き": "기",
    "く": "구",
    "け": "게",
    "こ": "고",
    "た": "다",
    "ち": "지",
    "て": "데",
    "と": "도",
    "きゃ": "갸",
    "きゅ": "규",
    "きょ": "교",
    "ちゃ": "자",
    "ちゅ": "주",
    "ちょ": "조",
}
"""Sounds that are written softer where a word begins."""
_VOWELS = dict(zip("ᅡᅣᅵᅮᅲᅳᅦᅨᅩᅭ", "aaiuuueeoo", strict=True))
_LONG = ("aあ", "iい", "uう", "eえ", "oう", "oお")
_CLOSING_N, _CLOSING_S = 4, 19
"""Places of ㄴ and ㅅ among the closing consonants of Unicode's hangul syllables."""


def hangul(reading: str, written: str = "") -> str:
    """Return ``reading`` (kana; spaces and hyphens part words) in hangul.

    Parameters
    ----------
    written
        The same name in writing; it shows where a vowel begins a new part (松浦).
    """
    words = re.split(r"([ -])", "|".join(parted(reading, written)))
    return "".join("" if word == "-" else _word(word) for word in words)


def _word(kana: str) -> str:
    out = ""
    vowel = ""
    at = 0
    while at < len(kana):
        pair = kana[at : at + 2]
        part = pair if len(pair) == 2 and pair in _SYLLABLES else kana[at]
        at += len(part)
        if part == "|":
            vowel = ""
        elif part in ("ん", "っ"):
            out = _closed(out, _CLOSING_N if part == "ん" else _CLOSING_S)
            vowel = ""
        elif part == "ー" or (vowel + part) in _LONG:
            vowel = ""
        else:
            table = _FIRST if not out and part in _FIRST else _SYLLABLES
            out += table.get(part, part)
            vowel = _vowel(out[-1])
    return out


def _closed(text: str, consonant: int) -> str:
    if not text or not "가" <= text[-1] <= "힣":
        return text
    return text[:-1] + chr(ord(text[-1]) + consonant)


def _vowel(syllable: str) -> str:
    """Return the vowel (a i u e o) that the kana after ``syllable`` may lengthen."""
    parts = unicodedata.normalize("NFD", syllable)
    return _VOWELS.get(parts[1:2], "")
