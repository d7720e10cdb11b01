"""Analyse Japanese place names: 茨城県南部 is the south of a prefecture called 茨城.

The agency's names of regions, coasts, epicentres and rivers, and those of its offices, consist of
names followed by a few dozen words. From the parts they can be written in any language without a
list of all of them. A name that cannot be analysed is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from feeds.texts.readings import MUNICIPAL, Readings, comparable_place, readings


class ToponymKind(StrEnum):
    """How the pieces of a place belong together."""

    PROPER = auto()
    """A name with a reading; it has no pieces."""
    WORD = auto()
    """A word behind one piece: 湾, 県, 沖, 部."""
    WITHIN = auto()
    """The second piece is inside the first."""
    LIST = auto()
    """Several places side by side."""
    NOTE = auto()
    """The first piece with a remark about the second: without it, or only there."""


@dataclass(frozen=True)
class Toponym:
    """A name taken apart. ``reading`` is in kana; spaces and hyphens part its words."""

    kind: ToponymKind
    japanese: str
    reading: str
    word: str = ""
    side: str = ""
    pieces: tuple[Toponym, ...] = ()


WORDS: dict[str, tuple[str, ...]] = {
    "地方気象台": ("ちほうきしょうだい",),
    "管区気象台": ("かんくきしょうだい",),
    "気象台": ("きしょうだい",),
    "測候所": ("そっこうじょ",),
    "地方整備局": ("ちほうせいびきょく",),
    "河川事務所": ("かせんじむしょ",),
    "河川国道事務所": ("かせんこくどうじむしょ",),
    "土木事務所": ("どぼくじむしょ",),
    "総合振興局": ("そうごうしんこうきょく",),
    "振興局": ("しんこうきょく",),
    "地方": ("ちほう",),
    "地域": ("ちいき",),
    "沿岸": ("えんがん",),
    "内陸": ("ないりく",),
    "平野部": ("へいやぶ",),
    "山沿い": ("やまぞい",),
    "上中流部": ("じょうちゅうりゅうぶ",),
    "上流部": ("じょうりゅうぶ",),
    "中流部": ("ちゅうりゅうぶ",),
    "下流部": ("かりゅうぶ",),
    "上流": ("じょうりゅう",),
    "中流": ("ちゅうりゅう",),
    "下流": ("かりゅう",),
    "流域": ("りゅういき",),
    "近海": ("きんかい",),
    "付近": ("ふきん",),
    "内湾": ("ないわん",),
    "湾": ("わん",),
    "灘": ("なだ",),
    "水道": ("すいどう",),
    "海峡": ("かいきょう",),
    "半島": ("はんとう",),
    "諸島": ("しょとう",),
    "列島": ("れっとう",),
    "群島": ("ぐんとう",),
    "本島": ("ほんとう",),
    "外海": ("そとうみ",),
    "県": ("けん",),
    "府": ("ふ",),
}
"""Words behind a name and how they are read; the longest that fits is taken."""
_SAME = {"上流部": "上流", "中流部": "中流", "下流部": "下流"}
_BY_LENGTH = sorted(WORDS, key=len, reverse=True)
_OFFICES = tuple(word for word in WORDS if word.endswith(("台", "所", "局")))

_PARTS = {
    "北": "ほく",
    "南": "なん",
    "東": "とう",
    "西": "せい",
    "中": "ちゅう",
    "北東": "ほくとう",
    "北西": "ほくせい",
    "南東": "なんとう",
    "南西": "なんせい",
    "中北": "ちゅうほく",
    "中南": "ちゅうなん",
    "中東": "ちゅうとう",
    "中西": "ちゅうせい",
}
_SIDES = {
    "北": "ほっぽう",
    "南": "なんぽう",
    "東": "とうほう",
    "西": "せいほう",
    "北東": "ほくとう",
    "北西": "ほくせい",
    "南東": "なんとう",
    "南西": "なんせい",
}
_PART = re.compile(r"(?P<side>[中北南東西]?・?[北南東西]?)部$")
_OFF = re.compile(r"(?:(?P<side>[北南][東西]|[北南東西](?=方))方?)?沖$")
_TOWARDS = re.compile(r"(?P<side>[北南東西])方$")
LONGEST = 40
"""Characters in a name; the agency's longest have about 20."""
_NOTES = {
    "を除く": ("除く", "をのぞく"),
    "を含む": ("含む", "をふくむ"),
    "区間": ("区間", "くかん"),
}
_NOTE = re.compile(r"^(?P<whole>[^（(]+)[（(](?P<part>.+)[）)]$")
_SYSTEM = re.compile(r"^(?P<before>.+?)水系(?P<after>.*)$")
_GEOGRAPHIC = ("湾", "半島", "島", "諸島", "列島", "群島", "川", "岳", "浦")
_OF_KIND = {"river": "川", "island": "島", "sea": "海", "lake": "湖", "volcano": "山"}
_KIND_READINGS = {
    "川": ("がわ", "かわ"),
    "島": ("",),
    "海": ("かい",),
    "湖": ("こ",),
    "山": ("やま", "さん", "ざん"),
}


