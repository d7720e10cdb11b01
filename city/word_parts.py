"""The words of a city that its offices change: tables of rows, whatever file they lie in.

A part says where its rows lie, what its columns mean, and which of them name a row.
``city.own_words`` lays versions of rows over the folder.
"""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from city.children import MAX_BYTES as CHILDREN_BYTES
from city.city import WordGroup
from city.collection_files import CHANGES
from city.collection_files import MAX_BYTES as COLLECTION_BYTES
from city.faq import MAX_BYTES as FAQ_BYTES
from city.faults import read_csv, read_text
from city.shelters import MAX_BYTES as SHELTER_BYTES
from city.shelters import Hazard
from core.languages import LANGUAGES

Cells = dict[str, str]
"""A row: text by column, without empty ones."""
Records = dict[str, Cells]
"""Rows by their key, in their order."""

LONGEST_LINE, LONGEST_TEXT, LONGEST_KEY = 300, 4_500, 200
_BETWEEN = " / "


class Kind(StrEnum):
    """What a column contains."""

    LINE = "line"
    TEXT = "text"
    DAY = "day"
    CHOICE = "choice"
    YES = "yes"


@dataclass(frozen=True)
class Column:
    """A column of a part.

    Parameters
    ----------
    name
        Its heading in the file.
    choices
        Of what a value is one: ``districts``, ``waste-kinds`` or a row of fixed words.
    text, language
        Of a column that is one text in one language: the same ``text`` for all of its languages.
    also
        Other headings that spreadsheets have for it.
    """

    name: str
    kind: Kind = Kind.LINE
    needed: bool = False
    choices: str | tuple[str, ...] = ()
    text: str = ""
    language: str = ""
    also: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        return LONGEST_TEXT if self.kind is Kind.TEXT else LONGEST_LINE


