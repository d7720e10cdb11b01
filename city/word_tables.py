"""The tables of words that offices change, with their columns."""

from __future__ import annotations

from collections.abc import Mapping

from city.children import MAX_BYTES as CHILDREN_BYTES
from city.city import WordGroup
from city.collection_files import CHANGES
from city.collection_files import MAX_BYTES as COLLECTION_BYTES
from city.ready_answers import FILE as READY_ANSWERS
from city.ready_answers import MAX_BYTES as READY_BYTES
from city.shelters import MAX_BYTES as SHELTER_BYTES
from city.shelters import Hazard
from city.word_parts import ASKED_COLUMN, Column, CsvPart, Kind, Part, QuestionPart, column_in
from city.word_toml import TomlPart
from core.languages import LANGUAGES


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
        Column(
            "品目",
            needed=True,
            also=("品名", "品目名", "ごみの品目", "ごみの名称", "ごみ名", "name"),
        ),
        Column("よみ", also=("読み", "ふりがな", "フリガナ", "furigana")),
        Column(
            "分別区分",
            Kind.CHOICE,
            True,
            "waste-kinds",
            also=(*WASTE_KIND.also, "分別", "分別方法", "ごみ種別", "type"),
        ),
        Column(
            "出し方",
            Kind.TEXT,
            also=("注意事項", "備考", "排出方法", "捨て方", "出し方・備考", "notice"),
        ),
    ),
    keys=("品目",),
    title=("品目",),
)


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
        Column(ASKED_COLUMN, Kind.TEXT, also=("言い換え", "asked")),
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
        Column("ID2"),
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
READY = CsvPart(
    code="ready-answers",
    group=WordGroup.CHAT,
    file=READY_ANSWERS,
    limit=READY_BYTES,
    columns=(
        Column("コード", needed=True),
        Column("担当", Kind.CHOICE, choices="offices"),
        *(
            Column(
                code,
                Kind.TEXT,
                needed=code == "ja",
                text="answer",
                language=code,
                also=(one.japanese, one.name, one.english),
            )
            for code, one in LANGUAGES.items()
        ),
    ),
    keys=("コード",),
    title=("ja",),
)

_NAME_PLACES = {code: ("names", code) for code in LANGUAGES}
TOPICS = TomlPart(
    code="topics",
    group=WordGroup.CITY,
    table="topics",
    places=_NAME_PLACES,
    columns=(Column("コード", needed=True), *_names()),
    keys=("コード",),
    title=("ja",),
)
OFFICES = TomlPart(
    code="offices",
    group=WordGroup.CITY,
    table="departments",
    places={**_NAME_PLACES, "電話番号": ("phone",), "メール": ("email",)},
    columns=(Column("コード", needed=True), *_names(), Column("電話番号"), Column("メール")),
    keys=("コード",),
    title=("ja",),
)
EMERGENCY = TomlPart(
    code="emergency-phone",
    group=WordGroup.CITY,
    table="",
    places={code: ("emergency_phone", code) for code in LANGUAGES},
    columns=(Column("コード", needed=True), *_names()),
    keys=("コード",),
    title=("ja",),
)
PARTS: Mapping[str, Part] = {
    one.code: one
    for one in (
        *(EXCEPTIONS, DAYS, ITEMS, WASTE_KINDS, QUESTIONS, SITES, CHILD_TABLE),
        *(READY, EMERGENCY, OFFICES, TOPICS),
    )
}
"""In the order in which pages list them."""
