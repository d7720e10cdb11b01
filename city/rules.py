"""Rules between the parts of ``city.toml``, beyond the type of each value.

The rules check the parsed TOML document, not the city made from it. So they work even if another
part is wrong. Values of a wrong type are skipped here; types are checked elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Set
from typing import Any
from urllib.parse import urlsplit

from city.city import MEDIA
from city.danger_words import broken_danger_words
from city.faults import suggestion
from city.kind_rules import Named, broken_kind_rules
from city.reasons import reason
from city.toml_lines import KeyPath
from core.languages import LANGUAGES
from core.reason import Reason

Finding = tuple[KeyPath, Reason]

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
TELEGRAM_TOPICS = ("weather", "earthquake", "tsunami")
"""The topics that ``feeds.jma`` uses; without one, nobody would hear its telegrams."""
INTENSITIES = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*")
_LIFF_ID = re.compile(r"\d{5,20}-[A-Za-z0-9]{4,20}")
_LISTS = (
    *("topics", "departments", "sources", "report_categories", "call_up"),
    "disaster_rules",
)
_JMA_CODES = {
    "forecast_areas": (r"\d{6}", 6),
    "quake_regions": (r"\d{3}", 3),
    "tsunami_regions": (r"\d{3}", 3),
    "rivers": (r"\d{12}", 12),
    "volcanoes": (r"\d{3}", 3),
}


def broken_rules(
    document: dict[str, Any], districts: Set[str], owners: Set[str] | None = None
) -> Iterator[Finding]:
    """Yield each broken rule: where, and why.

    Parameters
    ----------
    document
        What ``tomllib`` read.
    districts
        Codes of the city's districts, which rules may refer to.
    owners
        Codes of other offices, which kinds of reports may refer to; None if they are not known.
    """
    yield from _languages(document)
    yield from _codes(document)
    yield from broken_names(document, ())
    yield from _jma(document)
    yield from _departments(document, districts, owners)
    topics = _known(document, "topics")
    yield from _departments_of_topics(document)
    yield from _groups_of_staff(document)
    yield from _call_up(document, topics)
    yield from _chat(document)
    for place, source in _tables(document, "sources"):
        yield from _source(place, source, topics, districts)
    for place, rule in _tables(document, "disaster_rules"):
        yield from _disaster_rule(place, rule, topics, districts)
    yield from _media(document, topics)
    yield from _posts(document, topics)
    for key in ("shelter_url", "privacy_url"):
        yield from _url((key,), document.get(key))
    liff_id = document.get("liff_id")
    if isinstance(liff_id, str) and liff_id and not _LIFF_ID.fullmatch(liff_id):
        yield ("liff_id",), reason("value.liff-id", value=liff_id[:60])
    unknown = document.get("unknown_friends")
    for position, code in _texts(unknown.get("topics") if isinstance(unknown, dict) else None):
        if code not in topics:
            place = ("unknown_friends", "topics", position)
            yield place, reason("there.no-topic", topic=code, hint=suggestion(code, topics))
    yield from broken_danger_words(document.get("danger_words"), ("danger_words",))
    retention = document.get("retention")
    for key, days in retention.items() if isinstance(retention, dict) else ():
        if type(days) is int and days < 1:
            yield ("retention", key), reason("value.retention", key=key, days=days)


def _languages(document: dict[str, Any]) -> Iterator[Finding]:
    languages = document.get("languages")
    if not isinstance(languages, list):
        return
    if "ja" not in languages:
        yield ("languages",), reason("missing.japanese")
    for position, language in enumerate(languages):
        if isinstance(language, str) and language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            yield ("languages", position), reason("language.unknown", language=language, hint=hint)
        elif language in languages[:position]:
            yield ("languages", position), reason("twice.language", language=language)


def _codes(document: dict[str, Any]) -> Iterator[Finding]:
    for part in _LISTS:
        seen: set[str] = set()
        for place, table in _tables(document, part):
            code = table.get("code")
            if not isinstance(code, str):
                continue
            if not CODE.fullmatch(code):
                yield (*place, "code"), reason("value.code", value=code)
            if code in seen:
                yield (*place, "code"), reason("twice.code", code=code, part=part)
            seen.add(code)


def broken_names(value: Any, place: KeyPath) -> Iterator[Finding]:
    """Check every table of names in the document."""
    if isinstance(value, list):
        for position, inner in enumerate(value):
            yield from broken_names(inner, (*place, position))
        return
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        is_city_name = key in ("name", "emergency_phone") and not place
        if (key == "names" or is_city_name) and isinstance(inner, dict):
            yield from _one_table_of_names((*place, key), inner)
        else:
            yield from broken_names(inner, (*place, key))


def _one_table_of_names(place: KeyPath, names: dict[str, Any]) -> Iterator[Finding]:
    if "ja" not in names:
        yield place, reason("missing.ja", name=place[-1])
    for language, name in names.items():
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            yield (*place, language), reason("language.unknown", language=language, hint=hint)
        if isinstance(name, str) and not name.strip():
            yield (*place, language), reason("missing.name", language=language)


def _jma(document: dict[str, Any]) -> Iterator[Finding]:
    jma = document.get("jma")
    if not isinstance(jma, dict):
        return
    for key, (pattern, digits) in _JMA_CODES.items():
        for position, code in _texts(jma.get(key)):
            if not re.fullmatch(pattern, code):
                yield (
                    ("jma", key, position),
                    reason("value.jma-code", key=key, digits=digits, value=code),
                )
    threshold = jma.get("quake_threshold")
    if isinstance(threshold, str) and threshold not in INTENSITIES:
        allowed = " ".join(INTENSITIES)
        yield (
            ("jma", "quake_threshold"),
            reason("value.intensity", allowed=allowed, value=threshold),
        )


def _departments(
    document: dict[str, Any], districts: Set[str], owners: Set[str] | None
) -> Iterator[Finding]:
    for place, table in _tables(document, "departments"):
        email = table.get("email")
        if isinstance(email, str) and email and not _EMAIL.fullmatch(email):
            yield (*place, "email"), reason("value.mail", value=email)
    named = Named(_known(document, "departments"), districts, owners)
    for place, table in _tables(document, "report_categories"):
        yield from broken_kind_rules(table, place, named)


def _departments_of_topics(document: dict[str, Any]) -> Iterator[Finding]:
    departments = _known(document, "departments")
    for place, topic in _tables(document, "topics"):
        code = topic.get("department")
        if isinstance(code, str) and code and code not in departments:
            hint = suggestion(code, departments)
            yield (
                (*place, "department"),
                reason("there.no-department", department=code, hint=hint),
            )


def _groups_of_staff(document: dict[str, Any]) -> Iterator[Finding]:
    departments = _known(document, "departments")
    sign_in = document.get("sign_in")
    for place, group in _tables(sign_in, "groups") if isinstance(sign_in, dict) else ():
        for position, code in _texts(group.get("departments")):
            if code not in departments:
                hint = suggestion(code, departments)
                yield (
                    ("sign_in", *place, "departments", position),
                    reason("there.no-department", department=code, hint=hint),
                )


def _chat(document: dict[str, Any]) -> Iterator[Finding]:
    """Yield departments of the desk, or of its ready answers, that the city does not have."""
    chat, departments = document.get("chat"), _known(document, "departments")
    if not isinstance(chat, dict):
        return
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("departments", n), code) for n, code in _texts(chat.get("departments"))
    ]
    for n, one in enumerate(chat.get("ready") or ()):
        code = one.get("department") if isinstance(one, dict) else None
        if isinstance(code, str) and code:
            named.append((("ready", n, "department"), code))
    for place, code in named:
        if code not in departments:
            hint = suggestion(code, departments)
            why = reason("there.no-department", department=code, hint=hint)
            yield ("chat", *place), why


def _call_up(document: dict[str, Any], topics: Set[str]) -> Iterator[Finding]:
    departments = _known(document, "departments")
    for place, rule in _tables(document, "call_up"):
        intensity, level = rule.get("intensity", ""), rule.get("level", 0)
        if not intensity and not level:
            yield place, reason("missing.call-up")
        if isinstance(intensity, str) and intensity and intensity not in INTENSITIES:
            allowed = " ".join(INTENSITIES)
            yield (
                (*place, "intensity"),
                reason("value.intensity", allowed=allowed, value=intensity),
            )
        for position, code in _texts(rule.get("departments")):
            if code not in departments:
                hint = suggestion(code, departments)
                yield (
                    (*place, "departments", position),
                    reason("there.no-department", department=code, hint=hint),
                )
        for position, code in _texts(rule.get("topics")):
            if code not in topics:
                hint = suggestion(code, topics)
                yield (
                    (*place, "topics", position),
                    reason("there.no-topic", topic=code, hint=hint),
                )


def _source(
    place: KeyPath, source: dict[str, Any], topics: Set[str], districts: Set[str]
) -> Iterator[Finding]:
    kind, url = source.get("kind"), source.get("url", "")
    if kind in ("jma", "rss", "cap") and not url:
        yield (*place, "url"), reason("missing.url", kind=kind)
    elif isinstance(url, str) and url:
        yield from _url((*place, "url"), url, mail=kind == "mail")
    if kind == "jma":
        for topic in TELEGRAM_TOPICS:
            if topic not in topics:
                yield (
                    (*place, "kind"),
                    reason("there.no-telegram-topic", topic=topic),
                )
    if kind == "webhook" and not source.get("secret_setting"):
        yield (*place, "kind"), reason("missing.secret")
    if kind == "mail" and not source.get("senders"):
        yield (*place, "kind"), reason("missing.senders")
    if kind == "mail" and not source.get("hosts"):
        yield (
            (*place, "kind"),
            reason("missing.hosts"),
        )
    if kind != "cap" and source.get("certificates"):
        yield (*place, "certificates"), reason("certificate.unused")
    setting = source.get("secret_setting")
    if isinstance(setting, str) and not _SETTING.fullmatch(setting):
        yield (
            (*place, "secret_setting"),
            reason("value.setting", value=setting[:40]),
        )
    for position, host in _texts(source.get("hosts")):
        if not _HOST.fullmatch(host):
            yield (*place, "hosts", position), reason("value.host", value=host)
    for position, sender in _texts(source.get("senders")):
        if not _EMAIL.fullmatch(sender):
            yield (*place, "senders", position), reason("value.mail", value=sender)
    yield from _topic(place, source, topics)
    rules = list(_tables(source, "rules"))
    for number, (rule_place, rule) in enumerate(rules, start=1):
        yield from _rule((*place, *rule_place), rule, topics, districts)
        if not rule.get("words") and not rule.get("categories") and number < len(rules):
            yield (*place, *rule_place), reason("value.rule-of-all")


def named_certificates(document: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the files with certificates that sources name: where, and the name."""
    for place, source in _tables(document, "sources"):
        for position, name in _texts(source.get("certificates")):
            yield (*place, "certificates", position), name


