"""The city's own words: lists, and rows that are changed, looked at, saved and undone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Response

from city.city import City, Department, name_in
from city.shelters import is_yes
from city.word_parts import Cells, Column, Kind, Part
from city.word_tables import PARTS
from console import words
from console.access import Permission
from console.web import Missing, StaffRoute, Visit, visit
from console.word_desk import FIXED, MOST_AHEAD, THERE, Desk, Row, read_cells, with_kind_codes
from console.word_drafts import Drafted, drafted, has_machine
from console.word_names import (
    CHOICE_NAMES,
    COLUMN_NAMES,
    EXAMPLES,
    GROUP_NAMES,
    PART_HINTS,
    PART_NAMES,
)
from core import own_words
from core.errors import Refusal
from core.languages import EASY_JAPANESE, mark
from core.own_words import CHANGED_MEANWHILE, Change, WordVersion
from core.reason import Reason
from core.text import clean, whole_number

router = APIRouter(prefix="/console/words", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Writer = Annotated[Visit, Depends(visit(Permission.WORDS))]
PER_PAGE = 50
MOST_NOTE = 400
IN_FORM = ("ja", EASY_JAPANESE, "en")
"""Languages that a form shows first; the others are folded away."""
FILTERS = {
    "": mark("All"),
    "changed": mark("Changed here"),
    "later": mark("Still to come"),
    "missing": mark("Languages missing or older"),
}
NO_SUCH_DAY = mark("The day from which it holds is today or later, up to three years ahead.")
NO_DEPARTMENT = mark("These words belong to another department.")


@dataclass(frozen=True)
class Typed:
    """A row as a form has it.

    Parameters
    ----------
    key
        The row's; empty for a new one.
    cells
        What it is to contain; None to take it away.
    of_folder
        Whether the folder's own row is to hold again.
    seen
        What the form has seen of the row's versions.
    """

    key: str
    cells: Cells | None
    of_folder: bool
    holds_from: date
    note: str
    seen: str


@router.get("")
async def words_page(visitor: Looker) -> Response:
    desk = await Desk.of(visitor)
    return visitor.page(
        "words.html",
        groups=[
            (group, visitor.say(name), _owners(visitor, desk.city, group))
            for group, name in GROUP_NAMES.items()
        ],
        parts={
            group: [
                (part, visitor.say(PART_NAMES[part.code]), _counts(desk.rows(part)))
                for part in PARTS.values()
                if part.group is group
            ]
            for group in GROUP_NAMES
        },
        hints=PART_HINTS,
    )


@router.get("/{part}")
async def list_page(visitor: Looker, part: str) -> Response:
    found, desk = part_of(part), await Desk.of(visitor)
    query = visitor.request.query_params
    wanted, only = clean(query.get("q", ""), line=True)[:100], query.get("only", "")
    rows = [row for row in desk.rows(found) if _fits(row, only) and _has(desk, found, row, wanted)]
    page = max(1, whole_number(query.get("page", "")) or 1)
    shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    async with visitor.context.database.reading() as session:
        files = await own_words.files(session, found.code)
    return visitor.page(
        "words_list.html",
        part=found,
        name=visitor.say(PART_NAMES[found.code]),
        hint=PART_HINTS[found.code],
        rows=shown,
        count=len(rows),
        q=wanted,
        only=only if only in FILTERS else "",
        filters={key: said for key, said in FILTERS.items() if key != "missing" or found.languages},
        page=page,
        pages=-(-len(rows) // PER_PAGE),
        next_page=urlencode({"q": wanted, "only": only, "page": page + 1}),
        last_page=urlencode({"q": wanted, "only": only, "page": page - 1}),
        columns=_listed(found, shown),
        shown_as=Shown(visitor, desk),
        may_write=may_write(visitor, found),
        done=_done(query.get("done", "")),
        files=files,
        address=address_of,
    )


@router.get("/{part}/row")
async def row_page(visitor: Looker, part: str) -> Response:
    """Show one row to be changed; without a key a new one."""
    found, desk = part_of(part), await Desk.of(visitor)
    key = visitor.request.query_params.get("key", "")[:200]
    history = await _history(visitor, found, key)
    cells = desk.row_on(found, key, desk.today) if key else {}
    if key and cells is None:
        later = [one for one in desk.versions(found, key) if one.cells]
        if not later and not history:
            raise Missing
        cells = later[-1].cells if later else next((o.cells for o in history if o.cells), {})
    typed = Typed(key, cells or {}, False, desk.today, "", own_words.seen(history))
    return await _edit(visitor, desk, found, typed)


@router.post("/{part}/row")
async def save_row(visitor: Writer, part: str) -> Response:
    """Look at a row before it is saved, save it, or go on writing."""
    found, desk = part_of(part), await Desk.of(visitor)
    refuse_others(visitor, found)
    typed = _typed(visitor, desk, found)
    act = visitor.form.text("do")
    if act == "write":
        return await _edit(visitor, desk, found, typed)
    if act == "draft":
        return await _draft(visitor, desk, found, typed)
    key = typed.key or found.key_of(typed.cells or {})
    history = await _history(visitor, found, key)
    if act == "save" and _same(history, typed, visitor.actor):
        return visitor.go(f"/console/words/{found.code}?done=saved")
    if typed.key and act == "save" and typed.seen != own_words.seen(history):
        again = Refusal(CHANGED_MEANWHILE)
        return await _edit(visitor, desk, found, typed, refusal=again, colleague=history)
    refusal, faults = _judged(visitor, desk, found, typed)
    if refusal is not None or faults:
        return await _edit(visitor, desk, found, typed, refusal=refusal, faults=faults)
    if act != "save":
        return await _check(visitor, desk, found, typed)
    before = desk.row_on(found, key, typed.holds_from)
    try:
        async with visitor.context.database.writing() as session:
            await own_words.write(
                session,
                found.code,
                [Change(key, before, typed.cells, typed.of_folder)],
                holds_from=typed.holds_from,
                note=typed.note,
                actor=visitor.actor,
                now=visitor.context.clock.now(),
                saw=own_words.seen(history),
            )
    except Refusal as refused:
        return await _edit(visitor, desk, found, typed, refusal=refused)
    await visitor.request.app.state.own_words.refresh()
    return visitor.go(f"/console/words/{found.code}?done=saved")


@router.post("/{part}/undo")
async def undo(visitor: Writer, part: str) -> Response:
    """Take back a version of a row, or all rows of a file."""
    found = part_of(part)
    refuse_others(visitor, found)
    async with visitor.context.database.writing() as session:
        now = visitor.context.clock.now()
        number = visitor.form.number("version") or 0
        await own_words.undo(session, found.code, number, actor=visitor.actor, now=now)
    await visitor.request.app.state.own_words.refresh()
    return visitor.go(f"/console/words/{found.code}?done=undone")


def address_of(part: Part, key: str = "") -> str:
    """Return the address of the page of a row."""
    row = f"?key={quote(key, safe='')}" if key else ""
    return f"/console/words/{part.code}/row{row}"


def may_write(visitor: Visit, part: Part) -> bool:
    """Whether the visitor may change a part: of any department, or of their own."""
    city = visitor.context.city
    owners = [one.code for one in city.departments if part.group in one.words]
    return any(visitor.may_for(Permission.WORDS, code) for code in owners or [""])


def refuse_others(visitor: Visit, part: Part) -> None:
    if not may_write(visitor, part):
        raise Refusal(NO_DEPARTMENT)


def part_of(code: str) -> Part:
    found = PARTS.get(code)
    if found is None:
        raise Missing
    return found


def _done(said: str) -> str:
    """Return what was done, as our own addresses say it: a word, or a number of rows."""
    return said if said in ("saved", "undone") else str(whole_number(said) or "")


def _owners(visitor: Visit, city: City, group: str) -> list[str]:
    def called(one: Department) -> str:
        return name_in(one.names, visitor.language)

    return [called(one) for one in city.departments if group in one.words]


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    return {
        "all": len(rows),
        "changed": sum(row.changed for row in rows),
        "later": sum(row.later is not None for row in rows),
        "missing": sum(bool(row.missing or row.older) for row in rows),
    }


def _fits(row: Row, only: str) -> bool:
    match only:
        case "changed":
            return row.changed
        case "later":
            return row.later is not None
        case "missing":
            return bool(row.missing or row.older)
    return True


def _has(desk: Desk, part: Part, row: Row, wanted: str) -> bool:
    if not wanted:
        return True
    shown = [value for name, value in row.cells.items()]
    for column in part.columns:
        if column.choices and (value := row.cells.get(column.name)):
            shown += choices_of(column, desk).get(value, ("",))
    text = "\n".join(shown).casefold()
    return all(word in text for word in wanted.casefold().split())


def _listed(part: Part, rows: Sequence[Row]) -> list[Column]:
    """Return the columns of a list: those that these rows fill, in Japanese alone."""
    shown = [one for one in part.columns if one.language in ("", "ja")]
    filled = {name for row in rows for name in row.cells}
    named = (*part.keys, *part.title)
    return [
        one
        for one in shown
        if one.kind is not Kind.YES and (one.name in filled or one.name in named)
    ][:8]


def choices_of(column: Column, desk: Desk) -> dict[str, tuple[str, ...]]:
    """Return the values of a column that is chosen, with what each is called."""
    if column.choices == "districts":
        return {one.code: tuple(one.names.values()) for one in desk.city.districts}
    if column.choices == "offices":
        return {one.code: tuple(one.names.values()) for one in desk.city.departments}
    if column.choices == "waste-kinds":
        kinds = desk.held(PARTS["waste-kinds"])
        return {
            code: tuple(value for name, value in row.items() if name != "コード")
            for code, row in kinds.items()
        }
    return {choice: (choice,) for choice in column.choices}


class Shown:
    """How columns and values are shown to a visitor."""

    def __init__(self, visitor: Visit, desk: Desk) -> None:
        self._visitor, self._desk = visitor, desk
        self._choices: dict[str, dict[str, str]] = {}

    def column(self, column: Column) -> str:
        called = COLUMN_NAMES.get(column.text or column.name)
        return self._visitor.say(called) if called else column.name

    def choices(self, column: Column) -> dict[str, str]:
        found = self._choices.get(column.name)
        if found is None:
            found = {value: self._called(value, column) for value in choices_of(column, self._desk)}
            self._choices[column.name] = found
        return found

    def value(self, column: Column, value: str) -> str:
        if column.choices:
            if not value:
                return self._visitor.say("all of them")
            return self.choices(column).get(value, value)
        if column.kind is Kind.YES:
            return "✓" if is_yes(value) else "–"
        return value or "–"

    def title(self, part: Part, cells: Cells) -> str:
        """Return what a row is called, with names for its codes."""
        columns = [one for name in part.title if (one := part.column(name)) is not None]
        return " ".join(self.value(one, cells[one.name]) for one in columns if cells.get(one.name))

    def _called(self, value: str, column: Column) -> str:
        language = self._visitor.language
        if value in CHOICE_NAMES:
            return self._visitor.say(CHOICE_NAMES[value])
        if column.choices == "districts":
            return name_in(self._desk.city.district_by_code[value].names, language)
        if column.choices == "offices":
            named = {one.code: one.names for one in self._desk.city.departments}
            return name_in(named[value], language)
        row = self._desk.held(PARTS["waste-kinds"]).get(value, {})
        return row.get(language) or row.get("ja") or value


def same_keys(part: Part, before: Cells, after: Cells) -> bool:
    return part.key_of(before) == part.key_of(after)


async def _history(visitor: Visit, part: Part, key: str) -> list[WordVersion]:
    if not key:
        return []
    async with visitor.context.database.reading() as session:
        return await own_words.history(session, part.code, key)


def _typed(visitor: Visit, desk: Desk, part: Part) -> Typed:
    """Read the form of a row. A day that is none becomes one that is refused."""
    form = visitor.form
    key = form.get("key", "")[:200]
    try:
        holds_from = date.fromisoformat(form.text("holds_from") or desk.today.isoformat())
    except ValueError:
        holds_from = date.min
    act = form.text("change")
    before = (desk.row_on(part, key, max(holds_from, desk.today)) or {}) if key else {}
    values = {
        column.name: form.get(f"c:{column.name}", "")
        for column in part.columns
        if f"c:{column.name}" in form or f"has:{column.name}" in form
    }
    cells: Cells | None = None
    if act not in ("gone", "folder"):
        read = read_cells(part, values, before, desk.city, desk.today)
        cells = with_kind_codes(part, read, desk.held(PARTS["waste-kinds"]))
    note = clean(form.text("note"), line=True)[:MOST_NOTE]
    return Typed(key, cells, act == "folder", holds_from, note, form.text("seen") or "0.0")


def _judged(
    visitor: Visit, desk: Desk, part: Part, typed: Typed
) -> tuple[Refusal | None, list[str]]:
    """Return why a row cannot be saved, and what is wrong with it."""
    if not desk.today <= typed.holds_from <= desk.today + MOST_AHEAD:
        return Refusal(NO_SUCH_DAY), []
    before = desk.row_on(part, typed.key, typed.holds_from) if typed.key else None
    after = desk.words.own(part).get(typed.key) if typed.of_folder else typed.cells
    if part.fixed and (before is None or after is None or not same_keys(part, before, after)):
        return Refusal(FIXED), []
    if typed.key and before == after:
        return Refusal(mark("Nothing is changed.")), []
    if after is None:
        return None, []
    key = typed.key or part.key_of(after)
    if not typed.key and desk.row_on(part, key, typed.holds_from) is not None:
        return Refusal(THERE), []
    faults = desk.faults(part, {key: after}, typed.holds_from).get(key, [])
    return None, [said_fault(visitor, one) for one in faults]


def said_fault(visitor: Visit, why: Refusal | Reason) -> str:
    if isinstance(why, Refusal) and "column" in why.values:
        called = COLUMN_NAMES.get(str(why.values["column"]))
        if called:
            why = Refusal(why.message, **{**why.values, "column": visitor.say(called)})
    return words.said(why, visitor.language)


def _same(history: Sequence[WordVersion], typed: Typed, actor: str) -> bool:
    """Whether the same form was sent twice."""
    if not history:
        return False
    last = history[0]
    saved = last.cells, last.of_folder, last.holds_from, last.by
    return last.undone_at is None and saved == (
        typed.cells,
        typed.of_folder,
        typed.holds_from,
        actor,
    )


async def _draft(visitor: Visit, desk: Desk, part: Part, typed: Typed) -> Response:
    """Show the form with a machine's words in the languages that are missing or older."""
    cells = typed.cells or {}
    missing, older = desk.languages(part, typed.key, cells)
    held = desk.row_on(part, typed.key, desk.today) or {}
    japanese = [one.name for one in part.columns if one.language == "ja"]
    if any(held.get(name, "") != cells.get(name, "") for name in japanese):
        # The Japanese was changed in this form: all others are older.
        older = tuple(one for one in desk.city.languages if one not in missing)
    made = await drafted(visitor, part, cells, [*missing, *older])
    return await _edit(visitor, desk, part, replace(typed, cells=made.cells), made=made)


