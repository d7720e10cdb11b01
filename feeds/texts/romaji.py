"""Kana to Hepburn letters, as Japanese cities write their own names on signs.

Long vowels are not marked (おおさか is Osaka, とうきょう Tokyo); ん is always n, with an
apostrophe before a vowel or y. The source of the rule is the road-sign practice of the
Ministry of Land, Infrastructure, Transport and Tourism (Hepburn without macrons).
"""

from __future__ import annotations

import re

_PAIRS = (
    "きゃkya きゅkyu きょkyo しゃsha しゅshu しょsho しぇshe ちゃcha ちゅchu ちょcho ちぇche"
    " にゃnya にゅnyu にょnyo ひゃhya ひゅhyu ひょhyo みゃmya みゅmyu みょmyo りゃrya りゅryu"
    " りょryo ぎゃgya ぎゅgyu ぎょgyo じゃja じゅju じょjo じぇje びゃbya びゅbyu びょbyo"
    " ぴゃpya ぴゅpyu ぴょpyo ぢゃja ぢゅju ぢょjo ふぁfa ふぃfi ふぇfe ふぉfo てぃti でぃdi"
    " ゔぁva ゔぃvi ゔぇve ゔぉvo うぃwi うぇwe"
)
_SINGLES = (
    "あa いi うu えe おo かka きki くku けke こko さsa しshi すsu せse そso たta ちchi つtsu"
    " てte とto なna にni ぬnu ねne のno はha ひhi ふfu へhe ほho まma みmi むmu めme もmo"
    " やya ゆyu よyo らra りri るru れre ろro わwa をo んn がga ぎgi ぐgu げge ごgo ざza じji"
    " ずzu ぜze ぞzo だda ぢji づzu でde どdo ばba びbi ぶbu べbe ぼbo ぱpa ぴpi ぷpu ぺpe ぽpo"
    " ゔvu"
)
_KANA = {
    **{entry[:2]: entry[2:] for entry in _PAIRS.split()},
    **{entry[0]: entry[1:] for entry in _SINGLES.split()},
}
_VOWELS = "aiueo"

_BOUNDARIES = {
    "浦": "うら",
    "内": "うち",
    "海": "うみ",
    "宇": "う",
    "臼": "うす",
    "魚": "うお",
    "岡": "おか",
    "丘": "おか",
    "表": "おもて",
    "音": "おと",
    "尾": "お",
    "於": "お",
    "折": "おり",
}
"""Characters whose own reading begins with a vowel that lengthens nothing (まつ+うら)."""

BREAK = "|"
"""Marks where a vowel begins a new part of a name; never in the result."""


def romanise(reading: str, written: str = "") -> str:
    """Return ``reading`` in Hepburn letters, lower case.

    Parameters
    ----------
    reading
        Hiragana or katakana. Other characters stay as they are, so that a space or a hyphen
        separates words.
    written
        The same name in writing; it shows where a vowel begins a new part, so that 松浦 becomes
        matsuura and not matsura.
    """
    return "".join(_shorten(_letters(piece)) for piece in parted(reading, written))


def parted(reading: str, written: str = "") -> list[str]:
    """Return ``reading`` in hiragana, cut where a vowel begins a new part of the name."""
    kana = hiragana(reading)
    for character, part in _BOUNDARIES.items():
        if character in written:
            kana = re.sub(rf"(?<=[^{BREAK}]){part}", BREAK + part, kana)
    return kana.replace("のうえ", f"の{BREAK}うえ").split(BREAK)


def hiragana(text: str) -> str:
    """Return katakana as hiragana, everything else as it is."""
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヴ" else c for c in text)


def _letters(kana: str) -> list[str]:
    """Return one piece of letters a syllable, small っ doubled into the next one."""
    pieces: list[str] = []
    doubled = False
    at = 0
    while at < len(kana):
        for length in (2, 1):
            letters = _KANA.get(kana[at : at + length])
            if letters is not None and len(kana[at : at + length]) == length:
                break
        else:
            length, letters = 1, kana[at]
        here = kana[at]
        at += length
        if here == "っ":
            doubled = True
            continue
        if here == "ー":
            continue
        if doubled:
            letters = ("t" if letters.startswith("ch") else letters[:1]) + letters
            doubled = False
        if pieces and pieces[-1] == "n" and letters[:1] in (*_VOWELS, "y"):
            letters = "'" + letters
        pieces.append(letters)
    return pieces


def _shorten(pieces: list[str]) -> str:
    """Drop the second half of a long o or u (ou, oo, uu)."""
    out: list[str] = []
    for piece in pieces:
        before = out[-1] if out else ""
        long_o = before.endswith("o") and piece in ("u", "o")
        long_u = before.endswith("u") and piece == "u"
        if long_o or long_u:
            out.append("")
            continue
        out.append(piece)
    return "".join(out)
