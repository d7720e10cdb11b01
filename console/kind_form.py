"""What a form says of a kind of reports, as the content of a version (``reports.kinds``)."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from city.kinds import DAYS, MOST_CHOICES
from core.languages import EASY_JAPANESE, mark
from core.text import clean, whole_number
from core.web import Form

WRITTEN_IN = ("ja", EASY_JAPANESE, "en")
"""Languages of the form; the others have a page of their own."""
DANGER_WORDS = {
    "hurt": mark("Somebody came to harm"),
    "danger": mark("Somebody may come to harm"),
    "harmless": mark("Nothing dangerous in it"),
}
WORDS_IN = ("ja", "en")
"""Languages of words of danger in the form; others stay as they are."""
BETWEEN = re.compile(r"[,、，\n]+")
MORE_AREAS, MORE_HOURS = 2, 2
"""Empty rows of a form."""
MOST_ROWS = 20
LONGEST = 1000

Content = dict[str, Any]


def kind_written(form: Form, before: Mapping[str, Any]) -> Content:
    """Return a kind with what the form of the kind itself says; its questions stay."""
    made = copy.deepcopy(dict(before))
    made["names"] = _texts(form, "name", before.get("names"))
    for key in ("department", "owner", "picture"):
        made[key] = _line(form, key)
    for key in ("danger", "at_homes"):
        made[key] = form.text(key) == "yes"
    made["published"] = form.text("published") == "yes"
    made["priority"] = _number(form, "priority") or 0
    made["order"] = _number(form, "order") or 0
    made["due_days"] = _number(form, "due_days")
    made["retention_days"] = _number(form, "retention_days")
    start, end = _line(form, "season_start"), _line(form, "season_end")
    made["season"] = {"start": start, "end": end} if start or end else None
    made["off_from"] = _line(form, "off_from") or None
    made["off_until"] = _line(form, "off_until") or None
    made["areas"] = list(_areas(form))
    made["message"] = _message(form, before.get("message") or {})
    made["danger_words"] = danger_words_written(form, before.get("danger_words") or {})
    return without_usual(made)


def question_written(form: Form, before: Mapping[str, Any]) -> Content:
    """Return one question with what its form says."""
    kind = _line(form, "type")
    made: Content = {
        "code": _line(form, "code"),
        "names": _texts(form, "name", before.get("names")),
        "type": kind,
    }
    if form.text("needed") == "yes":
        made["needed"] = True
    choices = []
    known = {choice.get("code"): choice.get("names") for choice in before.get("choices") or ()}
    for n in range(MOST_CHOICES):
        code = _line(form, f"choice-{n}-code")
        names = _texts(form, f"choice-{n}", known.get(code))
        if code or names:
            choices.append({"code": code, "names": names})
    # Choices that another kind of answer had go with it; those just typed are not lost unseen.
    if choices and (kind in ("one-of", "several-of") or choices != before.get("choices")):
        made["choices"] = choices
    return made


def with_question(
    content: Mapping[str, Any], n: int, question: Content | None, place: int
) -> Content:
    """Return a kind with its ``n``-th question written anew, added (0) or taken away (None).

    ``place`` is where it stands then, from 1.
    """
    made = copy.deepcopy(dict(content))
    questions = list(made.get("questions") or ())
    if 0 < n <= len(questions):
        del questions[n - 1]
    if question is not None:
        questions.insert(max(0, min(place, len(questions) + 1) - 1), question)
    made["questions"] = questions
    return without_usual(made)


def without_usual(content: Mapping[str, Any]) -> Content:
    """Return a kind without what is empty or as usual, as versions keep it."""
    return {
        key: value
        for key, value in content.items()
        if value not in (None, "", [], {}, 0, False)
        or (key == "published" and value is False)
        or (key == "due_days" and value == 0 and value is not False)
        or key in ("names", "department", "code")
        if not (key == "published" and value is True)
    }


def _areas(form: Form) -> Iterable[Content]:
    for n in range(MOST_ROWS):
        districts = [code for code in form.all(f"area-{n}-districts") if code][:200]
        area = {
            "department": _line(form, f"area-{n}-department"),
            "owner": _line(form, f"area-{n}-owner"),
        }
        if districts or any(area.values()):
            yield {"districts": districts, **{key: value for key, value in area.items() if value}}


def _message(form: Form, before: Mapping[str, Any]) -> Content | None:
    if form.text("has_message") != "yes":
        return None
    made: Content = {"texts": _texts(form, "message", before.get("texts"))}
    for key in ("phone", "url", "closed_phone"):
        if value := _line(form, key):
            made[key] = value
    hours = []
    for n in range(MOST_ROWS):
        days = [day for day in form.all(f"hours-{n}-days") if day in DAYS]
        start, end = _line(form, f"hours-{n}-start"), _line(form, f"hours-{n}-end")
        if days or start or end:
            hours.append({"days": days, "start": _time(start), "end": _time(end)})
    if hours:
        made["hours"] = hours
    if closed := _texts(form, "closed", before.get("closed_texts") if hours else None):
        made["closed_texts"] = closed
    return made


def danger_words_written(
    form: Form, before: Mapping[str, Any], languages: Sequence[str] = WORDS_IN
) -> Content:
    """Return words of danger as the form has them in these languages; others stay."""
    made: Content = {}
    for which in DANGER_WORDS:
        kept = {
            code: some for code, some in (before.get(which) or {}).items() if code not in languages
        }
        for code in languages:
            typed = clean(form.get(f"danger-{which}-{code}", ""))
            words = [word.strip() for word in BETWEEN.split(typed)]
            if some := list(dict.fromkeys(filter(None, words))):
                kept[code] = some
        if kept:
            made[which] = kept
    return made


def _texts(form: Form, prefix: str, before: Mapping[str, str] | None) -> dict[str, str]:
    """Return the texts of the form's languages, and those of the others as they were."""
    made = {code: text for code, text in (before or {}).items() if code not in WRITTEN_IN}
    for code in WRITTEN_IN:
        if text := clean(form.get(f"{prefix}-{code}", "")[:LONGEST]):
            made[code] = text
    # Without Japanese there is nothing that the others translate.
    return (
        made
        if "ja" in made or prefix == "name"
        else {code: text for code, text in made.items() if code in WRITTEN_IN}
    )


def _line(form: Form, name: str) -> str:
    return clean(form.text(name)[:LONGEST], line=True)


def _number(form: Form, name: str) -> int | str | None:
    """Return a whole number; None if there is none, and what was typed if it is no number."""
    text = _line(form, name)
    number = whole_number(text)
    return number if number is not None else (text or None)


def _time(text: str) -> str:
    return f"{text}:00" if len(text) == 5 else text
