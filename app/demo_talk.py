"""What the demo's residents said: a survey that is open, questions in vain, chats with the desk.

It is made by the functions that the service itself uses. Nobody is told anything by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.chat import desk
from alerts.news.models import NewsState
from alerts.news.writing import Written
from alerts.surveys import answering
from alerts.surveys.answering import Answer
from alerts.surveys.models import Survey, news_of
from alerts.surveys.questions import NO, YES, Question, QuestionKind, Words
from alerts.surveys.writing import SurveyWritten, begin, change
from city.context import Context
from core.clock import in_japan
from public.questions import asker_token, note
from subscriptions.models import Resident

ANSWERED = 64
"""Residents who answered the survey."""
ASKED_SINCE, OPEN_FOR = timedelta(days=4), timedelta(days=10)
TITLE = {
    "ja": ("公園についてのアンケート", "公園を使いやすくするため、ご意見をお聞かせください。"),
    "ja-x-easy": ("こうえんの アンケート", "こうえんに ついて おしえて ください。"),
    "en": ("Survey about our parks", "Please tell us how we can make our parks better."),
    "my": ("ပန်းခြံများအကြောင်း စစ်တမ်း", "ပန်းခြံများ ပိုကောင်းအောင် သင့်အမြင်ကို ပြောပြပါ။"),
    "pt": ("Pesquisa sobre os parques", "Conte-nos como podemos melhorar os parques."),
}
QUESTIONS = (
    Question(
        QuestionKind.ONE,
        {
            "ja": Words(
                "公園へはどのくらい行きますか。", ("毎日", "週に1回くらい", "ほとんど行かない")
            ),
            "ja-x-easy": Words(
                "こうえんに どのくらい いきますか。",
                ("まいにち", "1しゅうかんに 1かい", "あまり いかない"),
            ),
            "en": Words(
                "How often do you go to a park?", ("Every day", "About once a week", "Rarely")
            ),
            "my": Words(
                "ပန်းခြံကို ဘယ်လောက်မကြာခဏ သွားပါသလဲ။",
                ("နေ့တိုင်း", "တစ်ပတ်တစ်ခါခန့်", "သိပ်မသွားပါ"),
            ),
            "pt": Words(
                "Com que frequência você vai a um parque?",
                ("Todos os dias", "Uma vez por semana", "Quase nunca"),
            ),
        },
    ),
    Question(
        QuestionKind.SEVERAL,
        {
            "ja": Words("公園にほしいものは何ですか。", ("ベンチ", "日かげ", "トイレ", "遊具")),
            "ja-x-easy": Words(
                "こうえんに ほしい ものは なんですか。",
                ("ベンチ", "ひかげ", "トイレ", "あそぶ もの"),
            ),
            "en": Words(
                "What should our parks have?", ("Benches", "Shade", "Toilets", "Play equipment")
            ),
            "my": Words("ပန်းခြံမှာ ဘာတွေ လိုချင်ပါသလဲ။", ("ခုံတန်း", "အရိပ်", "အိမ်သာ", "ကစားစရာ")),
            "pt": Words(
                "O que os parques deveriam ter?", ("Bancos", "Sombra", "Banheiros", "Brinquedos")
            ),
        },
    ),
    Question(
        QuestionKind.YES_NO,
        {
            "ja": Words("夜の公園は安心して通れますか。"),
            "ja-x-easy": Words("よるの こうえんは あんしんですか。"),
            "en": Words("Do you feel safe in the park at night?"),
            "my": Words("ညဘက် ပန်းခြံမှာ လုံခြုံတယ်လို့ ခံစားရပါသလား။"),
            "pt": Words("Você se sente seguro no parque à noite?"),
        },
    ),
    Question(
        QuestionKind.WORDS,
        {
            "ja": Words("ほかにご意見があれば、お書きください。"),
            "ja-x-easy": Words("ほかに いいたい ことを かいて ください。"),
            "en": Words("Is there anything else you would like to say?"),
            "my": Words("တခြား ပြောချင်တာ ရှိရင် ရေးပါ။"),
            "pt": Words("Quer dizer mais alguma coisa?"),
        },
        optional=True,
    ),
)
SAID = (
    "夕方は照明が暗く、子どもが転びそうになります。",
    "ベンチに屋根があると、夏も座れます。",
    "ブランコを直してくれてありがとうございました。",
    "More shade, please. It is very hot in summer.",
    "犬の散歩の人がルールを守ってほしいです。",
    "トイレにおむつを替える台がほしいです。",
    "Mais bancos perto dos brinquedos, por favor.",
    "ボール遊びができる場所を分けてください。",
)
IN_VAIN = (
    ("貸出の期限を延長したい", "ja", 5),
    ("貸出の延長のしかた", "ja", 3),
    ("貸出を延長したい", "ja", 2),
    ("市民プールはいつから入れますか", "ja", 4),
    ("市民プールの料金を教えて", "ja", 2),
    ("can i extend my library loan", "en", 3),
    ("学校給食の献立を見たい", "ja", 4),
)
"""What nobody understood, the language, and how many asked it."""
CHATS = (
    (
        "en",
        4,
        "My garbage was not collected this morning. It has a red sticker that I cannot read.",
    ),
    ("ja", 2, "保育園の申し込みに必要な書類は、どこでもらえますか。"),
)
"""Language, minutes that they wait, and what they wrote."""


async def add_talk(context: Context, writer: str) -> None:
    """Add all of it; the residents have to be there.

    Parameters
    ----------
    writer
        The account that wrote the survey.
    """
    now = context.clock.now()
    async with context.database.writing() as session:
        found = select(Resident).where(col(Resident.line_user_id).is_not(None))
        residents = list(await session.scalars(found.order_by(col(Resident.id)).limit(ANSWERED)))
        await _add_survey(context, session, residents, writer, now)
        _add_questions(context, session, now)
        await _add_chats(session, residents, now)


async def _add_survey(
    context: Context,
    session: AsyncSession,
    residents: Sequence[Resident],
    writer: str,
    now: datetime,
) -> None:
    asked_at = now - ASKED_SINCE
    begun = await begin(session, actor=writer, now=asked_at)
    assert begun.id is not None
    news = Written(
        "events",
        whole_city=True,
        texts={code: words for code, words in TITLE.items() if code in context.city.languages},
        version=(await news_of(session, begun)).version,
    )
    written = SurveyWritten(news, QUESTIONS, in_japan(now + OPEN_FOR).date(), offers="events")
    sent = await change(session, begun.id, written, actor=writer, now=asked_at)
    sent.state = NewsState.SENT
    session.add(sent)
    survey = await session.get_one(Survey, begun.id)
    chance = Random(3)  # noqa: S311
    for resident in residents:
        await _answer(context, session, survey, resident, chance)


async def _answer(
    context: Context, session: AsyncSession, survey: Survey, resident: Resident, chance: Random
) -> None:
    """Answer as a resident would; one in eight stops in the middle."""
    assert resident.id is not None
    wishes = [
        code
        for code, often in zip("0123", (5, 7, 6, 3), strict=True)
        if chance.random() < often / 10
    ]
    answers: tuple[list[Answer], ...] = (
        [Answer(option=chance.choices("012", (2, 5, 4))[0])],
        [Answer(option=code) for code in wishes or ["1"]],
        [Answer(option=chance.choices((YES, NO), (4, 5))[0])],
        [Answer(words=chance.choice(SAID))] if chance.random() < 0.3 else [],
    )
    passed = 2 if chance.random() < 1 / 8 else len(answers)
    secrets = context.settings.all_secret_keys
    for place, said in enumerate(answers[:passed]):
        given = await answering.given_by(session, survey, resident.id, secrets)
        await answering.give(
            session,
            survey,
            given,
            place,
            said,
            language=resident.language,
            resident_id=resident.id,
        )


def _add_questions(context: Context, session: AsyncSession, now: datetime) -> None:
    today = in_japan(now).date()
    for text, language, askers in IN_VAIN:
        for number in range(askers):
            day = today - timedelta(days=1 + 2 * number)
            asker = asker_token(context.settings.secret_key, f"{text}{number}", day)
            note(session, text, language, day, asker=asker)


async def _add_chats(session: AsyncSession, residents: Sequence[Resident], now: datetime) -> None:
    """Leave two residents waiting at the desk."""
    for language, minutes, words in CHATS:
        resident = next((one for one in residents if one.language == language), None)
        if resident is None:
            continue
        assert resident.id is not None
        at = now - timedelta(minutes=minutes)
        thread = await desk.begin(session, resident.id, language, at)
        await desk.resident_says(session, thread, words, at, key=f"demo:{language}")
