"""Schemathesis against our own OpenAPI description of Open311: what it allows works, and what it
does not is refused in the specification's form, whatever a program sends.

The same requests at every run (``derandomize``), and no more than :data:`EXAMPLES` an operation.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from reports import open311
from reports.api_keys import add_key
from reports.open311_description import description
from tests.support.office import Office

EXAMPLES = 12
NOT_SAID = ("positive_data_acceptance", "negative_data_rejection")
"""What OpenAPI cannot say: that two dates lie at most 90 days apart, that a kind or a number is one
of this city's. And what the specification wants: an unknown parameter is passed over."""


@pytest.fixture(autouse=True)
def _served(office: Office) -> None:
    office.app.include_router(open311.router)


def operations(url: str) -> list[Any]:
    schema = schemathesis.openapi.from_dict(description(url))
    found = list(schema.get_all_operations())
    return [one.ok() for one in found if isinstance(one, Ok)]


def tried(operation: Any, url: str, key: str, mode: GenerationMode) -> int:
    """Send what the operation allows, or what it does not; return how many requests."""
    sent = 0
    load_all_checks()
    left_out: Any = CHECKS.get_by_names(NOT_SAID)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def send(case: Any) -> None:
        nonlocal sent
        sent += 1
        if isinstance(case.body, dict) and mode is GenerationMode.POSITIVE:
            case.body["api_key"] = key
        case.call_and_validate(base_url=url, excluded_checks=left_out, timeout=10)

    send()
    return sent


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_every_operation_keeps_to_its_description(
    office: Office, mode: GenerationMode
) -> None:
    async with office.database.writing() as session:
        key = await add_key(session, "A tester", actor="test", now=office.clock.now())
    url = f"{office.url}/open311/v2"
    for operation in operations(url):
        if mode is GenerationMode.NEGATIVE and operation.path.startswith("/discovery"):
            continue  # it asks for nothing that could be wrong
        assert await asyncio.to_thread(tried, operation, url, key, mode) > 0
