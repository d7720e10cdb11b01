"""Spreadsheets of other products, in the columns of the city's own words.

LINE SMART CITY's facilities, 5374.jp's ``description.csv``, and questions that have no name. A
sheet that is none of these comes back as it is. Rows keep their numbers.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from city.reasons import reason
from city.shelters import Hazard
from core.reason import Reason
from core.sheets import Sheet, heading_key

HEADING_ROWS = 30
HAZARDS: Mapping[str, Hazard] = {str(n): hazard for n, hazard in enumerate(Hazard, start=1)}
"""災害種別 of LINE SMART CITY's facilities: one string of digits such as ``168``. Its manual shows
that 1 is flood, 6 fire and 8 volcano. The others follow the state's order of hazards, in which
those three have these places; no export was at hand to confirm them."""
CONFIRMED = ("1", "6", "8")
NAME, DIGITS, STATE, PUBLIC, SORT = (
    "避難先名称",
    "災害種別",
    "ステータス",
    "情報公開可否",
    "避難所種別",
)
KANA = ("かな", "カナ", "ふりがな")
NOT_PUBLIC = frozenset({"0", "否", "不可", "非公開", "公開しない", "x", "×", "false", "no"})
QUESTION, ANSWER, QUESTION_NAME = "質問", "回答", "名前"
QUESTIONS = ("質問", "Q", "問", "質問文", "質問内容", "question")
ANSWERS = ("回答", "A", "答", "回答文", "回答内容", "answer")
NAMES = ("名前", "ID", "コード", "No", "No.", "番号")


class FacilityState(StrEnum):
    """ステータス of a facility; the manual shows 未開設 (0), 開設 and 満 in this order."""

    NOT_OPEN = "not-open"
    OPEN = "open"
    FULL = "full"


STATES: Mapping[str, FacilityState] = {
    **dict.fromkeys(("", "0", "未開設", "閉鎖"), FacilityState.NOT_OPEN),
    **dict.fromkeys(("1", "開設", "開設中", "開設済"), FacilityState.OPEN),
    **dict.fromkeys(("2", "満", "満員", "満空", "満杯"), FacilityState.FULL),
}


@dataclass(frozen=True)
class Adapted:
    """A sheet in our columns, and what staff should know of how it was read."""

    sheet: Sheet
    hints: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Facility:
    """A facility's state in the export; ``state`` is None for a word that nobody knows."""

    row: int
    id: str
    name: str
    said: str
    state: FacilityState | None


def adapted(part: str, sheet: Sheet, held: Mapping[str, Mapping[str, str]]) -> Adapted:
    """Return a sheet in the columns of a part of the city's own words.

    ``held`` are the part's rows that hold, so that a question or kind keeps its name.
    """
    match part:
        case "shelters":
            return _facilities(sheet)
        case "waste-kinds":
            return _kinds(sheet, {row.get("ja", ""): code for code, row in held.items()})
        case "questions":
            return _questions(sheet, {row.get(QUESTION, ""): name for name, row in held.items()})
    return Adapted(sheet)


def facilities(sheet: Sheet) -> list[Facility]:
    """Return the states of an export of facilities; nothing if the sheet is none."""
    at, columns = _facility_headings(sheet)
    if at is None or STATE not in columns:
        return []
    found = []
    for number, row in enumerate(sheet[at + 1 :], start=at + 2):
        name, said = _cell(row, columns[NAME]), _cell(row, columns[STATE])
        if name:
            code = _cell(row, columns.get("ID1", -1))
            found.append(Facility(number, code, name, said, STATES.get(folded(said))))
    return found


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold().removesuffix(".0")


def _facility_headings(sheet: Sheet) -> tuple[int | None, dict[str, int]]:
    for at, row in enumerate(sheet[:HEADING_ROWS]):
        columns = {heading_key(cell): place for place, cell in enumerate(row) if cell.strip()}
        if heading_key(NAME) in columns and heading_key(DIGITS) in columns:
            wanted = (NAME, DIGITS, STATE, PUBLIC, SORT, "ID1", "ID2", *KANA)
            return at, {
                name: columns[heading_key(name)] for name in wanted if heading_key(name) in columns
            }
    return None, {}


