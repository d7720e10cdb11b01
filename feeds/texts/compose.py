"""Make a notice's title and text in every language from a fact, by rule and without I/O.

A text is a list of whole lines, each a message of the catalogue. It begins with what changed and
what to do now, because a locked phone shows only that. Then come where, when and what is known,
where to go, and who says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from city.city import City
from core.languages import EASY_JAPANESE, LANGUAGES, Catalogue
from feeds.facts import Fact, Fallen, Quake, Tsunami
from feeds.models import Status
from feeds.texts import messages as m
from feeds.texts.advice import (
    NEEDS_SHELTER,
    advice,
    comment_sentences,
    needs_shelter,
    sea_sentences,
)
from feeds.texts.comments import quake_comments, tsunami_sentences
from feeds.texts.early import early_lines
from feeds.texts.places import load_places, office_name, place_name
from feeds.texts.terms import MISSING_TERMS, comparable_name, explained, level_name, number, term
from feeds.texts.times import moment
from feeds.texts.typhoons import typhoon_lines

CATALOGUE = Catalogue(Path(__file__).parent.parent / "locales")

Texts = dict[str, dict[str, str]]
"""``{language: {"title": …, "text": …}}``, as a notice stores it."""

_TITLES = {
    Status.RAISED: m.TITLE_RAISED,
    Status.LOWERED: m.TITLE_LOWERED,
    Status.LIFTED: m.TITLE_LIFTED,
    Status.CANCELLED: m.TITLE_WITHDRAWN,
    Status.CORRECTED: m.TITLE_CORRECTED,
    Status.CONTINUED: m.TITLE_UPDATE,
}
_LINES = {
    Status.RAISED: m.LINE_RAISED,
    Status.LOWERED: m.LINE_LOWERED,
    Status.LIFTED: m.LINE_LIFTED,
    Status.CANCELLED: m.LINE_WITHDRAWN,
    Status.CORRECTED: m.LINE_CORRECTED,
    Status.CONTINUED: m.LINE_UPDATE,
}
_LINES_FIRST = (
    Status.LOWERED,
    Status.LIFTED,
    Status.CANCELLED,
    Status.CORRECTED,
)
"""Statuses for which the change comes first. For new or worse dangers the title says it, and what
to do comes first.
"""
_ENDED_FOR = {"heavy-rain": m.NO_LONGER_FLOODING, "landslide": m.NO_LONGER_LANDSLIDES}
_NEWLY_FOR = {"heavy-rain": m.NOW_ALSO_FLOODING, "landslide": m.NOW_ALSO_LANDSLIDES}
_INTENSITIES = {
    "5-": m.INTENSITY_5_LOWER,
    "5+": m.INTENSITY_5_UPPER,
    "6-": m.INTENSITY_6_LOWER,
    "6+": m.INTENSITY_6_UPPER,
}
_HEADLINE_HAZARDS = (
    "record-rain",
    "linear-rain-band",
    "short-heavy-snow",
    "tornado",
    "typhoon",
    "early-notice",
    "nankai-trough",
    "off-sanriku",
    "volcano",
    "eruption",
    "ash-fall",
)
"""Hazards with facts only in the agency's headline; Japanese texts contain it."""
MAX_HEADLINE = 250
_FACT_LINES = (
    m.PLACE,
    m.RIVER,
    m.VOLCANO,
    m.COAST,
    m.TIME,
    m.UNTIL,
    m.INTENSITY,
    m.MAX_INTENSITY,
    m.LONG_PERIOD_CLASS,
    m.ORIGIN_TIME,
    m.HYPOCENTRE,
    m.MAGNITUDE,
    m.MAGNITUDE_OVER,
    m.DEPTH,
    m.DEPTH_OR_MORE,
    m.HEIGHT,
    m.OBSERVED_HEIGHT,
    m.ARRIVAL,
)
_LABEL = re.compile("[^:：៖]+[:：៖] ?")
_PLACEHOLDER = re.compile(r"{(\w+)}")
_MAGNITUDE = re.compile(r"M?(?P<number>-?[0-9]+(\.[0-9]+)?)(?P<over>を超える巨大地震)?")
_HEIGHT = re.compile(r"(?P<about>約)?(?P<metres>[0-9]+(\.[0-9]+)?)m?(?P<qualifier>\D*)")
_HEIGHTS = {
    "": m.HEIGHT_METRES,
    "以上": m.HEIGHT_OR_MORE,
    "超": m.HEIGHT_OVER,
    "未満": m.HEIGHT_UNDER,
    "程度": m.HEIGHT_ABOUT,
}
_HEIGHTS_IN_WORDS = {
    "巨大": m.HEIGHT_HUGE,
    "高い": m.HEIGHT_HIGH,
    "微弱": m.HEIGHT_SLIGHT,
    "観測中": m.HEIGHT_MEASURING,
}
"""The agency's qualifiers of a height, and its words for a height without a number."""


