"""The console's words in Japanese and English: the catalogue, and names of fixed values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from alerts.news.models import NewsState, Repeat
from alerts.origins import NOTICE, Origin
from alerts.surveys.questions import QuestionKind
from channels.models import DeliveryKind, DeliveryState, UnknownState, Wording
from city.city import City, Decision, name_in
from console.action_names import ACTION_NAMES, EARLIER_ACTIONS
from console.models import Role, SignInWay
from core.clock import in_japan
from core.errors import BadInput, Refusal
from core.languages import LANGUAGES, Catalogue, mark
from core.reason import Reason, know_all
from feeds.models import OVER, ItemState, Notice, Status
from feeds.overlay import ARTICLE, DESK
from feeds.rule_rows import RuleRow
from feeds.texts import intensity_name
from feeds.texts.terms import term
from reports.models import Addition, PhotoRole
from reports.withdrawn import Withdrawn
from response.models import ShelterState

STAFF_LANGUAGES = ("ja", "en")
ENDS = OVER
"""Statuses of an end, for the templates."""
_WEEKDAYS_JA = "月火水木金土日"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
CATALOGUE = Catalogue(Path(__file__).parent / "locales")
know_all()


ROLE_NAMES = {
    Role.ADMIN: mark("Administrator"),
    Role.DISASTER: mark("Disaster staff: write and confirm"),
    Role.DISASTER_WRITE: mark("Disaster staff: write"),
    Role.DISASTER_CONFIRM: mark("Disaster staff: confirm"),
    Role.ROADS: mark("Road department"),
    Role.EDITOR: mark("Public relations: write"),
    Role.APPROVER: mark("Public relations: approve"),
    Role.DEPARTMENT: mark("Department: its own topics and words"),
    Role.VIEWER: mark("Viewer"),
}
STATUS_NAMES = {
    Status.ISSUED: mark("Issued"),
    Status.RAISED: mark("Raised"),
    Status.LOWERED: mark("Lowered"),
    Status.CONTINUED: mark("Continued"),
    Status.LIFTED: mark("All clear"),
    Status.CANCELLED: mark("Taken back"),
    Status.CORRECTED: mark("Corrected"),
    Status.NONE: mark("Notice"),
}
WORDING_NAMES = {
    Wording.MAIN: mark("For those for whom it goes on, in these words"),
    Wording.NEW: mark("For those who hear of it for the first time"),
    Wording.ELSEWHERE: mark("For those who were told and are not meant"),
    Wording.STILL: mark("For those for whom what was said before goes on"),
    Wording.UNHEARD: mark("For those whom what was said before has not reached yet"),
}
WORDING_HINTS = {
    Wording.MAIN: mark("They were told before, and this is about them."),
    Wording.NEW: mark("They get it as a new alert. They were told nothing, or not to act."),
    Wording.ELSEWHERE: mark("It is not for the districts they chose. They need not do anything."),
    Wording.STILL: mark("What changes is for others. They are told to go on as before."),
    Wording.UNHEARD: mark("It goes on where they live. They hear of it by this message."),
}
DELIVERY_NAMES = {
    DeliveryState.PLANNED: mark("Planned"),
    DeliveryState.SENDING: mark("Sending"),
    DeliveryState.PAUSED: mark("Paused"),
    DeliveryState.STOPPED: mark("Stopped"),
    DeliveryState.DONE: mark("Done"),
}
DELIVERY_KIND_NAMES = {
    DeliveryKind.NOTICE: mark("Alerts and news under way when the backup was made: {n}"),
    DeliveryKind.CORRECTION: mark("Corrections under way when the backup was made: {n}"),
    DeliveryKind.PERSONAL: mark("Personal messages under way when the backup was made: {n}"),
    DeliveryKind.DIGEST: mark("Daily digests under way when the backup was made: {n}"),
}
WITHDRAWN_NAMES = {
    Withdrawn.PHOTO: mark("The resident took a photo back"),
    Withdrawn.PLACE: mark("The resident took the place back"),
    Withdrawn.WORDS: mark("The resident took the description back"),
    Withdrawn.ANSWER: mark("The resident took an answer back"),
    Withdrawn.REPORT: mark("The resident took the report back"),
}
ADDITION_NAMES = {
    Addition.MENDED: mark("The resident says that it is mended"),
    Addition.WORSE: mark("The resident says that it got worse"),
    Addition.PHOTO: mark("The resident added a photo"),
    Addition.JOINED: mark("Somebody else saw it too, and follows it"),
    Addition.RIGHT: mark("The resident says that it is all right"),
    Addition.NOT_RIGHT: mark("The resident says that it is not right"),
    Addition.WORDS: mark("The resident says more"),
}
PHOTO_NAMES = {
    PhotoRole.NEAR: mark("From near"),
    PhotoRole.FAR: mark("From farther away"),
    PhotoRole.LATER: mark("Added later"),
    PhotoRole.BEFORE: mark("Before the work"),
    PhotoRole.AFTER: mark("After the work"),
}
SOURCE_KINDS = {
    "jma": mark("Telegrams of the agency"),
    "rss": mark("Feed"),
    "cap": mark("Alerts (CAP)"),
    "mail": mark("Mail"),
    "webhook": mark("Another system"),
}
ITEM_NAMES = {
    ItemState.NEW: mark("New"),
    ItemState.DONE: mark("Done"),
    ItemState.SET_ASIDE: mark("Set aside"),
}
NEWS_STATES = {
    NewsState.DRAFT: mark("Being written"),
    NewsState.ASKED: mark("Waits for approval"),
    NewsState.PLANNED: mark("Planned for a time"),
    NewsState.MISSED: mark("Was not sent: decide again"),
    NewsState.SENT: mark("Sent"),
}
QUESTION_KINDS = {
    QuestionKind.ONE: mark("One answer"),
    QuestionKind.SEVERAL: mark("Several answers"),
    QuestionKind.YES_NO: mark("Yes or no"),
    QuestionKind.NUMBER: mark("A number"),
    QuestionKind.WORDS: mark("Free words"),
}
NEWS_REPEATS = {
    Repeat.ONCE: mark("Once"),
    Repeat.WEEKLY: mark("Every week"),
    Repeat.MONTHLY: mark("Every month"),
}
DECISION_NAMES = {
    Decision.SEND: mark("Sent"),
    Decision.DIGEST: mark("In the daily digest"),
    Decision.HOLD: mark("Held"),
    Decision.PUBLISH: mark("Published only"),
    Decision.DROP: mark("Dropped"),
}
DECISION_BY_VALUE = {decision.value: name for decision, name in DECISION_NAMES.items()}
RULE_DECISIONS = {
    Decision.SEND: mark("sent by itself"),
    Decision.DIGEST: mark("in the daily digest"),
    Decision.HOLD: mark("held, with an alarm to staff"),
    Decision.PUBLISH: mark("only shown"),
    Decision.DROP: mark("left out"),
}
"""What a rule does with news, on the page of the rules."""
RULE_GROUPS = {
    "quake": mark("Earthquakes"),
    "sea": mark("Tsunami"),
    "weather": mark("Weather, rivers and landslides"),
    "fire": mark("Volcanoes"),
}
PAST_NAMES = {
    "kept": mark("Telegrams and articles that are kept"),
    "quiet": mark("Recorded: a quiet day"),
    "rainstorm": mark("Recorded: a rainstorm"),
    "earthquake": mark("Recorded: an earthquake"),
    "tsunami": mark("Recorded: a tsunami"),
    "typhoon": mark("Recorded: a typhoon"),
    "volcano": mark("Recorded: a volcano"),
    "holiday": mark("Recorded: a public holiday"),
}
"""The pasts on which rules are tried."""
LEVEL_NAMES = {
    0: mark("No level"),
    1: mark("Alert level 1: be ready"),
    2: mark("Alert level 2: check how to leave"),
    3: mark(
        "Alert level 3: Evacuation of the elderly, etc. "
        "(elderly people and others leave dangerous places)"
    ),
    4: mark("Alert level 4: Evacuation Order (everybody leaves dangerous places)"),
    5: mark("Alert level 5: Emergency Safety Measures (life in danger, secure safety at once)"),
}
"""The levels of an evacuation alert, with the order that is sent and who leaves.

