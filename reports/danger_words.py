"""Words of danger in what residents write of a broken thing, in all sixteen languages.

A city adds words and takes away others, for all kinds or for one (``city.danger_words``).

They only raise a case's priority (``reports.priority``); nobody is told anything by them. The
conversation knows cries for help far better (``bot.understanding``), but comes after this package
and answers before a report is made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from city.danger_words import DangerWords

_NOT_YET = "(?:そう|る|ない|なけれ|かね|たら|れば)"
_FEARED = "(?:る|する)?(?:の)?(?:防止|対策|恐れ|おそれ|危険|可能|心配|もと|元に|原因|かも)"
_ACCIDENT = f"事故(?![がも]?(?:起|おき|おこ)[きこ]?{_NOT_YET}|に(?:つ?な[りるらが])|{_FEARED})"
"""Also in the Chinese words: all languages are looked for in every text."""
HURT = {
    # Not what may happen yet (事故が起きそう, 転倒のおそれ): that is danger. Nor what only sounds
    # so: いけがき, かけがえ, a line that is ひかれていない, じこく.
    "ja": (
        f"負傷|(?:怪我|ケガ|けが(?![きえ]))(?!をし{_NOT_YET}|し{_NOT_YET}|人が出{_NOT_YET}|{_FEARED})|"
        f"転ん|転倒(?!し{_NOT_YET}|す{_NOT_YET}|{_FEARED})|ころん|"
        f"つまず(?!き{_NOT_YET}|く{_FEARED})|"
        f"{_ACCIDENT}|じこ(?!く)|"
        f"はねられ(?!{_NOT_YET})|(?<![線ン][がはも])ひかれ(?!{_NOT_YET})|出血|救急|骨折|"
        "はまった|落ちた人|人が落ち|子どもが落ち|子供が落ち|挟まれ|下敷"
    ),
    "en": (
        "injur|hurt|accident|crash|(?:i|he|she|child|kid|somebody|"
        "someone|people|man|woman) fell|fell off|"
        "tripped|bleeding|ambulance|broke (?:my|his|her|their)|trapped|hit by"
    ),
    "zh": (
        f"受伤|受傷|摔倒|摔伤|摔傷|跌倒|{_ACCIDENT}|"
        "车祸|車禍|流血|救护车|救護車|骨折|绊倒|絆倒|被困"
    ),
    "ko": "다쳤|다친|부상|넘어져서|사람이 넘어|사고|피가|출혈|구급차|골절|걸려 넘어|갇혔",
    "vi": (
        "bị thương|tai nạn|té ngã|ngã xe|người (?:bị )?ngã|vấp|chảy máu|cấp cứu|"
        "gãy (?:chân|tay|xương)|mắc kẹt"
    ),
    "pt": ("ferid|machuc|acidente|eu caí|pessoas? ca|tropeç|sangr|ambulância|ambulancia|atropel"),
    "es": ("herid|lesion|lastim|accidente|me caí|me cai|tropez|sangr|ambulancia|atropell|atrapad"),
    "id": (
        "terluka|luka-luka|cedera|kecelakaan|terjatuh|(?:orang|saya|anak) jatuh|tersandung|"
        "berdarah|ambulans|patah tulang|terjebak"
    ),
    "tl": (
        "nasugat|nasaktan|aksidente|nadapa|nahulog (?:ako|ang bata)|natalisod|dumudugo|"
        "ambulansya|nabalian|naipit"
    ),
    "th": "บาดเจ็บ|อุบัติเหตุ|หกล้ม|รถล้ม|สะดุด|ตกลงไป|เลือด|รถพยาบาล|กระดูกหัก",
    "ne": "घाइते|चोट|दुर्घटना|लडेर|लडेँ|लडें|मान्छे लड|रगत|एम्बुलेन्स|हड्डी भाँचि",
    "km": ("រងរបួស|របួស|គ្រោះថ្នាក់ចរាចរ|ខ្ញុំដួល|មនុស្សដួល|ដួលម៉ូតូ|ជំពប់|ឈាម|រថយន្តសង្គ្រោះ|បាក់ឆ្អឹង"),
    "my": "ဒဏ်ရာ|မတော်တဆ|ချော်လဲ|လူလဲကျ|သွေးထွက်|လူနာတင်ကား|အရိုးကျိုး|ပိတ်မိ",
    "mn": ("бэртсэн|бэртэл|осол|(?:хүн|хүүхэд|би) уна|бүдэр|цус|түргэн тусламж|яс хугар|дайруул"),
}
DANGER = {
    "ja": (
        "事故|じこ(?!く)|転倒|つまず|怪我|けが(?![きえ])|ケガ|はねられ|ひかれそう|"
        "危険|危な|あぶな|アブナ|きけん|キケン|落ちそう|倒れそう|"
        "崩れ|くずれ|陥没|かんぼつ|穴が大き|大きな穴|"
        "感電|電線|火花|漏電|ガス|煙|火事|燃え|通れな|通行できな|冠水|水があふれ|土砂|"
        "倒木|子ども|子供|こども|通学路|車いす|車椅子|ベビーカー"
    ),
    "en": (
        "danger|unsafe|hazard|about to (?:fall|collapse)|collaps|"
        "sinkhole|cave[- ]in|caved|huge hole|deep hole|"
        "electric|live wire|power line|spark|gas\\b|smoke|"
        "fire\\b|flames|blocked|cannot pass|can't pass|"
        "flood|landslide|fallen tree|child|kids|school|wheelchair|stroller"
    ),
    "zh": (
        "危险|危險|快要?倒|快要?掉|倒塌|塌|大坑|深坑|触电|"
        "觸電|电线|電線|火花|漏电|漏電|煤气|瓦斯|"
        "燃气|冒烟|冒煙|着火|著火|火灾|火災|过不去|過不去|堵住|积水|積水|淹|山体滑坡|土石|倒树|"
        "孩子|小孩|儿童|兒童|学校|學校|轮椅|輪椅"
    ),
    "ko": (
        "위험|무너|쓰러질|떨어질|함몰|싱크홀|큰 구멍|깊은 구멍|감전|전선|불꽃|누전|가스|연기|"
        "화재|불이 났|막혔|지나갈 수 없|침수|물이 넘|산사태|"
        "쓰러진 나무|아이|어린이|학교|휠체어|유모차"
    ),
    "vi": (
        "nguy hiểm|sắp (?:đổ|rơi|sập)|sập|sụt lún|hố lớn|"
        "hố sâu|điện giật|dây điện|tia lửa|rò điện|"
        "khí ga|khói|đang cháy|bốc cháy|cháy nổ|hỏa hoạn|không qua được|"
        "tắc đường|ngập|sạt lở|cây đổ|trẻ em|"
        "trường học|xe lăn|xe nôi"
    ),
    "pt": (
        "perig|vai cair|prestes a|desab|desmoron|afund|buraco (?:grande|enorme|fundo)|choque|"
        "fio elétrico|fios? caíd|faísca|gás|fumaça|fogo|incêndio|bloquead|não dá para passar|"
        "alag|inund|deslizamento|árvore caída|criança|escola|cadeira de rodas|carrinho de bebê"
    ),
    "es": (
        "peligr|a punto de|derrumb|hundi|hoyo (?:grande|"
        "enorme|profundo)|socavón|electrocut|cable|"
        "chispa|humo|fuego|incendio|bloquead|no se puede pasar|inund|deslizamiento|"
        "deslave|árbol caído|niñ|escuela|silla de ruedas|carriola|cochecito"
    ),
    "id": (
        "bahaya|berbahaya|hampir (?:jatuh|roboh)|mau roboh|"
        "roboh|runtuh|amblas|lubang (?:besar|dalam)|"
        "tersetrum|kabel listrik|percikan|asap\\b|api\\b|kebakaran|tidak bisa lewat|banjir|"
        "longsor|pohon tumbang|anak|sekolah|kursi roda|kereta bayi"
    ),
    "tl": (
        "delikado|mapanganib|peligro|babagsak|malapit nang|gumuho|guho|malaking butas|malalim|"
        "kuryente|kable|usok|sunog|apoy|hindi madaanan|nakaharang|baha\\b|"
        "natumbang puno|mga bata|may bata|eskwela|paaralan|wheelchair"
    ),
    "th": (
        "อันตราย|กำลังจะ(?:ล้ม|พัง|ตก)|จะพัง|ถล่ม|พังลง|ทรุด|หลุมใหญ่|หลุมลึก|ไฟดูด|ไฟฟ้า|สายไฟ|"
        "ประกายไฟ|แก๊ส|ก๊าซ|ควัน|ไฟไหม้|ผ่านไม่ได้|กีดขวาง|"
        "น้ำท่วม|ดินถล่ม|ต้นไม้ล้ม|เด็ก|โรงเรียน|"
        "รถเข็น"
    ),
    "ne": (
        "खतरा|खतरनाक|जोखिम|खस्न लाग|ढल्न लाग|भत्कि|भासि|"
        "ठूलो खाल्डो|गहिरो|करेन्ट|बिजुली|तार|झिल्का|"
        "ग्यास|धुवाँ|आगो|आगलागी|जान सकिँदैन|बन्द छ|बाढी|"
        "पहिरो|रूख ढल|बच्चा|बालबालिका|विद्यालय|स्कुल|"
        "ह्विलचेयर"
    ),
    "km": (
        "គ្រោះថ្នាក់|ជិត(?:រលំ|ដួល|ធ្លាក់)|រលំ|បាក់|ស្រុត|"
        "រន្ធធំ|រន្ធជ្រៅ|ឆក់|ខ្សែភ្លើង|ផ្កាភ្លើង|ហ្គាស|"
        "ផ្សែង|ភ្លើងឆេះ|អគ្គិភ័យ|ឆ្លងកាត់មិនបាន|លិចទឹក|"
        "ទឹកជំនន់|បាក់ដី|ដើមឈើរលំ|កុមារ|ក្មេង|សាលារៀន|"
        "រទេះរុញ"
    ),
    "my": (
        "အန္တရာယ်|ပြိုကျ|ပြိုတော့|လဲတော့|ကျွံ|ချိုင့်ကြီး|"
        "နက်|ဓာတ်လိုက်|ဓာတ်ကြိုး|မီးကြိုး|မီးပွား|ဂက်စ်|"
        "ဓာတ်ငွေ့|မီးခိုး|မီးလောင်|သွား၍မရ|သွားလို့မရ|ပိတ်နေ|"
        "ရေကြီး|ရေလျှံ|မြေပြို|သစ်ပင်လဲ|ကလေး|ကျောင်း|"
        "ဘီးတပ်ကုလားထိုင်"
    ),
    "mn": (
        "аюул|унах гэж|нурах|нурсан|цөмөр|том нүх|гүн нүх|цахилгааны утас|"
        "утас тасар|оч үсэр|гал |хийн үнэр|хий алд|утаа|"
        "түймэр|явах боломжгүй|хаагдсан|үер|усанд автсан|хөрс гул|мод унасан|хүүхэд|сургууль|"
        "тэргэнцэр"
    ),
}
"""Patterns by the language's name before its first hyphen; the parts of each are whole ideas."""