def compose(
    fact: Fact, city: City, *, languages: Sequence[str] | None = None, url: str = ""
) -> Texts:
    """Return title and text of the notice for ``fact``, by language.

    Parameters
    ----------
    languages
        Codes of ``core.languages``; by default all.
    url
        A page with more about it; "" for none.
    """
    codes = tuple(LANGUAGES) if languages is None else tuple(languages)
    return {code: _Writer(fact, city, code, url).texts() for code in codes}


def prepare() -> None:
    """Read catalogues and tables now (some 0.2 s), so that the first notice need not wait."""
    load_places()
    for language in LANGUAGES:
        say(language, m.DRILL)
        level_name(1, language)


def say(language: str, message: str, /, **values: object) -> str:
    """Return a message of the package's catalogue in ``language``."""
    return CATALOGUE.text(language, message, **values)


def drill_mark(language: str) -> str:
    """Return the mark at the beginning of every title and text of a drill in ``language`` (promise
    5).
    """
    return say(language, m.DRILL)


def mark_drill(texts: dict[str, str], language: str) -> dict[str, str]:
    """Return title and text with the drill's mark before both, and a line that says so."""
    mark = drill_mark(language)
    note = say(language, m.DRILL_NOTE)
    return {
        "title": f"{mark} {texts['title']}",
        "text": f"{mark} {note}\n\n{texts['text']}",
    }


def intensity_name(intensity: str, language: str) -> str:
    """Return a seismic intensity (1 … 5- 5+ 6- 6+ 7) as the language names it."""
    if intensity in _INTENSITIES:
        return say(language, _INTENSITIES[intensity])
    return number(intensity, language)


@cache
def fact_labels(language: str) -> tuple[str, ...]:
    """Return what lines with a fact begin with (``Place: ``), for those who set them apart."""
    labels = []
    for message in _FACT_LINES:
        facts = dict.fromkeys(_PLACEHOLDER.findall(message), "\0")
        start = say(language, message, **facts).partition("\0")[0]
        label = _LABEL.match(start)
        if label is not None:
            labels.append(label.group())
    return tuple(labels)


