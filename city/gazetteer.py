"""The city's places by name: what a resident types becomes a pin.

Three sources: ``landmarks.csv`` (the city's own), the evacuation sites, and ``addresses/*.csv``,
the Ministry of Land's 位置参照情報 as it is published (https://nlftp.mlit.go.jp/isj/data.html).
Names are compared in one form (:func:`place_key`), so that 一丁目2番3号 and "1-2-3" are the same.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from math import cos, degrees, radians
from pathlib import Path

from city.city import City, District, name_in
from city.districts import EAST, NORTH, SOUTH, WEST
from city.faults import FolderFault, read_csv, read_records
from city.reasons import reason
from city.shelters import Shelter
from core.geo import EARTH_RADIUS_M, distance_m
from core.languages import EASY_JAPANESE
from core.reason import Reason

LANDMARK_COLUMNS = ("名称", "名称_カナ", "名称_英字", "緯度", "経度")
TOWN_COLUMNS = ("大字・丁目名", "大字・町丁目名", "大字町丁目名")
"""The ministry's names for the column of the town: they differ by year and by level."""
SMALL, BLOCK, LIVED, CHOSEN = "小字・通称名", "街区符号・地番", "住居表示フラグ", "代表フラグ"
GONE_FLAG, GONE = "更新後履歴フラグ", "3"
"""A row with this flag was removed (削除)."""
MAX_BYTES = 100_000_000
MOST_FAULTS = 20
"""Faults of one file that are named; a wrong column makes every row wrong."""
MOST_FOUND = 6
CLOSE_ENOUGH = 0.8
"""Ratio of equal letters (difflib) from which a misspelt name is offered."""


@dataclass(frozen=True)
class Place:
    """A place with a name. Degrees, WGS 84."""

    name: str
    longitude: float
    latitude: float
    kana: str = ""
    english: str = ""

    def shown(self, language: str) -> str:
        """Return the name as on the sign, with its reading for who needs it."""
        if language == EASY_JAPANESE and self.kana:
            return f"{self.name}（{self.kana.translate(_KATAKANA)}）"
        if not language.startswith("ja") and self.english:
            return f"{self.english} ({self.name})"
        return self.name


@dataclass
class _Town:
    """A 町丁目 and its blocks; positions are longitude and latitude by turns."""

    name: str
    english: str = ""
    blocks: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    positions: array[float] = field(default_factory=lambda: array("d"))

    def place(self, number: str) -> Place:
        """Return the block of a number such as ``2-3``, or the town's middle."""
        parts = number.split("-")
        for size in range(len(parts), 0, -1):
            wanted = "-".join(parts[:size])
            if wanted and wanted in self.blocks:
                at = self.blocks.index(wanted)
                english = f"{self.english}-{wanted}" if self.english else ""
                name = self.name + self.names[at]
                x, y = self.positions[2 * at : 2 * at + 2]
                return Place(name, x, y, english=english)
        xs, ys = self.positions[::2], self.positions[1::2]
        return Place(self.name, sum(xs) / len(xs), sum(ys) / len(ys), english=self.english)


@dataclass(frozen=True)
class Found:
    """What a text may mean, the likeliest first; ``elsewhere`` names another city in it."""

    places: tuple[Place, ...] = ()
    elsewhere: bool = False


