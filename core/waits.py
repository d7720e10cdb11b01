"""Times as counts in steps, so that days can be added: how long half took, how long 95 of 100."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

STEPS_MS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000),
)
ENDLESS = "more"


def step_of(milliseconds: float) -> str:
    """Return the step that a time falls into: the least that is not shorter."""
    return next((str(step) for step in STEPS_MS if milliseconds <= step), ENDLESS)


def in_steps(milliseconds: Iterable[float]) -> dict[str, int]:
    """Return how many times fall into each step."""
    return dict(Counter(step_of(each) for each in milliseconds))


def within(counts: Mapping[str, int], share: float) -> int | None:
    """Return the milliseconds within which a share (0 to 1) of all were done, as a step.

    None if there are none; for one that took longer than the last step, that step.
    """
    number = sum(counts.values())
    if not number:
        return None
    seen = 0
    for step in STEPS_MS:
        seen += counts.get(str(step), 0)
        if seen >= share * number:
            return step
    return STEPS_MS[-1]
