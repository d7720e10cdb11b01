"""From a fact to a notice's title and text in every language, by rule and without I/O.

A text is a list of whole lines, each a message of the catalogue. It begins with what changed
and what to do now, because that is what a notification on a locked phone shows; then come
where, when and what is known, where to go, who says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from core.city import City
from core.languages import EASY_JAPANESE, LANGUAGES, Catalogue
from feeds.facts import Fact, Quake, Tsunami
from feeds.models import Status
from feeds.texts import messages as m
from feeds.texts.advice import NEEDS_SHELTER, advice, needs_shelter, tsunami_comment
from feeds.texts.places import load_places, office_name, place_name
from feeds.texts.terms import explained, level_name, normal, number, term
from feeds.texts.times import moment

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
"""Statuses whose change stands first; of what is new or worse the title says it, and what to do
comes first."""
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
"""Hazards whose facts stand in the agency's headline alone; Japanese texts carry it."""
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
    m.DEPTH,
    m.HEIGHT,
    m.OBSERVED_HEIGHT,
    m.ARRIVAL,
)
_LABEL = re.compile("[^:：៖]+[:：៖] ?")
_PLACEHOLDER = re.compile(r"{(\w+)}")


def compose(
    fact: Fact, city: City, *, languages: Sequence[str] | None = None, url: str = ""
) -> Texts:
    """Return title and text of the notice that ``fact`` makes, by language.

    Parameters
    ----------
    languages
        Codes of ``core.languages``; all of them when not given.
    url
        A page with more about it; none when empty.
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
    """Return a message of the room's catalogue in ``language``."""
    return CATALOGUE.text(language, message, **values)


