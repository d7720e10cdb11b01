"""Prometheus metrics of the feeds."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

POLLS = Counter("todoke_source_polls_total", "Polls by source and outcome", ["source", "outcome"])
POLL_SECONDS = Histogram(
    "todoke_source_poll_seconds",
    "Time a poll took, from asking to notices stored",
    ["source"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STALE_SECONDS = Gauge(
    "todoke_source_age_seconds", "Seconds since the source last answered properly", ["source"]
)
SAID_SECONDS = Gauge(
    "todoke_source_said_age_seconds",
    "Age of the newest thing that the source says of itself",
    ["source"],
)
STALE = Gauge("todoke_source_stale", "1 when the source is silent or frozen", ["source"])
FROZEN = Gauge(
    "todoke_source_frozen", "1 when the source answers, but with what is too old for it", ["source"]
)
INCIDENTS = Counter("todoke_source_incidents_total", "Times a source went stale", ["source"])
ITEMS = Counter("todoke_items_total", "Articles and telegrams taken in", ["source", "state"])
SET_ASIDE = Counter(
    "todoke_items_set_aside_total", "What could not be read and waits for staff", ["source", "kind"]
)
NOTICES = Counter("todoke_notices_total", "Notices by topic and decision", ["topic", "decision"])
TRANSLATIONS = Counter(
    "todoke_machine_translations_total", "Machine translations by outcome", ["language", "outcome"]
)
SIGNATURES = Counter(
    "todoke_alert_signatures_total", "Alerts that must be signed, by outcome", ["source", "outcome"]
)
HELD = Gauge(
    "todoke_held_notices",
    "Notices that wait for a person; alarm is yes for warnings and for what a rule of staff holds",
    ["alarm"],
)