class Gazetteer:
    """Finds places by what people call them.

    Parameters
    ----------
    landmarks
        Places with a name of their own.
    towns
        The towns of the addresses by key.
    aliases
        Other keys of towns, such as their kana.
    shelters
        Evacuation sites, which are found like landmarks.
    """

    def __init__(
        self,
        landmarks: Iterable[Place] = (),
        towns: dict[str, _Town] | None = None,
        aliases: dict[str, str] | None = None,
        city: City | None = None,
        shelters: Iterable[Shelter] = (),
    ) -> None:
        self._own = tuple(landmarks)
        self._towns = towns or {}
        self._aliases = {**dict.fromkeys(self._towns, ""), **(aliases or {})}
        self._by_length = sorted(self._aliases, key=len, reverse=True)
        self._take(shelters)
        self._city = name_in(city.name, "ja") if city else ""
        self._fronts = _fronts(city)

    def with_shelters(self, shelters: Iterable[Shelter]) -> Gazetteer:
        """Return the same places with other evacuation sites."""
        made = copy(self)
        made._take(shelters)
        return made

    def _take(self, shelters: Iterable[Shelter]) -> None:
        sites = (
            Place(one.name, one.longitude, one.latitude, one.kana, one.english) for one in shelters
        )
        self.landmarks = (*self._own, *sites)
        self._keys: list[tuple[str, Place]] = [
            (key, place)
            for place in self.landmarks
            for key in dict.fromkeys(map(place_key, (place.name, place.kana, place.english)))
            if key
        ]

    def __bool__(self) -> bool:
        return bool(self._keys or self._towns)

    def find(self, text: str) -> Found:
        """Return the places that a text may mean, at most :data:`MOST_FOUND`."""
        whole = place_key(text)
        if not whole:
            return Found()
        for key in dict.fromkeys((whole, self._without_city(whole))):
            if places := self._named(key):
                return Found(places[:MOST_FOUND])
        if self._names_another_city(text):
            return Found(elsewhere=True)
        near = self._nearly(self._without_city(whole))
        return Found(near[:MOST_FOUND])

    def blocks_near(self, west: float, south: float, east: float, north: float) -> list[Place]:
        """Return the blocks and landmarks of a box, for a map."""
        found = [one for one in self.landmarks if _within(one, west, south, east, north)]
        for town in self._towns.values():
            for at, block in enumerate(town.blocks):
                x, y = town.positions[2 * at], town.positions[2 * at + 1]
                if west <= x <= east and south <= y <= north:
                    found.append(Place(f"{town.name} {block}", x, y))
        return found

    def nearest(self, longitude: float, latitude: float, within_m: float) -> Place | None:
        """Return the block or landmark nearest to a point (degrees, WGS 84), or None."""
        high = degrees(within_m / EARTH_RADIUS_M)
        wide = high / max(cos(radians(latitude)), 0.01)
        box = (longitude - wide, latitude - high, longitude + wide, latitude + high)
        near = [
            (distance_m(longitude, latitude, one.longitude, one.latitude), one)
            for one in self.blocks_near(*box)
        ]
        near = [one for one in near if one[0] <= within_m]
        return min(near, key=lambda one: one[0])[1] if near else None

    def _named(self, key: str) -> tuple[Place, ...]:
        exact = [place for name, place in self._keys if name == key]
        found = exact or self._addresses(key)
        if not found and len(key) > 1:
            found = [place for name, place in self._keys if name.startswith(key)]
            found = found or [place for name, place in self._keys if key in name]
        if not found:
            parts = [(len(n), place) for n, place in self._keys if len(n) > 2 and n in key]
            found = [place for _, place in sorted(parts, key=lambda one: -one[0])[:1]]
        return tuple(dict.fromkeys(found))

    def _addresses(self, key: str) -> list[Place]:
        for name in self._by_length:
            if not key.startswith(name):
                continue
            rest = key[len(name) :]
            numbered = name[-1].isdigit()
            if numbered and rest[:1].isdigit():
                continue
            number = re.match(r"-?([\d-]*)", rest)
            if rest and not numbered and not (number and number[1]):
                continue
            return [self._town(name).place(number[1].strip("-") if number else "")]
        if len(key) < 2:
            return []
        begun = [name for name in self._aliases if name.startswith(key)]
        towns = {id(self._town(name)): self._town(name) for name in sorted(begun)}
        return [town.place("") for town in towns.values()]

    def _town(self, name: str) -> _Town:
        return self._towns[self._aliases[name] or name]

    def _nearly(self, key: str) -> tuple[Place, ...]:
        if len(key) < 4:
            return ()
        near = [(SequenceMatcher(None, key, name).ratio(), place) for name, place in self._keys]
        near = sorted((one for one in near if one[0] >= CLOSE_ENOUGH), key=lambda one: -one[0])
        return tuple(dict.fromkeys(place for _, place in near))

    def _without_city(self, key: str) -> str:
        """The key without the prefecture and the city's name, in front or behind."""
        for name in self._fronts:
            if name in key:
                front, _, rest = key.partition(name)
                if rest and (not front or front[-1] in "都道府県"):
                    return _number_last(rest)
                if front and (not rest or rest[0].isdigit()):
                    return front + rest
        return key

    def _names_another_city(self, text: str) -> bool:
        plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
        if not self._city or self._city in plain:
            return False
        return bool(_ANOTHER_CITY.match(plain) or _ANOTHER_PREFECTURE.match(plain))


_ANOTHER_CITY = re.compile(r"[^\d都道府県市区町村の]{1,6}市(?![民立役場内街営道バ]).")
"""A text that begins with a city's name and goes on, such as an address."""
_ANOTHER_PREFECTURE = re.compile("(?:東京都|北海道|(?:京都|大阪)府|.{2,3}県).{1,8}[市区町村郡]")


def _within(place: Place, west: float, south: float, east: float, north: float) -> bool:
    return west <= place.longitude <= east and south <= place.latitude <= north


