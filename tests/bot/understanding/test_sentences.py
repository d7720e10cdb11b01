"""Messages are understood: sentences in sixteen languages, days, things, a city's words."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from app.cli import main
from bot.dialogues.buttons import city_understanding, standard_understanding
from bot.explain import Score, score
from bot.understanding.decide import Understanding
from bot.understanding.folding import fold
from city.faults import FolderFault
from city.words import read_words
from core.languages import LANGUAGES
from tests.support.project import SAMPLE_CITY

SUNDAY = date(2026, 11, 29)
OWN = Path(__file__).with_name("sentences.tsv")


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    understanding = standard_understanding()
    understanding.load()
    return understanding


def sentences_of(path: Path) -> list[tuple[str, str, str]]:
    """Return the lines of a list: language that the writer chose, text, intent."""
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [(language, text, intent) for language, text, intent in lines]


def assert_understood(found: Score) -> None:
    """At least 90 % right over all, 80 % in each language, and at most 2 % of cries missed."""
    assert found.rate() >= 0.9
    assert [code for code in found.asked if found.rate(code) < 0.8] == []
    assert found.cries_missed <= 0.02 * found.cries
    assert found.false_cries <= 0.01 * (found.asked.total() - found.cries)


def test_the_sentences_that_people_type(understanding: Understanding, shared_data: Path) -> None:
    listed = sentences_of(shared_data / "texts" / "sentences.tsv")
    assert_understood(score(understanding, listed, SUNDAY))


def test_sentences_of_our_own(understanding: Understanding) -> None:
    found = score(understanding, sentences_of(OWN), SUNDAY)
    assert set(found.asked) == set(LANGUAGES)
    assert_understood(found)


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        ("ja", "ひなんじょはどこですか", "shelter"), ("ja", "hinanjo wa doko", "shelter"),
        ("ja", "無事です", "safe"), ("vi", "nơi lánh nạn gần tôi", "shelter"),
        ("vi", "noi lanh nan gan toi", "shelter"), ("ja", "ｽﾌﾟﾚｰ缶", "sorting"),
        ("ja", "スプレー缶はどうやって捨てるの", "sorting"), ("vi", "cảm ơn", "thanks"),
        ("ja", "粗大ごみ申し込み", "bulky"), ("ja", "街灯が切れています", "report"),
        ("ja", "どうろにあながあいてる", "report"), ("ja", "通知がうるさい", "fewer-messages"),
        ("ja", "電気がつかへん", "lifelines"), ("ja", "水が出ません", "lifelines"),
        ("en", "wheres the neerest shelter", "shelter"), ("en", "thanks for your help", "thanks"),
        ("en", "help me change my address", "settings"), ("ja", "予防接種いつ", "childcare"),
        ("zh-Hant", "協助避難", "need-help"), ("ko", "아직 안 고쳤어요", "report-status"),
        ("pt", "ônibus de lixo quando passa", "collection-day"), ("my", "ေက်းဇူး", "thanks"),
        ("mn", "bayarlalaa", "thanks"), ("ja", "qwertyuiop", "unknown"), ("ja", "👍", "unknown"),
        ("ja", "", "unknown"), ("vi", "chay bo o dau", "shelter"),
        ("en", "where should I run", "shelter"), ("es", "a donde huyo", "shelter"),
        ("ja", "もうにげなくていいの", "in-force"), ("en", "can I go home now", "in-force"),
        ("zh-Hans", "可以回家了吗", "in-force"), ("vi", "ve nha duoc chua", "in-force"),
        ("my", "အိမ်ပြန်လို့ရပြီလား", "in-force"), ("pt", "já posso voltar pra casa", "in-force"),
        ("ja", "川があふれそう", "in-force"), ("en", "the river is overflowing", "in-force"),
        ("ko", "강이 넘칠 것 같아요", "in-force"), ("th", "น้ำจะล้นตลิ่ง", "in-force"),
        ("ne", "खोला बढ्यो", "in-force"), ("ja", "夜中は通知を止めて", "fewer-messages"),
        ("ja", "いつまで続くの", "in-force"), ("ja", "でんきが きえた", "lifelines"),
        ("ja", "まくらの捨て方", "sorting"),
        ("ja", "クーラーの捨て方", "bulky"), ("ja", "さくら", "unknown"),
        ("ja", "つかれがとれない", "unknown"),
    ],
)  # fmt: skip
def test_ways_of_writing(
    understanding: Understanding, language: str, text: str, intent: str
) -> None:
    assert understanding.meaning(text, language, SUNDAY).intent == intent


@pytest.mark.parametrize(
    ("chosen", "text", "written"),
    [
        ("ja", "Where is the shelter?", "en"), ("en", "避難所はどこですか", "ja"),
        ("en", "ひなんじょ どこ", "ja-x-easy"), ("ja", "tôi muốn đổi ngôn ngữ", "vi"),
        ("ja", "有没有大雨警报", "zh-Hans"), ("ja", "現在有什麼警報嗎", "zh-Hant"),
        ("ja", "대피소 어디예요", "ko"), ("ja", "कहाँ जाने", "ne"),
        ("ja", "хоргодох байр хаана", "mn"),
        ("zh-Hant", "避難所", "zh-Hant"), ("ja-x-easy", "避難所", "ja-x-easy"),
        ("ko", "menu", "ko"), ("th", "ok", "th"),
    ],
)  # fmt: skip
def test_the_language_that_is_written(
    understanding: Understanding, chosen: str, text: str, written: str
) -> None:
    assert understanding.meaning(text, chosen, SUNDAY).language == written


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("ja", "明日なんのゴミ", date(2026, 11, 30)), ("ja", "今日は燃えるごみ？", SUNDAY),
        ("ja", "火曜日のごみ", date(2026, 12, 1)), ("ja", "29日のごみは？", SUNDAY),
        ("ja", "2日のごみ", date(2026, 12, 2)), ("ja", "12/31 ごみ", date(2026, 12, 31)),
        ("ja", "１２月３１日のごみ", date(2026, 12, 31)),
        ("vi", "Thứ Ba đổ rác gì", date(2026, 12, 1)),
        ("en", "what rubbish goes out tomorrow", date(2026, 11, 30)),
        ("en", "is there recycling on monday", date(2026, 11, 30)),
        ("en", "trash on the 31st", date(2026, 12, 31)), ("ko", "내일 쓰레기", date(2026, 11, 30)),
        ("pt", "lixo de amanhã", date(2026, 11, 30)), ("ja", "ごみの日いつ", None),
        ("ja", "2月30日のごみ", None), ("ja", "来週の金曜のごみ", date(2026, 12, 4)),
        ("en", "trash next monday", date(2026, 11, 30)),
        ("id", "sampah hari senin minggu depan", date(2026, 11, 30)),
        ("tl", "basura sa martes sa susunod na linggo", date(2026, 12, 1)),
        ("th", "ขยะวันอังคาร", date(2026, 12, 1)), ("zh-Hans", "下周三扔什么垃圾", date(2026, 12, 2)),
    ],
)  # fmt: skip
def test_the_day_in_a_sentence(
    understanding: Understanding, language: str, text: str, day: date | None
) -> None:
    found = understanding.meaning(text, language, SUNDAY)
    assert (found.intent, found.date) == ("collection-day", day)


def test_a_weekday_of_the_next_week(understanding: Understanding) -> None:
    wednesday = date(2026, 12, 2)
    for language, text, day in (
        ("ja", "金曜のごみ", date(2026, 12, 4)), ("ja", "来週の金曜のごみ", date(2026, 12, 11)),
        ("ko", "다음 주 월요일 쓰레기", date(2026, 12, 7)),
        ("vi", "thứ tư tuần sau đổ rác gì", date(2026, 12, 9)),
    ):  # fmt: skip
        assert understanding.meaning(text, language, wednesday).date == day, text


def test_folding_leaves_accents_of_latin_letters_only() -> None:
    assert fold("Cháy! ÁRVORE ñandú đổi") == "chay! arvore nandu doi"
    for kept in ("がぎぱ", "ที่", "नमस्ते", "ကျေးဇူး", "ជួយ", "йё"):
        assert fold(kept) == kept.translate({}), kept


def test_a_city_adds_words_and_a_bad_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "ja.toml").write_text('[intents]\nshelter = ["つくばドーム"]\n', encoding="utf-8")
    (tmp_path / "en.toml").write_text('[intents]\nshelter = "dome"\n', encoding="utf-8")
    (tmp_path / "xx.toml").write_text("", encoding="utf-8")
    (tmp_path / "ko.toml").write_text('[intents]\nfly = ["날다"]\n', encoding="utf-8")
    faults: list[FolderFault] = []
    added = read_words(tmp_path, faults)
    assert [(fault.path.name, fault.stops) for fault in faults] == [
        ("en.toml", False), ("xx.toml", False),
    ]  # fmt: skip
    city = city_understanding(added)
    assert city.meaning("つくばドーム", "ja", SUNDAY).intent == "shelter"
    assert city.meaning("안녕하세요", "ko", SUNDAY).intent == "greeting"


def test_the_shell_explains_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    main(["messages", "explain", "たすけて", "--language", "ja", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "intent", "language", "date", "item", "kind", "alternatives", "answer",
    ]  # fmt: skip
    assert found["intent"] == "need-help"
    assert "119" in found["answer"]
    sentences = tmp_path / "sentences.tsv"
    sentences.write_text("en\tgarbage tomorrow\tx\nvi\tcảm ơn\n", encoding="utf-8")
    main(["messages", "explain", "--file", str(sentences), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["answer"] is None, "it depends on the district"
    assert lines[1]["answer"]
    assert [line["intent"] for line in lines] == ["collection-day", "thanks"]
    with pytest.raises(SystemExit):
        main(["messages", "explain", "x", "--language", "xx"])


def test_the_shell_counts_what_is_understood(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    listed = tmp_path / "sentences.tsv"
    listed.write_text("en\thello\tgreeting\nja\tたすけて\tthanks\n", encoding="utf-8")
    main(["messages", "score", str(listed), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["languages"]["en"] == {"asked": 1, "right": 1, "rate": 1.0}
    assert (found["rate"], found["false_cries"]) == (0.5, 1)
    assert found["misses"] == [
        {"language": "ja", "text": "たすけて", "wanted": "thanks", "found": "need-help"}
    ]
    main(["messages", "score", str(listed)])
    said = capsys.readouterr().out
    assert "ja\tたすけて\tthanks\tneed-help" in said
    assert "50.0%" in said
    for wrong in ("en\thello\n", "en\thello\tfly\n", "xx\thello\tgreeting\n", ""):
        listed.write_text(wrong, encoding="utf-8")
        with pytest.raises(SystemExit):
            main(["messages", "score", str(listed)])


def test_a_fire_alarm_is_a_thing_only_where_it_is_thrown_away(
    understanding: Understanding,
) -> None:
    for text, language in (
        ("how do i dispose of a fire alarm", "en"), ("onde jogo extintor de incêndio", "pt"),
        ("火災警報器の捨て方", "ja"), ("灭火器怎么扔", "zh-Hans"),
    ):  # fmt: skip
        assert not understanding.meaning(text, language, SUNDAY).is_cry, text
    burning = understanding.meaning("the fire alarm rings and the kitchen is on fire", "en", SUNDAY)
    assert burning.is_cry


def test_one_vietnamese_letter_without_its_mark_names_no_thing(
    understanding: Understanding,
) -> None:
    """ "o" is also "ở" (in): a question about a place is not about an umbrella."""
    assert understanding.meaning("toi o dau", "vi", SUNDAY).item == ""
    assert understanding.meaning("chay bo o dau", "vi", SUNDAY).item == ""
    assert understanding.meaning("vut o the nao", "vi", SUNDAY).item == "umbrella"
    assert understanding.meaning("ô vứt thế nào", "vi", SUNDAY).item == "umbrella"