_UNSPACED = frozenset({"ja", "zh", "ko", "th", "ne", "km", "my"})
MOST = 4000
"""Characters that are looked at."""
_MOST_KEPT = 200


@lru_cache(maxsize=_MOST_KEPT)
def _pattern(which: Literal["hurt", "danger"], own: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of Todoke's words and of a city's own, which are plain."""
    table = HURT if which == "hurt" else DANGER
    # A word of Latin or Cyrillic letters counts from its beginning: "gas" is not in "vegas".
    spaced = [table[one] for one in ("en", "vi", "pt", "es", "id", "tl", "mn")]
    spaced += [re.escape(word) for word in own if _is_spaced(word)]
    other = [words for one, words in table.items() if one in _UNSPACED]
    other += [re.escape(word) for word in own if not _is_spaced(word)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})|(?:{'|'.join(other)})", re.IGNORECASE)


@lru_cache(maxsize=_MOST_KEPT)
def _harmless(own: tuple[str, ...]) -> re.Pattern[str]:
    # A phrase covers the words in it.
    longest_first = sorted(own, key=len, reverse=True)
    starts = {word: r"(?<!\w)" if _is_spaced(word) else "" for word in longest_first}
    pattern = "|".join(starts[word] + re.escape(word) for word in longest_first)
    return re.compile(pattern, re.IGNORECASE)


def _is_spaced(word: str) -> bool:
    """Whether a word is of a script that has spaces between words."""
    return unicodedata.name(word[0], "").startswith(("LATIN", "CYRILLIC"))


def _own(tables: Sequence[DangerWords], which: str) -> tuple[str, ...]:
    words = (
        unicodedata.normalize("NFKC", word)
        for table in tables
        for some in getattr(table, which).values()
        for word in some
    )
    return tuple(dict.fromkeys(words))


def danger_in(words: str, *tables: DangerWords) -> tuple[str, str]:
    """Return what words of danger a text has, whatever its language: how grave, and the word.

    ``("hurt", word)`` if somebody came to harm, ``("danger", word)`` if somebody may, else two
    empty strings.

    Parameters
    ----------
    tables
        What the city and the kind add and take away.
    """
    text = unicodedata.normalize("NFKC", words[:MOST])
    if harmless := _own(tables, "harmless"):
        text = _harmless(harmless).sub(" ", text)
    for which in ("hurt", "danger"):
        if found := _pattern(which, _own(tables, which)).search(text):
            return which, found[0].strip()
    return "", ""