async def _edit(
    visitor: Visit,
    desk: Desk,
    part: Part,
    typed: Typed,
    *,
    refusal: Refusal | None = None,
    faults: Sequence[str] = (),
    colleague: Sequence[WordVersion] = (),
    made: Drafted | None = None,
) -> Response:
    history = await _history(visitor, part, typed.key)
    cells = typed.cells or {}
    theirs = desk.row_on(part, typed.key, desk.today) or {} if colleague else {}
    missing, older = desk.languages(part, typed.key, cells)
    return visitor.page(
        "words_row.html",
        status=409 if colleague else 400 if refusal or faults else 200,
        refusal=words.said(refusal, visitor.language),
        faults=faults,
        part=part,
        name=visitor.say(PART_NAMES[part.code]),
        title=Shown(visitor, desk).title(part, cells),
        typed=typed,
        cells=cells,
        seen=own_words.seen(history),
        colleague=history[0] if colleague and history else None,
        theirs=theirs,
        history=history,
        own=desk.words.own(part).get(typed.key),
        now_held=desk.row_on(part, typed.key, desk.today),
        plain=[one for one in part.columns if not one.language],
        first=[one for one in part.columns if one.language in IN_FORM],
        others=[
            one
            for one in part.columns
            if one.language in desk.city.languages and one.language not in IN_FORM
        ],
        missing=missing,
        older=older,
        made=made,
        has_machine=has_machine(visitor),
        shown_as=Shown(visitor, desk),
        examples=EXAMPLES,
        is_yes=is_yes,
        today=desk.today,
        most_day=desk.today + MOST_AHEAD,
        may_write=may_write(visitor, part),
        changes=differences,
        sending=secrets.token_hex(8),
    )