Source: the Cabinet Office's guideline on evacuation information (避難情報に関するガイドライン).
"""
ORDER_TOPIC = "evacuation"
"""The topic with the mayor's orders; alerts of other topics have a level only."""


RULE_NAMES = {
    "collection-day": mark("collected tomorrow"),
    "default": mark("no rule fits"),
    "digest": mark("daily digest"),
    "drill": mark("drill or test of another office"),
    "edited": mark("edited after it was sent"),
    "emergency": mark("emergencies go at once"),
    "expired": mark("had expired"),
    "first-poll": mark("was there before"),
    "flood": mark("too many at once"),
    "foreign-link": mark("leads to another web site"),
    "from-the-future": mark("dated in the future"),
    "line-silent": mark("LINE took nothing for a minute"),
    "medium-silent": mark("a medium took nothing for a minute"),
    "no-level": mark("says no level"),
    "no-change": mark("nothing has changed"),
    "nobody-was-told": mark("nobody was told"),
    "overtaken": mark("overtaken by something newer"),
    "too-old": mark("too old"),
    "real-danger": mark("a grave danger was in force"),
    "restored": mark("may have been told before a restore"),
}
"""The rules that are the same in every city; a source's own rules are named after it."""


ORIGIN_NAMES = {
    "template": mark("templates: {n}"),
    "ready": mark("ready words: {n}"),
    "machine": mark("machine: {n}"),
    "person": mark("by people: {n}"),
    "missing": mark("no words: {n}"),
}
TRANSLATOR_NAMES = {
    "libretranslate": "LibreTranslate",
    "deepl": "DeepL",
    "textra": "みんなの自動翻訳",
}
"""The translators by their own names."""


