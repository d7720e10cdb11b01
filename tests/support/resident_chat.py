"""A resident's chat in another process: what they send, and what the city answers, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from city.city import City, name_in
from city.kinds import AnswerType, ReportCategory
from simulator.line.ledger import texts_in
from tests.support.phone import say
from tests.support.town import actions_in
from tests.support.watching import Stand, eventually

At = tuple[float, float]
"""Longitude and latitude."""
Message = dict[str, Any]


class ResidentChat:
    """One resident, who reads ``language`` and has no quiet hours."""

    def __init__(self, stand: Stand, name: str, language: str) -> None:
        self.stand, self.name, self.language = stand, name, language
        self.user = stand.add_user(name, language)
        self._seen = 0
        self.does("follow")
        self.hears()
        self.presses_data(f"do=set-language&to={language}")
        self.hears(say(language, "Your district"))
        self.presses_data("do=skip")
        self.hears(say(language, "Topics"))
        self.presses_data("do=skip")
        self.hears(say(language, "What can I do for you?"))
        # What staff say would wait for the end of the quiet hours, and this may run at night.
        self.presses_data("do=quiet&start=0&end=0")
        self.hears(say(language, "Saved."))

    def chat(self) -> list[Message]:
        """Every message of the account, the oldest first."""
        chat = self.stand.ask("GET", f"users/{self.user}")["chat"]
        return [item["message"] for item in chat if item["side"] == "account"]

    def does(self, what: str, **wish: Any) -> None:
        self._seen = len(self.chat())
        self.stand.act(self.user, what, **wish)

    def presses_data(self, data: str) -> None:
        self.does("postback", data=data)

    def writes(self, words: str) -> None:
        self.does("text", text=words)

    def sends_place(self, at: At) -> None:
        self.does("location", longitude=at[0], latitude=at[1], title="", address="")

    def sends_photo(self, ready: str) -> None:
        self.does("photo", ready=ready)

    def taps(self, words: str) -> None:
        """Tap the newest button that says ``words``."""
        chat = self.chat()
        for message in reversed(chat):
            for action in actions_in(message):
                if words in (action.get("displayText"), action.get("label")):
                    self._seen = len(chat)
                    self.stand.ask("POST", f"users/{self.user}/tap", {"action": action})
                    return
        raise AssertionError(f"{self.name} finds nothing to tap for {words!r}: {chat[-2:]}")

    def hears(self, *words: str) -> list[Message]:
        """Wait until what was answered since the last act says all ``words``; return it."""

        def look() -> list[Message]:
            new = self.chat()[self._seen :]
            said = "\n".join(text for message in new for text in texts_in(message))
            return new if all(one in said for one in words) else []

        try:
            return eventually(look, f"{self.name} to hear {words}", on=[self.stand.url])
        except AssertionError as error:
            said = [text for message in self.chat()[-3:] for text in texts_in(message)]
            raise AssertionError(f"{error}; the chat ends in {said}") from None

    def told_of(self, about: str, words: str) -> list[Message]:
        """Wait for what staff sent of a report; return its message and those after it."""

        def look() -> list[Message]:
            chat = self.chat()
            for place, message in enumerate(chat):
                said = "\n".join(texts_in(message))
                if about in said and words in said:
                    return chat[place:]
            return []

        what = f"{self.name} to be told {about!r}: {words!r}"
        return eventually(look, what, on=[self.stand.url])

    def begins(self, city: City, code: str, photos: Sequence[str] = ()) -> list[Message]:
        """Begin a report and choose its kind; return what was answered to that."""
        if photos:
            self.sends_photo(photos[0])
            self.hears(say(self.language, "What is broken?"))
        else:
            self.presses_data("do=report")
            self.hears(say(self.language, "What is broken?"))
        kind = kind_of(city, code)
        self.taps(name_in(kind.names, self.language))
        if not photos:
            safe = "First stop somewhere safe. Then send a photo of the damage."
            heard = self.hears(say(self.language, safe))
            self.taps(say(self.language, "No photo"))
            self.hears(self.asks_place)
            return heard
        far = "Now a photo from farther away, so that the place can be found. You can skip it."
        heard = self.hears(say(self.language, far))
        if photos[1:]:
            self.sends_photo(photos[1])
        else:
            self.taps(say(self.language, "Skip"))
        self.hears(self.asks_place)
        return heard

    @property
    def asks_place(self) -> str:
        words = "Where is it? Send the location, or write an address or a place nearby."
        return say(self.language, words)

    def reports(
        self,
        city: City,
        code: str,
        at: At,
        words: str = "",
        *,
        photos: Sequence[str] = (),
        answers: Sequence[str] = (),
        known: bool = False,
    ) -> str:
        """Report something from the first word to the number.

        Parameters
        ----------
        answers
            What is tapped or written at each question of the kind, "" to skip it.
        known
            Whether somebody else reported the like there; they say that it is something else.
        """
        self.begins(city, code, photos)
        return self.goes_on(city, code, at, words, answers=answers, known=known)

    def goes_on(
        self,
        city: City,
        code: str,
        at: At,
        words: str = "",
        *,
        answers: Sequence[str] = (),
        known: bool = False,
    ) -> str:
        """Go on from the question for the place; return the number."""
        language = self.language
        self.sends_place(at)
        if known:
            self.hears(say(language, "Is it one of these?"))
            self.taps(say(language, "It is something else"))
        for question, answer in zip(kind_of(city, code).questions, answers, strict=True):
            self.hears(name_in(question.names, language))
            if question.choices or not answer:
                self.taps(answer or say(language, "Skip"))
                if answer and question.type is AnswerType.SEVERAL:
                    self.hears("✓")
                    self.taps(say(language, "Done"))
            else:
                self.writes(answer)
        self.hears(say(language, "Is there anything to add? Write it, or skip."))
        if words:
            self.writes(words)
        else:
            self.taps(say(language, "Skip"))
        self.hears(say(language, "Is this right?"), *([words] if words else []))
        self.taps(say(language, "Send"))
        # The words around the number, as the catalogue has them.
        thanks = say(
            language,
            "Thank you. The city has received your report. Number: {number}. We will tell you "
            "the result in this chat.",
            number="\0",
        )
        before, _, after = thanks.partition("\0")
        heard = self.hears(before.strip(), after.strip())
        text = next(text for message in heard for text in texts_in(message) if before in text)
        return text.removeprefix(before).removesuffix(after)


def kind_of(city: City, code: str) -> ReportCategory:
    return next(kind for kind in city.report_categories if kind.code == code)