def analyse(
    japanese: str, named: Collection[str] = (), areas: Sequence[str] = ()
) -> Toponym | None:
    """Return the parts of a name, or None if a part is not known.

    Parameters
    ----------
    japanese
        One name as the agency writes it (茨城県沖, 利根川上流部, 水戸地方気象台).
    named
        Names for which every language has its own word (太平洋沿岸); they stay whole.
    areas
        The telegram's codes, which distinguish two places of one name.
    """
    name = comparable_place(japanese)
    if not 0 < len(name) <= LONGEST:
        return None
    return _Analysis(named, areas, readings()).place(name, None)


class _Analysis:
    def __init__(self, named: Collection[str], areas: Sequence[str], known: Readings) -> None:
        self.named = named
        self.areas = areas
        self.known = known
        self.met: dict[tuple[str, str | None], Toponym | None] = {}

    def place(self, name: str, reading: str | None) -> Toponym | None:
        """Return the parts of ``name``; a missing reading is looked up."""
        if not name:
            return None
        asked = name, reading
        if asked not in self.met:
            self.met[asked] = self._taken_apart(name, reading or self.known.of(name, self.areas))
        return self.met[asked]

    def _taken_apart(self, name: str, reading: str | None) -> Toponym | None:
        if name in self.named and reading is not None:
            return Toponym(ToponymKind.PROPER, name, reading)
        return (
            self._of_kind(name, reading)
            or self._municipality(name, reading)
            or self._with_note(name)
            or self._of_a_system(name)
            or self._in_prefecture(name, reading)
            or self._side_by_side(name)
            or self._behind(name, reading)
            or self._proper(name, reading)
        )

    def _proper(self, name: str, reading: str | None) -> Toponym | None:
        reading = reading or self.known.by_stem.get(name)
        if reading is None and _is_kana(name):
            reading = name
        return None if reading is None else Toponym(ToponymKind.PROPER, name, reading)

    def _of_kind(self, name: str, reading: str | None) -> Toponym | None:
        word = _OF_KIND.get(self.known.kinds.get(name, ""))
        if word is None or reading is None:
            return None
        for ending in _KIND_READINGS[word]:
            if name.endswith(word) and reading.endswith(ending):
                stem = name if word == "島" else name[:-1]
                rest = reading if word == "島" else reading.removesuffix(ending)
                if len(stem) < 2 or stem.endswith(("焼", "の")):
                    # 荒川 stays Arakawa: nobody knows an Ara River.
                    stem, rest = name, reading
                inner = Toponym(ToponymKind.PROPER, stem, rest.strip(" -"))
                return Toponym(ToponymKind.WORD, name, reading, word, pieces=(inner,))
        if word in ("山", "川") and not name.endswith(("岳", "川")):
            return Toponym(ToponymKind.PROPER, name, reading)
        whole = Toponym(ToponymKind.PROPER, name, reading)
        return Toponym(ToponymKind.WORD, name, reading, word, pieces=(whole,))

    def _municipality(self, name: str, reading: str | None) -> Toponym | None:
        if name[-1] not in MUNICIPAL:
            return None
        if reading is None:
            return self._told_apart(name)
        if not self.known.is_municipality(name) or " " in reading:
            return None
        for ending in MUNICIPAL[name[-1]]:
            if reading.endswith(ending):
                stem = Toponym(ToponymKind.PROPER, name[:-1], reading.removesuffix(ending))
                return Toponym(ToponymKind.WORD, name, reading, name[-1], pieces=(stem,))
        return None

    def _told_apart(self, name: str) -> Toponym | None:
        """Return 広野町 for 福島広野町, as intensities name towns that have a namesake."""
        for code, prefecture in self.known.prefectures.items():
            short = name.removeprefix(prefecture[:-1])
            if short == name:
                continue
            for area, (municipality, reading) in self.known.municipalities.items():
                if area.startswith(code) and comparable_place(municipality) == short:
                    return self._municipality(short, reading)
        return None

    def _with_note(self, name: str) -> Toponym | None:
        found = _NOTE.match(name)
        if found is None:
            return None
        remark = next((each for each in _NOTES if found["part"].endswith(each)), "")
        whole = self.place(found["whole"], None)
        part = self.place(found["part"].removesuffix(remark), None)
        if whole is None:
            return None
        if part is None:
            # 草津白根山（白根山（湯釜付近））is still 草津白根山; a place less a part of it is not.
            return None if "除く" in found["part"] else whole
        word, spoken = _NOTES.get(remark, ("区間", ""))
        reading = f"{whole.reading}（{part.reading}{spoken}）"
        return Toponym(ToponymKind.NOTE, name, reading, word, pieces=(whole, part))

    def _of_a_system(self, name: str) -> Toponym | None:
        """Return the river of 信濃川水系千曲川; which system it belongs to is left out."""
        found = _SYSTEM.match(name)
        if found is None:
            return None
        before = self.place(found["before"], None)
        if not found["after"]:
            return before and _renamed(before, name, f"{before.reading}すいけい")
        meant = self.place(found["after"], None)
        if before is None or meant is None:
            return None
        if meant.kind is ToponymKind.PROPER and meant.japanese.endswith("川"):
            # 大和川水系石川 is a river, and neither the prefecture nor the city of that name.
            river = Toponym(ToponymKind.PROPER, meant.japanese, meant.reading)
            return Toponym(
                ToponymKind.WORD,
                name,
                f"{before.reading} すいけい {meant.reading}",
                "川",
                pieces=(river,),
            )
        return _renamed(meant, name, f"{before.reading} すいけい {meant.reading}")

    def _in_prefecture(self, name: str, reading: str | None) -> Toponym | None:
        prefecture = next(
            (each for each in self.known.prefectures.values() if name.startswith(each)), None
        )
        if prefecture is None:
            return None
        whole = self.place_of_prefecture(prefecture)
        rest = name.removeprefix(prefecture)
        if not rest:
            return whole
        if "・" in rest and self._words_behind(whole, rest.split("・")[0]):
            return self._listed(name, [f"{prefecture}{rest.split('・')[0]}", *rest.split("・")[1:]])
        behind = self._words_behind(whole, rest)
        if behind is not None:
            return behind
        given = None if reading is None else _without_start(reading, whole.reading)
        part = self.place(rest, self.known.of(rest, self.areas) or given)
        if part is None:
            return None
        return Toponym(
            ToponymKind.WITHIN, name, f"{whole.reading} {part.reading}", pieces=(whole, part)
        )

    def place_of_prefecture(self, name: str) -> Toponym:
        reading = self.known.by_name[name]
        if name in self.named:
            return Toponym(ToponymKind.PROPER, name, reading)
        stem = Toponym(ToponymKind.PROPER, name[:-1], reading.split("-")[0])
        return Toponym(ToponymKind.WORD, name, reading, name[-1], pieces=(stem,))

    def _words_behind(self, start: Toponym, rest: str) -> Toponym | None:
        """Return ``start`` followed by the words of ``rest``; None if it has a name."""
        here: Toponym | None = start
        while rest and here is not None:
            for length in range(1, len(rest) + 1):
                longer = self._one_word(here, rest[:length], f"{here.japanese}{rest[:length]}")
                follows = rest[length : length + 1]
                if longer is not None and not (follows and follows in "部流陸岸方沖域"):
                    here, rest = longer, rest[length:]
                    break
            else:
                here = None
        return here

    def _one_word(self, inner: Toponym, word: str, name: str) -> Toponym | None:
        if word in WORDS:
            return self._word(_SAME.get(word, word), name, inner, WORDS[word][0])
        for pattern, key, table, spoken in (
            (_PART, "部", _PARTS, "ぶ"),
            (_OFF, "沖", _SIDES, "おき"),
            (_TOWARDS, "方", _SIDES, ""),
        ):
            found = pattern.fullmatch(word)
            side = (found["side"] or "").replace("・", "") if found else ""
            if found is None or (side not in table and (side or key != "沖")):
                continue
            key = "方沖" if key == "沖" and side else key
            return self._word(key, name, inner, f"{table.get(side, '')}{spoken}", side)
        return None

    def _side_by_side(self, name: str) -> Toponym | None:
        """Return 相模湾・三浦半島 as two places; 伊豆・小笠原諸島 has one word behind both."""
        items = re.split("・|及び", name)
        if len(items) < 2 or not all(item.endswith(_GEOGRAPHIC) for item in items):
            return None
        return self._listed(name, items)

    def _listed(self, name: str, items: Sequence[str]) -> Toponym | None:
        places = [self.place(item, None) for item in items]
        if not all(places):
            return None
        pieces = tuple(place for place in places if place is not None)
        return Toponym(
            ToponymKind.LIST, name, "・".join(each.reading for each in pieces), pieces=pieces
        )

    def _behind(self, name: str, reading: str | None) -> Toponym | None:
        """Return a name with one word behind it, taken off the end."""
        for word in _BY_LENGTH:
            stem = name.removesuffix(word)
            if stem in ("", name):
                continue
            for ending in WORDS[word]:
                given = None if reading is None else _without_end(reading, ending)
                inner = self._stem(stem, given, word)
                if inner is not None:
                    return self._word(_SAME.get(word, word), name, inner, ending)
        for pattern in (_OFF, _PART, _TOWARDS):
            found = pattern.search(name)
            if found is None or found.start() == 0:
                continue
            behind = self._one_word(_NOTHING, found.group(), name)
            if behind is None:
                continue
            given = None if reading is None else _without_end(reading, behind.reading)
            inner = self._stem(name[: found.start()], given, found.group())
            if inner is not None:
                return self._one_word(inner, found.group(), name)
        items = re.split("・|及び", name)
        return self._listed(name, items) if len(items) > 1 else None

    def _stem(self, stem: str, reading: str | None, word: str) -> Toponym | None:
        if word in ("県", "府"):
            return self._proper(stem, reading or self.known.of(stem, self.areas))
        found = self.place(stem, reading)
        if word in _OFFICES and found is not None:
            # An office is called after a place: Tonegawa Joryu River Office.
            return Toponym(ToponymKind.PROPER, stem, found.reading)
        return found

    @staticmethod
    def _word(word: str, name: str, inner: Toponym, ending: str, side: str = "") -> Toponym:
        reading = f"{inner.reading} {ending}".strip()
        return Toponym(ToponymKind.WORD, name, reading, word, side, (inner,))


_NOTHING = Toponym(ToponymKind.PROPER, "", "")


def _renamed(place: Toponym, japanese: str, reading: str) -> Toponym:
    return Toponym(place.kind, japanese, reading, place.word, place.side, place.pieces)


def _without_end(reading: str, ending: str) -> str | None:
    """Return the part before ``ending``; marks between words do not count."""
    plain = re.sub(r"[ -]", "", reading)
    if not plain.endswith(ending) or plain == ending:
        return None
    left, counted = len(reading), 0
    while counted < len(ending):
        left -= 1
        counted += reading[left] not in " -"
    return reading[:left].strip(" -")


def _without_start(reading: str, start: str) -> str | None:
    plain = re.sub(r"[ -]", "", start)
    if not re.sub(r"[ -]", "", reading).startswith(plain):
        return None
    at, counted = 0, 0
    while counted < len(plain):
        counted += reading[at] not in " -"
        at += 1
    return reading[at:].strip(" -") or None


def _is_kana(text: str) -> bool:
    return re.fullmatch(r"[ぁ-ゖァ-ヺー・]+", text) is not None