def _rule(
    place: KeyPath, rule: dict[str, Any], topics: Set[str], districts: Set[str]
) -> Iterator[Finding]:
    yield from _topic(place, rule, topics)
    for key in ("words", "categories"):
        for position, word in _texts(rule.get(key)):
            if not word.strip():
                yield (*place, key, position), reason("value.empty-entry", key=key)
    for position, area in _texts(rule.get("areas")):
        if area not in districts:
            hint = suggestion(area, districts)
            yield (*place, "areas", position), reason("there.no-district", district=area, hint=hint)


def _disaster_rule(
    place: KeyPath, rule: dict[str, Any], topics: Set[str], districts: Set[str]
) -> Iterator[Finding]:
    if rule.get("level") is None and rule.get("intensity") is None:
        yield place, reason("missing.how-grave")
    intensity = rule.get("intensity")
    if isinstance(intensity, str) and intensity not in INTENSITIES:
        allowed = " ".join(INTENSITIES)
        why = reason("value.intensity", allowed=allowed, value=intensity)
        yield (*place, "intensity"), why
    for position, topic in _texts(rule.get("topics")):
        if topic not in topics:
            hint = suggestion(topic, topics)
            yield (*place, "topics", position), reason("there.no-topic", topic=topic, hint=hint)
    for position, area in _texts(rule.get("areas")):
        if area not in districts:
            hint = suggestion(area, districts)
            yield (*place, "areas", position), reason("there.no-district", district=area, hint=hint)


