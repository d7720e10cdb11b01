"""Render a notice as a mail: subject, plain text and simple HTML.

The result is the same for all readers of a language. What differs for each reader (their links)
has a mark in its place, which :mod:`channels.email.compose` fills in. Every text of a drill begins
with the language's 【訓練】 (promise 5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from channels.colours import (
    DRILL_FRAME,
    INK,
    LINK_INK,
    PLAIN_GROUND,
    QUIET_INK,
    RULE,
    WHITE,
    colours,
)
from channels.email import words
from channels.notice_words import notice_words
from city.city import City, name_in
from core.languages import LANGUAGES
from core.text import clean
from feeds.models import OVER, Notice
from feeds.news_form import form_of
from feeds.short_address import short_address
from feeds.texts import drill_mark, topic_name, without_topic

SETTINGS_LINK, STOP_LINK, SAFETY_LINK = "\uf8f0", "\uf8f1", "\uf8f2"
"""Stand where a reader's own links go. They are private characters, which no notice has."""
MOST_SUBJECT = 200
MOST_TEXT = 20_000
GRAVE = 4
"""From this level on, the first paragraph is bold."""
FONT = (
    "-apple-system,'Hiragino Sans','Noto Sans JP','Noto Sans','Noto Sans Myanmar',Meiryo,sans-serif"
)
_ADDRESS = re.compile(r"https?://[^\s<>\"'、。）」]+")


def render(notice: Notice, language: str, city: City) -> list[dict[str, Any]]:
    """Return the one message of ``notice`` for a reader of ``language``.

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    spoken, title, text = notice_words(notice, language)
    title, text = clean(title, line=True), clean(text)[:MOST_TEXT]
    page = short_address(city.public_url, notice)
    plain = [title, *_plain_picture(notice, spoken, city), "", _without_title(text, title)]
    if page:
        plain += ["", f"{_say(spoken, words.TRUE)}:", page]
    card = _card(notice, spoken, title, text, city)
    if page:
        card += _button(page, _say(spoken, words.TRUE))
    if notice.emergency and notice.status not in OVER:
        tell = _say(spoken, words.TELL)
        tell = f"{drill_mark(spoken)} {tell}" if notice.drill else tell
        plain += ["", f"{tell}:", SAFETY_LINK]
        card += _button(SAFETY_LINK, tell)
    return [
        {
            "title": title[:MOST_SUBJECT],
            "plain": "\n".join([*plain, *_plain_footer(city, spoken)]),
            "html": _document(card, title, spoken, city),
            "language": LANGUAGES[spoken].tag,
            "notice": notice.id,
            "replaces": notice.replaces_id,
            "urgent": notice.emergency and not notice.drill,
        }
    ]


def render_digest(notices: Sequence[Notice], language: str, city: City) -> list[dict[str, Any]]:
    """Return one message for several notices.

    Its subject begins like a drill only if all of them are drills; each has its own mark.
    """
    if len(notices) == 1:
        return render(notices[0], language, city)
    spoken = language if language in LANGUAGES else "ja"
    subject = _say(spoken, words.SUMMARY, n=len(notices))
    if all(notice.drill for notice in notices):
        subject = f"{drill_mark(spoken)} {subject}"
    plain, cards = [subject], ""
    for notice in notices:
        said, title, text = notice_words(notice, language)
        title, text = clean(title, line=True), clean(text)[:MOST_TEXT]
        page = short_address(city.public_url, notice)
        plain += ["", "■ " + title, *_plain_picture(notice, said, city)]
        plain += [_without_title(text, title), *([page] if page else [])]
        cards += _card(notice, said, title, text, city)
    return [
        {
            "title": f"{subject} · {name_in(city.name, spoken)}"[:MOST_SUBJECT],
            "plain": "\n".join([*plain, *_plain_footer(city, spoken)]),
            "html": _document(cards, subject, spoken, city),
            "language": LANGUAGES[spoken].tag,
            "notice": None,
            "replaces": None,
            "urgent": False,
        }
    ]


def render_note(title: str, text: str, language: str, city: City) -> list[dict[str, Any]]:
    """Return one message with a few words that are no notice."""
    spoken = language if language in LANGUAGES else "ja"
    blocks = [block for block in text.split("\n\n") if block.strip()]
    heading = f'<h1 style="margin:12px 0 0;font-size:20px;color:{INK}">{escape(title)}</h1>'
    body = _panel(heading + "".join(_paragraph(block) for block in blocks))
    return [
        {
            "title": f"{title} · {name_in(city.name, spoken)}"[:MOST_SUBJECT],
            "plain": "\n".join([title, "", text, *_plain_footer(city, spoken)]),
            "html": _document(body, title, spoken, city),
            "language": LANGUAGES[spoken].tag,
            "notice": None,
            "replaces": None,
            "urgent": False,
        }
    ]


def render_confirmation(city: City, language: str, link: str, sender: str) -> tuple[str, str, str]:
    """Return the subject, plain text and HTML that ask whether an address is the asker's own."""
    name = name_in(city.name, language)
    subject = f"{name}: {_say(language, words.CONFIRM_SUBJECT)}"
    asked = _say(language, words.ASKED, city=name)
    rest = [_say(language, words.NOT_YOU), _say(language, words.ALLOW, address=sender)]
    plain = "\n".join([asked, "", link, "", *rest, ""])
    body = _paragraph(asked) + _button(link, _say(language, words.CONFIRM))
    body += "".join(_paragraph(line, quiet=True) for line in rest)
    return subject, plain, _page(_whose(city, language) + _panel(body), subject, language)


