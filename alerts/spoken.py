"""What a loudspeaker, a community radio or a telephone says of a notice: the rule, in one file.

The form follows the examples for municipal radio (防災行政無線) in the Cabinet Office's guideline
on evacuation information (避難情報に関するガイドライン, 2021): the call with the level twice, who
speaks, what was issued where, what to do, and all of it again. J-ALERT's automatic broadcasts come
three times, so emergencies do here.

From level 4 on a short command stands before the sentences (命令口調). Ōarai used one in 2011
(https://www.nhk.or.jp/bunken/summary/research/kotoba/034.html), and others followed. A drill has
none: nobody may be ordered to flee in a drill. It says that it is a drill at the beginning, before
each repetition, and at the end (promise 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.ready_words import CATALOGUE
from channels.notice_words import notice_words
from city.city import City, name_in
from city.shelters import Shelter
from core.languages import EASY_JAPANESE, reads_japanese
from feeds.models import OVER, Notice
from feeds.texts import drill_mark, level_name
from feeds.texts import messages as m
from feeds.texts.advice import EVACUATION_LEVELS
from feeds.texts.compose import say
from feeds.texts.places import area_names, joined
from feeds.texts.romaji import hiragana

EMERGENCY_CALL = "Emergency broadcast."
WHO = "This is {city}."
AGAIN = "We repeat."
DRILL = "This is a drill."
END = "That was {city}."
ISSUED = "{place}に、{level}、{name}を発令しました。"
COMMANDS = {
    ("evacuation", 4): "危険な場所にいる人は、全員、ただちに避難せよ。",
    ("evacuation", 5): "命が危ない。ただちに、身の安全を確保せよ。",
    ("tsunami", 4): "海や川から離れよ。ただちに、高い所へ避難せよ。",
    ("tsunami", 5): "海や川から離れよ。ただちに、高い所へ避難せよ。",
}
"""Short commands in Japanese, by topic and level; nobody may be ordered in a drill."""
TIMES, TIMES_IN_EMERGENCY = 2, 3
LONG_SENTENCE = 50
"""Characters from which a Japanese sentence is hard to follow over echoing loudspeakers."""
MORAE_PER_SECOND = 5.0
"""A slow voice; news on television has about eight."""
LETTERS_PER_SECOND = 12.0
PAUSE = 1.5
"""Seconds after a sentence, in which the echo ends."""

_EVACUATIONS = {level: kind for kind, level in EVACUATION_LEVELS.items()}
_ADDRESS = re.compile(r"https?://[^\s「」（）、。]+")
_SENTENCE = re.compile(r"[^。！？!?\n.။។।]+(?:[。！？!?။។।]+|\.(?=\s|$)|\.|\n|$)")
_READING = re.compile(r"[一-龥々〆ヶ〇]+（([ぁ-ゖァ-ヺー・]+)）")
_KANJI = re.compile(r"[一-龥々〆ヶ〇]")
_SMALL = re.compile(r"[ゃゅょぁぃぅぇぉャュョァィゥェォ]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー]")
_JAPANESE_MARKS = str.maketrans(
    {"【": "", "】": "、", "「": "", "」": "", "・": "、", "：": "、", "–": "、"}
)
_OTHER_MARKS = str.maketrans({"【": "", "】": "", "–": ",", "−": ","})


@dataclass(frozen=True)
class Spoken:
    """One announcement in one language.

    Parameters
    ----------
    once
        The sentences of one reading, in order.
    times
        How often they are read.
    """

    language: str
    drill: bool
    opening: tuple[str, ...]
    once: tuple[str, ...]
    between: tuple[str, ...]
    closing: tuple[str, ...]
    times: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences as they are read, one after another."""
        middle = [*self.once]
        for _ in range(self.times - 1):
            middle += [*self.between, *self.once]
        return (*self.opening, *middle, *self.closing)

    @property
    def text(self) -> str:
        """The sheet for the announcer, a sentence a line; a drill's begins with its mark."""
        lines = "\n".join(self.sentences)
        return f"{drill_mark(self.language)} {lines}" if self.drill else lines

    @property
    def seconds(self) -> int:
        """About how long it takes, read slowly."""
        return round(sum(_seconds(one, self.language) for one in self.sentences))

    @property
    def long_sentences(self) -> tuple[str, ...]:
        """Japanese sentences that should be made shorter."""
        if not self.language.startswith("ja"):
            return ()
        return tuple(one for one in self.once if len(aloud(one, {})) > LONG_SENTENCE)


