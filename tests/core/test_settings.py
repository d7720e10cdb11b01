"""Settings say which variable is wrong, in one sentence."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from core.settings import LINE_API_URL, Settings

COMPLETE = {
    "TODOKE_LINE_CHANNEL_SECRET": "secret-of-the-channel",
    "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "token-of-the-channel",
    "TODOKE_SECRET_KEY": "key-of-the-city",
}


def test_defaults_are_lines_own_addresses_and_limits() -> None:
    settings = Settings.from_environment(COMPLETE)
    assert settings.line_api_url == LINE_API_URL
    assert (settings.line_rate_multicast, settings.line_rate_push) == (200, 2000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TODOKE_LINE_CHANNEL_SECRET", ""),
        ("TODOKE_LINE_RATE_MULTICAST", "fast"),
        ("TODOKE_LINE_RATE_PUSH", "0"),
        ("TODOKE_LINE_API_URL", "file:///etc/passwd"),
        ("TODOKE_DATABASE_URL", "mysql://localhost/city"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(BadInput, match=name):
        Settings.from_environment({**COMPLETE, name: value})


def test_secrets_do_not_show_when_settings_are_logged() -> None:
    shown = repr(Settings.from_environment(COMPLETE))
    assert not [value for value in COMPLETE.values() if value in shown]
