"""Promise 3: LINE's limits are never exceeded; so the counting itself must be exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.line.limits import RateLimit, RateLimiter, most_in_window

# Multiples of a power of two, so that sums and differences are exact.
MOMENTS = st.lists(st.integers(0, 4000), max_size=200).map(
    lambda ticks: [tick / 1024 for tick in sorted(ticks)]
)


@given(MOMENTS)
def test_the_most_in_a_window_is_what_counting_by_hand_gives(moments: list[float]) -> None:
    by_hand = max(
        (sum(1 for other in moments if start <= other < start + 1) for start in moments),
        default=0,
    )
    assert most_in_window(moments, 1.0) == by_hand


@given(MOMENTS, st.integers(1, 20))
def test_what_is_admitted_never_exceeds_the_limit(moments: list[float], most: int) -> None:
    limiter = RateLimiter({"multicast": RateLimit(most)}, enabled=True)
    admitted = [moment for moment in moments if limiter.admit("multicast", moment)]
    assert most_in_window(admitted, 1.0) <= most
    assert list(limiter.moments("multicast")) == moments
    if most_in_window(moments, 1.0) <= most:
        assert admitted == moments


def test_endpoints_do_not_share_a_limit() -> None:
    limiter = RateLimiter({"push": RateLimit(1)}, enabled=True)
    assert limiter.admit("push", 1.0)
    assert not limiter.admit("push", 1.5)
    assert limiter.admit("reply", 1.5)
    assert limiter.admit("push", 2.0)
    assert limiter.endpoints() == ["push", "reply"]
