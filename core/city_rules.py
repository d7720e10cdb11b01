"""What must hold between the parts of ``city.toml``, beyond each value's own type.

The rules look at the document as TOML gave it, not at the city made of it, so that they can
speak although some other part is wrong; what has the wrong type is passed over here, as
the types are checked elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Set
from typing import Any
from urllib.parse import urlsplit

from core.faults import suggestion
from core.languages import LANGUAGES
from core.toml_lines import KeyPath

Finding = tuple[KeyPath, str]

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
TELEGRAM_TOPICS = ("weather", "earthquake", "tsunami")
"""What ``feeds.jma`` puts telegrams on; without one, nobody would hear of them."""
INTENSITIES = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*", re.IGNORECASE)
_SETTING = re.compile(r"[A-Z][A-Z0-9_]*")
_LISTS = ("topics", "departments", "sources", "report_categories")
_JMA_CODES = {
    "forecast_areas": (r"\d{6}", "6 digits"),
    "quake_regions": (r"\d{3}", "3 digits"),
    "tsunami_regions": (r"\d{3}", "3 digits"),
    "rivers": (r"\d{12}", "12 digits"),
    "volcanoes": (r"\d{3}", "3 digits"),
}


def broken_rules(document: dict[str, Any], districts: Set[str]) -> Iterator[Finding]:
    """Yield each broken rule: where, and a sentence.

    Parameters
    ----------
    document
        What ``tomllib`` read.
    districts
        Codes of the city's districts, which rules may refer to.
    """
    yield from _languages(document)
    yield from _codes(document)
    yield from _names(document, ())
    yield from _jma(document)
    yield from _departments(document)
    topics = _known(document, "topics")
    for place, source in _tables(document, "sources"):
        yield from _source(place, source, topics, districts)
    if "shelter_url" in document:
        yield from _url(("shelter_url",), document["shelter_url"])
    retention = document.get("retention")
    for key, days in retention.items() if isinstance(retention, dict) else ():
        if type(days) is int and days < 1:
            yield ("retention", key), f"retention.{key} is at least 1 day, not {days}."


def _languages(document: dict[str, Any]) -> Iterator[Finding]:
    languages = document.get("languages")
    if not isinstance(languages, list):
        return
    if "ja" not in languages:
        yield ("languages",), "languages must have 'ja', in which the city itself speaks."
    for position, language in enumerate(languages):
        if isinstance(language, str) and language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            yield ("languages", position), f"{language!r} is not one of our languages{hint}."
        elif language in languages[:position]:
            yield ("languages", position), f"the language {language!r} is there more than once."


def _codes(document: dict[str, Any]) -> Iterator[Finding]:
    for part in _LISTS:
        seen: set[str] = set()
        for place, table in _tables(document, part):
            code = table.get("code")
            if not isinstance(code, str):
                continue
            if not CODE.fullmatch(code):
                yield (*place, "code"), f"a code is 1 to 32 of a-z, 0-9 and hyphen, not {code!r}."
            if code in seen:
                yield (*place, "code"), f"the code {code!r} is there more than once in {part}."
            seen.add(code)


def _names(value: Any, place: KeyPath) -> Iterator[Finding]:
    """Check every table of names, wherever it stands."""
    if isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _names(inner, (*place, position))
        return
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        is_city_name = key in ("name", "emergency_phone") and not place
        if (key == "names" or is_city_name) and isinstance(inner, dict):
            yield from _one_table_of_names((*place, key), inner)
        else:
            yield from _names(inner, (*place, key))


def _one_table_of_names(place: KeyPath, names: dict[str, Any]) -> Iterator[Finding]:
    if "ja" not in names:
        yield place, f"{place[-1]} must have 'ja'."
    for language, name in names.items():
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES)
            yield (*place, language), f"{language!r} is not one of our languages{hint}."
        if isinstance(name, str) and not name.strip():
            yield (*place, language), f"the name in {language!r} is empty."


def _jma(document: dict[str, Any]) -> Iterator[Finding]:
    jma = document.get("jma")
    if not isinstance(jma, dict):
        return
    for key, (pattern, digits) in _JMA_CODES.items():
        for position, code in _texts(jma.get(key)):
            if not re.fullmatch(pattern, code):
                yield ("jma", key, position), f"a code in jma.{key} has {digits}, not {code!r}."
    threshold = jma.get("quake_threshold")
    if isinstance(threshold, str) and threshold not in INTENSITIES:
        allowed = " ".join(INTENSITIES)
        yield ("jma", "quake_threshold"), f"an intensity is one of {allowed}, not {threshold!r}."


def _departments(document: dict[str, Any]) -> Iterator[Finding]:
    for place, table in _tables(document, "departments"):
        email = table.get("email")
        if isinstance(email, str) and email and not _EMAIL.fullmatch(email):
            yield (*place, "email"), f"{email!r} is not a mail address."
    departments = _known(document, "departments")
    for place, table in _tables(document, "report_categories"):
        department = table.get("department")
        if isinstance(department, str) and department not in departments:
            hint = suggestion(department, departments)
            yield (*place, "department"), f"there is no department {department!r}{hint}."


def _source(
    place: KeyPath, source: dict[str, Any], topics: Set[str], districts: Set[str]
) -> Iterator[Finding]:
    kind, url = source.get("kind"), source.get("url", "")
    if kind in ("jma", "rss", "cap") and not url:
        yield (*place, "url"), f"a source of kind {kind!r} needs an url."
    elif isinstance(url, str) and url:
        yield from _url((*place, "url"), url, mail=kind == "mail")
    if kind == "jma":
        for topic in TELEGRAM_TOPICS:
            if topic not in topics:
                yield (
                    (*place, "kind"),
                    f"its telegrams are told on the topic {topic!r}, which the city does not have.",
                )
    if kind == "webhook" and not source.get("secret_setting"):
        yield (*place, "kind"), "a webhook needs secret_setting, to check who is calling."
    if kind == "mail" and not source.get("senders"):
        yield (*place, "kind"), "a mail source needs senders, whose mail alone is taken."
    if kind == "mail" and not source.get("hosts"):
        yield (
            (*place, "kind"),
            "a mail source needs hosts: the names by which your mail server signs what it checked.",
        )
    if kind != "cap" and source.get("certificates"):
        yield (*place, "certificates"), "only a source of kind 'cap' has signatures to check."
    setting = source.get("secret_setting")
    if isinstance(setting, str) and not _SETTING.fullmatch(setting):
        yield (
            (*place, "secret_setting"),
            f"secret_setting names an environment variable, not {setting!r:.40}.",
        )
    for position, host in _texts(source.get("hosts")):
        if not _HOST.fullmatch(host):
            yield (*place, "hosts", position), f"{host!r} is not a host name."
    for position, sender in _texts(source.get("senders")):
        if not _EMAIL.fullmatch(sender):
            yield (*place, "senders", position), f"{sender!r} is not a mail address."
    yield from _topic(place, source, topics)
    rules = list(_tables(source, "rules"))
    for number, (rule_place, rule) in enumerate(rules, start=1):
        yield from _rule((*place, *rule_place), rule, topics, districts)
        if not rule.get("words") and not rule.get("categories") and number < len(rules):
            yield (*place, *rule_place), "this rule takes everything, so none after it is used."


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
                yield (*place, key, position), f"an empty entry in {key} would fit everything."
    for position, area in _texts(rule.get("areas")):
        if area not in districts:
            hint = suggestion(area, districts)
            yield (*place, "areas", position), f"{area!r} is not a district{hint}."


def _topic(place: KeyPath, table: dict[str, Any], topics: Set[str]) -> Iterator[Finding]:
    topic = table.get("topic")
    if isinstance(topic, str) and topic not in topics:
        yield (*place, "topic"), f"there is no topic {topic!r}{suggestion(topic, topics)}."


def _url(place: KeyPath, url: Any, *, mail: bool = False) -> Iterator[Finding]:
    if not isinstance(url, str) or not url:
        return
    schemes = ("imaps", "imap") if mail else ("https", "http")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield place, f"{url!r:.80} is not an address."
        return
    if parts.scheme not in schemes or not _is_host(host) or re.search(r"\s", url):
        yield place, f"{url!r:.80} must be an address that begins with {schemes[0]}://."
    elif parts.password:
        yield place, "an address must not carry a password; use secret_setting."


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
