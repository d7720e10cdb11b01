"""What requests to push services tell Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "todoke_push_requests_total",
    "Requests to push services, by service and answer",
    ["service", "answer"],
)
LATENCY = Histogram(
    "todoke_push_latency_seconds",
    "From the first byte of a request to a push service to its answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
GONE = Counter("todoke_push_gone_total", "Browsers that left, as their push service said")