def _fronts(city: City | None) -> tuple[str, ...]:
    if city is None:
        return ()
    names = {place_key(name) for name in city.name.values()}
    bare = re.sub(r" ?city$", "", city.name.get("en", ""), flags=re.IGNORECASE)
    names |= {place_key(bare), place_key(bare) + "shi"} if bare else set()
    return tuple(sorted(names - {"", "shi"}, key=len, reverse=True))


_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_HYPHENS = re.compile("(?<=[0-9]) ?[-‐‑‒–—―−ー~〜]+ ?(?=[0-9])")
_COUNTERS = re.compile(
    "(?<=[0-9])(?:-?(?:丁目|番地の?|番の?|号|ちょうめ|ばんちの?|ばん|ごう"
    "|chome|banchi|ban(?![a-z])|go(?![a-z]))|[のノ之](?=[0-9]))-?"
)
_NOISE = re.compile("[^\\w-]|ー|^大字|^字")


def place_key(text: str) -> str:
    """Return a name or an address in the form in which it is compared.

    Width, case, kana and accents do not count, nor spaces. Kanji numerals are digits, and what
    stands between the numbers of an address (丁目, 番地, 号, の, "chome") is one hyphen.
    """
    key = unicodedata.normalize("NFKC", text).casefold()
    key = re.sub("[〇一二三四五六七八九十百千]+", lambda found: _number(found[0]), key)
    key = _HYPHENS.sub("-", re.sub(r"\s+", " ", key))
    key = "".join(c for c in unicodedata.normalize("NFD", key) if not "\u0300" <= c <= "\u036f")
    key = unicodedata.normalize("NFC", key).translate(_KATAKANA)
    key = re.sub(r"(?<=[0-9]) (?=[0-9])", "-", key).replace(" ", "")
    key = _COUNTERS.sub("-", key)
    key = _NOISE.sub("", key)
    # Hyphens belong between numbers; Latin names are written with and without them.
    key = re.sub(r"(?<![0-9])-|-(?![0-9])", "", key)
    return _number_last(key.replace("ou", "o").replace("uu", "u").replace("oo", "o"))


def _number_last(key: str) -> str:
    """The key of "1-2-3 Chuo" as that of "Chuo 1-2-3"."""
    found = re.fullmatch(r"([0-9][0-9-]*)([a-z].*)", key)
    return found[2] + found[1].strip("-") if found else key


def _number(kanji: str) -> str:
    """Return a number in kanji, such as 二十三 or 一〇二, in digits."""
    if not any(character in _UNITS for character in kanji):
        return "".join(str(_DIGITS[character]) for character in kanji)
    total = digit = 0
    for character in kanji:
        if character in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[character], 0
        else:
            digit = _DIGITS[character]
    return str(total + digit)


# Reading the files


def read_gazetteer(
    folder: Path,
    districts: Sequence[District],
    shelters: Sequence[Shelter],
    city: City | None,
    faults: list[FolderFault],
) -> Gazetteer:
    """Return the places of a city's folder, and add a fault for each mistake."""
    landmarks = read_landmarks(folder / "landmarks.csv", faults)
    towns: dict[str, _Town] = {}
    addresses = folder / "addresses"
    for path in sorted(addresses.glob("*.csv")) if addresses.is_dir() else ():
        _read_addresses(path, towns, faults)
    return Gazetteer(landmarks, towns, _readings(towns, districts), city, shelters)


def read_landmarks(path: Path, faults: list[FolderFault]) -> list[Place]:
    """Return the city's own landmarks; a row without a name or a position is left out."""
    if not path.exists():
        return []
    found: list[Place] = []
    for row in read_csv(path, faults, needed=("名称", "緯度", "経度"), limit=MAX_BYTES):
        wrong = [] if row.cells["名称"] else [reason("missing.place-name")]
        at: list[float] = []
        for column, least, most in (("経度", WEST, EAST), ("緯度", SOUTH, NORTH)):
            value = _degrees(row.cells[column], least, most)
            if value is None:
                said = row.cells[column][:40]
                wrong.append(
                    reason("value.degrees", column=column, least=least, most=most, value=said)
                )
            else:
                at.append(value)
        faults += [FolderFault(path, row.line, why, left_out=reason("part.row")) for why in wrong]
        if not wrong:
            cells, (longitude, latitude) = row.cells, at
            kana, english = cells.get("名称_カナ", ""), cells.get("名称_英字", "")
            found.append(Place(cells["名称"], longitude, latitude, kana, english))
    return found


