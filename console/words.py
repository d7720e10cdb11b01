"""The console's words in Japanese and English: the catalogue, and names of fixed values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from alerts.origins import NOTICE, Origin
from channels.models import DeliveryKind, DeliveryState, UnknownState, Wording
from city.city import City, Decision, name_in
from console.models import Role
from core.clock import in_japan
from core.errors import BadInput, Refusal
from core.languages import LANGUAGES, Catalogue, mark
from core.reason import Reason, know
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
know("core", "city", "feeds", "channels", "channels.line", "response", "reports")


ROLE_NAMES = {
    Role.ADMIN: mark("Administrator"),
    Role.DISASTER: mark("Disaster staff"),
    Role.ROADS: mark("Road department"),
    Role.EDITOR: mark("Public relations"),
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
}
PHOTO_NAMES = {
    PhotoRole.NEAR: mark("From near"),
    PhotoRole.FAR: mark("From farther away"),
    PhotoRole.LATER: mark("Added later"),
    PhotoRole.BEFORE: mark("Before the work"),
    PhotoRole.AFTER: mark("After the work"),
}
ITEM_NAMES = {
    ItemState.NEW: mark("New"),
    ItemState.DONE: mark("Done"),
    ItemState.SET_ASIDE: mark("Set aside"),
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
    "no-level": mark("says no level"),
    "no-change": mark("nothing has changed"),
    "nobody-was-told": mark("nobody was told"),
    "overtaken": mark("overtaken by something newer"),
    "too-old": mark("too old"),
    "real-danger": mark("a grave danger was in force"),
    "restored": mark("may have been told before a restore"),
}
"""The rules that are the same in every city; a source's own rules are named after it."""
ACTION_NAMES = {
    "alert.begun": mark("began an alert"),
    "alert.saved": mark("saved an alert"),
    "alert.written": mark("wrote in an alert"),
    "alert.confirmed": mark("confirmed an alert"),
    "alert.discarded": mark("threw an alert away"),
    "alert.restored": mark("took an alert back that was thrown away"),
    "alert.reviewed": mark("found older words still right"),
    "alert.asked": mark("asked colleagues to confirm an alert"),
    "alert.tested": mark("tried an alert out on the desk's phones"),
    "alert.sent": mark("sent an alert"),
    "alert.sent_to_unknown": mark("had it go to friends nobody knows"),
    "alert.put_after": mark("put an alert after a colleague's"),
    "template.saved": mark("saved a template"),
    "template.withdrawn": mark("took a template out of the list"),
    "template.restored": mark("put a template back into the list"),
    "notice.sent": mark("sent a held notice"),
    "notice.published": mark("published a held notice"),
    "notice.dropped": mark("dropped a held notice"),
    "notice.rewritten": mark("sent an alert instead of a held notice"),
    "rules.proposed": mark("proposed other rules"),
    "rules.confirmed": mark("confirmed other rules"),
    "kind.proposed": mark("wrote a kind of reports"),
    "kind.confirmed": mark("confirmed a kind of reports"),
    "kind.discarded": mark("threw away a kind of reports that was being written"),
    "rules.discarded": mark("threw proposed rules away"),
    "delivery.paused": mark("paused a delivery"),
    "delivery.resumed": mark("resumed a delivery"),
    "delivery.stopped": mark("stopped a delivery"),
    "restore.seen": mark("saw what a restore holds back"),
    "clock.confirmed": mark("found the machine's clock right"),
    "residents.fetched": mark("took in LINE's friends"),
    "residents.imported": mark("imported residents from a file"),
    "residents.undone": mark("undid an import of residents"),
    "question.answered": mark("answered what residents asked"),
    "question.dropped": mark("removed sentences that need no answer"),
    "answer.withdrawn": mark("took an answer back"),
    "staff_member.added": mark("put somebody on the list of staff to call"),
    "staff_member.changed": mark("changed an entry of the list of staff to call"),
    "staff_member.removed": mark("removed somebody from the list of staff to call"),
    "staff_member.code_made": mark("made a code for joining with LINE"),
    "staff_member.joined": mark("joined the list of staff with LINE"),
    "staff_member.left": mark("left the list of staff with LINE"),
    "call_up.begun": mark("called staff to work"),
    "call_up.widened": mark("called more staff to work"),
    "call_up.asked_again": mark("asked staff again"),
    "call_up.reminded": mark("reminded staff"),
    "call_up.ended": mark("ended a call-up of staff"),
    "shelter.changed": mark("changed the state of an evacuation site"),
    "shelter.noted": mark("wrote a note from an evacuation site"),
    "shelter_link.made": mark("made a link for an evacuation site"),
    "shelter_link.revoked": mark("revoked a link of an evacuation site"),
    "lifeline.listed": mark("listed a lifeline"),
    "lifeline.changed": mark("changed a lifeline"),
    "lifeline.ended": mark("took a lifeline off the list"),
    "disaster_mode.begun": mark("switched disaster mode on"),
    "disaster_mode.ended": mark("switched disaster mode off"),
    "call_up.noted": mark("noted an answer to a call-up"),
    "call_up.exported": mark("exported the table of a call-up"),
    "api_key.added": mark("made a key for another program"),
    "report.forwarded": mark("sent a case to another office"),
    "report.forward_stopped": mark("stopped sending a case to another office"),
    "report.forward_again": mark("had a case sent to another office again"),
    "report.forward_settled": mark("decided on another office's answer"),
    "webhook.added": mark("made a webhook"),
    "webhook.on": mark("switched a webhook on"),
    "webhook.off": mark("switched a webhook off"),
    "webhook.secret_renewed": mark("gave a webhook a new secret"),
    "webhook.removed": mark("removed a webhook"),
    "api_key.revoked": mark("took the key of another program back"),
    "report.moved": mark("moved a report on"),
    "report.joined": mark("joined a report to another"),
    "report.widened": mark("took a report into a case"),
    "report.parted": mark("parted a report from its case"),
    "report.narrowed": mark("let a report go from a case"),
    "report.leads": mark("made a report lead its case"),
    "photo.turned": mark("turned a photo"),
    "team.added": mark("made a team"),
    "team.changed": mark("changed a team"),
    "work_order.made": mark("made a work order"),
    "work_order.extended": mark("put places on a work order"),
    "work_order.described": mark("wrote down what to do on a work order"),
    "work_order.shortened": mark("took a place off a work order"),
    "work_order.worked": mark("said what was done on a work order"),
    "work_order.settled": mark("looked at what a crew did"),
    "work_order_link.made": mark("made a link for a crew"),
    "work_order_link.revoked": mark("withdrew a link for a crew"),
    "patrol_place.added": mark("added a place for patrols"),
    "patrol_place.removed": mark("removed a place for patrols"),
    "report.assigned": mark("gave a report to a department"),
    "report.answered": mark("answered a report"),
    "report.told": mark("told more of a report"),
    "report.not_told": mark("told nobody of a report's new state"),
    "answer_template.changed": mark("saved a template of answers"),
    "answer_template.withdrawn": mark("took a template of answers out of the list"),
    "answer_template.restored": mark("put a template of answers back into the list"),
    "report_alarm.changed": mark("changed who hears of new reports"),
    "report.withdrawn": mark("took a part of a report back"),
    "photo.released": mark("released a photo"),
    "photo.kept_private": mark("kept a photo private"),
    "household.seen": mark("looked at a household"),
    "household.listed": mark("looked at the list of households"),
    "household.taken": mark("gave a household to somebody"),
    "household.noted": mark("noted something about a household"),
    "household.answered": mark("wrote to a household"),
    "household.done": mark("set a household to done"),
    "household.reopened": mark("opened a household again"),
    "task.made": mark("asked for a task"),
    "task.taken": mark("took a task"),
    "task.done": mark("set a task to done"),
    "task.refused": mark("refused a task"),
    "task.reopened": mark("opened a task again"),
    "task.noted": mark("noted something about a task"),
    "danger.decided": mark("decided on a danger"),
    "record.exported": mark("exported the running record"),
    "report.exported": mark("exported reports"),
    "report.entered": mark("entered a report"),
    "report.imported": mark("took in a spreadsheet of reports"),
    "report.reporter_seen": mark("looked at who reported"),
    "report.dossier_taken": mark("took a whole case as a file"),
    "report_filter.saved": mark("saved a filter of the reports for everybody"),
    "report_filter.removed": mark("removed everybody's filter of the reports"),
    "session.opened": mark("signed in"),
    "session.refused": mark("failed to sign in"),
    "session.closed": mark("signed out"),
    "session.closed_elsewhere": mark("signed out everywhere else"),
    "staff.added": mark("made an account"),
    "staff.changed": mark("changed an account"),
    "staff.password_changed": mark("changed a password"),
    "staff.reset": mark("gave a new password"),
    "staff.codes_enabled": mark("set up one-time codes"),
    "staff.codes_disabled": mark("stopped one-time codes"),
    "staff.codes_encrypted": mark("encrypted the keys of one-time codes"),
}
EARLIER_ACTIONS = {
    "alert.still-right": "alert.reviewed",
    "alert.to-unknown": "alert.sent_to_unknown",
    "alert.put-after": "alert.put_after",
    "notice.send": "notice.sent",
    "notice.publish": "notice.published",
    "notice.drop": "notice.dropped",
    "clock.right": "clock.confirmed",
    "residents.friends": "residents.fetched",
    "residents.file": "residents.imported",
    "report.state": "report.moved",
    "report.assign": "report.assigned",
    "report.answer": "report.answered",
    "report.withdraw": "report.withdrawn",
    "report.export": "report.exported",
    "sign-in": "session.opened",
    "sign-in.failed": "session.refused",
    "sign-out": "session.closed",
    "sign-out.elsewhere": "session.closed_elsewhere",
    "staff.password": "staff.password_changed",
    "staff.code-on": "staff.codes_enabled",
    "staff.code-off": "staff.codes_disabled",
    "staff.codes-encrypted": "staff.codes_encrypted",
}
"""Actions of older entries of the trail, which nobody can rename, and their names today."""


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
    known: Origin | None, names: Mapping[tuple[int, int], str], language: str
) -> list[tuple[str, str]]:
    """Return where words come from, as (kind, words); a machine, or nothing, stands alone.

    Parameters
    ----------
    known
        None for a language without words.
    names
        Names of the versions of templates.
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
        found.append(("person", CATALOGUE.text(language, message, name=known.person)))
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
