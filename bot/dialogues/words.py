"""Reading what residents type: folding of letters, commands and cries for help."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from core import typed

_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_EDGES = " \t\r\n　.,!?！？。、，．・…~～「」『』()（）[]【】\"'“”"

COMMANDS: dict[str, tuple[str, ...]] = {
    "report": (
        "通報", "つうほう", "レポート", "道路", "こわれている", "壊れている", "report",
        "report damage", "举报", "报告", "报告损坏", "报修", "通報損壞", "回報", "신고", "báo cáo",
        "relatar",
        "denunciar", "reportar", "informar", "lapor", "laporan", "iulat", "แจ้ง", "แจ้งเหตุ",
        "रिपोर्ट", "រាយការណ៍", "သတင်းပို့", "တိုင်ကြား", "мэдэгдэх",
    ),
    "shelters": (
        "避難所", "避難場所", "ひなんじょ", "ひなんばしょ", "shelter", "shelters", "避难所",
        "避難收容所", "대피소", "nơi trú ẩn", "nơi sơ tán", "abrigo", "abrigos", "refugio",
        "refugios", "tempat pengungsian", "pengungsian", "evacuation center", "silungan",
        "ศูนย์อพยพ", "ที่หลบภัย", "आश्रयस्थल", "ទីជម្លៀស", "ခိုလှုံရာ", "хоргодох байр",
    ),
    "settings": (
        "設定", "せってい", "settings", "setting", "设置", "设定", "설정", "cài đặt",
        "configurações", "configuração", "ajustes", "configuración", "pengaturan", "settings ko",
        "การตั้งค่า", "ตั้งค่า", "सेटिङ", "ការកំណត់", "ဆက်တင်", "тохиргоо",
    ),
    "language": (
        "言語", "ことば", "げんご", "language", "languages", "语言", "語言", "언어", "ngôn ngữ",
        "idioma", "língua", "bahasa", "wika", "ภาษา", "भाषा", "ភាសា", "ဘာသာစကား", "хэл",
    ),
    "now": (
        "警報", "注意報", "けいほう", "いまの警報", "warnings", "warning", "警报", "경보",
        "cảnh báo", "alertas", "avisos", "peringatan", "babala", "คำเตือน", "चेतावनी",
        "ការព្រមាន", "သတိပေးချက်", "сэрэмжлүүлэг",
    ),
    "help": (
        "ヘルプ", "使い方", "つかいかた", "help", "帮助", "說明", "幫助", "도움말", "trợ giúp",
        "ajuda", "ayuda", "bantuan", "tulong", "วิธีใช้", "सहयोग", "ជំនួយ", "အကူအညီ", "заавар",
    ),
    "rubbish": (
        "ごみの日", "ごみ収集", "ごみ収集日", "収集日", "しゅうしゅうび", "rubbish days",
        "collection days", "垃圾收集日", "쓰레기 수거일", "ngày thu gom rác",
        "dias de coleta de lixo", "días de recogida de basura", "hari pengambilan sampah",
        "araw ng pagkolekta ng basura", "วันเก็บขยะ", "फोहोर उठाउने दिन",
        "ថ្ងៃប្រមូលសំរាម", "အမှိုက်သိမ်းသည့်ရက်", "хог ачих өдөр",
    ),
    "questions": (
        "質問", "しつもん", "よくある質問", "faq", "questions", "question", "常见问题", "常見問題",
        "자주 묻는 질문", "질문", "câu hỏi", "câu hỏi thường gặp", "perguntas",
        "perguntas frequentes", "preguntas", "preguntas frecuentes", "pertanyaan",
        "pertanyaan umum", "mga madalas itanong", "tanong", "คำถาม", "คำถามที่พบบ่อย", "प्रश्न",
        "धेरै सोधिने प्रश्न", "សំណួរ", "សំណួរដែលសួរញឹកញាប់", "မေးခွန်း", "မေးလေ့ရှိသော မေးခွန်းများ",
        "асуулт", "түгээмэл асуулт",
    ),
    "menu": (
        "メニュー", "menu", "菜单", "選單", "메뉴", "thực đơn", "menú", "เมนู", "मेनु", "ម៉ឺនុយ",
        "မီနူး", "цэс", "start", "はじめる",
    ),
    "cancel": (
        "キャンセル", "やめる", "中止", "取消", "cancel", "stop", "취소", "hủy", "huỷ", "cancelar",
        "batal", "kanselahin", "ยกเลิก", "रद्द", "បោះបង់", "ပယ်ဖျက်", "цуцлах",
    ),
}  # fmt: skip
"""Whole messages (folded) that ask for something, in all languages. Only help is ambiguous:
as a cry it is in ``CRIES`` where the language's word for it is one."""

