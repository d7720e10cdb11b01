"""Personal names in what residents type, in the scripts of the sixteen languages.

Japanese names are found by the dictionary of the extra ``todoke[furigana]`` (part of speech 人名),
if it is installed. In every language names are found by the words around them: titles, "my name
is", and the form of names. A name that has nothing around it, in small Latin letters or in a script
without spaces, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

MASK = "○○"

_TITLED = re.compile(
    r"[^\W\d_]{1,8}(?=さん|さま|様|くん|君|ちゃん|氏|先生|씨|님|女士|小姐|太太)"
    r"|\b[A-Za-z]{2,12}(?=[ -]?(?:san|sama|kun|chan|sensei)\b)"
)
_KIN = re.compile(
    "(?:お?(?:母|父|かあ|とう|ばあ|じい|婆|爺|姉|兄|ねえ|にい|孫|嫁)|おば|おじ|赤|あか|"
    "職員|しょくいん|皆|みな|みんな|隣|ゴミ屋|선생|고객|先|大家|住民|市長|店|屋|医者|お客|大工|奥|"
    r"^(?:okaa|otou|obaa|ojii|onee|onii|oba|oji|aka|mina|oku))$",
    re.IGNORECASE,
)
_CAPITAL = "[A-ZÀ-ÖØ-ÞĂĐĨŨƠƯẠ-Ỹ]"
_NAME = r"[^\W\d_][^\s\d、。,.!?！？]*"
_AFTER = re.compile(
    r"(?P<start>\b(?:my|his|her) name is|\bi am called|\bme llamo|\bmi nombre es|"
    r"\bmeu nome (?:é|e)|"
    r"\bme chamo|tên (?:tôi |em |mình )?là|tôi tên(?: là)?|nama saya(?: adalah)?|"
    r"ang pangalan ko(?: ay)?|\bako si|\bsi (?=[A-Z])|제 이름은|"
    r"저는 (?=[가-힣]{3}(?:입|이|예|라))|이름은|"
    r"我叫|我的名字是|他叫|她叫|ฉันชื่อ|ผมชื่อ|หนูชื่อ|ชื่อ(?= )|मेरो नाम|ខ្ញុំឈ្មោះ|ឈ្មោះ|ကျွန်တော့်နာမည်|"
    r"ကျွန်မနာမည်|နာမည်က|миний нэр|намайг(?= \S+ гэдэг)|名前は|なまえは|氏名[:：は]?|姓名[:：是]?)"
    rf"\s*{_NAME}(?:\s{_NAME})?",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\S{1,12}(?=と(?:申し|もうし|いいま|言いま)|といいます)")
_TITLE_BEFORE = re.compile(
    r"(?P<title>\b(?:Mrs?|Ms|Miss|Dr|Sra?|Srta|Don|Doña|Dona|Pak|Bapak|Bu|Ibu|Mas|Mbak|Mang|Aling|Kuya|"
    r"Ông|Bà|Anh|Chị|Cô|Chú)\.? |\b(?:anh|chị|ông|bà|cô|chú|bapak|ibu|pak|bu|señora?|senhora?|seu) "
    rf"(?={_CAPITAL})|(?:^|\s)(?:นาย|นางสาว|ด\.ช\.|ด\.ญ\.|ဦး|ဒေါ်|លោកស្រី|លោក|श्रीमती|श्री)\s?)"
    rf"[^\s\d、。,.!?]{{2,20}}(?: {_CAPITAL}\w+)*"
    r"(?:(?<=[\u0e00-\u0e7f]) [\u0e00-\u0e7f]+(?= |$))?"
)
_INITIAL = re.compile(r"\b[А-ЯЁӨҮ]\.\s?[А-ЯЁӨҮ][а-яёөү]+|\b[A-Z]\.\s?[A-Z][a-z]+")
_CAPITALISED = re.compile(
    rf"\b{_CAPITAL}[^\W\d_]*(?:['’-][^\W\d_]+)?(?: (?:(?:da|de|do|dos|del|bin|binti|van) )?"
    rf"{_CAPITAL}[^\W\d_]+){{1,3}}|\b[А-ЯЁӨҮ][а-яёөү]+(?: [А-ЯЁӨҮ][а-яёөү]+){{1,2}}"
)
"""Vietnamese capitals are not a range: the words are looked at once more."""
_NO_NAMES = frozenset((
    "city", "hall", "town", "ward", "office", "park", "station", "school", "hospital",
    "library", "center", "centre", "center's", "street", "road", "bridge", "river", "museum",
    "zoo", "pool", "gym", "bus", "train", "line", "my", "number", "card", "health", "insurance",
    "pension", "tax", "the", "japan", "japanese", "english", "tokyo", "tsukuba", "osaka",
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday",
    "saturday", "sunday", "where", "when", "what", "how", "who", "why", "is", "are", "can",
    "do", "does", "i", "a", "an", "in", "on", "of", "for", "and", "please", "hello", "hi",
    "good", "morning", "evening", "prefeitura", "municipal", "cartão", "cidade", "escola",
    "parque", "onde", "como", "quando", "qual", "ayuntamiento", "ciudad", "escuela", "dónde",
    "donde", "cómo", "cuándo", "cuando", "qué", "kantor", "kota", "balai", "taman", "sekolah",
    "rumah", "sakit", "di", "mana", "kapan", "bagaimana", "saan", "paano", "kailan", "ano",
    "ang", "munisipyo", "paaralan", "trường", "học", "bệnh", "viện", "công", "viên", "thành",
    "phố", "tòa", "thị", "chính", "ở", "đâu", "khi", "nào", "хот", "сургууль", "эмнэлэг",
    "golden", "week", "new", "year", "google", "maps", "app", "wi", "fi", "covid",
))  # fmt: skip
"""Capitalised words that are no names."""
_CHINESE = re.compile(
    "[王李张張陈陳刘劉杨楊赵趙吴吳邓鄧郑鄭蒋蔣蔡萧蕭潘][\u4e00-\u9fff]{1,2}(?=的(?!时|時)|家(?!里)|住在|死了|走失|失踪|不见)"
)
_KOREAN = re.compile(
    "(?:김|박|최|윤|송|권|강|조|임)[가-힣]{2}(?=의 |네 집|이에요|입니다|이라고| 씨| 님)"
)
_NO_KOREAN = frozenset(
    {"박물관", "최근에", "김치의", "조사의", "조금의", "강아지", "강의실", "임산부", "조명등"}
)
_FACILITY = re.compile(
    "^(?:公園|小学|中学|高校|高等|大学|学校|幼稚|保育|病院|医院|歯科|クリニック|診療|眼科|皮膚|内科|小児|薬局|"
    "駅|橋|通り|通|線|図書|神社|寺|店|商店|スーパー|団地|町|市|区|村|県|丁目|地区|川|山|池|沼|湖|城|記念|"
    "美術|博物|交流|公民|会館|ホール|プール|球場|集会|バス|交番|郵便|体育|動物|植物|牧場|農園|園|館|坂)"
)
"""What follows a name that is a place: what is needed to answer the question."""
_PUBLIC = re.compile(
    "^(?:公園|図書|学校|小学|中学|高校|病院|駅|公民|交流|プール|市|町|村|道|橋|海|山)"
)
"""石川の図書館: more likely a place than somebody's."""


