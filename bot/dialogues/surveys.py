"""A survey as residents see it: its questions one after another, and what is said around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from alerts.news.models import News
from alerts.surveys.answering import Given
from alerts.surveys.questions import NO, YES, Question, QuestionKind
from bot import messages
from bot.dialogues.kinds import Known
from bot.messages import Action, Message
from city.city import Topic, name_in
from core.languages import EASY_JAPANESE
from feeds.texts import (
    SurveyNote,
    day_name,
    machine_translated,
    survey_button,
    survey_lines,
    survey_word,
    text_language,
)
from reports.questions import yes_no

WIDE = 10
"""Answers with more letters stand below each other."""


@dataclass(frozen=True)
class AskedSurvey:
    """A survey that is open to a resident. ``title`` is in their language or the nearest."""

    number: int
    title: str
    questions: tuple[Question, ...]
    closes_on: date | None
    named: bool

    def press(self, label: str, do: str, question: int | None = None, **values: object) -> Action:
        """Return a button of this survey, and of one of its questions."""
        place: dict[str, object] = {} if question is None else {"q": question}
        data = messages.encode(do, s=self.number, **place, **values)
        return {"type": "postback", "label": label, "data": data, "displayText": label[:300]}


def title_of(news: News, language: str) -> str:
    """Return the title of a survey's message in a language or the nearest."""
    order = (language, EASY_JAPANESE, "ja")
    return next((news.texts[code]["title"] for code in order if code in news.texts), "")


def first_words(survey: AskedSurvey, known: Known) -> Message:
    """Return what is said before the first question: whether it is anonymous, and until when."""
    lines = survey_lines(SurveyNote(survey.named, survey.closes_on), known.language)[:-1]
    return messages.text("\n".join([survey.title, *lines]))


def question(survey: AskedSurvey, place: int, given: Given, known: Known) -> Message:
    """Ask one question, with what can be pressed to answer it and what was answered before."""
    asked = survey.questions[place]
    text = asked.said(known.language).text
    head = known.say("Question {n} of {total}", n=place + 1, total=len(survey.questions))
    above = "\n".join([head, *_notes(asked, known.language)])
    quick = _ways(survey, place, known)
    if asked.kind in (QuestionKind.NUMBER, QuestionKind.WORDS):
        said = given.said.get(place, "")
        now = [known.say("Your answer now: {answer}", answer=said)] if said else []
        return messages.text("\n\n".join([above, text, *now, _hint(asked, known)]), *quick)
    chosen = given.options.get(place, frozenset())
    names = options(asked, known.language)
    if asked.kind is QuestionKind.SEVERAL:
        rows = [
            messages.switch(
                name,
                code in chosen,
                survey.press(name, "survey-tick", place, v=code, on=int(code not in chosen)),
            )
            for code, name in names
        ]
        done = messages.tile(survey.press(known.say("Done"), "survey-done", place), strong=True)
        above += "\n" + known.say("Choose all that fit. Then press “Done”.")
        return messages.card(text, rows, intro=above, footer=[done], quick=quick)
    tiles = [
        messages.tile(survey.press(name, "survey-answer", place, v=code), strong=code in chosen)
        for code, name in names
    ]
    wide = any(len(name) > WIDE for _, name in names)
    return messages.card(text, messages.columns(tiles, 1 if wide else 2), intro=above, quick=quick)


def options(asked: Question, language: str) -> list[tuple[str, str]]:
    """Return code and name of each answer that can be tapped."""
    if asked.kind is QuestionKind.YES_NO:
        return [(code, yes_no(code, language)) for code in (YES, NO)]
    return list(zip(asked.codes(), asked.said(language).options, strict=False))


def not_read(asked: Question, known: Known) -> Message:
    """Say that what was written does not answer the question."""
    if asked.kind is QuestionKind.NUMBER:
        return messages.text(known.say("That is not a number.") + " " + _hint(asked, known))
    return messages.text(known.say("Please choose one of the answers."))


def nothing_chosen(known: Known) -> Message:
    return messages.text(known.say("Please choose at least one answer."))


def thanks(survey: AskedSurvey, known: Known, *, again: bool) -> Message:
    """Say that the answers are in, and that they can be changed."""
    day = "" if survey.closes_on is None else day_name(survey.closes_on, known.language)
    if again:
        words = known.say(
            "You have answered this survey. You can change your answers until {day}.", day=day
        )
    else:
        words = known.say(
            "Thank you. The city has your answers. You can change them until {day}.", day=day
        )
    change = messages.tile(survey.press(known.say("Change my answers"), "survey-again"))
    return messages.card(survey.title, (), intro=words, footer=[change])


def offer(topic: Topic, known: Known) -> Message:
    """Ask whether they want to hear of a topic; it has nothing to do with the answers."""
    name = name_in(topic.names, known.language)
    words = known.say(
        "Would you like to hear about “{topic}” from now on? This is separate from your answers.",
        topic=name,
    )
    yes = messages.tile(
        messages.press(known.say("Yes, tell me"), "survey-topic", t=topic.code), strong=True
    )
    no = messages.tile(messages.press(known.say("No, thank you"), "survey-no-topic"))
    return messages.card(name, (), intro=words, footer=[yes, no])


def agreed(topic: Topic, known: Known) -> Message:
    name = name_in(topic.names, known.language)
    return messages.text(known.say("From now on I tell you about “{topic}”.", topic=name))


def stopped(known: Known, *, finished: bool) -> Message:
    """Say what becomes of the answers of somebody who stops."""
    if finished:
        return messages.text(known.say("You stopped. Your answers are kept."))
    return messages.text(
        known.say(
            "You stopped. What you answered so far does not count. To go on, write “{word}”.",
            word=survey_word(known.language),
        )
    )


def closed(known: Known) -> Message:
    return messages.text(known.say("This survey is closed. Thank you."))


def none_open(known: Known) -> Message:
    return messages.text(known.say("No survey is open now."))


def which(surveys: Sequence[AskedSurvey], known: Known) -> Message:
    """List the open surveys."""
    tiles = [messages.tile(one.press(one.title, "survey")) for one in surveys]
    return messages.card(known.say("Open surveys"), tiles, alt=survey_button(known.language))


def _ways(survey: AskedSurvey, place: int, known: Known) -> list[Action]:
    """Return the quick replies below a question: back, skip, stop."""
    back = [survey.press(known.say("Back"), "survey-back", place)] if place else []
    skip = (
        [survey.press(known.say("Skip"), "survey-skip", place)]
        if survey.questions[place].optional
        else []
    )
    return [*back, *skip, survey.press(known.say("Stop here"), "survey-stop")]


def _notes(asked: Question, language: str) -> list[str]:
    """Say in which language the words are, and whether a machine translated them."""
    spoken = asked.spoken(language)
    if spoken != language:
        return [text_language(spoken, language)]
    return [machine_translated(language)] if language in asked.engines else []


def _hint(asked: Question, known: Known) -> str:
    if asked.kind is QuestionKind.NUMBER:
        return known.say(
            "Write a whole number from {lowest} to {highest}.",
            lowest=f"{asked.lowest:,}",
            highest=f"{asked.highest:,}",
        )
    return known.say("Write your answer. Please leave out names, addresses and telephone numbers.")