async def _check(visitor: Visit, desk: Desk, part: Part, typed: Typed) -> Response:
    key = typed.key or part.key_of(typed.cells or {})
    before = desk.row_on(part, typed.key, typed.holds_from) if typed.key else None
    after = desk.words.own(part).get(typed.key) if typed.of_folder else typed.cells
    asked = visitor.form.text("language")
    language = asked if asked in desk.city.languages else "ja"
    make = getattr(visitor.request.app.state, "word_cards", None)
    messages: list[Any] = []
    if make is not None and after is not None:
        folder = desk.shown(part, key, after, typed.holds_from)
        messages = make(part.code, folder, desk.city, after, language, visitor.context.clock.now())
    return visitor.page(
        "words_check.html",
        part=part,
        name=visitor.say(PART_NAMES[part.code]),
        typed=typed,
        key=key,
        before=before,
        after=after,
        changes=differences(before, after),
        columns={one.name: one for one in part.columns},
        shown_as=Shown(visitor, desk),
        messages=messages,
        of=language,
        languages=desk.city.languages,
        today=desk.today,
        clashes=_later(desk, part, typed),
    )


def _later(desk: Desk, part: Part, typed: Typed) -> list[date]:
    """Return the days on which other versions of the row begin after this one."""
    return [
        one.holds_from
        for one in desk.versions(part, typed.key)
        if one.holds_from > typed.holds_from
    ]


def differences(
    before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> list[tuple[str, str, str]]:
    old, new = before or {}, after or {}
    return [
        (name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys((*old, *new))
        if old.get(name, "") != new.get(name, "")
    ]
