"""Danger first: a cry for help gets the emergency numbers, in every state of the conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.catalogue import WORDS
from bot.dialogues import respond
from bot.dialogues.buttons import BUTTONS
from bot.dialogues.kinds import (
    IN_NEED_FOR,
    DialogueState,
    Incoming,
    Known,
    Pressed,
    Said,
    Sent,
    WarningShown,
)
from city.folder import CityFolder
from core.languages import LANGUAGES
from tests.support.chats import HERE, known_in
from tests.support.resident_chat import kind_of
from tests.support.town import actions_in

CRIES = (
    ("ja", "たすけて"), ("ja", "119"), ("ja", "１１９番して"), ("ja", "ﾀｽｹﾃ"),
    ("ja", "家が火事です"), ("ja", "カジです"), ("ja", "救急車をよんで"),
    ("ja", "子どもがいなくなった"), ("ja", "ガスくさい"), ("ja", "煙が出てる"),
    ("ja", "道路が陥没した"), ("ja", "身動きがとれない"),
    ("ja-x-easy", "いえに みずが はいって きました"), ("ja", "tasukete"), ("en", "Help me"),
    ("en", "FIRE!"), ("en", "my child is lost"), ("en", "smell of gas"),
    ("en", "someone is hurt"), ("en", "there is a fire here"), ("en", "110 please"),
    ("zh-Hans", "救命"), ("zh-Hant", "失火了"), ("zh-Hant", "我的孩子走失了"), ("ko", "불이야"),
    ("ko", "살려주세요"), ("ko", "가스 냄새가 나요"), ("vi", "cứu"), ("vi", "cứu với"),
    ("vi", "cuu toi"), ("vi", "chay nha"), ("vi", "giúp tôi với"), ("pt", "Socorro"),
    ("pt", "tem gente ferida"), ("es", "auxilio"), ("es", "huele a gas"), ("id", "tolong"),
    ("id", "kebakaran"), ("tl", "tulong"), ("tl", "nasusunog"), ("tl", "sunog po"),
    ("tl", "help po"), ("th", "ช่วยหนูด้วย"), ("th", "ช่วยผมด้วย"), ("th", "จมน้ำ"),
    ("th", "ไฟไหม้บ้าน"), ("ne", "बचाउनुस्"), ("ne", "गुहार"), ("ne", "मद्दत"),
    ("ne", "aago lagyo"), ("mn", "гал гарлаа"), ("mn", "туслаач"), ("mn", "тусламж хэрэгтэй"),
    ("mn", "авраарай"), ("mn", "tuslaarai"), ("mn", "Гал гарсан"), ("km", "ជួយខ្ញុំផង"),
    ("km", "ផ្ទះឆេះ"), ("km", "លង់ទឹក"), ("my", "ကယ်ကြပါ"), ("my", "ကူညီပါ"), ("my", "ရေနစ်"),
    ("ja", "けむり"), ("ja", "煙が見える"), ("ja-x-easy", "けむりが みえます"), ("en", "smoke"),
    ("zh-Hant", "煙"), ("ko", "연기"), ("vi", "khoi"), ("pt", "fumaça"), ("es", "humo"),
    ("id", "asap"), ("tl", "usok"), ("th", "ควัน"), ("ne", "धुवाँ"), ("mn", "утаа"),
    ("km", "ផ្សែង"), ("my", "မီးခိုး"),
    ("ja", "よなかにこわい"), ("ko", "밤에 무서워요"), ("vi", "ban dem so qua"),
    ("th", "กลัวตอนกลางคืน"), ("km", "ខ្ញុំខ្លាចយប់"),
    ("en", "I need first aid"), ("zh-Hans", "家里开始进水"), ("vi", "nha toi bi ngap"),
    ("ja", "おじいさんが おきない"), ("ja", "家の前が川みたい"), ("ja", "まっくらでこわい"),
    ("es", "necesito primeros auxilios"), ("pt", "preciso de primeiros socorros"),
    ("ja", "裏山から石が転がってくる"), ("ja-x-easy", "どあが あきません"),
    ("en", "my uncle slumped over and wont speak"), ("zh-Hans", "弟弟还没回家联络不上"),
    ("zh-Hant", "我不想再活下去了"), ("ko", "다리가 책장에 끼었어요"),
    ("vi", "bà tôi té nằm im không nói"),
    ("pt", "minha tia caiu e nao se mexe"), ("es", "mi primo tiene un cuchillo"),
    ("id", "paman belum pulang, tidak angkat telepon, anak juga"),
    ("tl", "nalunok ng bata ang gamot"),
    ("th", "น้องยังไม่กลับบ้าน"), ("ne", "bhai ghar aayena"),
    ("mn", "дүү шатнаас унаад хөдлөхгүй байна"),
    ("km", "ប៉ាដួលមិននិយាយ"), ("my", "အဖေ ချော်လဲပြီး မလှုပ်ဘူး"),
    ("ja", "訓練じゃない 火事だ"), ("en", "this is no drill there is a fire"),
)  # fmt: skip
NO_CRIES = (
    ("ja", "火災保険"), ("ja", "火災警報器の捨て方"), ("ja", "消火器の捨て方"),
    ("ja", "乾電池110本"), ("ja", "119円"), ("ja", "1-119"), ("ja", "中央１１９番地"),
    ("ja", "消防署の前"), ("ja", "0110"), ("ja", "2026-000119"), ("ja", "tel 029-110-2222"),
    ("en", "fire extinguisher"), ("en", "fire station"), ("en", "fireworks"), ("en", "helpful"),
    ("en", "campfire"), ("en", "the street light"), ("en", "119-2"), ("en", "fire insurance"),
    ("pt", "só emergência"), ("es", "solo emergencias"), ("ja", "燃えるごみはいつ"),
    ("zh-Hans", "火灾保险"), ("ko", "화재보험"), ("vi", "bình chữa cháy"),
    ("th", "ถังดับเพลิงทิ้งยังไง"), ("mn", "галын даатгал"),
    ("ja", "救急車のサイレンがうるさい"), ("ja", "火事の後のごみはどうする"),
    ("en", "my dog is missing"), ("en", "first aid course"), ("en", "how can I help after a flood"),
    ("es", "curso de primeros auxilios"), ("pt", "preciso de ajuda com o lixo"),
    ("id", "tolong beri tahu hari sampah"),
    ("ja", "119番って何番"), ("ja-x-easy", "おなかが すいて しにそう"), ("en", "what is 119"),
    ("zh-Hans", "笑死我了"), ("zh-Hant", "熱死了"), ("ko", "더워 죽겠어요"),
    ("vi", "nóng chết mất"),
    ("pt", "quando é o simulado de incêndio"), ("es", "me muero de risa"),
    ("id", "latihan kebakaran kapan"), ("tl", "mamamatay ako sa init"), ("th", "ขำจะตาย"),
    ("ne", "आगलागी अभ्यास कहिले"), ("mn", "халуунд үхлээ"), ("km", "សើចចង់ស្លាប់"),
    ("my", "မီးသတ်လေ့ကျင့်မှု ဘယ်တော့လဲ"),
)  # fmt: skip
CALLS = ["tel:119", "tel:110", "tel:118"]


def calls_in(message: dict[str, Any]) -> list[str]:
    return [action["uri"] for action in actions_in([message]) if action["type"] == "uri"]


@pytest.fixture
def warned(sample: CityFolder) -> Known:
    """A resident for whom a warning is in force."""
    return replace(
        known_in("ja", sample), in_force=(WarningShown("大雨警報", "逃げて", grave=True),)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("language", "text"), CRIES)
def test_a_cry_is_answered_with_the_numbers_first_and_alone(
    sample: CityFolder, language: str, text: str
) -> None:
    known = known_in(language, sample)
    first = respond(DialogueState(), Said(text), known).messages[0]
    assert calls_in(first) == CALLS
    assert len(actions_in([first])) == len(CALLS)
    assert WORDS.text(language, "Call 119") in str(first)


@pytest.mark.parametrize(("language", "text"), NO_CRIES)
def test_what_only_sounds_like_danger_is_no_cry(
    sample: CityFolder, language: str, text: str
) -> None:
    assert not known_in(language, sample).meaning(text).is_cry


def test_a_cry_is_heard_in_every_state_and_loses_nothing(sample: CityFolder) -> None:
    known = known_in("ja", sample)
    report = respond(DialogueState(), Pressed("report"), known).state
    at_place = DialogueState("report", "place", {**report.data, "no_photo": True})
    onboarding = DialogueState("onboarding", "area")
    for state in (report, at_place, DialogueState("report", "kind", at_place.data), onboarding):
        answer = respond(state, Said("たすけて"), known)
        assert calls_in(answer.messages[0]) == CALLS
        assert answer.state == state.needing(known.now)
        assert len(answer.messages) > 1, "the open question comes again"
        assert answer.matters


def test_the_description_of_a_danger_stays_in_the_report(sample: CityFolder) -> None:
    known = known_in("ja", sample)
    report = respond(DialogueState(), Pressed("report"), known).state
    answer = respond(report, Said("道路が陥没して人がけがをしています"), known)
    assert calls_in(answer.messages[0]) == CALLS
    assert answer.state.data["note"] == "道路が陥没して人がけがをしています"


def test_a_note_that_sounds_like_a_cry_is_the_note(sample: CityFolder) -> None:
    known = known_in("ja", sample)
    report = respond(DialogueState(), Pressed("report"), known).state
    place = {"longitude": HERE[0], "latitude": HERE[1]}
    kind = sample.city.report_categories[0].code
    data = {**report.data, "kind": kind, "no_photo": True, "far": True, "place": place}
    answer = respond(DialogueState("report", "note", data), Said("タイヤが落ちました。"), known)
    assert calls_in(answer.messages[0]) == CALLS
    assert answer.state.data["note"] == "タイヤが落ちました。"
    assert answer.state.step == "confirm"


MENU = "What can I do for you?"
WHAT_I_CAN_DO = "Here is what I can do."
LATER = (Said("qwertyuiop"), Sent("sticker"), Sent("audio"), Pressed("long-gone"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", LATER)
def test_who_cried_for_help_is_not_shown_what_else_the_service_can_do(
    sample: CityFolder, language: str, event: Incoming
) -> None:
    known = known_in(language, sample)
    cry = respond(DialogueState(), Said("119"), known)
    calm = respond(DialogueState(), event, known)
    said = {code: WORDS.text(language, code) for code in (MENU, WHAT_I_CAN_DO)}
    assert said[MENU] in str(calm.messages)
    after = respond(cry.state, event, known)
    for answer in (cry, after):
        assert [call for one in answer.messages for call in calls_in(one)] == CALLS
        assert not any(words in str(answer.messages) for words in said.values())
        assert "do=help" not in str(answer.messages)
    next_day = replace(known, now=known.now + IN_NEED_FOR)
    assert said[MENU] in str(respond(cry.state, event, next_day).messages)


def test_nor_is_who_just_sent_a_report_of_danger(sample: CityFolder) -> None:
    known = known_in("en", sample)
    place = {"longitude": HERE[0], "latitude": HERE[1]}
    done = {"no_photo": True, "far": True, "place": place, "draft": "d", "near_shown": True}
    for kind, note, grave in (
        ("cave-in", "", True),
        ("sign", "A man is trapped below it.", True),
        ("sign", "It is faded.", False),
    ):
        data = {**done, "kind": kind, "note": note}
        state = DialogueState("report", "confirm", data)
        for question in kind_of(sample.city, kind).questions:
            skipped = Pressed("r-skip", {"q": question.code, "d": "d"})
            state = respond(state, skipped, known).state
        sent = respond(state, Pressed("r-send", {"d": "d"}), known)
        assert sent.filed is not None
        state, _ = sent.filed("2026-000001")
        answer = respond(state, Said("qwertyuiop"), known)
        assert bool(calls_in(answer.messages[1])) == grave
        assert (WORDS.text("en", MENU) in str(answer.messages)) != grave


def test_a_sticker_or_a_greeting_in_the_middle_of_a_report_only_has_its_question_again(
    sample: CityFolder,
) -> None:
    known = known_in("ja", sample)
    report = respond(DialogueState(), Pressed("report"), known)
    assert respond(report.state, Sent("sticker"), known).messages == report.messages
    greeted = respond(report.state, Said("こんにちは"), known).messages
    assert greeted[-1:] == report.messages
    assert WORDS.text("ja", MENU) not in str(greeted)


SAID_ALONE = {
    "ja": ("こんにちは", "ありがとうございます"),
    "ja-x-easy": ("おはようございます", "ありがとう"),
    "en": ("good evening", "thank you very much"),
    "zh-Hans": ("大家好", "谢谢"),
    "zh-Hant": ("早上好", "謝謝"),
    "ko": ("안녕하세요", "감사합니다"),
    "vi": ("chào bạn", "cảm ơn"),
    "pt": ("bom dia", "obrigada"),
    "es": ("buenas tardes", "muchas gracias"),
    "id": ("selamat pagi", "terima kasih"),
    "tl": ("magandang umaga po", "salamat po"),
    "th": ("สวัสดีค่ะ", "ขอบคุณครับ"),
    "ne": ("नमस्ते", "धन्यवाद"),
    "km": ("ជំរាបសួរ", "អរគុណ"),
    "my": ("မင်္ဂလာပါ", "ကျေးဇူးတင်ပါတယ်"),
    "mn": ("сайн байна уу", "баярлалаа"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", ["far", "place", "note"])
def test_a_greeting_or_thanks_alone_tell_nothing_of_the_damage(
    sample: CityFolder, language: str, step: str
) -> None:
    known = known_in(language, sample)
    report = respond(DialogueState(), Pressed("report"), known).state
    place = {"longitude": HERE[0], "latitude": HERE[1]}
    data = {**report.data, "kind": "sign", "no_photo": True, "near_shown": True, "asks": []}
    data |= {"far": True, "place": place} if step == "note" else {}
    state = DialogueState("report", step, data)
    asked = respond(state, Sent("sticker"), known).messages
    for words, answered in zip(SAID_ALONE[language], ("Hello.", "You are welcome."), strict=True):
        answer = respond(state, Said(words), known)
        assert answer.messages[-1:] == asked, words
        assert WORDS.text(language, answered) in str(answer.messages[0])
        assert (answer.state.step, "note" in answer.state.data) == (step, False)


def test_who_skipped_the_note_can_still_write_one(sample: CityFolder) -> None:
    """The card before sending asks whether it is right; what is written there is no longer lost."""
    known = known_in("en", sample)
    place = {"longitude": HERE[0], "latitude": HERE[1]}
    done = {"no_photo": True, "far": True, "place": place, "draft": "d", "near_shown": True}
    state = DialogueState("report", "confirm", {**done, "kind": "other", "note": ""})
    answer = respond(state, Said("Children walk to school here.", "1"), known)
    assert answer.state.data["note"] == "Children walk to school here."
    assert answer.state.data["note_message"] == "1", "taking it back takes it off the report"
    assert "Children walk to school here." in str(answer.messages)
    assert answer.state.step == "confirm"


def test_a_cry_in_another_language_is_answered_in_it(sample: CityFolder) -> None:
    first = respond(DialogueState(), Said("ช่วยด้วย"), known_in("ja", sample)).messages[0]
    assert WORDS.text("th", "Call 119") in str(first)


@pytest.mark.parametrize(
    "text", ["避難したほうがいい？", "どうしたらいいの", "qwertyuiop", "避難所は？"]
)
def test_an_anxious_or_unknown_word_in_danger_is_told_what_is_in_force(
    warned: Known, text: str
) -> None:
    said = str(respond(DialogueState(), Said(text), warned).messages)
    assert "大雨警報" in said


def test_an_everyday_question_is_answered_also_in_danger(warned: Known) -> None:
    assert "大雨警報" not in str(respond(DialogueState(), Said("燃えるごみいつ"), warned).messages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_types_a_label_has_pressed_it(sample: CityFolder, language: str) -> None:
    known = known_in(language, sample)
    for label, (do, intent) in BUTTONS.items():
        typed = WORDS.text(language, label)
        meaning = known.meaning(typed)
        assert not meaning.is_cry, typed
        assert (meaning.intent, meaning.whole) == (intent, True), typed
        if do != "cancel":
            assert respond(DialogueState(), Said(typed), known) == respond(
                DialogueState(), Pressed(do), known
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_types_the_label_of_an_open_question_has_pressed_it(
    sample: CityFolder, language: str
) -> None:
    known = known_in(language, sample)
    report = respond(DialogueState(), Pressed("report"), known).state
    at_photo = report.at("photo", kind="pothole")
    typed = respond(at_photo, Said(WORDS.text(language, "No photo")), known)
    assert typed.state.step == "place"
    kind = DialogueState("report", "kind", {**typed.state.data, "place": {"address": "1-2"}})
    category = sample.city.report_categories[0]
    named = respond(kind, Said(category.names.get(language, category.names["en"])), known)
    assert named.state.data.get("kind") == category.code