def _read_addresses(path: Path, towns: dict[str, _Town], faults: list[FolderFault]) -> None:
    """Add the rows of one file of the ministry's, in Shift_JIS as published or in UTF-8."""
    own: list[FolderFault] = []
    records = read_records(path, own, limit=MAX_BYTES)
    header = [name.strip() for name in next(records, (1, []))[1]]
    faults += [fault for fault in own if fault.message.code != "file.shift-jis"]
    if not header:
        return
    town = next((name for name in TOWN_COLUMNS if name in header), "")
    missing = [name for name in (town or TOWN_COLUMNS[0], "緯度", "経度") if name not in header]
    if missing:
        faults += [
            FolderFault(path, 1, reason("csv.no-column", column=name, hint="")) for name in missing
        ]
        return
    rows = _AddressRows(header, town, towns)
    bad = 0
    for line, cells in records:
        wrong = rows.take(cells)
        if wrong is None or not any(cells):
            continue
        bad += 1
        if bad <= MOST_FAULTS:
            faults.append(FolderFault(path, line, wrong, left_out=reason("part.row")))


class _AddressRows:
    """Takes the rows of one file of 位置参照情報, a city's 200,000 in about a second.

    Towns and the numbers of blocks repeat from row to row, so each is brought into its form once.

    Parameters
    ----------
    header
        The names of the columns.
    town
        The column of the town.
    towns
        What the rows are added to.
    """

    def __init__(self, header: Sequence[str], town: str, towns: dict[str, _Town]) -> None:
        columns = {name: header.index(name) for name in header}
        self._cells = len(header)
        self._towns = towns
        self._town, self._small = columns[town], columns.get(SMALL)
        self._block, self._lived = columns.get(BLOCK), columns.get(LIVED)
        self._gone, self._chosen = columns.get(GONE_FLAG), columns.get(CHOSEN)
        self._longitude, self._latitude = columns["経度"], columns["緯度"]
        self._named: dict[str, _Town] = {}
        self._numbered: dict[tuple[str, bool], tuple[str, str]] = {}

    def take(self, cells: list[str]) -> Reason | None:
        """Add a row to its town, or pass over one that is not in use; return what is wrong."""
        if len(cells) < self._cells:
            return reason("csv.cells", cells=len(cells), columns=self._cells)
        town = cells[self._town].strip()
        if not town or (self._gone is not None and cells[self._gone].strip() == GONE):
            return None
        if self._chosen is not None and cells[self._chosen].strip() == "0":
            return None
        longitude = _degrees(cells[self._longitude], WEST, EAST)
        latitude = _degrees(cells[self._latitude], SOUTH, NORTH)
        if longitude is None or latitude is None:
            said = f"{cells[self._latitude].strip()}, {cells[self._longitude].strip()}"[:40]
            return reason("value.position", value=said)
        small = "" if self._small is None else cells[self._small].strip()
        block = "" if self._block is None else cells[self._block].strip()
        is_lived = self._lived is not None and cells[self._lived].strip() == "1"
        known = self._of(town + small)
        key, shown = self._number(block, is_lived=is_lived)
        known.blocks.append(key)
        known.names.append(shown)
        known.positions.extend((longitude, latitude))
        return None

    def _of(self, name: str) -> _Town:
        known = self._named.get(name)
        if known is None:
            known = self._named[name] = self._towns.setdefault(place_key(name), _Town(name))
        return known

    def _number(self, block: str, *, is_lived: bool) -> tuple[str, str]:
        """Return the key of a block's number, and how it is shown."""
        made = self._numbered.get((block, is_lived))
        if made is None:
            shown = sys.intern(block + ("番" if is_lived else "番地")) if block else ""
            made = self._numbered[block, is_lived] = (sys.intern(place_key(block)), shown)
        return made


_PLAIN_DEGREES = re.compile(r"[0-9]{2,3}(?:\.[0-9]{1,20})?")


def _degrees(value: str, least: float, most: float) -> float | None:
    plain = value.strip()
    if not _PLAIN_DEGREES.fullmatch(plain):
        plain = unicodedata.normalize("NFKC", plain).strip().rstrip("°")
        if not _PLAIN_DEGREES.fullmatch(plain):
            return None
    degrees = float(plain)
    return degrees if least <= degrees <= most else None


def _readings(towns: dict[str, _Town], districts: Sequence[District]) -> dict[str, str]:
    """Return other keys of towns that are named after a district: its kana and its romaji."""
    names = {place_key(district.names["ja"]): district for district in districts}
    found: dict[str, str] = {}
    for key, town in towns.items():
        base = key.rstrip("0123456789-")
        district = names.get(base)
        if district is None:
            continue
        number = key[len(base) :]
        for language, name in district.names.items():
            if language == EASY_JAPANESE:
                # A reading stands in brackets behind its kanji.
                name = re.sub("[\u3400-\u9fff]+（([^）]*)）", r"\1", name)
            if alias := place_key(name):
                found.setdefault(alias + number, key)
        english = district.names.get("en", "")
        town.english = f"{english} {number}".strip() if english else ""
    return {alias: key for alias, key in found.items() if alias not in towns}
