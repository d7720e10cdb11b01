"""Prometheus metrics of the outbox."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECIPIENTS = Counter(
    "todoke_recipients_total", "Residents, by what became of their message", ["outcome"]
)
RETRIES = Counter("todoke_batch_retries_total", "Batches tried again, by why", ["error"])
LIMITER_WAITING = Gauge(
    "todoke_limiter_waiting", "Requests waiting for their turn under a limit", ["endpoint"]
)
LIMIT = Gauge("todoke_limit_per_second", "Requests a second allowed here now", ["endpoint"])
UNAVAILABLE = Gauge(
    "todoke_channel_unavailable",
    "1 while nothing that this process asks of a medium is answered",
    ["channel"],
)
EMERGENCIES_FAILING = Gauge(
    "todoke_emergencies_failing", "Emergencies that are paused, or not taken by their medium"
)
CHANNEL_STOPPED = Gauge("todoke_channel_stopped", "1 while a channel may not send", ["channel"])
PLANNING = Histogram(
    "todoke_planning_seconds",
    "From the start of planning to the last batch",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
MAYBE_TWICE = Counter(
    "todoke_maybe_twice_total",
    "Messages sent again though the medium may have had them, and does not recognise a repeat",
    ["channel"],
)
