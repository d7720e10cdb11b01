"""Write a notice's texts in sixteen languages, by rule and not by a translation machine.

From a :class:`feeds.facts.Fact`, an article or a staff alert it makes title and text by language,
with the package's catalogue, the agency's terms and readings of places.
"""

from __future__ import annotations

from feeds.texts.compose import (
    CATALOGUE,
    Texts,
    compose,
    drill_mark,
    fact_labels,
    intensity_name,
    prepare,
)
from feeds.texts.free import (
    NewsWords,
    SurveyNote,
    alert_heading,
    alert_texts,
    article_texts,
    machine_translated,
    news_texts,
    status_name,
    survey_button,
    survey_lines,
    survey_word,
    text_language,
    topic_name,
    without_topic,
)
from feeds.texts.places import place_name
from feeds.texts.terms import Term, level_name, term, terms
from feeds.texts.times import day_name, moment

__all__ = [
    "CATALOGUE",
    "NewsWords",
    "SurveyNote",
    "Term",
    "Texts",
    "alert_heading",
    "alert_texts",
    "article_texts",
    "compose",
    "day_name",
    "drill_mark",
    "fact_labels",
    "intensity_name",
    "level_name",
    "machine_translated",
    "moment",
    "news_texts",
    "place_name",
    "prepare",
    "status_name",
    "survey_button",
    "survey_lines",
    "survey_word",
    "term",
    "terms",
    "text_language",
    "topic_name",
    "without_topic",
]