@dataclass(frozen=True, kw_only=True)
class Part(ABC):
    """A table of the folder.

    Parameters
    ----------
    keys
        The columns that name a row.
    title
        The columns that show a row in a list.
    dated
        Whether each row has days between which it holds, so that what begins later is read now.
    """

    code: str
    group: WordGroup
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    title: tuple[str, ...]
    dated: bool = False

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its texts; none if they are all in Japanese."""
        return tuple(dict.fromkeys(one.language for one in self.columns if one.language))

    def column(self, name: str) -> Column | None:
        return next((one for one in self.columns if one.name == name), None)

    def key_of(self, cells: Mapping[str, str]) -> str:
        """Return what names a row; its title where that is empty."""
        parts = [cells.get(name, "") for name in self.keys]
        named = _BETWEEN.join(parts) if any(parts) else self.title_of(cells)
        return named[:LONGEST_KEY]

    def title_of(self, cells: Mapping[str, str]) -> str:
        return " ".join(cells[name] for name in self.title if cells.get(name))

    def keyed(self, rows: Iterable[Cells]) -> Records:
        """Return rows by their key; a second row of the same key gets a number."""
        found: Records = {}
        for cells in rows:
            key = named = self.key_of(cells)
            n = 1
            while named in found:
                n += 1
                named = f"{key} ({n})"
            found[named] = cells
        return found

    @abstractmethod
    def read(self, folder: Path) -> Records:
        """Return the rows that a folder has, wrong ones too."""

    @abstractmethod
    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        """Write the rows; return the key of each by file and line."""


@dataclass(frozen=True, kw_only=True)
class CsvPart(Part):
    """A CSV file."""

    file: str
    limit: int
    usual: tuple[str, ...] = field(default=())
    """The columns of the file if there is none yet; by default all."""

    def read(self, folder: Path) -> Records:
        path = folder / self.file
        if not path.exists():
            return {}
        rows = read_csv(path, [], needed=(), limit=self.limit)
        return self.keyed({k: v for k, v in row.cells.items() if k and v} for row in rows)

    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        path = folder / self.file
        known = _header(path) or [*(self.usual or (one.name for one in self.columns))]
        more = dict.fromkeys(name for cells in records.values() for name in cells)
        header = [*known, *(name for name in more if name not in known)]
        path.parent.mkdir(parents=True, exist_ok=True)
        lines: dict[tuple[str, int | None], str] = {}
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(_row(header))
            line = 1
            for key, cells in records.items():
                text = _row([cells.get(name, "") for name in header])
                line += 1
                lines[self.file, line] = key
                line += text.count("\n") - 1
                out.write(text)
        return lines


def _header(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_bytes()
    for encoding in ("utf-8-sig", "cp932"):
        try:
            first = next(csv.reader(io.StringIO(text.decode(encoding), newline="")), [])
        except (UnicodeDecodeError, csv.Error):
            continue
        return [name.strip() for name in first if name.strip()]
    return []


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _names(*, needed: bool = True) -> tuple[Column, ...]:
    """Return the columns of a name in each language, as ``city.named_rows`` reads them."""
    return tuple(
        Column(
            code,
            needed=needed and code == "ja",
            text="name",
            language=code,
            also=(one.japanese, one.name, one.english),
        )
        for code, one in LANGUAGES.items()
    )


DISTRICT = Column("地区コード", Kind.CHOICE, choices="districts", also=("地区", "地域", "町名"))
WASTE_KIND = Column(
    "分別区分", Kind.CHOICE, choices="waste-kinds", also=("区分", "種別", "ごみの種類")
)

WASTE_KINDS = CsvPart(
    code="waste-kinds",
    group=WordGroup.COLLECTION,
    file="collection/kinds.csv",
    limit=COLLECTION_BYTES,
    columns=(Column("コード", needed=True), *_names()),
    keys=("コード",),
    title=("ja",),
)
DAYS = CsvPart(
    code="days",
    group=WordGroup.COLLECTION,
    file="collection/days.csv",
    limit=COLLECTION_BYTES,
    columns=(
        Column("地区コード", Kind.CHOICE, True, "districts", also=DISTRICT.also),
        Column("分別区分", Kind.CHOICE, True, "waste-kinds", also=WASTE_KIND.also),
        Column("曜日", also=("収集曜日",)),
        Column("週", also=("収集週",)),
        Column("月"),
        Column("起点", Kind.DAY),
        Column("日付"),
        Column("開始日", Kind.DAY),
        Column("終了日", Kind.DAY),
        Column("休止期間"),
        Column("備考"),
    ),
    keys=("地区コード", "分別区分"),
    title=("地区コード", "分別区分", "曜日", "週"),
    dated=True,
    usual=("地区コード", "分別区分", "曜日", "週"),
)
EXCEPTIONS = CsvPart(
    code="exceptions",
    group=WordGroup.COLLECTION,
    file="collection/exceptions.csv",
    limit=COLLECTION_BYTES,
    columns=(
        Column("開始日", Kind.DAY, True, also=("日付", "月日", "年月日", "から")),
        Column("終了日", Kind.DAY, also=("まで",)),
        DISTRICT,
        WASTE_KIND,
        Column("扱い", Kind.CHOICE, True, CHANGES, also=("変更", "内容")),
        Column("振替日", Kind.DAY, also=("振替先", "振替収集日")),
        Column("備考", also=("摘要",)),
    ),
    keys=("開始日", "地区コード", "分別区分", "扱い"),
    title=("開始日", "終了日", "扱い", "振替日", "備考"),
)
ITEMS = CsvPart(
    code="items",
    group=WordGroup.COLLECTION,
    file="collection/items.csv",
    limit=COLLECTION_BYTES,
    columns=(
        Column("品目", needed=True, also=("品名", "品目名", "ごみの品目", "name")),
        Column("よみ", also=("読み", "ふりがな", "フリガナ", "furigana")),
        Column(
            "分別区分", Kind.CHOICE, True, "waste-kinds", also=(*WASTE_KIND.also, "分別", "type")
        ),
        Column("出し方", Kind.TEXT, also=("注意事項", "備考", "排出方法", "notice")),
    ),
    keys=("品目",),
    title=("品目",),
)


@dataclass(frozen=True, kw_only=True)
class QuestionPart(Part):
    """Questions and answers: a file for each, and each language (``city.faq``)."""

    folder: str = "faq"

    def read(self, folder: Path) -> Records:
        found: Records = {}
        for path, name, language in self._files(folder):
            text = read_text(path, [], limit=FAQ_BYTES)
            if text is None:
                continue
            first, _, rest = text.strip().partition("\n")
            cells = found.setdefault(name, {"名前": name})
            for heading, words in (
                ("質問", first.removeprefix("# ").strip()),
                ("回答", rest.strip()),
            ):
                if words:
                    cells[column_in(heading, language)] = words
        return found

    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        for path, _, _ in self._files(folder):
            path.unlink()
        lines: dict[tuple[str, int | None], str] = {}
        (folder / self.folder).mkdir(exist_ok=True)
        for key, cells in records.items():
            for language in LANGUAGES:
                asked, said = (cells.get(column_in(one, language)) for one in ("質問", "回答"))
                if not (asked or said):
                    continue
                name = f"{self.folder}/{_file_name(cells.get('名前', key))}.{language}.md"
                (folder / name).write_text(f"# {asked or ''}\n\n{said or ''}\n", "utf-8")
                lines |= {(name, line): key for line in (None, 1, 2)}
        return lines

    def _files(self, folder: Path) -> Iterable[tuple[Path, str, str]]:
        for path in sorted((folder / self.folder).glob("*.md")):
            name, _, language = path.stem.partition(".")
            if language in LANGUAGES:
                yield path, name, language


def _file_name(name: str) -> str:
    """Return a name that stays in its directory, also if it is none for a question."""
    return name.replace("/", "_").replace(".", "_")[:60] or "_"


def column_in(heading: str, language: str) -> str:
    """Return the heading of a text in a language; the Japanese one has no language."""
    return heading if language == "ja" else f"{heading}_{language}"


def _texts(heading: str, kind: Kind, also: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(
            column_in(heading, code),
            kind,
            needed=code == "ja",
            text=heading,
            language=code,
            also=also if code == "ja" else (f"{heading}（{one.japanese}）", f"{heading}({code})"),
        )
        for code, one in LANGUAGES.items()
    )


QUESTIONS = QuestionPart(
    code="questions",
    group=WordGroup.QUESTIONS,
    columns=(
        Column("名前", needed=True, also=("ID", "コード", "No", "No.", "番号")),
        *_texts("質問", Kind.LINE, ("Q", "問", "質問文", "question")),
        *_texts("回答", Kind.TEXT, ("A", "答", "回答文", "answer")),
    ),
    keys=("名前",),
    title=("質問",),
)
SITES = CsvPart(
    code="shelters",
    group=WordGroup.SHELTERS,
    file="shelters.csv",
    limit=SHELTER_BYTES,
    columns=(
        Column("ID", also=("NO", "施設ID", "ID1")),
        Column("名称", needed=True, also=("施設名", "施設・場所名", "避難先名称", "避難所名")),
        Column("名称_カナ", also=("施設名（カナ）", "カナ")),
        Column("名称_英字", also=("英語名",)),
        Column("所在地_連結表記", also=("住所", "所在地")),
        Column("緯度", needed=True, also=("latitude", "lat")),
        Column("経度", needed=True, also=("longitude", "lon", "lng")),
        Column("電話番号", also=("電話", "TEL")),
        *(Column(f"災害種別_{hazard}", Kind.YES, also=(hazard.value,)) for hazard in Hazard),
        Column("指定避難所との重複", Kind.YES, also=("指定避難所との住所同一",)),
        Column("想定収容人数", also=("収容人数", "収容可能人数")),
        Column("対象となる町会・自治会", also=("対象地区",)),
        Column("URL"),
        Column("備考", Kind.TEXT),
    ),
    keys=("ID",),
    title=("名称",),
)
CHILD_TABLE = CsvPart(
    code="children",
    group=WordGroup.CHILDREN,
    file="children.csv",
    limit=CHILDREN_BYTES,
    columns=(
        Column("コード", needed=True),
        Column("年齢・月齢", needed=True, also=("年齢", "月齢", "対象年齢")),
        Column("何日前", also=("お知らせ日",)),
        *_names(),
        Column("URL"),
    ),
    keys=("コード",),
    title=("ja",),
)
PARTS: Mapping[str, Part] = {
    one.code: one for one in (EXCEPTIONS, DAYS, ITEMS, WASTE_KINDS, QUESTIONS, SITES, CHILD_TABLE)
}
"""In the order in which pages list them."""