class _Writer:
    """Writes one fact in one language."""

    def __init__(self, fact: Fact, city: City, language: str, url: str) -> None:
        self.fact = fact
        self.city = city
        self.language = language
        self.url = url
        self.place = place_name(
            fact.place or fact.volcano or city.name["ja"], language, city, fact.areas
        )

    def texts(self) -> dict[str, str]:
        to_do = advice(self.fact)
        actions = [self._advised(each) for each in to_do if each != m.NOT_AN_ORDER]
        if self.fact.tsunami is not None and not self._over and not self.fact.drill:
            actions = [*self._arrival(self.fact.tsunami), *actions]
        remark = [self.say(m.NOT_AN_ORDER)] if m.NOT_AN_ORDER in to_do else []
        if self.fact.tsunami is not None and self.fact.level >= NEEDS_SHELTER["tsunami"]:
            remark += self._tsunami_comments(self.fact.tsunami)
        first = self._first()
        if self.fact.overflow:
            # A card sets its first block in bold: what to do belongs there too.
            first, actions = [*first, *actions], []
        blocks = [first, actions, remark, self._known(), self._where_to_go()]
        text = "\n\n".join("\n".join(lines) for lines in blocks if lines)
        title = self._title()
        # The dictionary writes some names in small letters; a title begins with a large one.
        texts = {"title": title[:1].upper() + title[1:], "text": text}
        return mark_drill(texts, self.language) if self.fact.drill else texts

    def say(self, message: str, /, **values: object) -> str:
        """Return a message; a name's own full stop (etc.) ends its sentence too."""
        return say(self.language, message, **values).replace("..", ".")

    def _advised(self, sentence: str) -> str:
        """Return a sentence of advice, with the name of the danger that is still in force, if
        known.
        """
        standing = self.fact.standing_kind
        if sentence == m.STILL_IN_FORCE and standing:
            return self.say(m.STILL_IN_FORCE_NAMED, name=self._name(standing))
        return self.say(sentence)

    def _name(self, kind: str) -> str:
        if kind:
            return term(kind, self.language).text
        topic = m.TOPICS.get(self.fact.topic, m.TOPICS["weather"])
        return CATALOGUE.context_text(m.TOPIC_CONTEXT, self.language, topic)

    @property
    def _status(self) -> Status:
        """What changed; an update of a notice is worded like a continuation."""
        if "調査終了" in self.fact.kind and self.fact.status is Status.LIFTED:
            return Status.ISSUED  # its name says already that something has ended
        if self._sea_is_calm:
            return Status.LIFTED
        told = self.fact.update and self.fact.status in (Status.ISSUED, Status.NONE)
        return Status.CONTINUED if told else self.fact.status

    @property
    def _kind(self) -> str:
        """The name meant: a telegram that only says 解除 means the one that was in force."""
        kind = comparable_name(self.fact.kind)
        if self._sea_is_calm:
            return self.fact.previous_kind
        ended = kind in ("", "解除", "発表なし", "なし")
        return self.fact.previous_kind or self.fact.kind if ended else self.fact.kind

    def _title(self) -> str:
        quake = self.fact.quake
        felt = "" if quake is None or self.fact.hazard != "earthquake" else quake.intensity
        if felt and self.fact.status not in (Status.CANCELLED, Status.LIFTED, Status.CORRECTED):
            update = self.fact.update or self.fact.status is Status.CONTINUED
            message = m.TITLE_QUAKE_UPDATE if update else m.TITLE_QUAKE
            intensity = intensity_name(felt, self.language)
            if quake is not None and quake.unconfirmed:
                intensity = self.say(m.INTENSITY_OR_MORE, intensity=intensity)
            return self.say(message, intensity=intensity, place=self.place)
        name = self._name(self._kind)
        if self.fact.typhoon is not None and not self._over:
            # Which one it is, is the first that people ask.
            if not self.fact.typhoon.number:
                return self.say(m.TITLE_DEPRESSION, name=name)
            which = number(self.fact.typhoon.number, self.language)
            return self.say(m.TITLE_TYPHOON, name=name, number=which)
        message = _TITLES.get(self._status, m.TITLE_ISSUED)
        if self.fact.goes_on and self._status is Status.LOWERED:
            message = m.TITLE_STILL
        if message == m.TITLE_ISSUED and not self._has_place:
            return name
        return self.say(message, name=name, place=self.place)

    @property
    def _sea_is_calm(self) -> bool:
        """Whether a tsunami warning or advisory has become a forecast of slight changes.

        People were told to stay away until it is lifted; with this the agency lifts it.
        """
        fact = self.fact
        slight = fact.level < NEEDS_SHELTER["tsunami"] <= fact.previous_level
        return fact.hazard == "tsunami" and fact.status is Status.LOWERED and slight

    @property
    def _has_place(self) -> bool:
        """Whether the telegram names a place; a telegram about a sea trench names none."""
        return bool(self.fact.place or self.fact.volcano or self.fact.hazard == "earthquake")

    @property
    def _over(self) -> bool:
        return self.fact.status in (Status.CANCELLED, Status.LIFTED)

    def _first(self) -> list[str]:
        """Return what changed, and the agency's own first words."""
        fact = self.fact
        lines = self._change() if self._status in _LINES_FIRST or fact.newly_for else []
        in_headline = self._wants_headline() and "氾濫が発生" in fact.headline
        if fact.overflow and not self._over and not in_headline:
            lines.append(self.say(m.OVERFLOW))
        if self._wants_headline():
            lines.append(fact.headline.strip())
        if fact.quake is not None and not self._over and not fact.inland:
            lines += self._sea()
        return lines

    def _known(self) -> list[str]:
        fact = self.fact
        lines = []
        if self._status not in _LINES_FIRST and not self._is_quake and not fact.newly_for:
            lines += self._change()
        if not self._over and not self._sea_is_calm:
            lines += explained(self._kind, self.language)
        if self._has_place:
            lines.append(self._place())
        if fact.overflow_at and self.language != EASY_JAPANESE:
            # As the telegram has it; we have no reading for these places.
            lines.append(self.say(m.PLACE, place="、".join(fact.overflow_at)))
        if fact.volcano and fact.volcano not in fact.place:
            lines.append(self.say(m.VOLCANO, volcano=self._placed(fact.volcano)))
        felt = fact.quake if fact.hazard != "tsunami" else None
        if felt is None or felt.origin_at is None or self._over:
            lines.append(self.say(m.TIME, time=moment(fact.reported_at, self.language)))
        if self._over:
            return lines
        if fact.valid_until is not None and fact.hazard == "tornado":
            lines.append(self.say(m.UNTIL, time=moment(fact.valid_until, self.language)))
        if fact.quake is not None:
            lines += self._quake(fact.quake)
            lines += self._comments(fact.quake)
        if fact.tsunami is not None:
            lines += self._tsunami(fact.tsunami)
        if fact.typhoon is not None:
            lines += typhoon_lines(fact.typhoon, self.language, self.city, self.say)
        lines += early_lines(fact.expected, self.language, self.say)
        if fact.fallen is not None:
            lines.append(self._fallen(fact.fallen))
        return lines

    def _fallen(self, fallen: Fallen) -> str:
        amount = f"{number(fallen.amount, self.language)} {'cm' if fallen.snow else 'mm'}"
        if fallen.about or fallen.or_more:
            both = m.ABOUT_OR_MORE if fallen.about and fallen.or_more else m.ABOUT
            amount = self.say(both if fallen.about else m.OR_MORE, amount=amount)
        if fallen.snow:
            hours = number(fallen.hours, self.language)
            return self.say(m.SNOW_FALLEN, hours=hours, amount=amount)
        return self.say(m.RAIN_FALLEN, amount=amount)

    def _place(self) -> str:
        """Return the line that says where, with a label for the kind of place."""
        fact = self.fact
        if fact.hazard == "tsunami":
            return self.say(m.COAST, coast=self.place)
        if fact.river:
            return self.say(m.RIVER, river=self.place)
        if fact.volcano and fact.volcano == (fact.place or fact.volcano):
            return self.say(m.VOLCANO, volcano=self.place)
        return self.say(m.PLACE, place=self.place)

    @property
    def _is_quake(self) -> bool:
        """Whether the title tells of an earthquake that was felt, and so needs no line for it."""
        quake = self.fact.quake
        return self.fact.hazard == "earthquake" and quake is not None and bool(quake.intensity)

    def _change(self) -> list[str]:
        status, fact = self._status, self.fact
        name = self._name(self._kind)
        if fact.ended_at:
            there = place_name(fact.ended_at, self.language, self.city)
            line = self.say(m.NO_LONGER_THERE, name=name, place=there, still=self.place)
            if not fact.ended_as:
                return [line]
            return [line, self.say(m.NOW_THERE, place=there, name=self._name(fact.ended_as))]
        split = _ENDED_FOR.get(fact.ended_for) or _NEWLY_FOR.get(fact.newly_for)
        only = [] if split is None else [self.say(split, name=name)]
        if self.fact.goes_on or fact.newly_for:
            return only
        if status in (Status.RAISED, Status.LOWERED) and fact.previous_kind:
            previous = self._name(fact.previous_kind)
            return [self.say(_LINES[status], previous=previous, name=name), *only]
        if status in (Status.RAISED, Status.LOWERED):
            return [self.say(m.LINE_ISSUED, name=name), *only]
        return [self.say(_LINES.get(status, m.LINE_ISSUED), name=name), *only]

    def _wants_headline(self) -> bool:
        fact = self.fact
        # In a drill the agency's own words would look like a real order.
        told = not fact.drill and fact.status not in (
            Status.LIFTED,
            Status.LOWERED,
            Status.CANCELLED,
        )
        fits = 0 < len(fact.headline.strip()) <= MAX_HEADLINE
        wanted = fact.hazard in _HEADLINE_HAZARDS or fact.overflow
        return self.language == "ja" and told and fits and wanted

    def _placed(self, name: str) -> str:
        return place_name(name, self.language, self.city)

    def _quake(self, quake: Quake) -> list[str]:
        lines = []
        if quake.intensity and self.fact.hazard == "earthquake":
            felt = m.UNCONFIRMED if quake.unconfirmed else m.INTENSITY
            lines.append(self._intensity(felt, quake.intensity))
        if quake.max_intensity and quake.max_intensity != quake.intensity:
            lines.append(self._intensity(m.MAX_INTENSITY, quake.max_intensity))
        if quake.long_period_class and self._shows_long_period(quake):
            value = number(quake.long_period_class, self.language)
            lines.append(self.say(m.LONG_PERIOD_CLASS, number=value))
        if quake.origin_at is not None:
            lines.append(self.say(m.ORIGIN_TIME, time=moment(quake.origin_at, self.language)))
        if quake.hypocentre:
            lines.append(self.say(m.HYPOCENTRE, hypocentre=self._placed(quake.hypocentre)))
        return [*lines, *self._magnitude(quake.magnitude), *self._depth(quake)]

    def _magnitude(self, wording: str) -> list[str]:
        """Return the line with the magnitude: a number, Ｍ不明, or Ｍ８を超える巨大地震."""
        said = _MAGNITUDE.fullmatch(comparable_name(wording))
        if said is None:
            if wording and "不明" not in wording:
                MISSING_TERMS.labels(self.language).inc()
            return [self.say(m.MAGNITUDE_UNKNOWN)] if "不明" in wording else []
        message = m.MAGNITUDE_OVER if said["over"] else m.MAGNITUDE
        return [self.say(message, magnitude=number(said["number"], self.language))]

    def _depth(self, quake: Quake) -> list[str]:
        if quake.depth_km is None:
            return [self.say(m.DEPTH_UNKNOWN)] if quake.depth_note == "不明" else []
        message = m.DEPTH_OR_MORE if quake.depth_note == "以上" else m.DEPTH
        if quake.depth_km == 0:
            message = m.VERY_SHALLOW
        return [self.say(message, depth=number(quake.depth_km, self.language))]

    def _shows_long_period(self, quake: Quake) -> bool:
        """Whether the slow swaying of tall buildings matters in addition to the intensity (class 3,
        4).
        """
        return self.fact.hazard == "long-period" or quake.long_period_class in ("3", "4")

    def _sea(self) -> list[str]:
        """Return the agency's comments on the sea; a drill orders nobody away from it."""
        return [] if self.fact.drill else [self.say(each) for each in sea_sentences(self.fact)]

    def _comments(self, quake: Quake) -> list[str]:
        """Return the other comments, and for a city without a coast also those about the sea.

        A comment that is not in our table stays in Japanese texts and is left out in others: we do
        not translate what we do not know.
        """
        of_the_sea = sea_sentences(self.fact)
        lines = [
            self.say(sentence)
            for sentence in comment_sentences(self.fact)
            if sentence not in (*of_the_sea, m.FOLLOW_NEWS)  # advice, which comes with it
        ]
        if self.fact.inland:
            lines += self._sea()
        if quake.comment and not quake_comments(quake.comment_codes, quake.comment):
            if self.language == "ja":
                lines.append(quake.comment)
            else:
                MISSING_TERMS.labels(self.language).inc()
        return lines

    def _tsunami_comments(self, tsunami: Tsunami) -> list[str]:
        """Return the comments on a warning or advisory that is in force.

        They are for all coasts together; the one of 2011 is only for major warnings.
        """
        said = tsunami_sentences(tsunami.comment_codes, tsunami.comment)
        major = "大津波警報" in self.fact.kind
        others = [each for each in said if each != m.LIKE_2011]
        first = [m.LIKE_2011] if major and m.LIKE_2011 in said else []
        return [self.say(each) for each in (*first, *others)]

    def _intensity(self, message: str, intensity: str) -> str:
        return self.say(message, intensity=intensity_name(intensity, self.language))

    def _tsunami(self, tsunami: Tsunami) -> list[str]:
        lines = []
        height = self._height(tsunami.height)
        if height:
            lines.append(self.say(m.HEIGHT, height=height))
        seen = self._height(tsunami.observed_height)
        if seen:
            lines.append(self.say(m.OBSERVED_HEIGHT, height=seen))
        if tsunami.arrival_at is not None:
            lines.append(self.say(m.ARRIVAL, time=moment(tsunami.arrival_at, self.language)))
        if "第1波" in comparable_name(tsunami.arrival_condition):
            lines.append(self.say(m.ARRIVED))
        return lines

    def _arrival(self, tsunami: Tsunami) -> list[str]:
        if re.search("到達中|既に津波到達", tsunami.arrival_condition):
            return [self.say(m.ARRIVING)]
        return [self.say(m.ARRIVAL_AT_ONCE)] if "ただちに" in tsunami.arrival_condition else []

    def _height(self, wording: str) -> str:
        """Return the agency's wording of a height (１０ｍ超, 巨大) in the language.

        A qualifier that is not known could weaken the number, so the height is left out.
        """
        plain = comparable_name(wording)
        if plain in _HEIGHTS_IN_WORDS:
            return self.say(_HEIGHTS_IN_WORDS[plain])
        said = _HEIGHT.fullmatch(plain)
        message = None if said is None else _HEIGHTS.get(said["qualifier"])
        if said is None or message is None:
            if plain:
                MISSING_TERMS.labels(self.language).inc()
            return plain if self.language == "ja" else ""
        if said["about"]:
            message = m.HEIGHT_ABOUT
        return self.say(message, metres=number(said["metres"], self.language))

    def _where_to_go(self) -> list[str]:
        lines = []
        if needs_shelter(self.fact) and self.city.shelter_url:
            lines.append(self.say(m.SHELTERS, url=self.city.shelter_url))
        if self.url:
            lines.append(self.say(m.MORE, url=self.url))
        lines.append(self._source())
        return lines

    def _source(self) -> str:
        agency = self.say(m.AGENCY)
        offices = self.fact.office.split()
        if all(office.startswith("気象庁") for office in offices):
            return self.say(m.SOURCE, source=agency)
        if self.language == "ja":
            return self.say(m.SOURCE, source="、".join(offices))
        names = [
            office_name(name, self.language) for name in offices if not name.startswith("気象庁")
        ]
        office = " / ".join(name for name in names if name)
        if not office:
            return self.say(m.SOURCE, source=agency)
        return self.say(m.SOURCE_OFFICE, source=agency, office=office)