def without_names(text: str) -> str:
    """Return a text, in the form NFKC and with its capital letters, with names as ``○○``."""
    text = _AFTER.sub(lambda found: f"{found['start'].rstrip()} {MASK}", text)
    text = _CALLED.sub(MASK, text)
    text = _TITLED.sub(lambda found: found[0] if _KIN.search(found[0]) else MASK, text)
    text = _TITLE_BEFORE.sub(lambda found: f"{found['title'].rstrip()} {MASK}", text)
    text = _INITIAL.sub(MASK, text)
    text = _CHINESE.sub(MASK, text)
    text = _KOREAN.sub(lambda found: found[0] if found[0] in _NO_KOREAN else MASK, text)
    text = _CAPITALISED.sub(_not_common, text)
    return _without_japanese_names(text)


def _not_common(found: re.Match[str]) -> str:
    """Put a mask for capitalised words of which none is an everyday one; Title Case is no name."""
    words = found[0].split()
    while words and not words[-1][0].isupper():
        words = words[:-1]
    after = found[0].removeprefix(" ".join(words))
    before = ""
    while words and (words[0].casefold() in _NO_NAMES or not words[0][0].isupper()):
        before += f"{words[0]} "
        words = words[1:]
    if len(words) < 2 or any(len(word) > 2 and word.casefold() in _NO_NAMES for word in words):
        return found[0]
    return before + MASK + after


def _without_japanese_names(text: str) -> str:
    tagger = _tagger()
    if tagger is None or not re.search("[\u3040-\u30ff\u3400-\u9fff]", text):
        return text
    made, position, words = [], 0, list(tagger(text))
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and (
            _is_name(words[end]) or (end > at and str(words[end].surface) in "・=＝")
        ):
            end += 1
        if end == at:
            end = at + 1
            kept = True
        else:
            kept = _stays(words, at, end)
        start = text.find(str(words[at].surface), position)
        stop = start
        for word in words[at:end]:
            stop = text.find(str(word.surface), stop) + len(str(word.surface))
        made.append(text[position:start] + (text[start:stop] if kept else MASK))
        position, at = stop, end
    made.append(text[position:])
    return "".join(made)


def _is_name(word: Any) -> bool:
    return bool(word.feature.pos2 == "固有名詞" and word.feature.pos3 == "人名")


def _stays(words: list[Any], start: int, end: int) -> bool:
    """Whether a name is part of a place's, or so short that it is more likely another word."""
    names = "".join(str(word.surface) for word in words[start:end])
    after = [str(word.surface) for word in words[end : end + 2]]
    if after and _FACILITY.match(after[0]):
        return True
    if len(after) == 2 and after[0] == "の" and _PUBLIC.match(after[1]) and end - start == 1:
        return True
    is_whole = end - start > 1
    return not is_whole and (len(names) < 2 or not re.search("[\u3400-\u9fff\u30a1-\u30fa]", names))


@cache
def _tagger() -> Callable[[str], Any] | None:
    """Return what divides Japanese into words, or None if the extra is not installed."""
    try:
        import fugashi
        import unidic_lite
    except ImportError:
        return None
    tagger: Callable[[str], Any] = fugashi.Tagger(f'-d "{unidic_lite.DICDIR}"')
    return tagger