def _media(document: dict[str, Any], topics: Set[str]) -> Iterator[Finding]:
    by_line: list[tuple[KeyPath, dict[str, Any]]] = []
    for place, rule in _tables(document, "media"):
        medium = rule.get("medium")
        if isinstance(medium, str) and medium not in MEDIA:
            hint = suggestion(medium, MEDIA)
            yield (*place, "medium"), reason("there.no-medium", medium=medium[:40], hint=hint)
        if medium == "line":
            by_line.append((place, rule))
        for position, topic in _texts(rule.get("topics")):
            if topic not in topics:
                hint = suggestion(topic, topics)
                yield (*place, "topics", position), reason("there.no-topic", topic=topic, hint=hint)
    for _, told in _tables(document, "topics") if by_line else ():
        code, level = told.get("code"), told.get("emergency_level", 4)
        if told.get("mandatory") is not True or not isinstance(level, int):
            continue
        if not any(_fits(rule, code, level) for _, rule in by_line):
            place, _ = by_line[-1]
            yield place, reason("media.emergency-unsent", topic=str(code)[:40], level=level)


def _posts(document: dict[str, Any], topics: Set[str]) -> Iterator[Finding]:
    languages = {language for _, language in _texts(document.get("languages"))}
    seen: set[str] = set()
    for place, account in _tables(document, "posts"):
        name = account.get("name")
        if isinstance(name, str):
            if name in seen:
                yield (*place, "name"), reason("twice.account", name=name[:40])
            seen.add(name)
        spoken: list[str] = []
        for position, language in _texts(account.get("languages")):
            at = (*place, "languages", position)
            if language not in languages:
                hint = suggestion(language, languages)
                yield at, reason("language.not-of-city", language=language[:40], hint=hint)
            elif language in spoken:
                yield at, reason("twice.language", language=language)
            spoken.append(language)
        for position, topic in _texts(account.get("topics")):
            if topic not in topics:
                hint = suggestion(topic, topics)
                yield (*place, "topics", position), reason("there.no-topic", topic=topic, hint=hint)