def _facilities(sheet: Sheet) -> Adapted:
    at, columns = _facility_headings(sheet)
    if at is None:
        return Adapted(sheet)
    width = max(len(row) for row in sheet)
    made: Sheet = [[*row, *[""] * (width - len(row))] for row in sheet]
    added = [*(f"災害種別_{hazard}" for hazard in Hazard), "指定避難所との重複"]
    heading = made[at]
    heading[columns[DIGITS]] = ""
    for name in KANA:
        if name in columns:
            heading[columns[name]] = "名称_カナ"
    for name in (STATE, PUBLIC, SORT):
        if name in columns:
            heading[columns[name]] = ""
    heading += added
    kept_back = guessed = opened = full = 0
    for row in made[at + 1 :]:
        said = folded(_cell(row, columns[DIGITS])).replace(",", "")
        state = STATES.get(folded(_cell(row, columns.get(STATE, -1))))
        opened += state is FacilityState.OPEN
        full += state is FacilityState.FULL
        if PUBLIC in columns and folded(_cell(row, columns[PUBLIC])) in NOT_PUBLIC:
            kept_back += 1
            row[:] = [""] * (width + len(added))
            continue
        guessed += any(digit in HAZARDS and digit not in CONFIRMED for digit in said)
        stays = "指定避難所" in _cell(row, columns.get(SORT, -1))
        row += [*_hazard_cells(said), "1" if stays else ""]
    hints = [reason("foreign.hazards", n=guessed)] if guessed else []
    if kept_back:
        hints.append(reason("foreign.not-public", n=kept_back))
    if opened or full:
        hints.append(reason("foreign.states", open=opened, full=full))
    return Adapted(made, tuple(hints))


def _hazard_cells(said: str) -> list[str]:
    """Return the cell of each hazard; what is no such digit stands in the first, and is refused."""
    if any(digit not in HAZARDS for digit in said):
        return [said, *[""] * (len(HAZARDS) - 1)] if said not in ("", "-") else [""] * len(HAZARDS)
    return ["1" if digit in said else "" for digit in HAZARDS]


def _kinds(sheet: Sheet, codes: Mapping[str, str]) -> Adapted:
    """Read 5374.jp's ``description.csv``: label, and columns that are looks."""
    if not sheet or "label" not in [heading_key(cell) for cell in sheet[0]]:
        return Adapted(sheet)
    keys = [heading_key(cell) for cell in sheet[0]]
    if heading_key("コード") in keys:
        return Adapted(sheet)
    place = keys.index("label")
    labels = [_cell(row, place) for row in sheet[1:]]
    rows = [[codes.get(label, label), label] if label else ["", ""] for label in labels]
    return Adapted([["コード", "ja"], *rows])


def _questions(sheet: Sheet, names: Mapping[str, str]) -> Adapted:
    """Give questions without a name one: that of the same question here, or one of its own."""
    for at, row in enumerate(sheet[:HEADING_ROWS]):
        keys = [heading_key(cell) for cell in row]
        asked, said = _place(keys, QUESTIONS), _place(keys, ANSWERS)
        if asked is None or said is None:
            continue
        if _place(keys, NAMES) is not None and _are_names(sheet[at + 1 :], _place(keys, NAMES)):
            return Adapted(sheet)
        width = max(len(one) for one in sheet)
        made: Sheet = [[*one, *[""] * (width - len(one))] for one in sheet]
        numbers = _place(keys, NAMES)
        if numbers is not None:
            made[at][numbers] = ""
        made[at][asked], made[at][said] = QUESTION, ANSWER
        made[at].append(QUESTION_NAME)
        for one in made[at + 1 :]:
            question = one[asked].strip()
            one.append((names.get(question) or _own_name(question)) if question else "")
        return Adapted(made)
    return Adapted(sheet)


def _are_names(rows: Sequence[Sequence[str]], place: int | None) -> bool:
    """Whether a column names the questions; running numbers mean other questions next time."""
    cells = [_cell(row, -1 if place is None else place) for row in rows]
    return not all(folded(cell).isdecimal() for cell in cells if cell)


def _own_name(question: str) -> str:
    """Return a name that the same question gets each time, whatever its width and spaces."""
    plain = "".join(unicodedata.normalize("NFKC", question).split())
    return f"faq-{hashlib.sha256(plain.encode()).hexdigest()[:10]}"


def _place(keys: Sequence[str], names: Sequence[str]) -> int | None:
    return next((keys.index(heading_key(n)) for n in names if heading_key(n) in keys), None)


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if 0 <= place < len(row) else ""