SHELTER_STATES = {
    ShelterState.OPEN: mark("Open"),
    ShelterState.FULL: mark("Full"),
    ShelterState.CLOSED: mark("Closed"),
}
UNKNOWN_NAMES = {
    UnknownState.WAITING: mark("waiting"),
    UnknownState.SENDING: mark("Sending"),
    UnknownState.ACCEPTED: mark("LINE is sending it"),
    UnknownState.DONE: mark("sent"),
    UnknownState.FAILED: mark("did not go"),
    UnknownState.STOPPED: mark("Stopped"),
}


MEDIUM_NAMES = {
    "line": "LINE",
    "email": mark("Mail"),
    "webpush": mark("Web push"),
    "posts": mark("Posts in other networks"),
}


def medium_name(name: str, language: str) -> str:
    """Return what staff call a medium."""
    known = MEDIUM_NAMES.get(name)
    return name if known is None else CATALOGUE.text(language, known)


def said(what: Refusal | Reason | None, language: str) -> str:
    """Return a reason in the words of staff; "" if there is none.

    The kind of trouble, and what staff should do, come before the reason.
    """
    if what is None:
        return ""
    if isinstance(what, Refusal):
        return CATALOGUE.text(language, what.message, **what.values)
    exact = what.text(partial(CATALOGUE.text, language))
    if not what.kind:
        return exact
    kind = CATALOGUE.text(language, what.kind)
    return CATALOGUE.text(language, mark("{kind} ({exact})"), kind=kind, exact=exact.rstrip(".。"))


def error_said(error: BadInput | None, language: str) -> str:
    """Return why something was not done, in the words of staff; "" if there is nothing."""
    if error is None:
        return ""
    return said(error if isinstance(error, Refusal) else error.reason, language)