def _fits(rule: dict[str, Any], topic: object, level: int) -> bool:
    topics, least = rule.get("topics"), rule.get("level", 0)
    return (not topics or topic in topics) and isinstance(least, int) and level >= least


def _topic(place: KeyPath, table: dict[str, Any], topics: Set[str]) -> Iterator[Finding]:
    topic = table.get("topic")
    if isinstance(topic, str) and topic not in topics:
        hint = suggestion(topic, topics)
        yield (*place, "topic"), reason("there.no-topic", topic=topic, hint=hint)


def _url(place: KeyPath, url: Any, *, mail: bool = False) -> Iterator[Finding]:
    if not isinstance(url, str) or not url:
        return
    schemes = ("imaps", "imap") if mail else ("https", "http")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield place, reason("value.no-address", value=url[:80])
        return
    if parts.scheme not in schemes or not _is_host(host) or re.search(r"\s", url):
        yield place, reason("value.scheme", value=url[:80], scheme=schemes[0])
    elif parts.password:
        yield place, reason("value.password")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


def _known(document: dict[str, Any], part: str) -> set[str]:
    codes = (table.get("code") for _, table in _tables(document, part))
    return {code for code in codes if isinstance(code, str)}


def _tables(parent: dict[str, Any], part: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    value = parent.get(part)
    for position, table in enumerate(value if isinstance(value, list) else ()):
        if isinstance(table, dict):
            yield (part, position), table


def _texts(value: Any) -> Iterator[tuple[int, str]]:
    for position, text in enumerate(value if isinstance(value, list) else ()):
        if isinstance(text, str):
            yield position, text
