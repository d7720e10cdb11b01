"""What LINE counts itself: messages of a day, friends' ages and places, who opened a notice.

The numbers are LINE's estimates. Those of a day are ready the next day. A number of fewer than 20
residents is not given.

Source: https://developers.line.biz/en/reference/messaging-api/#get-insight
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from channels.line.client import RAW, LineClient

DEMOGRAPHIC = {
    "genders": "gender",
    "ages": "age",
    "areas": "area",
    "appTypes": "appType",
    "subscriptionPeriods": "subscriptionPeriod",
}


@dataclass(frozen=True)
class UnitNumbers:
    """Residents who saw a unit's messages, and who opened a link; None if LINE does not say."""

    opened: int | None
    tapped: int | None


async def unit_numbers(line: LineClient, unit: str, first: date, last: date) -> UnitNumbers:
    """Return what residents did with a unit's messages from ``first`` to ``last``, both included.

    LINE takes at most 30 days after the first.
    """
    found = await line.told(
        lambda sdk: sdk.insight("insight-unit").get_statistics_per_unit_with_http_info(
            custom_aggregation_unit=unit, var_from=f"{first:%Y%m%d}", to=f"{last:%Y%m%d}", **RAW
        )
    )
    overview = found.get("overview")
    overview = overview if isinstance(overview, dict) else {}
    return UnitNumbers(
        _number(overview.get("uniqueImpression")), _number(overview.get("uniqueClick"))
    )


async def messages_of(line: LineClient, day: date) -> dict[str, int] | None:
    """Return how many messages LINE sent on a day, by kind; None while it does not know."""
    found = await line.told(
        lambda sdk: sdk.insight("insight-delivery").get_number_of_message_deliveries_with_http_info(
            var_date=f"{day:%Y%m%d}", **RAW
        )
    )
    if found.get("status") != "ready":
        return None
    numbers = {name: _number(value) for name, value in found.items() if name != "status"}
    return {name: value for name, value in numbers.items() if value is not None}


async def demographic(line: LineClient) -> dict[str, float]:
    """Return percentages of friends, such as ``age:from50``; none while LINE does not know."""
    found = await line.told(
        lambda sdk: sdk.insight("insight-demographic").get_friends_demographics_with_http_info(
            **RAW
        )
    )
    if found.get("available") is not True:
        return {}
    made: dict[str, float] = {}
    for group, name in DEMOGRAPHIC.items():
        of_it = found.get(group)
        for one in of_it if isinstance(of_it, list) else ():
            share = one.get("percentage") if isinstance(one, dict) else None
            if isinstance(share, int | float) and isinstance(one.get(name), str):
                made[f"{name}:{one[name][:40]}"] = float(share)
    return made


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
