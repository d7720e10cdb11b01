"""What the parts and columns of the city's own words are called for staff."""

from __future__ import annotations

from city.city import WordGroup
from core.languages import mark

GROUP_NAMES = {
    WordGroup.COLLECTION: mark("Collection of rubbish"),
    WordGroup.QUESTIONS: mark("Questions and answers"),
    WordGroup.SHELTERS: mark("Evacuation sites"),
    WordGroup.CHILDREN: mark("Vaccinations and check-ups"),
    WordGroup.CHAT: mark("Chat with residents"),
    WordGroup.CITY: mark("Names and telephone numbers"),
}
PART_NAMES = {
    "exceptions": mark("Exceptions of the calendar"),
    "days": mark("Collection days"),
    "items": mark("Items of rubbish"),
    "waste-kinds": mark("Kinds of rubbish"),
    "questions": mark("Questions and answers"),
    "shelters": mark("Evacuation sites"),
    "children": mark("Vaccinations and check-ups"),
    "ready-answers": mark("Ready answers of the chat"),
    "emergency-phone": mark("Emergency telephone numbers"),
    "offices": mark("Departments of the city"),
    "topics": mark("Topics"),
}
PART_HINTS = {
    "exceptions": mark(
        "Days on which the collection is cancelled, moved or added, such as New Year. Reminders, "
        "calendars and the conversation follow at once."
    ),
    "days": mark(
        "On which days what is collected where. A change can begin later: until then the old days "
        "hold, and whoever looks ahead sees the new ones."
    ),
    "items": mark("How each thing is thrown away. Several names of a thing stand with ・ between."),
    "waste-kinds": mark("What residents call the kinds, in each language."),
    "questions": mark("What residents ask, and the answer of the city, in each language."),
    "shelters": mark("Where people go, from which danger it is safe, and what it offers."),
    "ready-answers": mark(
        "What colleagues of the chat send often. Who gets it reads it in their own language."
    ),
    "emergency-phone": mark("The numbers that residents are told to call in danger."),
    "offices": mark("What the departments are called, and how residents and mails reach them."),
    "topics": mark("What residents choose from, in each language."),
    "children": mark("At what age a child's vaccinations and check-ups are due."),
}
COLUMN_NAMES = {
    "コード": mark("Code"),
    "地区コード": mark("District"),
    "分別区分": mark("Kind of rubbish"),
    "曜日": mark("Weekdays"),
    "週": mark("Weeks of the month"),
    "月": mark("Months"),
    "起点": mark("A day on which it is collected (every second week)"),
    "日付": mark("Single days"),
    "開始日": mark("First day"),
    "終了日": mark("Last day"),
    "休止期間": mark("Closures"),
    "備考": mark("Remark"),
    "扱い": mark("What happens"),
    "振替日": mark("Collected instead on"),
    "品目": mark("Thing"),
    "よみ": mark("Reading in kana"),
    "出し方": mark("How it is thrown away"),
    "名前": mark("Name in addresses (a-z, 0-9, hyphen)"),
    "質問": mark("Question"),
    "回答": mark("Answer"),
    "聞き方": mark("Other sentences that ask it, in any language, one a line"),
    "name": mark("Name or sentence"),
    "answer": mark("Answer"),
    "担当": mark("Department (empty: all)"),
    "ID": mark("Code"),
    "ID2": mark("Second reference"),
    "名称": mark("Name of the site"),
    "名称_カナ": mark("Name in kana"),
    "名称_英字": mark("Name in English"),
    "所在地_連結表記": mark("Address of the site"),
    "緯度": mark("Latitude"),
    "経度": mark("Longitude"),
    "電話番号": mark("Telephone"),
    "災害種別_洪水": mark("Safe in a flood"),
    "災害種別_崖崩れ、土石流及び地滑り": mark("Safe in a landslide"),
    "災害種別_高潮": mark("Safe in a storm surge"),
    "災害種別_地震": mark("Safe in an earthquake"),
    "災害種別_津波": mark("Safe in a tsunami"),
    "災害種別_大規模な火事": mark("Safe in a large fire"),
    "災害種別_内水氾濫": mark("Safe when drains overflow"),
    "災害種別_火山現象": mark("Safe from a volcano"),
    "指定避難所との重複": mark("People can stay there"),
    "想定収容人数": mark("People it holds"),
    "対象となる町会・自治会": mark("For which neighbourhoods"),
    "メール": mark("E-mail"),
    "URL": mark("Page with more about it (https://…)"),
    "年齢・月齢": mark("Age (2か月, 1歳6か月, 年長, 小6)"),
    "何日前": mark("Told so many days before"),
}
"""By the heading in the file, or the name of the text that stands in several languages."""
CHOICE_NAMES = {
    "休止": mark("Nothing is collected"),
    "振替": mark("It is collected on another day"),
    "収集": mark("It is collected in addition"),
}
EXAMPLES = {
    "曜日": "月・木",
    "週": "毎週 / 1・3 / 隔週",
    "月": "4・6",
    "日付": "2026-12-30",
    "年齢・月齢": "1歳6か月",
    "何日前": "14",
    "緯度": "36.083400",
    "経度": "140.108200",
}
