"""What the outbox tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "todoke_line_requests_total", "Requests to LINE, by endpoint and answer", ["endpoint", "answer"]
)
LATENCY = Histogram(
    "todoke_line_latency_seconds",
    "From the first byte of a request to LINE to the end of its answer",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RECIPIENTS = Counter(
    "todoke_recipients_total", "Residents, by what became of their message", ["outcome"]
)
RETRIES = Counter("todoke_batch_retries_total", "Batches tried again, by why", ["error"])
LIMITER_WAITING = Gauge(
    "todoke_limiter_waiting", "Requests waiting for their turn under LINE's limit", ["endpoint"]
)
LIMIT = Gauge("todoke_limit_per_second", "Requests a second allowed here now", ["endpoint"])
CHANNEL_STOPPED = Gauge("todoke_channel_stopped", "1 while a channel may not send", ["channel"])
PLANNING = Histogram(
    "todoke_planning_seconds",
    "From the start of planning to the last batch",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
