"""Read what is otherwise read at its first use, before somebody waits for it.

The catalogues of a city's languages and the pages' templates take up to half a second for whoever
comes first, and the first may be the one who sends an alert. They are read in a thread after the
start, which therefore takes no longer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog
from jinja2 import Environment

from alerts import ready_words
from bot.catalogue import WORDS as BOT_WORDS
from channels.email.words import CATALOGUE as EMAIL_WORDS
from console import presets
from console import words as console_words
from console.web import environment as console_templates
from core.languages import EASY_JAPANESE, Catalogue
from feeds.texts.compose import CATALOGUE as NOTICE_WORDS
from public.pages import environment as public_templates
from public.words import CATALOGUE as PUBLIC_WORDS
from reports import answer_words, states
from response.words import WORDS as RESPONSE_WORDS

CATALOGUES: tuple[Catalogue, ...] = (
    # What an alert needs comes first.
    *(NOTICE_WORDS, console_words.CATALOGUE, ready_words.CATALOGUE, EMAIL_WORDS),
    *(PUBLIC_WORDS, BOT_WORDS, RESPONSE_WORDS),
    *(states.CATALOGUE, answer_words.CATALOGUE, presets.CATALOGUE),
)

log = structlog.get_logger(__name__)


def warm(languages: Iterable[str], *, pages: bool) -> None:
    """Read the catalogues of a city's languages, and with ``pages`` compile all templates."""
    began = time.perf_counter()
    codes = list(dict.fromkeys(["ja", EASY_JAPANESE, *languages]))
    for catalogue in CATALOGUES:
        catalogue.load(codes)
    compiled = sum(map(_compile, (console_templates(), public_templates()))) if pages else 0
    seconds = round(time.perf_counter() - began, 2)
    log.info("service.warmed", catalogues=len(CATALOGUES), templates=compiled, duration_s=seconds)


def _compile(environment: Environment) -> int:
    """Compile every template of an environment, which keeps them; return how many there are."""
    names = environment.list_templates()
    for name in names:
        environment.get_template(name)
    return len(names)
