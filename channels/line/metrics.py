"""What requests to LINE tell Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "todoke_line_requests_total", "Requests to LINE, by endpoint and answer", ["endpoint", "answer"]
)
LATENCY = Histogram(
    "todoke_line_latency_seconds",
    "From the first byte of a request to LINE to the end of its answer",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