def line_day(day: str) -> str:
    """Return a day as LINE's numbers name it (YYYYMMDD), to be read by people."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day


def origin(
    known: Origin | None,
    names: Mapping[tuple[int, int], str],
    language: str,
    people: Mapping[str, str],
) -> list[tuple[str, str]]:
    """Return where words come from, as (kind, words); a machine, or nothing, stands alone.

    Parameters
    ----------
    known
        None for a language without words.
    names
        Names of the versions of templates.
    people
        Names of those who have an account, by address.
    """
    if known is None:
        return [("missing", CATALOGUE.text(language, "no words"))]
    found = []
    for number, version in known.templates:
        name = names.get((number, version), str(number))
        said = CATALOGUE.text(language, "template {name}, version {n}", name=name, n=version)
        found.append(("template", said))
    if NOTICE in known.ready:
        found.append(("ready", CATALOGUE.text(language, "words of a notice")))
    if set(known.ready) - {NOTICE}:
        found.append(("ready", CATALOGUE.text(language, "ready words")))
    if known.machine:
        engine = TRANSLATOR_NAMES.get(known.machine, known.machine)
        found.append(("machine", CATALOGUE.text(language, "machine: {name}", name=engine)))
    if known.person:
        message = "changed by {name}" if found else "written by {name}"
        name = people.get(known.person, known.person)
        found.append(("person", CATALOGUE.text(language, message, name=name)))
    return found or [("person", CATALOGUE.text(language, "written by a person"))]


def origins_in_sum(
    found: Mapping[str, Sequence[tuple[str, str]]], language: str
) -> list[tuple[str, str]]:
    """Return how many languages have words of each kind, as (kind, words), the most first.

    Parameters
    ----------
    found
        By language: what :func:`origin` returns.
    """
    counted = Counter(kind for kinds in found.values() for kind, _ in kinds)
    return [
        (kind, CATALOGUE.text(language, ORIGIN_NAMES[kind], n=number))
        for kind, number in counted.most_common()
    ]


def is_alert(notice: Notice) -> bool:
    """Whether it is an alert: written by staff, or a warning that a rule sent; no news."""
    return notice.level > 0 or not notice.decided_by.startswith("rule:")


def title_of(notice: Notice, language: str) -> str:
    """Return a notice's title for staff: in their language, else in Japanese."""
    for code in (language, "ja"):
        if title := notice.texts.get(code, {}).get("title"):
            return title
    return notice.kind or notice.topic


def level_of(topic: str, level: int, language: str) -> str:
    """Return an alert's level in words; only an evacuation's is an order."""
    if topic == ORDER_TOPIC or level == 0:
        return CATALOGUE.text(language, LEVEL_NAMES[level])
    return CATALOGUE.text(language, "Alert level {level}", level=level)


def part_name(wording: Wording, level: int | None, language: str) -> str:
    """Return the name of residents with the same words, by level where it differs."""
    name = CATALOGUE.text(language, WORDING_NAMES[wording])
    if level is None:
        return name
    shown = CATALOGUE.text(language, "Alert level {level}", level=level)
    return shown if wording is Wording.MAIN else f"{shown}: {name}"


def intensity(scale: str, language: str) -> str:
    """Return the name of a seismic intensity without other words."""
    return CATALOGUE.text(language, "Intensity {scale}", scale=intensity_name(scale, language))


def source_names(city: City, language: str) -> dict[str, str]:
    """Return what the city's sources are called, by code."""
    return {one.code: name_in(one.names, language) for one in city.sources}


def person(actor: str, names: Mapping[str, str], language: str) -> str:
    """Return who did something: a name (``names`` are by address), else as :func:`decider`."""
    return names.get(actor) or decider(actor, language)


def decider(decided_by: str, language: str) -> str:
    """Return the decider: a person's address, the rule in words, or the link of a site's staff."""
    kind, _, rule = decided_by.partition(":")
    if kind == "link":
        return CATALOGUE.text(language, "Staff at the site (link {n})", n=rule)
    if kind != "rule":
        return decided_by
    laid = rule.removeprefix(f"{DESK}#")
    if laid != rule:
        return CATALOGUE.text(language, "Rule: {name}", name=rules_number(laid, language))
    name = CATALOGUE.text(language, RULE_NAMES[rule]) if rule in RULE_NAMES else rule
    return CATALOGUE.text(language, "Rule: {name}", name=name)


def rules_number(number: int | str, language: str) -> str:
    """Return the name of a version of the rules."""
    return CATALOGUE.text(language, "rules of staff, version {n}", n=number)


def rule_row(row: RuleRow, city: City, language: str) -> str:
    """Return the name of a line of the rules: the agency's name of a danger, or a topic."""
    if row.about.kind == ARTICLE:
        if not row.name:
            return CATALOGUE.text(language, "everything else")
        topic = city.topic_by_code.get(row.name)
        return name_in(topic.names, language) if topic is not None else row.name
    if row.intensity:
        return intensity(row.intensity, language)
    name = term(row.name, language).text
    if row.about.first == "long-period":
        return CATALOGUE.text(language, "{name}, class {n}", name=name, n=row.about.second)
    return name


def rule_decisions(decisions: Sequence[Decision], language: str) -> str:
    """Return decisions in words: more than one where the folder's rules differ by word."""
    between = CATALOGUE.text(language, " or ")
    return between.join(CATALOGUE.text(language, RULE_DECISIONS[each]) for each in decisions)