def drill_mark(language: str) -> str:
    """Return what every title and text of a drill begins with in ``language`` (promise 5)."""
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
        actions = [self.say(each) for each in to_do if each != m.NOT_AN_ORDER]
        if self.fact.tsunami is not None and not self._over:
            actions = [*self._arrival(self.fact.tsunami), *actions]
        remark = [self.say(m.NOT_AN_ORDER)] if m.NOT_AN_ORDER in to_do else []
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
        return say(self.language, message, **values)

    def _name(self, kind: str) -> str:
        if kind:
            return term(kind, self.language).text
        topic = m.TOPICS.get(self.fact.topic, m.TOPICS["weather"])
        return CATALOGUE.context_text(m.TOPIC_CONTEXT, self.language, topic)

    @property
    def _status(self) -> Status:
        """What changed; more on what was already told is said like something that goes on."""
        if "調査終了" in self.fact.kind and self.fact.status is Status.LIFTED:
            return Status.ISSUED  # its name says already that something has ended
        if self._sea_is_calm:
            return Status.LIFTED
        told = self.fact.update and self.fact.status in (Status.ISSUED, Status.NONE)
        return Status.CONTINUED if told else self.fact.status

    @property
    def _kind(self) -> str:
        """The name meant: a telegram that only says 解除 means the one that was in force."""
        kind = normal(self.fact.kind)
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
            return self.say(
                message, intensity=intensity_name(felt, self.language), place=self.place
            )
        name = self._name(self._kind)
        message = _TITLES.get(self._status, m.TITLE_ISSUED)
        if message == m.TITLE_ISSUED and not self._has_place:
            return name
        return self.say(message, name=name, place=self.place)

    @property
    def _sea_is_calm(self) -> bool:
        """Whether a tsunami warning or advisory has become a forecast of slight changes.

        People were told to stay away until it is lifted; this is when the agency lifts it.
        """
        fact = self.fact
        slight = fact.level < NEEDS_SHELTER["tsunami"] <= fact.previous_level
        return fact.hazard == "tsunami" and fact.status is Status.LOWERED and slight

    @property
    def _has_place(self) -> bool:
        """Whether the telegram names a place; what is about a whole sea trench names none."""
        return bool(self.fact.place or self.fact.volcano or self.fact.hazard == "earthquake")

    @property
    def _over(self) -> bool:
        return self.fact.status in (Status.CANCELLED, Status.LIFTED)

    def _first(self) -> list[str]:
        """Return what changed, and what the agency itself says first of all."""
        fact = self.fact
        lines = [self._change()] if self._status in _LINES_FIRST else []
        in_headline = self._wants_headline() and "氾濫が発生" in fact.headline
        if fact.overflow and not self._over and not in_headline:
            lines.append(self.say(m.OVERFLOW))
        if self._wants_headline():
            lines.append(fact.headline.strip())
        if fact.quake is not None and not self._over:
            lines += self._tsunami_comment(fact.quake)
        return lines

    def _known(self) -> list[str]:
        fact = self.fact
        lines = []
        if self._status not in _LINES_FIRST and not self._is_quake:
            lines.append(self._change())
        if not self._over and not self._sea_is_calm:
            lines += explained(self._kind, self.language)
        if self._has_place:
            lines.append(self._place())
        if fact.overflow_at and self.language != EASY_JAPANESE:
            # As the telegram has it; nobody has given these places a reading.
            lines.append(self.say(m.PLACE, place="、".join(fact.overflow_at)))
        if fact.volcano and fact.volcano not in fact.place:
            lines.append(self.say(m.VOLCANO, volcano=self._placed(fact.volcano)))
        if fact.quake is None or fact.quake.origin_at is None or self._over:
            lines.append(self.say(m.TIME, time=moment(fact.reported_at, self.language)))
        if self._over:
            return lines
        if fact.valid_until is not None and fact.hazard == "tornado":
            lines.append(self.say(m.UNTIL, time=moment(fact.valid_until, self.language)))
        if fact.quake is not None:
            lines += self._quake(fact.quake)
        if fact.tsunami is not None:
            lines += self._tsunami(fact.tsunami)
        return lines

    def _place(self) -> str:
        """Return the line that says where, under the name of what it is."""
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

    def _change(self) -> str:
        status = self._status
        name = self._name(self._kind)
        if status in (Status.RAISED, Status.LOWERED):
            if not self.fact.previous_kind:
                return self.say(m.LINE_ISSUED, name=name)
            previous = self._name(self.fact.previous_kind)
            return self.say(_LINES[status], previous=previous, name=name)
        return self.say(_LINES.get(status, m.LINE_ISSUED), name=name)

    def _wants_headline(self) -> bool:
        fact = self.fact
        told = fact.status not in (Status.LIFTED, Status.LOWERED, Status.CANCELLED)
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
        if quake.magnitude:
            value = number(quake.magnitude, self.language)
            lines.append(self.say(m.MAGNITUDE, magnitude=value))
        if quake.depth_km is not None:
            value = number(quake.depth_km, self.language)
            shallow = quake.depth_km == 0
            lines.append(self.say(m.VERY_SHALLOW if shallow else m.DEPTH, depth=value))
        return lines

    def _shows_long_period(self, quake: Quake) -> bool:
        """Whether the slow swaying of tall buildings matters beside the intensity (class 3, 4)."""
        return self.fact.hazard == "long-period" or quake.long_period_class in ("3", "4")

    def _tsunami_comment(self, quake: Quake) -> list[str]:
        comment = tsunami_comment(self.fact)
        if comment == m.FOLLOW_NEWS:
            return []  # that is advice, and stands with it
        if comment is not None:
            return [self.say(comment)]
        if not quake.tsunami_comment or self.language == "ja":
            return [quake.tsunami_comment] if quake.tsunami_comment else []
        return [self.say(m.TSUNAMI_NOTE, note=quake.tsunami_comment)]

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
        if "第1波" in normal(tsunami.arrival_condition):
            lines.append(self.say(m.ARRIVED))
        return lines

    def _arrival(self, tsunami: Tsunami) -> list[str]:
        if "到達中" in tsunami.arrival_condition:
            return [self.say(m.ARRIVING)]
        return [self.say(m.ARRIVAL_AT_ONCE)] if "ただちに" in tsunami.arrival_condition else []

    def _height(self, wording: str) -> str:
        """Return the agency's wording of a height (１０ｍ超, 巨大) in the language."""
        plain = normal(wording)
        if self.language == "ja":
            return plain
        if plain in ("巨大", "高い"):
            return self.say(m.HEIGHT_HUGE if plain == "巨大" else m.HEIGHT_HIGH)
        metres = plain.rstrip("m超未満以上").rstrip("m")
        try:
            float(metres)
        except ValueError:
            return wording
        value = number(metres, self.language)
        if "超" in plain:
            return self.say(m.HEIGHT_OVER, metres=value)
        return self.say(m.HEIGHT_UNDER if "未満" in plain else m.HEIGHT_METRES, metres=value)

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