def render_stop(city: City, language: str, link: str) -> tuple[str, str, str]:
    """Return the subject, plain text and HTML with the link that ends the mails."""
    said = _say(language, words.STOP)
    subject = f"{name_in(city.name, language)}: {said}"
    plain = "\n".join([f"{said}:", link, ""])
    body = _whose(city, language) + _panel(_button(link, said))
    return subject, plain, _page(body, subject, language)


def _say(language: str, message: str, **values: object) -> str:
    return words.CATALOGUE.text(language, message, **values)


def _without_title(text: str, title: str) -> str:
    """Return the text without a first line that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if first.strip() == title and rest.strip() else text


def _plain_footer(city: City, language: str) -> list[str]:
    return [
        "",
        "-- ",
        _say(language, words.WHY, city=name_in(city.name, language)),
        f"{_say(language, words.CHANGE)}:",
        SETTINGS_LINK,
        f"{_say(language, words.STOP)}:",
        STOP_LINK,
        "",
    ]


def _card(notice: Notice, language: str, title: str, text: str, city: City) -> str:
    ground, ink, frame = colours(notice)
    topic = topic_name(notice.topic, language, city)
    border = f"border:{'4px' if frame == DRILL_FRAME else '1px'} solid {frame or RULE};"
    # Marks above and below Burmese letters need more room.
    space = max(1.4, LANGUAGES[language].script.line_space + 0.15)
    grave = notice.drill or (notice.reach >= GRAVE and notice.status not in OVER)
    head = (
        f'<div style="background:{ground};color:{ink};padding:16px 20px">'
        f'<p style="margin:0 0 4px;font-size:14px;color:{ink}">{escape(topic)}</p>'
        f'<h1 style="margin:0;font-size:22px;line-height:{space};color:{ink}">'
        f"{escape(without_topic(title, topic, language))}</h1></div>"
    )
    blocks = [b.strip("\n") for b in re.split(r"\n\s*\n", _without_title(text, title)) if b.strip()]
    last = len(blocks) - 1
    inner = "".join(
        _paragraph(block, bold=grave and place == 0, quiet=place == last and place > 0)
        for place, block in enumerate(blocks)
    )
    return (
        f'<div style="{border}border-radius:12px;overflow:hidden;margin:0 0 16px;'
        f'background:{WHITE}">{head}{_picture(notice, language, city)}'
        f'<div style="padding:4px 20px 12px">{inner}</div></div>'
    )


def _picture(notice: Notice, language: str, city: City) -> str:
    """Return the picture of news with what it shows; "" without one."""
    picture = form_of(notice).picture
    address = picture.address(city.public_url) if picture else ""
    if picture is None or not address:
        return ""
    return (
        f'<img src="{escape(address)}" alt="{escape(picture.alt(language))}" '
        f'width="{min(picture.width, 600)}" style="display:block;width:100%;height:auto">'
    )


def _plain_picture(notice: Notice, language: str, city: City) -> list[str]:
    picture = form_of(notice).picture
    address = picture.address(city.public_url) if picture else ""
    return [] if picture is None or not address else ["", f"[{picture.alt(language)}]", address]


def _paragraph(text: str, *, bold: bool = False, quiet: bool = False) -> str:
    look = f"font-size:14px;color:{QUIET_INK}" if quiet else f"font-size:16px;color:{INK}"
    weight = ";font-weight:bold" if bold else ""
    lines = "<br>".join(_with_links(line) for line in text.split("\n"))
    return f'<p style="margin:12px 0;line-height:1.7;{look}{weight}">{lines}</p>'


def _with_links(line: str) -> str:
    """Escape a line; addresses in it can be tapped."""
    made, at = [], 0
    for found in _ADDRESS.finditer(line):
        address = escape(found.group())
        made.append(escape(line[at : found.start()]))
        made.append(f'<a href="{address}" style="color:{LINK_INK}">{address}</a>')
        at = found.end()
    return "".join([*made, escape(line[at:])])


def _button(address: str, label: str) -> str:
    return (
        f'<p style="margin:16px 0;text-align:center"><a href="{escape(address)}" '
        f'style="display:inline-block;background:{PLAIN_GROUND};color:{WHITE};font-size:16px;'
        f"font-weight:bold;text-decoration:none;padding:12px 24px;border-radius:8px;"
        f'line-height:1.5">{escape(label)}</a></p>'
    )


def _panel(body: str) -> str:
    return (
        f'<div style="border:1px solid {RULE};border-radius:12px;padding:4px 20px 8px;'
        f'margin:0 0 16px;background:{WHITE}">{body}</div>'
    )


def _document(cards: str, title: str, language: str, city: City) -> str:
    name = escape(name_in(city.name, language))
    look = f"color:{LINK_INK};display:inline-block;padding:8px 0"
    footer = (
        f'<div style="font-size:14px;line-height:1.7;color:{QUIET_INK}"><p style="margin:8px 0">'
        f"{_say(language, words.WHY, city=name)}</p>"
        f'<p style="margin:0"><a href="{SETTINGS_LINK}" style="{look}">'
        f"{escape(_say(language, words.CHANGE))}</a></p>"
        f'<p style="margin:0"><a href="{STOP_LINK}" style="{look}">'
        f"{escape(_say(language, words.STOP))}</a></p></div>"
    )
    return _page(_whose(city, language) + cards + footer, title, language)


def _whose(city: City, language: str) -> str:
    """Return the line with the city's emblem, colour and name; "" if the city set none.

    The picture is the same address for everybody, so it tells nobody who reads a mail.
    """
    path, colour = city.emblem_path("png"), city.emblem.colour
    if not path and not colour:
        return ""
    picture = (
        f'<img src="{escape(city.public_url + path)}" width="32" height="32" alt="" '
        'style="vertical-align:middle;margin-right:8px">'
        if path and city.public_url
        else ""
    )
    return (
        f'<p style="margin:0 0 16px;padding:0 0 8px;border-bottom:3px solid {colour or RULE};'
        f'font-size:16px;font-weight:bold;line-height:1.7;color:{INK}">{picture}'
        f"{escape(name_in(city.name, language))}</p>"
    )


def _page(body: str, title: str, language: str) -> str:
    spoken = LANGUAGES[language]
    return (
        f'<!doctype html>\n<html lang="{spoken.tag}" dir="{spoken.script.direction}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title></head>"
        f'<body style="margin:0;padding:16px;background:#F4F6F8;font-family:{FONT}">'
        f'<div style="max-width:600px;margin:0 auto;overflow-wrap:anywhere">{body}</div>'
        "</body></html>\n"
    )