def spoken(
    notice: Notice, language: str, city: City, readings: Mapping[str, str], *, times: int = 0
) -> Spoken:
    """Return what is read of a notice.

    Parameters
    ----------
    readings
        Names and how they are read (:func:`readings_of`).
    times
        How often it is read; 0 for what the rule says.

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    said, title, text = notice_words(notice, language)
    name = name_in(city.name, said)
    drill = (CATALOGUE.text(said, DRILL),) if notice.drill else ()
    alarm = notice.emergency and notice.status not in OVER and not notice.drill
    urgent = notice.emergency or notice.reach >= 4
    once = [*_call(notice, said), CATALOGUE.text(said, WHO, city=name)] if alarm else []
    once += _sentences(_what(notice, said, title, city), said)
    if alarm and said == "ja" and (order := COMMANDS.get((notice.topic, notice.level))):
        once.append(order)
    once += [one for one in _body(notice, said, text, city) if one not in (*once, *drill)]
    who = () if alarm else (CATALOGUE.text(said, WHO, city=name),)
    return Spoken(
        language=said,
        drill=notice.drill,
        opening=tuple(_named(one, readings, said) for one in (*drill, *who)),
        once=tuple(_named(one, readings, said) for one in once),
        between=(CATALOGUE.text(said, AGAIN), *drill),
        closing=(
            *(_named(one, readings, said) for one in (CATALOGUE.text(said, END, city=name),)),
            *drill,
        ),
        times=times or (TIMES_IN_EMERGENCY if urgent else TIMES),
    )


def _call(notice: Notice, language: str) -> list[str]:
    """Return the call of an emergency, twice: 緊急放送、緊急放送、警戒レベル４、避難指示。"""
    call = CATALOGUE.text(language, EMERGENCY_CALL)
    if language != "ja":
        return [call, call]
    word = call.removesuffix("。")
    what = [level_name(notice.level, "ja")] if notice.shown_level else []
    if notice.topic == "evacuation" and notice.level in _EVACUATIONS:
        what.append(_EVACUATIONS[notice.level])
    return ["、".join([word, word, *what]) + "。"] * 2


def _what(notice: Notice, language: str, title: str, city: City) -> str:
    """Return the sentence that says what this is: for an order its level, name and place."""
    name = _EVACUATIONS.get(notice.level) if notice.topic == "evacuation" else None
    follows = notice.replaces_id is not None or notice.status in OVER
    if language == "ja" and name and not follows:
        place = joined(area_names(notice.areas, "ja", city), "ja")
        return ISSUED.format(place=place, level=level_name(notice.level, "ja"), name=name)
    return title.removeprefix(drill_mark(language)).strip()


def _body(notice: Notice, language: str, text: str, city: City) -> list[str]:
    """Return the sentences of a text without addresses, source, time, and what was said before."""
    left_out = [
        say(language, message, **{name: "\0"}).partition("\0")[0]
        for message, name in (
            *((m.SOURCE, "source"), (m.SHELTERS, "url"), (m.MORE, "url")),
            *((m.TIME, "time"), (m.TEXT_LANGUAGE, "name")),
        )
    ]
    if not notice.hazard:
        left_out.append(say(language, m.PLACE, place="\0").partition("\0")[0])
    known = {level_name(notice.shown_level, language)} if notice.shown_level else set()
    kept = []
    for line in text.removeprefix(drill_mark(language)).split("\n"):
        plain = line.strip()
        if plain and plain not in known and not plain.startswith(tuple(left_out)):
            kept.append(plain)
    return list(dict.fromkeys(_sentences("\n".join(kept), language)))


def _sentences(text: str, language: str) -> list[str]:
    """Cut a text into sentences. Japanese sentences in another language's text are left out: a
    voice of that language cannot read them.
    """
    japanese = reads_japanese(language)
    marks = _JAPANESE_MARKS if japanese else _OTHER_MARKS
    found = []
    for piece in _SENTENCE.findall(_ADDRESS.sub("", text)):
        plain = piece.strip().lstrip("・-*● ").translate(marks).replace(" ,", ",")
        plain = plain.strip("、, \n")
        if not any(letter.isalnum() for letter in plain) or (not japanese and _KANA.search(plain)):
            continue
        found.append(f"{plain}。" if japanese and plain[-1] not in "。！？!?" else plain)
    return found


def readings_of(city: City, shelters: Iterable[Shelter] = ()) -> dict[str, str]:
    """Return how names of the city's folder are read, in kana.

    A district's reading is in its easy Japanese name (``山の辺（やまのべ）``), a site's in its own
    column.
    """
    found = {}
    for district in city.districts:
        name, easy = district.names.get("ja", ""), district.names.get(EASY_JAPANESE, "")
        reading = _READING.search(easy)
        if reading is None:
            continue
        own = "".join(_KANA.findall(hiragana(name)))
        found[name] = reading[1] if _is_spread(own, reading[1]) else aloud(easy, {})
    for site in shelters:
        if site.kana and _KANJI.search(site.name):
            found[site.name] = hiragana(site.kana)
    # The longest first, so that a name inside a longer one is not read by itself.
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _is_spread(kana: str, reading: str) -> bool:
    """Whether a reading has a name's own kana in their order, so that it is the whole name's."""
    left = iter(hiragana(reading))
    return all(one in left for one in kana)


def _named(sentence: str, readings: Mapping[str, str], language: str) -> str:
    """Put the reading behind each name of the city's folder, for the announcer."""
    if language != "ja":
        return sentence
    wanted = [name for name in readings if _KANJI.search(name)]
    if not wanted:
        return sentence
    names = re.compile("|".join(map(re.escape, wanted)))
    return names.sub(lambda found: f"{found[0]}（{readings[found[0]]}）", sentence)


def aloud(text: str, readings: Mapping[str, str]) -> str:
    """Return a text for a speech program: names in kana, no readings in brackets, no marks."""
    for name, reading in readings.items():
        text = text.replace(f"{name}（{reading}）", reading).replace(name, reading)
    return _READING.sub(r"\1", text).translate(_JAPANESE_MARKS)


def _seconds(sentence: str, language: str) -> float:
    plain = aloud(sentence, {})
    if not language.startswith(("ja", "zh")):
        return len(plain) / LETTERS_PER_SECOND + PAUSE
    kanji = len(_KANJI.findall(plain))
    quiet = len(_SMALL.findall(plain)) + len(re.findall(r"[\s、。！？]", plain))
    digits = sum(letter.isdecimal() for letter in plain)
    morae = len(plain) - quiet + 0.9 * kanji + digits
    return morae / MORAE_PER_SECOND + 0.4 * plain.count("、") + PAUSE