SIGN_IN_WAYS = {
    SignInWay.PASSWORD: mark("with the password"),
    SignInWay.RECOVERY: mark("with a recovery code"),
    SignInWay.PASSKEY: mark("with a passkey"),
    SignInWay.PROVIDER: mark("by the city's sign-in"),
}


def sign_in_way(way: str, language: str) -> str:
    """Return how somebody signed in, in words; "" if it is not known."""
    return CATALOGUE.text(language, SIGN_IN_WAYS[SignInWay(way)]) if way else ""


def act(action: str, language: str) -> str:
    """Return an action of the audit trail in words; "" for one that is not known."""
    name = ACTION_NAMES.get(EARLIER_ACTIONS.get(action, action))
    return "" if name is None else CATALOGUE.text(language, name)


def plain(value: object, language: str) -> str:
    """Return a value of the audit trail as text; "" if it is empty."""
    if isinstance(value, bool):
        return CATALOGUE.text(language, "yes") if value else CATALOGUE.text(language, "no")
    if isinstance(value, dict):
        pairs = [f"{key} {plain(one, language)}" for key, one in value.items()]
        return listed(pairs, language)
    if isinstance(value, list):
        return listed([plain(one, language) for one in value], language)
    return "" if value is None else str(value)


def language_name(code: str, language: str) -> str:
    """Return the name of a resident's language for staff who read ``language``."""
    known = LANGUAGES.get(code)
    if known is None:
        return code
    return known.japanese if language == "ja" else known.english


def names_of(codes: Sequence[str], language: str) -> str:
    """Return the names of residents' languages, one after the other."""
    return listed([language_name(code, language) for code in codes], language)


def places_of(areas: Sequence[str], city: City, language: str) -> str:
    """Return the names of districts; for a missing one, its code."""
    known = city.district_by_code
    names = [name_in(known[code].names, language) if code in known else code for code in areas]
    return listed(names, language)


def listed(names: Sequence[str], language: str) -> str:
    """Return names one after the other, as the language separates them."""
    return ("、" if language == "ja" else ", ").join(names)


def quoted(names: Sequence[str], language: str) -> str:
    """Return names in quotation marks, one after the other."""
    if language == "ja":
        return "".join(f"「{name}」" for name in names)
    return ", ".join(f"“{name}”" for name in names)


def parsed(moment_in_iso: str) -> datetime:
    """Return a moment that was stored as ISO 8601."""
    return datetime.fromisoformat(moment_in_iso)


def moment(at: datetime | None, language: str, *, seconds: bool = False) -> str:
    """Return a time for staff, in Japan's time; a dash if there is none."""
    if at is None:
        return "–"
    local = in_japan(at)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    if language == "ja":
        return f"{local.month}月{local.day}日({_WEEKDAYS_JA[local.weekday()]}) {clock}"
    # Not strftime, whose names are the machine's language.
    return f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {clock}"


def day_of(day: date, language: str) -> str:
    """Return a day with its weekday."""
    if language == "ja":
        return f"{day.month}月{day.day}日({_WEEKDAYS_JA[day.weekday()]})"
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def month_of(day: date, language: str) -> str:
    """Return a day's month with its year."""
    if language == "ja":
        return f"{day.year}年{day.month}月"
    return f"{_MONTHS[day.month - 1]} {day.year}"


def span(length: timedelta, language: str) -> str:
    """Return a length of time in hours and minutes, or in days."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return CATALOGUE.text(language, "{n} min", n=minutes)
    if minutes < 2 * 24 * 60:
        return CATALOGUE.text(language, "{n} h {m} min", n=minutes // 60, m=minutes % 60)
    return CATALOGUE.text(language, "{n} days", n=minutes // (24 * 60))


def clock(at: datetime) -> str:
    """Return hour and minute in Japan."""
    return f"{in_japan(at):%H:%M}"


def ago(at: datetime | None, now: datetime, language: str) -> str:
    """Return how long ago something was, in the largest fitting unit."""
    if at is None:
        return CATALOGUE.text(language, "never")
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return CATALOGUE.text(language, "{n} s ago", n=seconds)
    if seconds < 3600:
        return CATALOGUE.text(language, "{n} min ago", n=seconds // 60)
    if seconds < 86400:
        return CATALOGUE.text(language, "{n} h ago", n=seconds // 3600)
    return CATALOGUE.text(language, "{n} days ago", n=seconds // 86400)