CRIES: tuple[str, ...] = (
    "119", "110", "火事", "かじです", "かじだ", "燃えて", "もえて", "救急車", "きゅうきゅうしゃ",
    "助けて", "たすけて", "強盗", "ごうとう", "殺され", "溺れ", "おぼれ", "生き埋め", "血が出",
    "意識がない", "救命", "着火", "火灾", "火災", "失火", "救护车", "救護車", "溺水", "불이야",
    "불났", "화재", "살려", "구급차", "구해주세요", "도와주세요", "ไฟไหม้", "ช่วยด้วย", "รถพยาบาล",
    "आगो", "बचाउनुहोस्", "एम्बुलेन्स", "ភ្លើងឆេះ", "ជួយផង", "រថយន្តសង្គ្រោះ", "မီးလောင်",
    "ကယ်ပါ", "လူနာတင်ယာဉ်",
)  # fmt: skip
"""Cries for help in scripts without spaces between words: found anywhere in a message."""

CRY_WORDS: tuple[str, ...] = (
    "fire", "ambulance", "help me", "help us", "save me", "sos", "emergency", "drowning",
    "cháy", "cứu tôi", "cứu với", "cấp cứu", "xe cứu thương", "incêndio", "socorro",
    "ambulância", "emergência", "incendio", "auxilio", "ambulancia", "emergencia", "fuego",
    "kebakaran", "tolong saya", "darurat", "sunog", "saklolo", "tulungan", "ambulansya",
    "гал гарсан", "түймэр", "туслаарай", "аврал", "түргэн тусламж",
)  # fmt: skip
"""Cries for help in scripts with spaces: found as whole words."""

RUBBISH: tuple[str, ...] = (
    "ごみ", "垃圾", "쓰레기", "ขยะ", "फोहोर", "សំរាម", "အမှိုက်",
)  # fmt: skip
"""Rubbish in scripts without spaces between words (and in those that join endings to words)."""

RUBBISH_WORDS: tuple[str, ...] = (
    "rubbish", "garbage", "trash", "recycling", "rác", "lixo", "basura", "sampah", "хог",
)  # fmt: skip
"""Rubbish in scripts with spaces: found as a whole word."""

_NUMBERS = re.compile(r"(?<![0-9\-−‐])(119|110)(?![0-9\-−‐]|番地|号|丁目)")


def clean(text: str, limit: int = 500) -> str:
    """Return what a person typed, fit to be kept, at most ``limit`` characters of it."""
    return typed.clean(typed.clean(text)[:limit])


def fold(text: str) -> str:
    """Return text for comparison: width, case, kana, accents on Latin letters and edges gone."""
    folded = unicodedata.normalize("NFKC", clean(text)).casefold()
    folded = folded.translate(_KATAKANA_TO_HIRAGANA)
    return re.sub(r"\s+", " ", folded).strip(_EDGES)


def command_in(text: str) -> str | None:
    """Return what a whole message asks for by name, or None."""
    return _COMMANDS.get(fold(text))


def is_cry_for_help(text: str) -> bool:
    """Whether somebody may be in danger. A house number such as 1-119 is not a cry."""
    folded = fold(text)
    return _NUMBERS.search(folded) is not None or _has_any(folded, _CRIES, _CRY_WORDS)


def asks_for_rubbish_days(text: str) -> bool:
    """Whether a message speaks of rubbish: then the days of collection are a likely answer."""
    return _has_any(fold(text), _RUBBISH, _RUBBISH_WORDS)


def listed(names: Iterable[str], language: str) -> str:
    """Return names one after the other, as the language separates them."""
    return ("、" if language.startswith(("ja", "zh")) else ", ").join(names)


def _has_any(folded: str, anywhere: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Whether a folded text has one of these anywhere, or one of those as a whole word."""
    return any(part in folded for part in anywhere) or any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) for word in whole
    )


_COMMANDS = {fold(word): name for name, words in COMMANDS.items() for word in words}
_CRIES = tuple(fold(cry) for cry in CRIES if not cry.isdecimal())
_CRY_WORDS = tuple(fold(cry) for cry in CRY_WORDS)
_RUBBISH = tuple(fold(word) for word in RUBBISH)
_RUBBISH_WORDS = tuple(fold(word) for word in RUBBISH_WORDS)
