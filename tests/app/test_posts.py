"""The city's other accounts in the service: their secret addresses, and which media are set up."""

from __future__ import annotations

import pytest

from app.cli.state import _posts
from app.media import media_of
from city.city import PostAccount
from core.settings import posts
from tests.support.engine import settings_for, small_city

CITY = small_city().model_copy(
    update={"posts": tuple(PostAccount(name=name) for name in ("good", "bad-one", "missing"))}
)
SECRETS = {
    "TODOKE_POSTS_GOOD_URL": "ntfy://ntfy.example/city",
    "TODOKE_POSTS_BAD_ONE_URL": "nonsense://secret",
}


def test_check_names_each_address_that_is_missing_or_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    [missing], [wrong] = _posts(CITY)
    assert "TODOKE_POSTS_MISSING_URL is not set" in missing
    assert "TODOKE_POSTS_BAD_ONE_URL" in wrong and "secret" not in wrong
    assert _posts(small_city()) == ([], [])


def test_posts_are_set_up_if_the_city_has_accounts() -> None:
    settings = settings_for("http://127.0.0.1:1", posts=posts(SECRETS))
    assert media_of(settings, CITY).names == ("line", "posts")
    assert media_of(settings, small_city()).names == ("line",)
    assert "nonsense" not in repr(settings)
